//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/report"
	"llmtap/internal/store"
)

// sight is what a browser saw of one file in one look.
type sight struct {
	File, Look, Ground, Text string
	Console, Dialogs         []string
	Requests, Violations     []string
	Overflow, Foreign        int
	wide                     int
}

// browse opens the files in Chromium, in every look; screenshots stay in the
// cache for people to see.
func browse(t *testing.T, files ...string) []sight {
	t.Helper()
	chromium, node := peerProgram(t, "chromium"), peerProgram(t, "node")
	cache, err := peerCache()
	if err != nil {
		t.Fatal(err)
	}
	driver := filepath.Join(cache, "browser", "look.mjs") // beside node_modules, where Node looks
	text, err := os.ReadFile(filepath.Join("browser", "look.mjs"))
	if err == nil {
		err = os.WriteFile(driver, text, 0o644)
	}
	out := filepath.Join(cache, "browser", "shots")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		peerUnable(t, "playwright-core is not installed; run test/e2e/setup-peers.sh")
	}
	p := peerRun(t, nil, node, append([]string{driver, chromium, out}, files...)...)
	if code := p.exit(t, 4*time.Minute); code != 0 {
		t.Fatalf("look.mjs ended with %d: %s", code, p.err.String())
	}
	var all []sight
	if err := json.Unmarshal([]byte(p.out.String()), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 4*len(files) {
		t.Fatalf("%d looks at %d files", len(all), len(files))
	}
	for i := range all {
		all[i].wide = shotWidth(t, filepath.Join(out, strings.TrimSuffix(all[i].File, ".html")+"-"+all[i].Look+".png"))
	}
	return all
}

func shotWidth(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, err := png.DecodeConfig(f)
	if err != nil || c.Height < 400 {
		t.Errorf("%s: %v, %d high", path, err, c.Height)
	}
	return c.Width
}

// calm fails unless nothing happened that a reader would not want, and the page
// fits its screen in the colours that were asked for.
func calm(t *testing.T, s sight) {
	t.Helper()
	name := s.File + ", " + s.Look
	for what, list := range map[string][]string{"console": s.Console, "a dialog": s.Dialogs, "a request": s.Requests, "axe": s.Violations} {
		if len(list) > 0 {
			t.Errorf("%s: %s: %q", name, what, list)
		}
	}
	want := map[string]struct {
		ground string
		width  int
	}{
		"light": {"rgb(255, 255, 255)", 1180}, "dark": {"rgb(23, 22, 20)", 1180}, "phone": {"rgb(255, 255, 255)", 390}, "print": {"rgb(255, 255, 255)", 794},
	}[s.Look]
	if s.Ground != want.ground || s.wide != want.width || s.Overflow > 0 || s.Foreign > 0 {
		t.Errorf("%s: ground %s, width %d, %d pixels beyond the screen, %d foreign elements", name, s.Ground, s.wide, s.Overflow, s.Foreign)
	}
}

// TestReportInABrowser: the story of jupyter-ai#1208 as the command writes it.
func TestReportInABrowser(t *testing.T) {
	peerProgram(t, "chromium")
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "report-1208.html")
	for _, args := range [][]string{{"demo", "--once", "--state-dir", dir}, {"report", "--state-dir", dir, "-o", file}} {
		p := peerRun(t, nil, bin, args...)
		if code := p.exit(t, 30*time.Second); code != 0 {
			t.Fatalf("llmtap %s ended with %d: %s", args[0], code, p.err.String())
		}
	}
	for _, s := range browse(t, file) {
		calm(t, s)
		for _, want := range []string{"Only streamed requests fail here; plain ones work.", "stream-500-apim", "0 of 1 worked", "never seen", "What works where", "curl -sS"} {
			if !strings.Contains(s.Text, want) {
				t.Errorf("%s: %q is missing", s.Look, want)
			}
		}
	}
}

// TestHostileReportInABrowser: the whole corpus, each text in every field of a
// record and a verdict, recorded in a store and reported by the command.
func TestHostileReportInABrowser(t *testing.T) {
	peerProgram(t, "chromium")
	texts := hostileTexts(t)
	var files []string
	out := t.TempDir()
	for from := 0; from < len(texts); from += 9 {
		some := texts[from:min(len(texts), from+9)]
		file := filepath.Join(out, fmt.Sprintf("report-hostile-%d.html", from/9))
		hostileReport(t, some, file)
		files = append(files, file)
	}
	readable := 0
	for _, s := range browse(t, files...) {
		calm(t, s)
		if strings.Contains(s.Text, `"><script>alert(1)</script>`) {
			readable++
		}
	}
	if readable != 4 {
		t.Errorf("the first text of the corpus is there to read in %d of the 4 looks at its file", readable)
	}
}

func hostileTexts(t *testing.T) []string {
	t.Helper()
	var texts []string
	b, err := os.ReadFile(filepath.Join("..", "..", "internal", "report", "testdata", "hostile.json"))
	if err == nil {
		err = json.Unmarshal(b, &texts)
	}
	if err != nil || len(texts) < 30 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	return texts
}

// hostileReport records a failing and a working call and a verdict for each
// text, and has the command report them.
func hostileReport(t *testing.T, texts []string, file string) {
	t.Helper()
	dir := t.TempDir()
	now := time.Now()
	s, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "calls.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		at := now.Add(time.Duration(i-20) * time.Minute)
		good, bad := hostileCall(text, fmt.Sprintf("good%02d", i), at), hostileCall(text, fmt.Sprintf("bad%02d", i), at.Add(time.Second))
		bad.Request.Mode, bad.Request.StreamFlag = call.ModeStream, call.StreamTrue
		bad.Response.Status, bad.Diagnosis.Class, bad.Diagnosis.Severity = 500, call.ClassGatewayErrorOpaque, call.SeverityError
		f := call.Finding{
			Schema: 1, ID: fmt.Sprintf("f%02d", i), Verdict: text, State: "confirmed", Since: at, Updated: at, Target: bad.Target, Text: text,
			Evidence: call.Evidence{Failing: []string{bad.Identity.ID}, Working: []string{good.Identity.ID}}, Difference: []call.Change{{Path: text, Failing: text, Working: text}},
			Conclusion: call.Conclusion{Remedy: []string{text, "Admin: " + text}, ConfoundedBy: []string{text}},
		}
		f.Client.Name, f.Client.Version = text, text
		for _, err := range []error{s.Record(t.Context(), good), s.Record(t.Context(), bad), s.Finding(t.Context(), f)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	p := peerRun(t, nil, bin, "report", "--state-dir", dir, "-o", file)
	if code := p.exit(t, 30*time.Second); code != 0 {
		t.Fatalf("llmtap report ended with %d: %s", code, p.err.String())
	}
	if st, err := os.Stat(file); err != nil || st.Size() > report.MaxBytes {
		t.Fatalf("%v, %v", st, err)
	}
}

// hostileCall has text in every string but its id.
func hostileCall(text, id string, at time.Time) call.Record {
	r := call.Record{
		Timing: call.Timing{RequestSent: at, Headers: at.Add(time.Millisecond), FirstByte: at.Add(2 * time.Millisecond), LastByte: at.Add(3 * time.Millisecond), End: at.Add(4 * time.Millisecond)},
		End:    call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true}, Agent: call.Agent{View: call.ViewFull},
	}
	fillText(reflect.ValueOf(&r).Elem(), text)
	r.Identity.ID, r.Identity.Logical, r.Identity.Attempt, r.Identity.Start = id, id, 1, at
	r.Request.Method, r.Request.Mode, r.Request.StreamFlag = "POST", call.ModePlain, call.StreamAbsent
	r.Client.Kind, r.Response.Status, r.Diagnosis.Class = call.ClientFramework, 200, call.ClassOK
	return r
}

// fillText puts text into every string that v holds, and one element into every
// list.
func fillText(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				fillText(f, text)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillText(v.Index(0), text)
	}
}

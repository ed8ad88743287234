package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

func all() []call.Record {
	return []call.Record{plainOK(), streamOK(), issue1208(), cutStream(), distrust(), interrupted()}
}

func TestCallsTable(t *testing.T) {
	dir := recorded(t, all()...)
	r := llmtap(t, vars{}, "calls", "--state-dir", dir)
	r.wants(t, exitOK)
	golden(t, "golden/calls.txt", r.stdout)
	if r.stderr != "" {
		t.Errorf("stderr: %s", r.stderr)
	}
}

// TestTableNeverBreaks: whatever a client or a service wrote, a row is one
// line of at most 100 columns without anything that steers a terminal.
func TestTableNeverBreaks(t *testing.T) {
	long := streamOK()
	long.Identity.Attempt, long.Response.Status = 123456789, 99999
	long.Timing.End = long.Identity.Start.Add(1000 * time.Hour)
	long.Client.Name, long.Client.Surface = strings.Repeat("界", 300), strings.Repeat("e\u0301", 200)
	long.Target.Deployment = strings.Repeat("👩‍👩‍👧", 90)
	long.Identity.ID = strings.Repeat("界", 20)
	list := append(all(), hostile(), long, call.Record{})
	for _, c := range call.Classes() {
		r := plainOK()
		r.Diagnosis.Class = c
		list = append(list, r)
	}
	for _, on := range []bool{false, true} {
		var b bytes.Buffer
		if err := printCalls(&b, palette{on: on}, list); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "\n"); n != len(list)+1 {
			t.Errorf("colour %v: %d lines for %d calls", on, n, len(list))
		}
		if n := columns(b.String()); n > 100 {
			t.Errorf("colour %v: %d columns:\n%s", on, n, b.String())
		}
		if !on {
			unescaped(t, b.String())
		}
	}
}

func TestEveryClassFitsItsColumn(t *testing.T) {
	for _, c := range call.Classes() {
		r := plainOK()
		r.Diagnosis.Class = c
		var b bytes.Buffer
		if err := printCall(&b, palette{}, &r); err != nil {
			t.Fatal(err)
		}
		if name := c.String(); len(name) <= 20 && !strings.Contains(b.String(), name) {
			t.Errorf("%s is cut: %s", name, b.String())
		}
	}
}

func FuzzFit(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31mred", "界界界", "e\u0301\u0301\u0301", "\xff\xfe", "👩‍👩‍👧", "a\u202eb", "界a界"} {
		f.Add(s, 5, true)
		f.Add(s, 1, false)
	}
	f.Fuzz(func(t *testing.T, s string, width int, right bool) {
		if width < 1 || width > 200 {
			return
		}
		got := fit(s, width, right)
		if n := columns(got); n != width {
			t.Errorf("%q: %d columns, want %d", got, n, width)
		}
		unescaped(t, got)
		if strings.Contains(got, "\n") {
			t.Errorf("%q has two lines", got)
		}
	})
}

func TestFit(t *testing.T) {
	for name, tc := range map[string]struct {
		in    string
		width int
		right bool
		want  string
	}{
		"pads":              {"ab", 4, false, "ab  "},
		"pads on the left":  {"ab", 4, true, "  ab"},
		"exact":             {"abcd", 4, false, "abcd"},
		"cuts":              {"abcde", 4, false, "abc…"},
		"wide":              {"界界", 4, false, "界界"},
		"wide, cut":         {"界界界", 4, false, "界… "},
		"wide, cut exactly": {"a界界", 4, false, "a界…"},
		"marks have none":   {"e\u0301e\u0301", 2, false, "ee"},
		"control":           {"a\tb\x00", 4, false, "a b?"},
		"one column":        {"abc", 1, false, "…"},
	} {
		if got := fit(tc.in, tc.width, tc.right); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"nothing":     {"", []string{""}},
		"one line":    {"one two", []string{"one two"}},
		"two lines":   {"one two three", []string{"one two", "three"}},
		"long word":   {"a verylongword b", []string{"a", "verylongword", "b"}},
		"blanks":      {"  one\n\ttwo  ", []string{"one two"}},
		"wide runes":  {"界界 界界 a", []string{"界界", "界界 a"}},
		"exact width": {"abc defg", []string{"abc defg"}},
	} {
		if got := wrap(tc.in, 8); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestHuman(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 µs", 999 * time.Microsecond: "999 µs", time.Millisecond: "1 ms", 999 * time.Millisecond: "999 ms",
		time.Second: "1.0 s", 99 * time.Second: "99.0 s", 100 * time.Second: "1m40s", 3*time.Hour + 400*time.Millisecond: "3h0m0s",
	} {
		if got := human(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// TestColours: on a terminal only, and never under NO_COLOR.
func TestColours(t *testing.T) {
	open := func(path string) *os.File {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	tty := open("/dev/zero") // a character device, as a terminal is
	for name, tc := range map[string]struct {
		out  io.Writer
		v    vars
		want bool
	}{
		"terminal":      {tty, vars{"TERM": "xterm"}, true},
		"NO_COLOR":      {tty, vars{"TERM": "xterm", "NO_COLOR": "1"}, false},
		"dumb terminal": {tty, vars{"TERM": "dumb"}, false},
		"null device":   {open(os.DevNull), vars{"TERM": "xterm"}, false},
		"pipe":          {&bytes.Buffer{}, vars{"TERM": "xterm"}, false},
	} {
		if got := colours(environmentOf(tc.v, nil, tc.out, nil)).on; got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
	for o, code := range map[call.Outcome]string{call.OutcomeOK: ansiGreen, call.OutcomeError: ansiRed, call.OutcomeCancelled: ansiYellow} {
		if got := (palette{on: true}).outcome(o, "x"); got != code+"x"+ansiReset {
			t.Errorf("%v: got %q", o, got)
		}
		if got := (palette{}).outcome(o, "x"); got != "x" {
			t.Errorf("%v without colour: got %q", o, got)
		}
	}
	if got := (palette{on: true}).outcome(call.OutcomeUnknown, "x"); got != "x" {
		t.Errorf("unknown: got %q", got)
	}
}

func TestCallsJSON(t *testing.T) {
	dir := recorded(t, all()...)
	r := llmtap(t, vars{}, "calls", "--json", "--state-dir", dir)
	r.wants(t, exitOK)
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d lines for 6 calls", len(lines))
	}
	for i, line := range lines {
		var got call.Record
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		if want := all()[5-i].Identity.ID; got.Identity.ID != want {
			t.Errorf("line %d is %s, want %s: newest first", i, got.Identity.ID, want)
		}
	}
}

// ids runs `calls --json` and returns the last part of each id.
func ids(t *testing.T, dir string, args ...string) string {
	t.Helper()
	r := llmtap(t, vars{}, append([]string{"calls", "--json", "--state-dir", dir}, args...)...)
	r.wants(t, exitOK)
	var out []string
	for line := range strings.Lines(r.stdout) {
		var got call.Record
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		out = append(out, got.Identity.ID[13:])
	}
	return strings.Join(out, " ")
}

func TestFilters(t *testing.T) {
	dir := recorded(t, all()...)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"none":              {nil, "interrupt distrust cutstream issue1208 streamok plainok"},
		"limit":             {[]string{"--limit", "2"}, "interrupt distrust"},
		"outcome ok":        {[]string{"--outcome", "ok"}, "streamok plainok"},
		"outcome error":     {[]string{"--outcome", "error"}, "interrupt distrust cutstream issue1208"},
		"outcome cancelled": {[]string{"--outcome", "cancelled"}, ""},
		"class":             {[]string{"--class", "tls_untrusted"}, "distrust"},
		"target, host":      {[]string{"--target", "api.openai"}, "distrust"},
		"target, case":      {[]string{"--target", "GPT4", "--outcome", "ok"}, "streamok plainok"},
		"since a time":      {[]string{"--since", "2026-01-02T12:00:06Z"}, "interrupt distrust cutstream"},
		"since a minute":    {[]string{"--since", "1m"}, ""},
		"since ages":        {[]string{"--since", "30000d"}, "interrupt distrust cutstream issue1208 streamok plainok"},
	} {
		if got := ids(t, dir, tc.args...); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
	llmtap(t, vars{}, "calls", "--state-dir", dir, "--since", "1m").wants(t, exitOK, "no call matches")
}

func TestNothingRecorded(t *testing.T) {
	dir := shortDir(t)
	for _, args := range [][]string{{"calls"}, {"show", "x"}, {"tunnels"}} {
		llmtap(t, vars{}, append(args, "--state-dir", dir)...).wants(t, exitFailed, "nothing was recorded in "+dir, "llmtap run", "llmtap exec", "--state-dir")
	}
	r := llmtap(t, vars{}, "calls", "--state-dir", recorded(t))
	r.wants(t, exitOK, "no calls recorded yet; try: llmtap exec")
	if r.stdout != "" {
		t.Errorf("a table of nothing: %q", r.stdout)
	}
}

func TestStoreIsReadOnly(t *testing.T) {
	dir := recorded(t, all()...)
	before, err := os.ReadFile(dir + "/calls.db")
	if err != nil {
		t.Fatal(err)
	}
	llmtap(t, vars{}, "calls", "--state-dir", dir).wants(t, exitOK)
	llmtap(t, vars{}, "show", "plainok", "--state-dir", dir).wants(t, exitOK)
	if got, err := os.ReadFile(dir + "/calls.db"); err != nil || !bytes.Equal(got, before) {
		t.Errorf("reading changed the store (%v)", err)
	}
}

func TestFollowNeedsAnAgent(t *testing.T) {
	llmtap(t, vars{}, "calls", "--follow", "--state-dir", recorded(t, all()...)).wants(t, exitUsage, "--follow needs a running agent", "llmtap run")
}

// TestFollow: against a real agent, a call that ends while `calls --follow`
// runs appears, one that the filter excludes does not.
func TestFollow(t *testing.T) {
	dir := shortDir(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.URL.Path, "bad") {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `{"choices":[]}`)
	}))
	defer srv.Close()
	_, info := agentOn(t, dir, "--route", "svc="+srv.URL, "--route-listen", "127.0.0.1:0", "--allow-private", strings.TrimPrefix(srv.URL, "http://"), "--intercept", strings.TrimPrefix(srv.URL, "http://"))
	ask := func(path string) {
		t.Helper()
		body := strings.NewReader(`{"model":"m","messages":[]}`)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, info.BaseURL+"/svc/"+path+"/v1/chat/completions", body)
		if err != nil {
			t.Fatal(err)
		}
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	ask("first")
	eventually(t, "the first call", func() bool {
		return strings.Contains(llmtap(t, vars{}, "calls", "--state-dir", dir, "--json").stdout, "/first/")
	})
	everything := start(t, vars{}, "calls", "--follow", "--json", "--state-dir", dir)
	failures := start(t, vars{}, "calls", "--follow", "--outcome", "error", "--state-dir", dir)
	eventually(t, "the list", func() bool {
		return strings.Contains(everything.stdout.String(), "/first/") && strings.Contains(failures.stdout.String(), "TIME")
	})
	for i := range 3 {
		ask(fmt.Sprintf("good%d", i))
	}
	ask("bad")
	eventually(t, "the failure", func() bool {
		return strings.Contains(everything.stdout.String(), "/bad/") && strings.Contains(failures.stdout.String(), " 500 ")
	})
	if n := strings.Count(everything.stdout.String(), "\n"); n != 5 {
		t.Errorf("%d lines for 5 calls:\n%s", n, everything.stdout.String())
	}
	if n := strings.Count(failures.stdout.String(), "\n"); n != 2 {
		t.Errorf("a head and a failure are 2 lines, not %d:\n%s", n, failures.stdout.String())
	}
	if code := everything.stop(t); code != exitOK {
		t.Errorf("Ctrl-C ends --follow with %d: %s", code, everything.stderr.String())
	}
}

// TestFollowEndsWithTheAgent: the feed's end is no error.
func TestFollowEndsWithTheAgent(t *testing.T) {
	dir := shortDir(t)
	agent, _ := agentOn(t, dir)
	f := start(t, vars{}, "calls", "--follow", "--state-dir", dir)
	eventually(t, "the head", func() bool { return strings.Contains(f.stdout.String(), "TIME") })
	agent.stop(t)
	if code := f.wait(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, f.stderr.String())
	}
	if !strings.Contains(f.stderr.String(), "the agent has ended") {
		t.Errorf("stderr: %q", f.stderr.String())
	}
}

func TestFeedOfOddEvents(t *testing.T) {
	var got []string
	show := func(r call.Record) error { got = append(got, r.Identity.ID); return nil }
	feed := "retry: 3000\n: hello\n\nevent: started\ndata: {\"id\":\"a\"}\n\nid: 1\r\nevent: record\r\ndata: {\"schema\":1,\"id\":\"b\"}\r\n\r\nevent: finding\ndata: {}\n\n"
	if err := eachRecord(strings.NewReader(feed), show); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("end of the feed: %v", err)
	}
	if !slices.Equal(got, []string{"b"}) {
		t.Errorf("got %q, want the record only", got)
	}
	if err := eachRecord(strings.NewReader("event: record\ndata: {broken\n\n"), show); err == nil || strings.Contains(err.Error(), "EOF") {
		t.Errorf("a broken record: %v", err)
	}
}

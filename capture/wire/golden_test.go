package wire_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

var update = flag.Bool("update", false, "rewrite the wanted facts of the archives")

// exchange is one archive: a request, its answer, and what must be seen in
// them. The newline that ends a section is not part of the body.
type exchange struct {
	file    string
	line    wire.Line
	request []byte
	head    wire.ResponseHead
	whole   bool
	body    []byte
	want    string
}

// archives reads every archive below testdata.
func archives(t testing.TB) []exchange {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	var out []exchange
	for _, f := range files {
		out = append(out, readArchive(t, f))
	}
	return out
}

func readArchive(t testing.TB, file string) exchange {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	x := exchange{file: file, whole: true}
	for _, f := range a.Files {
		switch f.Name {
		case "request":
			x.readRequest(t, f.Data)
		case "response":
			x.readResponse(t, f.Data)
		case "want":
			x.want = string(f.Data)
		default:
			t.Fatalf("%s: unknown section %q", file, f.Name)
		}
	}
	return x
}

// split cuts a section at its first blank line.
func split(section []byte) (head string, body []byte) {
	h, b, _ := bytes.Cut(section, []byte("\n\n"))
	return string(h), bytes.TrimSuffix(b, []byte("\n"))
}

func (x *exchange) readRequest(t testing.TB, section []byte) {
	t.Helper()
	head, body := split(section)
	head, fields, _ := strings.Cut(head, "\n")
	method, target, ok := strings.Cut(head, " ")
	u, err := url.Parse(target)
	if err != nil || !ok {
		t.Fatalf("%s: bad request line %q", x.file, head)
	}
	port, _ := strconv.Atoi(u.Port())
	x.line = wire.Line{Method: method, Host: u.Hostname(), Port: port, Path: u.EscapedPath(), Query: u.RawQuery, Anthropic: strings.HasPrefix(fields, "anthropic-version: ")}
	x.request = body
}

func (x *exchange) readResponse(t testing.TB, section []byte) {
	t.Helper()
	head, body := split(section)
	x.body = body
	heads := map[string]string{}
	for i, l := range strings.Split(head, "\n") {
		if i == 0 {
			status, err := strconv.Atoi(l)
			if err != nil {
				t.Fatalf("%s: bad status %q", x.file, l)
			}
			x.head.Status = status
			continue
		}
		name, value, _ := strings.Cut(l, ": ")
		switch name {
		case "content-type":
			media, params, err := mime.ParseMediaType(value)
			if err != nil {
				t.Fatalf("%s: %v", x.file, err)
			}
			x.head.MediaType, x.head.NoCharset = media, params["charset"] == ""
		case "x-amzn-errortype":
			x.head.ErrorType = value
		case "end":
			x.whole = value != "short"
		case "body":
			x.body = messages(t, string(body))
		default:
			if !strings.HasPrefix(name, "x-") {
				t.Fatalf("%s: unknown line %q", x.file, l)
			}
			heads[name] = value
		}
	}
	x.head.Usage = wire.HeadUsage(func(name string) string { return heads[name] })
}

// cutter decides how many of the next bytes one push takes.
type cutter func(left int) int

func allAtOnce(left int) int { return left }
func byteByByte(int) int     { return 1 }

func randomly(seed uint64) cutter {
	r := rand.New(rand.NewPCG(seed, 7))
	return func(left int) int { return 1 + r.IntN(min(left, 40)) }
}

// pieces calls push with p in cuts. Each piece is a copy that is spoilt after
// the call, since a decoder must not keep it.
func pieces(p []byte, cut cutter, push func([]byte)) {
	for len(p) > 0 {
		n := cut(len(p))
		piece := bytes.Clone(p[:n])
		push(piece)
		for i := range piece {
			piece[i] = '#'
		}
		p = p[n:]
	}
}

// run decodes an exchange cut in some way and describes what was seen.
func (x exchange) run(cut cutter) string {
	m, llm := wire.Recognize(x.line)
	q := wire.NewRequest(m, nil)
	pieces(x.request, cut, q.Push)
	facts := q.Close()
	m, certain := m.Settle(facts)
	f, events := decode(m, facts.Mode, x, cut)
	seen := fmt.Sprintf("match: llm=%v %s\n", llm || certain, describeMatch(m)) + describeRequest(facts) + describe(f, events)
	if after := m.Answered(f); after != m {
		seen += fmt.Sprintf("answered: %s\n", describeMatch(after))
	}
	return seen
}

// decode runs the response only.
func decode(m wire.Match, mode call.Mode, x exchange, cut cutter) (wire.Facts, []wire.Kind) {
	var events []wire.Kind
	emit := func(k wire.Kind) { events = append(events, k) }
	r := wire.NewResponse(m, mode, x.head)
	pieces(x.body, cut, func(p []byte) { r.Push(p, emit) })
	r.Close(x.whole, emit)
	return r.Facts(), events
}

var kindNames = map[wire.Kind]string{
	wire.KindOther: "other", wire.KindContent: "content", wire.KindReasoning: "reasoning", wire.KindTool: "tool",
	wire.KindUsage: "usage", wire.KindFinish: "finish", wire.KindError: "error", wire.KindDone: "done",
	wire.KindKeepalive: "keepalive",
}

// kinds writes events with repeats counted: "other content*3 finish".
func kinds(events []wire.Kind) string {
	var out []string
	for i := 0; i < len(events); {
		n := 1
		for i+n < len(events) && events[i+n] == events[i] {
			n++
		}
		name := kindNames[events[i]]
		if n > 1 {
			name += "*" + strconv.Itoa(n)
		}
		out = append(out, name)
		i += n
	}
	return strings.Join(out, " ")
}

func describeMatch(m wire.Match) string {
	out := fmt.Sprintf("api=%s provider=%s operation=%s format=%s deployment=%s model=%s version=%s prefix=%s path_mode=%s confirm=%s",
		m.API, m.Provider, m.Operation, m.Format, m.Deployment, m.Model, m.APIVersion, m.RoutePrefix, m.PathMode, m.Confirm)
	if m.Rule != "" {
		out += " rule=" + m.Rule
	}
	return out
}

func describeRequest(f wire.RequestFacts) string {
	p := f.Prompt
	return fmt.Sprintf("request: mode=%s flag=%s type=%q include_usage=%s valid=%v\n", f.Mode, f.StreamFlag, f.StreamType, f.IncludeUsage, f.Valid) +
		fmt.Sprintf("asked: keys=%v params=%v model=%q null=%v messages=%d tools=%d output=%q\n",
			f.Keys, f.Params, f.Model, f.ModelNull, f.Messages, f.Tools, f.OutputType) +
		fmt.Sprintf("prompt: first=%s %.40q system=%.40q user=%d %.20q %q stop=%q\n",
			p.FirstRole, p.FirstText, p.SystemText, p.UserMessages, p.LastUserHead, last(p.LastUserTail, 20), p.Stop)
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

func describe(f wire.Facts, events []wire.Kind) string {
	u, e := f.Usage, f.Error
	out := fmt.Sprintf("body: framing=%s events=%d content=%d keepalives=%d tools=%d done=%v finish=%v errored=%v whole=%v\n",
		f.Framing, f.Events, f.ContentEvents, f.Keepalives, f.ToolCalls, f.Done, f.Finish, f.Errored, f.Whole)
	out += fmt.Sprintf("events: %s\n", kinds(events))
	out += fmt.Sprintf("answer: model=%s id=%s tier=%s fingerprint=%s reasons=%q\n", f.Model, f.ID, f.ServiceTier, f.Fingerprint, f.FinishReasons)
	out += fmt.Sprintf("usage: input=%s output=%s cached=%s write=%s reasoning=%s\n",
		amount(u.Input), amount(u.Output), amount(u.Cached), amount(u.CacheWrite), amount(u.Reasoning))
	out += fmt.Sprintf("error: shape=%s code=%s type=%s param=%s id=%s message=%q\n", e.Shape, e.Code, e.Type, e.Param, e.RequestID, e.Message)
	return out + fmt.Sprintf("oddities: %s\n", oddities(f.Oddities))
}

// amount writes a count, - if it is not known.
func amount(a call.Amount) string {
	if !a.Known {
		return "-"
	}
	return strconv.FormatInt(a.N, 10)
}

// oddities writes "name*count name".
func oddities(list []call.Oddity) string {
	var out []string
	for _, o := range list {
		name := o.Name
		if o.Count > 1 {
			name += "*" + strconv.Itoa(o.Count)
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestArchives(t *testing.T) {
	for _, x := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(x.file), ".txtar"), func(t *testing.T) {
			got := x.run(allAtOnce)
			if *update {
				rewrite(t, x.file, got)
				return
			}
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("seen at once (-want +got):\n%s", diff)
			}
		})
	}
}

func rewrite(t *testing.T, file, want string) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Files {
		if a.Files[i].Name == "want" {
			a.Files[i].Data = []byte(want)
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSplitsChangeNothing is rule W3: however the bytes arrive, the same is seen.
func TestSplitsChangeNothing(t *testing.T) {
	for _, x := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(x.file), ".txtar"), func(t *testing.T) {
			want := x.run(allAtOnce)
			if diff := cmp.Diff(want, x.run(byteByByte)); diff != "" {
				t.Errorf("byte by byte (-once +split):\n%s", diff)
			}
			for seed := range uint64(20) {
				if diff := cmp.Diff(want, x.run(randomly(seed))); diff != "" {
					t.Fatalf("random split %d (-once +split):\n%s", seed, diff)
				}
			}
		})
	}
}

// TestCutsAreSurvived ends every body after each of its bytes: nothing panics,
// no event appears that the whole body did not have, and the decoder knows that
// the answer is not whole.
func TestCutsAreSurvived(t *testing.T) {
	for _, x := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(x.file), ".txtar"), func(t *testing.T) {
			m, _ := wire.Recognize(x.line)
			_, all := decode(m, call.ModeStream, x, allAtOnce)
			for n := range len(x.body) {
				cut := x
				cut.body, cut.whole = x.body[:n], false
				f, events := decode(m, call.ModeStream, cut, allAtOnce)
				if f.Whole {
					t.Fatalf("cut after %d of %d bytes: whole", n, len(x.body))
				}
				if len(events) > len(all) {
					t.Fatalf("cut after %d bytes: %s, want a beginning of %s", n, kinds(events), kinds(all))
				}
			}
			for n := range len(x.request) {
				q := wire.NewRequest(m, nil)
				q.Push(x.request[:n])
				if f := q.Close(); f.Valid {
					t.Fatalf("request cut after %d of %d bytes: valid", n, len(x.request))
				}
			}
		})
	}
}

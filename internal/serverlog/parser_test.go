package serverlog_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"llmtap/internal/serverlog"
)

var update = flag.Bool("update", false, "write the golden files anew")

// read parses a log in pieces of at most n bytes and lets it end.
func read(log string, n int) (out []serverlog.Event, site string) {
	var p serverlog.Parser
	emit := func(e serverlog.Event) { out = append(out, e) }
	at := time.Unix(1000, 0)
	for rest := []byte(log); len(rest) > 0; {
		k := min(n, len(rest))
		p.Write(rest[:k:k], at, emit)
		rest = rest[k:]
	}
	p.End(at, emit)
	return out, p.Site()
}

// table writes events as the golden files have them.
func table(events []serverlog.Event, site string) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s took=%v rule=%s class=%s tried=%v\n", e.Surface, e.Took, e.Failure.Rule, e.Failure.Class, e.Failure.Tried)
		if e.Failure.Text != "" {
			fmt.Fprintf(&b, "    %s\n", e.Failure.Text)
		}
	}
	fmt.Fprintf(&b, "site %s\n", site)
	return b.String()
}

// part returns a file of an archive.
func part(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// recorded returns the archives of testdata by their names.
func recorded(t testing.TB) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	out := map[string]*txtar.Archive{}
	for _, f := range files {
		if out[strings.TrimSuffix(filepath.Base(f), ".txtar")], err = txtar.ParseFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestRecordedLogs: what real servers wrote, in whole and cut anywhere.
func TestRecordedLogs(t *testing.T) {
	for name, a := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			log := part(a, "log")
			got := table(read(log, len(log)))
			if *update {
				a.Files = []txtar.File{{Name: "log", Data: []byte(log)}, {Name: "events", Data: []byte(got)}}
				if err := os.WriteFile(filepath.Join("testdata", name+".txtar"), txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(part(a, "events"), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, n := range []int{1, 2, 3, 7, 61, 1000} {
				if d := cmp.Diff(got, table(read(log, n))); d != "" {
					t.Errorf("in pieces of %d bytes:\n%s", n, d)
				}
			}
			crlf := strings.ReplaceAll(log, "\n", "\r\n")
			if d := cmp.Diff(got, table(read(crlf, 64))); d != "" {
				t.Errorf("with CRLF:\n%s", d)
			}
		})
	}
}

// TestEveryRuleIsRecorded: no rule rests on hearsay.
func TestEveryRuleIsRecorded(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range recorded(t) {
		log := part(a, "log")
		events, _ := read(log, len(log))
		for _, e := range events {
			seen[e.Failure.Rule] = true
		}
	}
	for _, r := range serverlog.Rules() {
		if !seen[r.Name] {
			t.Errorf("no recorded log shows %s", r.Name)
		}
		if r.Class == "" || r.Versions == "" || len(r.Words) == 0 {
			t.Errorf("%s is not complete", r.Name)
		}
	}
}

const (
	failed = "[E 2026-11-24 13:07:18.491 AiExtension] Must provide either the `api_version` argument or the `OPENAI_API_VERSION` environment variable\n"
	done   = "[I 2026-11-24 13:07:18.494 ServerApp] Default chat handler resolved in 5 ms.\n"
)

// TestLinesThatAreAChat: the forms in which collectors and terminals pass the
// same two lines on.
func TestLinesThatAreAChat(t *testing.T) {
	prefixed := func(p string) string {
		return p + strings.Replace(failed, "Must", "1 validation error for X\n"+p+"    __root__\n"+p+"      Must", 1) + p + done
	}
	for name, log := range map[string]string{
		"bare":                 failed + done,
		"no end of line":       failed + strings.TrimSuffix(done, "\n"),
		"journal":              prefixed("Nov 24 13:07:18 hub python[123]: "),
		"container":            prefixed("2026-11-24T13:07:18.491123456Z stderr F "),
		"colours":              "\x1b[31m[E 2026-11-24 13:07:18.491 AiExtension]\x1b[m Must provide either the `api_version` or OPENAI_API_VERSION\n\x1b[32m[I 2026-11-24 13:07:18.494 ServerApp]\x1b[m Default chat handler resolved in 5 ms.\n",
		"no date":              strings.ReplaceAll(failed+done, "2026-11-24 ", ""),
		"comma before millis":  strings.ReplaceAll(failed+done, "18.49", "18,49"),
		"other lines between":  failed + "/srv/x.py:159: UserWarning: WARNING!\n  warnings.warn(\n" + done,
		"blank lines trimmed":  strings.Replace(failed, "Must", "1 validation error\n\n    __root__\n      Must", 1) + done,
		"a slow chat before":   "[I 2026-11-24 13:07:10.000 ServerApp] /help chat handler resolved in 0 ms.\n" + failed + done,
		"a chat across a day":  strings.ReplaceAll(failed, "13:07:18", "23:59:59") + strings.ReplaceAll(strings.ReplaceAll(done, "-24 13:07:18", "-25 00:00:00"), "5 ms", "600 ms"),
		"an error long before": "[E 2026-11-24 13:00:00.000 AiExtension] Unable to load embeddings model provider class from entry point `x`\n" + failed + done,
	} {
		events, _ := read(log, 1<<20)
		if len(events) != 1 || events[0].Failure.Rule != "api-version" || events[0].Surface != "chat" || events[0].Took == 0 {
			t.Errorf("%s: %+v", name, events)
		}
	}
}

// TestNearMisses: lines that name the same words and are no failed chat.
func TestNearMisses(t *testing.T) {
	for name, log := range map[string]string{
		"the words of another logger": strings.Replace(failed, "AiExtension", "LabApp", 1),
		"a warning":                   strings.Replace(failed, "[E", "[W", 1),
		"a user's print":              "Must provide either the `api_version` argument or the `OPENAI_API_VERSION` environment variable\n",
		"quoted in another entry":     "[I 2026-11-24 13:07:18.491 ServerApp] saving\n    " + failed,
		"a command without a model":   "[I 2026-11-24 13:07:18.494 ServerApp] /help chat handler resolved in 1 ms.\n",
		"a start without a package":   "[E 2026-11-24 13:07:16.394 AiExtension] Unable to load embeddings model provider class from entry point `cohere`: No module named 'langchain_cohere'.\n",
		"no number":                   "[I 2026-11-24 13:07:18.494 ServerApp] Default chat handler resolved in ten ms.\n",
		"too large a number":          "[I 2026-11-24 13:07:18.494 ServerApp] Default chat handler resolved in 99999999999999999999 ms.\n",
		"no such time":                "[E 2026-13-45 99:07:18.491 AiExtension] OPENAI_API_VERSION Must provide either the\n",
		"more behind it":              "[I 2026-11-24 13:07:18.494 ServerApp] Default chat handler resolved in 5 ms. Really.\n",
		"far from the line's start":   strings.Repeat("x", 200) + failed,
		"an open bracket only":        "[",
		"words beyond a line's bound": "[E 2026-11-24 13:07:18.491 AiExtension] " + strings.Repeat("x", 4096) + " cannot import name 'CacheableResult'\n",
		"JupyterLab's own httpx": "[W 2026-11-24 13:07:51.569 LabApp] Failed to instantiate the extension manager pypi.\n    Traceback (most recent call last):\n" +
			"    TypeError: AsyncClient.__init__() got an unexpected keyword argument 'proxies'\n",
	} {
		if events, _ := read(log, 1<<20); len(events) != 0 {
			t.Errorf("%s: %+v", name, events)
		}
	}
}

// TestFailuresFindTheirMessage: which failure belongs to which handled line.
func TestFailuresFindTheirMessage(t *testing.T) {
	e := func(at, text string) string { return "[E 2026-11-24 13:07:" + at + " AiExtension] " + text + "\n" }
	r := func(at, what string, ms int) string {
		return fmt.Sprintf("[I 2026-11-24 13:07:%s ServerApp] %s chat handler resolved in %d ms.\n", at, what, ms)
	}
	const known = "Missing credentials. Please pass AZURE_OPENAI_API_KEY"
	for name, c := range map[string]struct {
		log  string
		want []string // surface, class, rule
	}{
		"two at once":             {e("10.000", "first one") + e("10.100", known) + r("10.200", "Default", 300) + r("10.300", "/fix", 300), []string{"chat Exception ", "fix OpenAIError key-name"}},
		"known without its line":  {e("10.000", known), []string{" OpenAIError key-name"}},
		"known, and a later chat": {e("10.000", known) + r("30.000", "Default", 900), []string{" OpenAIError key-name", "chat  "}},
		"too many without a line": {strings.Repeat(e("10.000", known), 12), slicesOf(" OpenAIError key-name", 12)},
		"no text":                 {e("10.000", "") + r("10.100", "Default", 200), []string{"chat Exception "}},
		"another command fails":   {e("10.000", "boom") + r("10.100", "/learn", 200), []string{" Exception "}},
		"generate says nothing":   {r("10.100", "/generate", 5), []string{"generate  "}},
		"3, any logger":           {"[E 2026-11-24 13:07:10.000 SomeName] Error while processing message.\n    Traceback (most recent call last):\n      File \"x\"\n    a.b.KeyError: 'k'\n", []string{"chat KeyError "}},
	} {
		events, _ := read(c.log, 1<<20)
		var got []string
		for _, e := range events {
			got = append(got, e.Surface+" "+e.Failure.Class+" "+e.Failure.Rule)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func slicesOf(s string, n int) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(s+"\n", n), "\n"), "\n")
}

// TestFailuresWaitForTheirMessage: a known failure stands for itself once the
// log has been quiet, and not sooner.
func TestFailuresWaitForTheirMessage(t *testing.T) {
	var p serverlog.Parser
	var got []serverlog.Event
	emit := func(e serverlog.Event) { got = append(got, e) }
	at := time.Unix(1000, 0)
	p.Write([]byte(failed), at, emit)
	p.Flush(at.Add(time.Second), emit)
	if len(got) != 0 {
		t.Fatalf("too soon: %+v", got)
	}
	p.Flush(at.Add(2*time.Second), emit)
	if len(got) != 1 || !got[0].At.Equal(at) || got[0].Failure.Rule != "api-version" {
		t.Fatalf("%+v", got)
	}
	p.Write([]byte(done), at.Add(time.Minute), emit)
	if len(got) != 2 || !got[1].Failure.IsZero() {
		t.Errorf("one failure for two messages: %+v", got[1:])
	}
}

// TestFailuresThatWaitAreFew: a log of errors alone fills no memory.
func TestFailuresThatWaitAreFew(t *testing.T) {
	var p serverlog.Parser
	var got []serverlog.Event
	p.Write([]byte(failed+strings.Repeat(strings.Replace(failed, "Must", "may", 1), 9)), time.Unix(1000, 0), func(e serverlog.Event) { got = append(got, e) })
	if len(got) != 1 || got[0].Failure.Rule != "api-version" {
		t.Errorf("%+v", got)
	}
}

// TestExceptionClasses: read from a traceback, or told from the text.
func TestExceptionClasses(t *testing.T) {
	for text, want := range map[string]string{
		"boom": "Exception", "1 validation error for X": "ValidationError", "f() got an unexpected keyword argument 'x'": "TypeError",
		"cannot import name 'x' from 'y'": "ImportError", "No module named 'y'": "ModuleNotFoundError",
		"'NoneType' object has no attribute 'x'": "AttributeError", "ValueError: Missing API key": "ValueError",
		"litellm.exceptions.BadRequestError: x": "BadRequestError", "Error: x": "Error", "see http://x: y": "Exception",
	} {
		events, _ := read("[E 2026-11-24 13:07:18.491 AiExtension] "+text+"\n"+done, 1<<20)
		if len(events) != 1 || events[0].Failure.Class != want {
			t.Errorf("%s: %+v", text, events)
		}
	}
}

// TestTriedFailures: texts that speak of a request, as clients word them.
func TestTriedFailures(t *testing.T) {
	for text, want := range map[string]bool{
		"Error code: 500 - {'error': {'message': 'x'}}": true, "Connection error.": true, "Request timed out.": true, "": true,
		"peer closed connection without sending complete message body (incomplete chunked read)": true,
		"No generation chunks were returned":                                                     true, "litellm.APIError: AzureException APIError - x": true,
		"boom": false, "1 validation error for X": false, "'NoneType' object is not callable": false,
	} {
		events, _ := read("[E 2026-11-24 13:07:18.491 AiExtension] "+text+"\n"+done, 1<<20)
		if len(events) != 1 || events[0].Failure.Tried != want {
			t.Errorf("%q: %+v", text, events)
		}
	}
}

// TestSecretsStayInTheLog: text is redacted before it leaves the parser.
func TestSecretsStayInTheLog(t *testing.T) {
	const key = "sk-canary0123456789abcdefABCDEF0123"
	log := "[E 2026-11-24 13:07:18.491 AiExtension] bad api_key=" + key + " in https://u:" + key + "@host/?sig=" + key + "\n" + done +
		"[E 2026-11-24 13:07:10.000 X] Error while processing message.\n    Traceback (most recent call last):\n    ValueError: api_key: '" + key + "' \x1b]0;x\x07\n"
	events, _ := read(log, 1<<20)
	if len(events) != 2 {
		t.Fatalf("%+v", events)
	}
	for _, e := range events {
		if text := fmt.Sprint(e); strings.Contains(text, "canary") || strings.ContainsAny(e.Failure.Text, "\x1b\x07\n") || !strings.Contains(text, "REDACTED") {
			t.Errorf("%q", text)
		}
	}
}

// TestHugeLogs: a line of 10 MB, a traceback of 10 MB and one of 100,000
// lines; memory stays as it was and what follows is read.
func TestHugeLogs(t *testing.T) {
	big := strings.Repeat("x", 10<<20)
	traceback := "[E 2026-11-24 13:07:10.000 X] Error while processing message.\n" + strings.Repeat("      File \"/a/b.py\", line 1, in f\n", 100_000) +
		"    " + big + "\n    ImportError: cannot import name 'CacheableResult' from 'mcp.types'\n"
	for name, log := range map[string]string{
		"one line": big + "\n", "an entry's text": "[E 2026-11-24 13:07:10.000 AiExtension] " + big + "\n", "a header": strings.Repeat("[", 10<<20) + "\n",
	} {
		events, _ := read(log+failed+done, 32<<10)
		if len(events) != 1 || events[0].Failure.Rule != "api-version" {
			t.Errorf("%s: %d events, %.200v", name, len(events), events)
		}
	}
	events, _ := read(traceback, 32<<10)
	if len(events) != 1 || events[0].Failure.Rule != "cacheable-result" || len(events[0].Failure.Text) > 400 {
		t.Errorf("traceback: %.300v", events)
	}
	var p serverlog.Parser
	chunk := bytes.Repeat([]byte("x"), 32<<10)
	if n := testing.AllocsPerRun(100, func() { p.Write(chunk, time.Time{}, nil) }); n > 0 {
		t.Errorf("%v allocations for a piece of a line without end", n)
	}
}

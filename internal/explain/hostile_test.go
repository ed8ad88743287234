package explain_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// evil is text that would leave quotes, run commands, end lines or steer a
// terminal wherever it is taken at its word.
func evil() []string {
	return []string{
		`'; touch pwned; '`, `"; touch pwned; "`, "$(touch pwned)", "`touch pwned`", "${IFS}touch${IFS}pwned", `\'; touch pwned #`,
		"a\nb\r\n touch pwned", "\x1b]0;owned\x07\x1b[2J", "\u202egpj.exe\u200b", "\u009b31m", "\xff\xfe", "!!", "~root", "*", "-K /etc/passwd", "@/etc/passwd",
		"\\", "'", `"`, "\u2028touch pwned", strings.Repeat("'", 40), "😀\U000e0001", "%27;touch pwned", "<script>",
	}
}

// poisoned has the text wherever a client or a service can put it.
func poisoned(text string) call.Record {
	r := streamCall(failed(call.ClassGatewayErrorOpaque, 500))
	r.Identity.ID, r.Identity.Span = text, call.SpanContext{Trace: text, Span: text}
	r.Target.Deployment, r.Target.APIVersion = text, text
	r.Request.Path, r.Request.URL = "/"+text, "https://x/"+text+"?api-version="+text+"&"+text+"="+text
	r.Request.Keys = []string{"messages", "model", "stream", "stream_options", text}
	r.Request.Hints.BodyModel, r.Request.Hints.StreamType = text, text
	r.Request.Hints.Headers = []call.Header{{Name: "anthropic-version", Value: text}}
	value, _ := json.Marshal(text)
	r.Request.Params = []call.Param{{Name: "p", Value: string(value)}, {Name: text, Value: "1"}, {Name: "q", Value: text}, {Name: "stream_options.x", Value: string(value)}}
	r.Client = call.Client{Name: text, Version: text, SDK: text, User: text}
	r.Response.Headers = []call.Header{{Name: "x-request-id", Value: text}}
	r.Response.Error = call.Error{Shape: call.ShapeAPIM, Code: text, Type: text, Param: text, Message: text, RequestID: text}
	r.End.Reason, r.End.Detail = text, text
	r.Stream.Oddities = []call.Oddity{{Name: text, Count: 1}}
	r.Diagnosis.Text, r.Diagnosis.Reason, r.Diagnosis.Rule = text, text, text
	r.Diagnosis.Tags, r.Diagnosis.Remedy = []string{text}, []string{text, "Admin: " + text}
	return r
}

// TestHostileTextSurvivesTheShell: whatever a record holds, a shell takes the
// command apart into the words that were meant, and runs nothing else.
func TestHostileTextSurvivesTheShell(t *testing.T) {
	for _, text := range evil() {
		r := poisoned(text)
		p := explain.Curl(r)
		for name, c := range map[string]explain.Command{"as sent": p.AsSent, "changed": p.Changed} {
			if c.Text == "" {
				t.Errorf("%q: no command: %s", text, c.Missing)
				continue
			}
			if i := steers(c.Text); i >= 0 {
				t.Errorf("%q: a control character in the command: %q", text, c.Text[i:])
			}
			s := read(t, c.Text)
			var body struct {
				Model  string
				P      string
				Stream bool
			}
			if err := json.Unmarshal([]byte(s.body), &body); err != nil {
				t.Fatalf("%q: %v in %s", text, err, s.body)
			}
			if want := strings.ToValidUTF8(text, "\ufffd\ufffd"); utf8.ValidString(text) && (body.Model != want || body.P != want) {
				t.Errorf("%q became %q and %q", text, body.Model, body.P)
			}
			if body.Stream != (name == "as sent") || len(s.headers) != 2 || strings.ContainsAny(s.url, " \"`\\{}<>\n\x1b") {
				t.Errorf("%q, %s: sends %+v", text, name, s)
			}
		}
	}
}

// TestHostileTextRunsNothing in a shell that has a folder of its own.
func TestHostileTextRunsNothing(t *testing.T) {
	dir := t.TempDir()
	var script strings.Builder
	script.WriteString("curl() { :; }\n")
	for _, text := range evil() {
		p := explain.Curl(poisoned(text))
		script.WriteString(p.AsSent.Text + "\n" + p.Changed.Text + "\n")
	}
	cmd := exec.Command("sh", "-e", "-c", script.String())
	cmd.Env, cmd.Dir = secrets(), dir
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("sh: %v: %s", err, out)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("the commands left %v (%v)", left, err)
	}
}

// TestSecretOfTheShellStaysOneWord even if it holds what a shell takes apart.
func TestSecretOfTheShellStaysOneWord(t *testing.T) {
	cmd := exec.Command("sh", "-c", "curl() { printf '%s\\n' \"$#\"; }\n"+explain.Curl(plainCall()).AsSent.Text)
	cmd.Env = []string{"PATH=/usr/bin:/bin", `AZURE_OPENAI_API_KEY=a 'b' "c" $(touch pwned) *`}
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "12" {
		t.Errorf("%v: %s words", err, out)
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, "pwned")); err == nil {
		t.Error("the secret was run")
	}
}

// TestNothingSteersATerminal: not one line of all that is said.
func TestNothingSteersATerminal(t *testing.T) {
	for _, text := range evil() {
		all := everything(poisoned(text))
		if i := steers(all); i >= 0 {
			t.Errorf("%q: %q", text, all[i:min(len(all), i+40)])
		}
	}
	for in, want := range map[string]string{
		"plain": "plain", "two\nlines\tand\rmore": "two lines and more", "\x1b[2J\x07\x00\x7f": "?[2J???", "\u009b": "?", "a\u202eb\u200bc\u2028d": "abcd",
		"\xff": "?", "é 模型 😀": "é 模型 😀",
	} {
		if got := explain.Clean(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// TestSecretsNeverComeOut: what a record should not hold, yet might, is in no
// explanation: captured content, credentials in a header or an address.
func TestSecretsNeverComeOut(t *testing.T) {
	const canary = "canary-5f1e"
	for _, make := range []func(...edit) call.Record{plainCall, streamCall} {
		r := make(failed(call.ClassProviderError, 500), func(r *call.Record) {
			r.Content = call.Content{Request: canary, Response: canary}
			r.Request.URL += "&key=" + canary + "&sig=" + canary + "&token=" + canary
			r.Request.Hints.Headers = []call.Header{{Name: "authorization", Value: canary}, {Name: "api-key", Value: canary}, {Name: "anthropic-version", Value: canary}}
			r.Response.Headers = []call.Header{{Name: "set-cookie", Value: canary}, {Name: "x-request-id", Value: "r-1"}}
			r.Client.UserAgent, r.Client.User, r.Client.Address = canary, canary, canary
		})
		for _, api := range []string{"azure.openai.chat", "anthropic.messages", "gemini.generate", "bedrock.converse"} {
			r.Target.API = api
			if all := everything(r); strings.Contains(all, canary) {
				t.Errorf("%s: the canary is out:\n%s", api, all)
			}
		}
	}
}

// limits of what is said about one record, whatever is in it.
const (
	maxLines = 200
	maxBytes = 48 << 10
	maxFacts = 256 << 10
)

// TestEndlessRecordsHaveBoundedExplanations.
func TestEndlessRecordsHaveBoundedExplanations(t *testing.T) {
	long := strings.Repeat("x'\x1b模", 20000)
	r := poisoned(long)
	r.Request.Path = "/" + strings.Repeat("p", 400)
	for range 5000 {
		r.Request.Keys = append(r.Request.Keys, long)
		r.Request.Params = append(r.Request.Params, call.Param{Name: "p", Value: "1"}, call.Param{Name: "a.b", Value: "1"}, call.Param{Name: "stream_options.b", Value: "1"})
		r.Stream.Oddities = append(r.Stream.Oddities, call.Oddity{Name: long})
		r.Diagnosis.Tags = append(r.Diagnosis.Tags, long)
		r.Diagnosis.Remedy = append(r.Diagnosis.Remedy, long)
		r.Response.Headers = append(r.Response.Headers, call.Header{Name: "x-request-id", Value: long})
	}
	r.Request.URL += strings.Repeat("&a=b", 5000)
	r.Stream.Events = 1
	bounded(t, r)
}

func bounded(t *testing.T, r call.Record) {
	t.Helper()
	if facts := exchange(r); strings.Count(facts, "\n") > maxLines || len(facts) > maxFacts || steers(facts) >= 0 {
		t.Errorf("what was asked and answered has %d lines, %d bytes, steers at %d", strings.Count(facts, "\n"), len(facts), steers(facts))
	}
	all := everything(r)
	if n := strings.Count(all, "\n"); n > maxLines {
		t.Errorf("%d lines", n)
	}
	if len(all) > maxBytes {
		t.Errorf("%d bytes", len(all))
	}
	if i := steers(all); i >= 0 {
		t.Errorf("a control character: %q", all[i:min(len(all), i+40)])
	}
	for _, line := range explain.Timeline(r) {
		if n := utf8.RuneCountInString(line); n > explain.Width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// FuzzHostileText: whatever text a client or service writes, the command's body
// is the JSON that was meant and one word of the shell.
func FuzzHostileText(f *testing.F) {
	for _, text := range evil() {
		f.Add(text, 500, int64(5))
	}
	f.Fuzz(func(t *testing.T, text string, status int, ms int64) {
		r := poisoned(text)
		r.Response.Status, r.Timing.FirstContent, r.Stream.MaxGap = status, noon.Add(time.Duration(ms)), time.Duration(ms)
		bounded(t, r)
		for _, c := range []explain.Command{explain.Curl(r).AsSent, explain.Curl(r).Changed} {
			_, word, ok := strings.Cut(c.Text, "--data-raw '")
			if !ok {
				continue
			}
			word, ok = strings.CutSuffix(strings.ReplaceAll(word, `'\''`, "\x00"), "'")
			if !ok || strings.Contains(word, "'") {
				t.Fatalf("the body is not one word: %s", c.Text)
			}
			var body struct{ Model string }
			if err := json.Unmarshal([]byte(strings.ReplaceAll(word, "\x00", "'")), &body); err != nil {
				t.Fatalf("%v: %s", err, c.Text)
			}
			if utf8.ValidString(text) && text != "" && body.Model != "" && body.Model != text {
				t.Errorf("%q became %q", text, body.Model)
			}
		}
	})
}

// FuzzExplain: any record has an explanation: no panic, of bounded length, and
// harmless for a terminal; and explaining changes nothing in the record.
func FuzzExplain(f *testing.F) {
	for _, r := range []call.Record{{}, plainCall(), streamCall(), streamCall(failed(call.ClassStreamTruncated, 200)), poisoned(evil()[7]), poisoned("'")} {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"start":"2026-01-02T03:04:05Z","target":{"scheme":"https","host":"h","api":"openai.chat"},"request":{"method":"POST","path":"/x","params":{"stream":1,"model":2,"messages":"\u001b"}},"timing":{"total":-1,"headers":1e9}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again call.Record
		if json.Unmarshal(b, &r) != nil || json.Unmarshal(b, &again) != nil {
			return
		}
		bounded(t, r)
		if !reflect.DeepEqual(r, again) {
			t.Error("explaining changed the record")
		}
	})
}

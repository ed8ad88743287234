package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// shown prints a record as a pipe gets it.
func shown(t *testing.T, p palette, r call.Record, alike ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := printRecord(&b, p, &r, around{alike: alike}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestShowAnswersInOrder: what it means comes first, then what was asked and
// what came of it, then what to do, then the proof.
func TestShowAnswersInOrder(t *testing.T) {
	text := shown(t, palette{}, issue1208(), "3 other calls like it")
	at := 0
	for _, title := range []string{
		"call 01a0000000003issue1208", "This 500 was written by a gateway", "\nasked\n", "\ncame back\n", "\nwhen\n", "\nwhat the user probably saw\n",
		"\nwhat to do\n", "  → Ask for one plain answer", "  → Ask the owner of x.openai.azure.com", "\nevidence\n", "\nsimilar calls\n  3 other calls like it\n",
		"\ntry it\n", "# as it was sent", `"stream":true`, "# asking for one plain answer instead of a stream", `"stream":false`, "llmtap diff 01a0000000003issue1208",
	} {
		i := strings.Index(text[at:], title)
		if i < 0 {
			t.Fatalf("%q is missing, or not in its place, in\n%s", title, text)
		}
		at += i
	}
}

// TestShowOfGoodCallsIsShort: nothing to see, nothing to do.
func TestShowOfGoodCallsIsShort(t *testing.T) {
	for name, r := range map[string]call.Record{"plain": plainOK(), "stream": streamOK()} {
		text := shown(t, palette{}, r)
		for _, title := range []string{"what the user probably saw", "what to do", "similar calls", "llmtap diff"} {
			if strings.Contains(text, title) {
				t.Errorf("%s: %q in\n%s", name, title, text)
			}
		}
	}
}

// TestShowSaysWhomAdviceIsFor beside each text but the user's own.
func TestShowSaysWhomAdviceIsFor(t *testing.T) {
	r := issue1208()
	r.Diagnosis.Remedy = []string{"API owner: mend it.", "Admin: raise the limit.", "Turn it off."}
	text := shown(t, palette{}, r)
	if want := "\nwhat to do\n  → Turn it off.\n  → Admin: raise the limit.\n  → API owner: mend it.\n"; !strings.Contains(text, want) {
		t.Errorf("got\n%s", text)
	}
}

// TestShowPaintsWithoutChangingTheText.
func TestShowPaintsWithoutChangingTheText(t *testing.T) {
	for name, r := range sixRecords() {
		plain, painted := shown(t, palette{}, r), shown(t, palette{on: true}, r)
		if strings.Contains(plain, "\x1b") || !strings.Contains(painted, ansiBold) {
			t.Errorf("%s: colour in a pipe, or none on a terminal", name)
		}
		if got := regexp.MustCompile(`\x1b\[[0-9]*m`).ReplaceAllString(painted, ""); got != plain {
			t.Errorf("%s: painted text differs:\n%s", name, got)
		}
	}
}

// TestShowCountsSimilarCalls in the store, and the same through the agent.
func TestShowCountsSimilarCalls(t *testing.T) {
	list := fresh(all())
	for i, id := range []string{"01a0000000008again", "01a0000000009again"} {
		r := issue1208()
		r.Identity.ID, r.Identity.Logical, r.Identity.Start = id, id, list[0].Identity.Start.Add(time.Duration(i)*time.Second)
		list = append(list, r)
	}
	dir := recorded(t, list...)
	const alike, fared = "2 other calls of this target ended as gateway_error_opaque, the first at ", "of 4 other streamed calls 1 worked; of 2 other plain calls 1 worked"
	llmtap(t, vars{}, "show", "issue1208", "--state-dir", dir).wants(t, exitOK, alike, fared)
	agentOn(t, dir)
	llmtap(t, vars{}, "show", "issue1208", "--state-dir", dir).wants(t, exitOK, alike, fared)
}

// forgetful is a source that fails to list calls.
type forgetful struct{ source }

func (forgetful) Calls(context.Context, call.Query) ([]call.Record, error) {
	return nil, errors.New("the agent went away")
}

// crowded is a source that is asked for more calls than it gives at once.
type crowded struct{ source }

func (crowded) Calls(_ context.Context, q call.Query) ([]call.Record, error) {
	if q.Target != "gpt4" || !q.Since.Equal(issue1208().Identity.Start.Add(-24*time.Hour)) {
		return nil, errors.New("asked for other calls")
	}
	return slices.Repeat([]call.Record{plainOK()}, q.Limit), nil
}

func TestShowSaysWhatItCouldNotCount(t *testing.T) {
	r := issue1208()
	if got := alike(t.Context(), forgetful{}, &r); !slices.Equal(got, []string{"not known: the agent went away"}) {
		t.Errorf("got %q", got)
	}
	want := []string{"no other call of this target ended as gateway_error_opaque", "of 1 other plain call 1 worked", "counted among the newest 1000"}
	if got := alike(t.Context(), crowded{}, &r); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestShowCommandsAreCopied: what stands under "try it" runs as it is printed,
// with its comments and its indentation.
func TestShowCommandsAreCopied(t *testing.T) {
	r := issue1208()
	r.Request.Hints.BodyModel, r.Request.Keys = "it's", []string{"messages", "model", "stream", "temperature", "top_p", "max_tokens"}
	r.Request.Params = []call.Param{{Name: "max_tokens", Value: "100"}, {Name: "temperature", Value: "0.7"}, {Name: "top_p", Value: "1"}}
	_, try, _ := strings.Cut(shown(t, palette{}, r), "\ntry it\n")
	cmd := exec.Command("sh", "-e", "-c", "curl() { echo \"curl $#\"; }\nllmtap() { echo \"llmtap $*\"; }\n"+try)
	cmd.Env, cmd.Dir = []string{"PATH=/usr/bin:/bin", "AZURE_OPENAI_API_KEY=k"}, t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "curl 12\ncurl 12\nllmtap diff 01a0000000003issue1208\n" {
		t.Errorf("%v: %s in\n%s", err, out, try)
	}
}

// TestShowHidesContent: neither sheet knows what was said, even if it was kept.
func TestShowHidesContent(t *testing.T) {
	const canary = "canary-77c1"
	for name, r := range sixRecords() {
		r.Content = call.Content{Request: canary, Response: canary}
		r.Request.Hints.Headers = []call.Header{{Name: "authorization", Value: canary}}
		if strings.Contains(shown(t, palette{on: true}, r), canary) {
			t.Errorf("%s shows content", name)
		}
	}
}

// TestShowWrapsLongFacts and keeps an address whole, to be copied.
func TestShowWrapsLongFacts(t *testing.T) {
	r := issue1208()
	r.Response.Error.Message = strings.Repeat("word ", 60)
	r.Request.Keys = slices.Repeat([]string{"a_rather_long_key"}, 20)
	for line := range strings.Lines(shown(t, palette{}, r)) {
		if n := columns(line); n > 100 && !strings.Contains(line, "https://") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if text := shown(t, palette{}, r); !strings.Contains(text, "\n  target        POST https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21\n") {
		t.Errorf("the address is broken:\n%s", text)
	}
}

package explain_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// noon is when the recorded calls of the tests begin.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func after(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// edit changes a record for one case.
type edit func(*call.Record)

// plainCall is a direct call of an Azure deployment that worked.
func plainCall(edits ...edit) call.Record {
	r := call.Record{
		Identity: call.Identity{ID: "01plain", Start: noon, Logical: "01plain", Attempt: 1},
		Target: call.Target{
			Scheme: "https", Host: "x.openai.azure.com", Port: 443, Provider: "azure.ai.openai", API: "azure.openai.chat", Deployment: "gpt4",
			Model: "gpt4", APIVersion: "2024-10-21", Auth: call.Auth{Scheme: "api_key"},
		},
		Client: call.Client{Kind: call.ClientDirect, Name: "openai-python", SDK: "openai-python", SDKVersion: "2.8.1"},
		Request: call.Request{
			Method: "POST", Path: "/openai/deployments/gpt4/chat/completions",
			URL:  "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21",
			Mode: call.ModePlain, StreamFlag: call.StreamAbsent, Keys: []string{"messages"}, Messages: 1,
		},
		Response: call.Response{
			Status: 200, Origin: "upstream", Body: call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON},
		},
		Timing:    call.Timing{RequestSent: after(1), Headers: after(350), FirstByte: after(351), LastByte: after(352), End: after(353)},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{View: call.ViewFull},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
	}
	for _, e := range edits {
		e(&r)
	}
	return r
}

// streamCall is the same as a stream that worked.
func streamCall(edits ...edit) call.Record {
	r := plainCall()
	r.Identity.ID, r.Identity.Logical = "01stream", "01stream"
	r.Request.Mode, r.Request.StreamFlag, r.Request.Keys = call.ModeStream, call.StreamTrue, []string{"messages", "stream"}
	r.Response.Body = call.BodyFacts{ContentType: "text/event-stream", Framing: call.FramingSSE}
	r.Timing = call.Timing{RequestSent: after(1), Headers: after(200), FirstByte: after(201), FirstContent: after(350), LastByte: after(2900), End: after(2901)}
	r.Stream = call.Stream{Events: 42, ContentEvents: 40, Bursts: 41, LargestBurst: 2, MaxGap: 400 * time.Millisecond, Done: true, Finish: true}
	for _, e := range edits {
		e(&r)
	}
	return r
}

// failed gives a record a class and an error status.
func failed(class call.Class, status int) edit {
	return func(r *call.Record) {
		r.Diagnosis = call.Diagnosis{Class: class, Severity: call.SeverityError}
		r.Response.Status = status
	}
}

// by makes a client the caller.
func by(c call.Client) edit { return func(r *call.Record) { r.Client = c } }

// secrets are what the user's shell holds when a command is tried.
func secrets() []string {
	return []string{
		"PATH=/usr/bin:/bin", "AZURE_OPENAI_API_KEY=azure-key", "AZURE_OPENAI_AD_TOKEN=azure-token", "OPENAI_API_KEY=openai-key", "ANTHROPIC_API_KEY=anthropic-key",
		"GEMINI_API_KEY=gemini-key", "GOOGLE_ACCESS_TOKEN=google-token", "GROQ_API_KEY=groq-key", "MISTRAL_API_KEY=mistral-key", "CO_API_KEY=cohere-key",
		"AWS_ACCESS_KEY_ID=aws-id", "AWS_SECRET_ACCESS_KEY=aws-secret", "AWS_SESSION_TOKEN=aws-session", "AWS_BEARER_TOKEN_BEDROCK=aws-bearer",
		"AZURE_AI_TOKEN=ai-token", "DEEPSEEK_API_KEY=deepseek-key", "XAI_API_KEY=xai-key", "PERPLEXITY_API_KEY=perplexity-key", "HF_TOKEN=hf-token", "OLLAMA_API_KEY=ollama-key",
	}
}

// words has a real shell take a command apart.
func words(t *testing.T, text string) []string {
	t.Helper()
	cmd := exec.Command("sh", "-c", "curl() { for a in \"$@\"; do printf '%s\\0' \"$a\"; done; }\n"+text)
	cmd.Env, cmd.Dir = secrets(), t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sh: %v: %s in\n%s", err, out, text)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// everything is all that can be said about a record.
func everything(r call.Record) string {
	var b strings.Builder
	say := func(lines ...string) { b.WriteString(strings.Join(lines, "\n") + "\n") }
	say(explain.Headline(r), explain.Ending(r), explain.Seen(r), explain.Quote(r))
	say(explain.Timeline(r)...)
	for _, s := range explain.Advice(r) {
		say(string(s.Who) + ": " + s.Text)
	}
	for _, f := range explain.Evidence(r) {
		say(f.Name + ": " + f.Text)
	}
	say(explain.IDs(r)...)
	say(explain.Likeness(r, []call.Record{r})...)
	p := explain.Curl(r)
	say(p.Change, p.AsSent.Text, p.AsSent.Missing, p.Changed.Text)
	say(p.AsSent.LeftOut...)
	say(p.Changed.LeftOut...)
	return b.String()
}

// exchange is what was asked and answered. It names the user and what a service
// wrote, so that it is for those who may see the call.
func exchange(r call.Record) string {
	var b strings.Builder
	for _, list := range [][]explain.Fact{explain.Asked(r), explain.Answered(r)} {
		for _, f := range list {
			b.WriteString(f.Name + ": " + f.Text + "\n")
		}
	}
	return b.String()
}

// steers finds what would act on a terminal.
func steers(text string) int {
	return strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar)
	})
}

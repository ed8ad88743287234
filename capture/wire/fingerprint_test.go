package wire_test

import (
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// unnamedPath is one that no row of the table has.
const unnamedPath = "/corp/ask"

// guessed is what the body alone tells of a request, and the mode it asks for.
func guessed(t testing.TB, l wire.Line, body string) (wire.Match, wire.RequestFacts, bool) {
	t.Helper()
	l.Method = "POST"
	m, llm := wire.Recognize(l)
	q := wire.NewRequest(m, nil)
	q.Push([]byte(body))
	f := q.Close()
	m, certain := m.Settle(f)
	return m, f, llm || certain
}

// TestFingerprints has a hit and near misses of every row of the table of
// fingerprints. What is "open" is left to the answer.
func TestFingerprints(t *testing.T) {
	const none = "- - - -"
	for _, tt := range []struct {
		name, body, want string
		mode             call.Mode
	}{
		{"chat", `{"model":"m","messages":[{"role":"user","content":"x"}]}`, "openai.chat openai_compatible chat openai.chat", call.ModePlain},
		{"chat, model last", `{"messages":[{"content":"x","role":"system"}],"stream":true,"model":"m"}`, "openai.chat openai_compatible chat openai.chat", call.ModeStream},
		{"chat, model elsewhere", `{"messages":[{"role":"user","content":"x"}],"temperature":0}`, "openai.chat openai_compatible chat openai.chat", call.ModePlain},
		{"chat near: messages alone", `{"messages":[{"role":"user","content":"x"}]}`, none, call.ModeUnknown},
		{"chat near: nobody speaks", `{"model":"car","messages":[{"text":"x"}]}`, none, call.ModePlain},
		{"chat near: other roles", `{"model":"m","messages":[{"role":"driver","content":"x"}]}`, none, call.ModePlain},
		{"chat near: texts", `{"model":"m","messages":["x"]}`, none, call.ModePlain},
		{"chat near: nested", `{"model":"m","a":{"messages":[{"role":"user","content":"x"}]}}`, none, call.ModePlain},
		{"chat near: another case", `{"model":"m","Messages":[{"role":"user","content":"x"}]}`, none, call.ModePlain},
		{"chat near: cut", `{"model":"m","messages":[{"role":"user","content":"x"}]`, none, call.ModeUnknown},
		{"chat near: a list", `[{"model":"m","messages":[{"role":"user","content":"x"}]}]`, none, call.ModeUnknown},
		{"Anthropic by its system prompt", `{"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":"x"}]}`, "anthropic.messages - chat anthropic", call.ModePlain},
		{"Anthropic by its version", `{"anthropic_version":"2023-06-01","messages":[{"role":"user","content":"x"}],"stream":true}`, "anthropic.messages - chat anthropic", call.ModeStream},
		{"Anthropic near: no limit", `{"model":"m","system":"s","messages":[{"role":"user","content":"x"}]}`, "openai.chat openai_compatible chat openai.chat", call.ModePlain},
		{"Anthropic for Vertex AI", `{"anthropic_version":"vertex-2023-10-16","messages":[{"role":"user","content":"x"}],"max_tokens":9}`, "vertex.anthropic - chat anthropic", call.ModePlain},
		{"Anthropic for Bedrock", `{"anthropic_version":"bedrock-2023-05-31","messages":[{"role":"user","content":"x"}],"max_tokens":9}`, "bedrock.invoke - chat bedrock.invoke", call.ModeUnknown},
		{"Converse", `{"messages":[{"role":"user","content":[{"text":"x"}]}],"inferenceConfig":{"maxTokens":9}}`, "bedrock.converse - chat bedrock.converse", call.ModeUnknown},
		{"Converse near: Nova's own", `{"schemaVersion":"messages-v1","messages":[{"role":"user","content":[{"text":"x"}]}],"inferenceConfig":{"maxTokens":9}}`, none, call.ModeUnknown},
		{"Ollama chat", `{"model":"m","messages":[{"role":"user","content":"x"}],"options":{"num_ctx":1}}`, "ollama.chat - chat ollama", call.ModeStream},
		{"Ollama chat, plain", `{"model":"m","messages":[{"role":"user","content":"x"}],"keep_alive":0,"stream":false}`, "ollama.chat - chat ollama", call.ModePlain},
		{"Cohere", `{"model":"m","messages":[{"role":"user","content":"x"}],"safety_mode":"OFF"}`, "cohere.chat - chat cohere", call.ModePlain},
		{"Cohere 1", `{"message":"x","chat_history":[{"role":"USER","message":"y"}],"stream":true}`, "cohere.v1 - chat cohere", call.ModeStream},
		{"Cohere 1 near: any message", `{"message":"x","user":"y"}`, none, call.ModeUnknown},
		{"Gemini", `{"contents":[{"role":"user","parts":[{"text":"x"}]}]}`, "gemini.generate - generate_content gemini", call.ModeUnknown},
		{"Gemini near: no parts", `{"contents":[{"text":"x"}]}`, none, call.ModePlain},
		{"Gemini near: one text", `{"contents":"x"}`, none, call.ModePlain},
		{"Gemini near: parts apart", `{"contents":[],"parts":[{"text":"x"}]}`, none, call.ModePlain},
		{"Responses, items", `{"model":"m","input":[{"role":"user","content":"x"}]}`, "openai.responses openai_compatible chat openai.responses", call.ModePlain},
		{"Responses, text", `{"model":"m","input":"x","instructions":"y","stream":true}`, "openai.responses openai_compatible chat openai.responses", call.ModeStream},
		{"Responses near: speech", `{"model":"m","input":"x","instructions":"y","voice":"owl"}`, none, call.ModeUnknown},
		{"embeddings", `{"model":"m","input":"x","encoding_format":"base64"}`, "openai.embeddings openai_compatible embeddings openai.completions", call.ModePlain},
		{"embeddings, list", `{"model":"m","input":["x","y"],"dimensions":8}`, "openai.embeddings openai_compatible embeddings openai.completions", call.ModePlain},
		{"open: input may be either", `{"model":"m","input":"x"}`, none, call.ModeUnknown},
		{"open: a list of inputs", `{"model":"m","input":["x"]}`, none, call.ModeUnknown},
		{"input near: an object", `{"model":"m","input":{"x":1}}`, none, call.ModePlain},
		{"completions", `{"model":"m","prompt":"x","max_tokens":9}`, "openai.completions openai_compatible text_completion openai.completions", call.ModePlain},
		{"completions near: a picture", `{"model":"m","prompt":"x","temperature":1,"size":"1x1"}`, none, call.ModeUnknown},
		{"open: a prompt and a model", `{"model":"m","prompt":"x"}`, none, call.ModeUnknown},
		{"prompt near: an object", `{"model":"m","prompt":{"text":"x"},"max_tokens":9}`, none, call.ModePlain},
		{"Ollama generate", `{"model":"m","prompt":"x","options":{}}`, "ollama.generate - text_completion ollama", call.ModeStream},
		{"llama.cpp", `{"prompt":"x","n_predict":9}`, "llamacpp.completion openai_compatible text_completion llamacpp", call.ModePlain},
		{"TGI", `{"inputs":"x","parameters":{"max_new_tokens":9}}`, "tgi.generate - text_completion tgi", call.ModePlain},
		{"TGI, streamed", `{"inputs":"x","stream":true}`, "tgi.generate - text_completion tgi", call.ModeStream},
		{"open: some inputs", `{"inputs":"x"}`, none, call.ModeUnknown},
		{"inputs near: tensors", `{"inputs":[1,2],"stream":true}`, none, call.ModeStream},
		{"Titan", `{"inputText":"x","textGenerationConfig":{"maxTokenCount":9}}`, "bedrock.invoke - chat bedrock.invoke", call.ModeUnknown},
		{"Titan near: embeddings", `{"inputText":"x"}`, none, call.ModePlain},
		{"no call: JSON", `{"question":"x","model":"m","stream":true,"max_tokens":9}`, none, call.ModeStream},
		{"no call: nothing", ``, none, call.ModeUnknown},
		{"no call: no JSON", `model=m&messages=x`, none, call.ModeUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, f, llm := guessed(t, wire.Line{Host: corp, Path: unnamedPath}, tt.body)
			if got := brief(m); got != tt.want || llm != (tt.want != none) || f.Mode != tt.mode {
				t.Errorf("got %s, llm %v, mode %s; want %s, %s", got, llm, f.Mode, tt.want, tt.mode)
			}
			if (m.Rule == "fingerprint") != llm || m.Rule != "" && m.Rule != "fingerprint" {
				t.Errorf("rule %q", m.Rule)
			}
			if !llm && len(f.Clues) == 0 && (f.Messages != 0 || f.Prompt.LastUserHead != "") {
				t.Errorf("no call, yet %d messages and prompt %q", f.Messages, f.Prompt.LastUserHead)
			}
		})
	}
}

// TestFingerprintBesideTheBody: host and header take part, and a path that asks
// for its confirmation is one that tells nothing if it is denied.
func TestFingerprintBesideTheBody(t *testing.T) {
	const chat = `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`
	for _, tt := range []struct {
		name string
		line wire.Line
		body string
		want string
	}{
		{"header", wire.Line{Host: corp, Path: unnamedPath, Anthropic: true}, chat, "anthropic.messages - chat anthropic"},
		{"no header", wire.Line{Host: corp, Path: unnamedPath}, chat, "openai.chat openai_compatible chat openai.chat"},
		{"host", wire.Line{Host: "api.groq.com", Path: unnamedPath}, chat, "openai.chat groq chat openai.chat"},
		{"Azure", wire.Line{Host: azure, Path: unnamedPath, Query: v}, chat, "azure.openai.chat azure.ai.openai chat openai.chat"},
		{"Azure inference", wire.Line{Host: "x.eastus.inference.ai.azure.com", Path: unnamedPath}, chat, "azure.inference.chat azure.ai.inference chat openai.chat"},
		{"SageMaker's container", wire.Line{Host: corp, Path: "/invocations"}, chat, "openai.chat openai_compatible chat openai.chat"},
		{"the root", wire.Line{Host: corp, Path: "/"}, chat, "openai.chat openai_compatible chat openai.chat"},
		{"the path wins", wire.Line{Host: corp, Path: "/api/chat"}, chat, "ollama.chat ollama chat ollama"},
		{"the path wins over the header", wire.Line{Host: corp, Path: "/v1/chat/completions", Anthropic: true}, chat, "openai.chat openai_compatible chat openai.chat"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, f, llm := guessed(t, tt.line, tt.body)
			if got := brief(m); got != tt.want || !llm || f.Messages != 1 || f.Mode == call.ModeUnknown && m.PathMode == call.ModeUnknown {
				t.Errorf("got %s, llm %v, %d messages, mode %s; want %s", got, llm, f.Messages, f.Mode, tt.want)
			}
		})
	}
}

// TestFingerprintReadsTheRequest: parameters and prompt are read where the
// dialect has them, and only there.
func TestFingerprintReadsTheRequest(t *testing.T) {
	_, f, _ := guessed(t, wire.Line{Host: corp, Path: unnamedPath},
		`{"contents":[{"role":"user","parts":[{"text":"Say owls"}]}],"generationConfig":{"temperature":0.5,"maxOutputTokens":7},"keep_alive":"9"}`)
	if f.Messages != 1 || f.Prompt.LastUserHead != "Say owls" || len(f.Params) != 2 || f.Params[0] != (call.Param{Name: "max_output_tokens", Value: "7"}) {
		t.Errorf("Gemini's request: %+v", f)
	}
	_, f, _ = guessed(t, wire.Line{Host: corp, Path: "/generate"}, `{"inputs":"Say owls","parameters":{"max_new_tokens":7},"keep_alive":"9"}`)
	if f.Messages != 1 || f.Prompt.LastUserHead != "Say owls" || len(f.Params) != 1 || f.Params[0].Name != "max_tokens" || f.Mode != call.ModePlain || f.Clues != nil {
		t.Errorf("TGI's request: %+v", f)
	}
}

// TestAnswered: an answer completes, corrects or refutes what the request
// leaves open, and never what the path said.
func TestAnswered(t *testing.T) {
	const (
		chat      = `{"model":"m","messages":[{"role":"user","content":"x"}]}`
		prompt    = `{"model":"m","prompt":"x"}`
		input     = `{"model":"m","input":"x"}`
		completed = `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"content":"Owls"},"finish_reason":"stop"}]}`
		line      = `{"model":"m","created_at":"2026","message":{"content":"Owls"},"done":true,"done_reason":"stop"}`
		generated = `{"model":"m","created_at":"2026","response":"Owls","done":true,"done_reason":"stop"}`
		none      = "- - - -"
	)
	for _, tt := range []struct {
		name, path, body, answer string
		status                   int
		want                     string
	}{
		{"confirmed", unnamedPath, chat, completed, 200, "openai.chat openai_compatible chat openai.chat"},
		{"corrected: Ollama", unnamedPath, chat, line, 200, "ollama.chat - chat ollama"},
		{"corrected: Anthropic", unnamedPath, chat, `{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"Owls"}]}`, 200, "anthropic.messages - chat anthropic"},
		{"corrected: Cohere", unnamedPath, chat, `{"id":"m","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"Owls"}]}}`, 200, "cohere.chat - chat cohere"},
		{"corrected: Converse", unnamedPath, chat, `{"output":{"message":{"role":"assistant","content":[{"text":"Owls"}]}},"stopReason":"end_turn"}`, 200, "bedrock.converse - chat bedrock.converse"},
		{"refuted", unnamedPath, chat, `{"answer":42}`, 200, none},
		{"not refuted by an error", unnamedPath, chat, `{"error":{"message":"m","type":"t"}}`, 200, "openai.chat openai_compatible chat openai.chat"},
		{"not refuted by a status", unnamedPath, chat, `{"answer":42}`, 500, "openai.chat openai_compatible chat openai.chat"},
		{"not refuted by a page", unnamedPath, chat, `<html></html>`, 200, "openai.chat openai_compatible chat openai.chat"},
		{"not refuted by silence", unnamedPath, chat, ``, 200, "openai.chat openai_compatible chat openai.chat"},
		{"not refuted by a cut", unnamedPath, chat, `{"answer":42`, 200, "openai.chat openai_compatible chat openai.chat"},
		{"read as what has no name here", unnamedPath, chat, `{"candidates":[{"content":{"parts":[{"text":"Owls"}]}}]}`, 200, "- - - gemini"},
		{"completed: completions", unnamedPath, prompt, `{"object":"text_completion","choices":[{"text":"Owls"}]}`, 200, "openai.completions openai_compatible text_completion openai.completions"},
		{"completed: Ollama", unnamedPath, prompt, generated, 200, "ollama.generate - text_completion ollama"},
		{"completed: llama.cpp", unnamedPath, prompt, `{"content":"Owls","stop":true}`, 200, "llamacpp.completion openai_compatible text_completion llamacpp"},
		{"completed: a response", unnamedPath, input, `{"id":"r","object":"response","status":"completed"}`, 200, "openai.responses openai_compatible chat openai.responses"},
		{"completed: embeddings", unnamedPath, input, `{"object":"list","data":[{"object":"embedding","embedding":[0.5]}]}`, 200, "openai.embeddings openai_compatible embeddings openai.completions"},
		{"completed: TGI", unnamedPath, `{"inputs":"x"}`, `[{"generated_text":"Owls"}]`, 200, "tgi.generate - text_completion tgi"},
		{"completed: Cohere 1", unnamedPath, `{"message":"x"}`, `{"generation_id":"g","text":"Owls"}`, 200, "cohere.v1 - chat cohere"},
		{"still open", unnamedPath, input, `{"ok":true}`, 200, none},
		{"a call by its answer alone is none", unnamedPath, `{"question":"x"}`, completed, 200, none},
		{"what the path said stays", "/v1/chat/completions", chat, line, 200, "openai.chat openai_compatible chat ollama"},
		{"llama.cpp reads completions", "/v1/completions", prompt, `{"object":"text_completion","choices":[{"text":"Owls"}]}`, 200, "openai.completions openai_compatible text_completion openai.completions"},
		{"what asks no model", "/api/show", chat, completed, 200, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, f, _ := guessed(t, wire.Line{Host: corp, Path: tt.path}, tt.body)
			for _, cut := range []cutter{allAtOnce, byteByByte} {
				facts, _ := decode(m, f.Mode, exchange{head: wire.ResponseHead{Status: tt.status}, body: []byte(tt.answer), whole: true}, cut)
				after := m.Answered(facts)
				if got := brief(after); got != tt.want || (after.Rule == "fingerprint") != (tt.path == unnamedPath && after.API != "") {
					t.Errorf("got %s by %q, want %s; answer %+v", got, after.Rule, tt.want, facts)
				}
			}
		})
	}
}

// TestAbsentFlag: what a request without the flag asks for depends on what it
// turns out to be.
func TestAbsentFlag(t *testing.T) {
	m, f, _ := guessed(t, wire.Line{Host: corp, Path: unnamedPath}, `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
	if m.Absent() != call.ModePlain || f.Mode != call.ModePlain {
		t.Errorf("a chat: %s, %s", m.Absent(), f.Mode)
	}
	if after := m.Answered(wire.Facts{Answer: wire.Answer{Format: "ollama"}}); after.Absent() != call.ModeStream {
		t.Errorf("Ollama's: %s", after.Absent())
	}
	if m, _ := wire.Recognize(wire.Line{Method: "POST", Host: corp, Path: "/generate_stream"}); m.Absent() != call.ModeStream {
		t.Errorf("by the path: %s", m.Absent())
	}
}

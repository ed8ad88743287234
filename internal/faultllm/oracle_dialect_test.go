package faultllm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// saying is what one event of a dialect says.
type saying struct {
	text, finish string
	content      bool
	done, failed bool
}

// readers are how the oracle reads the events of other dialects.
var readers = map[string]func(event) saying{
	faultllm.APIAnthropic: readAnthropic, faultllm.APIResponses: readResponses, faultllm.APICohere: readCohere,
}

// event holds the members that any of them needs.
type event struct {
	Type  string
	Delta json.RawMessage
	Block struct{ Type string } `json:"content_block"`
	Whole struct {
		Status     string
		Incomplete struct{ Reason string } `json:"incomplete_details"`
	} `json:"response"`
}

func (e event) delta(into any) { _ = json.Unmarshal(e.Delta, into) }

func readAnthropic(e event) (s saying) {
	var d struct {
		Text, Thinking string
		Part           string `json:"partial_json"`
		Reason         string `json:"stop_reason"`
	}
	e.delta(&d)
	switch e.Type {
	case "content_block_delta":
		s.text, s.content = d.Text, d.Text+d.Thinking+d.Part != ""
	case "content_block_start":
		s.content = e.Block.Type == "tool_use"
	case "message_delta":
		s.finish = strings.NewReplacer("end_turn", "stop", "max_tokens", "length", "refusal", "content_filter").Replace(d.Reason)
	case "message_stop":
		s.done = true
	case "error":
		s.failed = true
	}
	return s
}

func readResponses(e event) (s saying) {
	var d string
	e.delta(&d)
	switch kind := strings.TrimPrefix(e.Type, "response."); {
	case strings.HasSuffix(kind, ".delta"):
		s.content = d != ""
		if kind == "output_text.delta" {
			s.text = d
		}
	case kind == "completed":
		s.done, s.finish = true, "stop"
	case kind == "incomplete":
		s.done, s.finish = true, strings.Replace(e.Whole.Incomplete.Reason, "max_output_tokens", "length", 1)
	case kind == "failed", kind == "error":
		s.failed = true
	}
	return s
}

func readCohere(e event) (s saying) {
	var d struct {
		Finish  string `json:"finish_reason"`
		Error   string
		Message struct {
			Content struct{ Text string }
			Plan    string `json:"tool_plan"`
			Calls   any    `json:"tool_calls"`
		}
	}
	e.delta(&d)
	switch e.Type {
	case "content-delta":
		s.text, s.content = d.Message.Content.Text, d.Message.Content.Text != ""
	case "tool-plan-delta", "tool-call-start", "tool-call-delta":
		s.content = true
	case "message-end":
		s.done = true
		s.finish = strings.NewReplacer("COMPLETE", "stop", "MAX_TOKENS", "length", "TOOL_CALL", "tool").Replace(d.Finish)
		s.failed = d.Finish == "ERROR" || d.Error != ""
	}
	return s
}

// read takes the events of a stream apart.
func (f facts) read(body string) tale {
	t := read(body)
	reader := readers[f.api]
	if reader == nil {
		return t
	}
	failed, bad := t.failed, t.badJSON
	t = tale{tools: map[string]string{}, failed: failed, badJSON: bad}
	normal := strings.NewReplacer("\r\n", "\n", "\r", "\n", ",\ndata: ", ",", "\ufeff", "").Replace(body)
	for line := range strings.SplitSeq(normal, "\n") {
		data, ok := strings.CutPrefix(line, "data:")
		var e event
		if !ok || json.Unmarshal([]byte(data), &e) != nil {
			continue
		}
		s := reader(e)
		t.events++
		t.done, t.failed = t.done || s.done, t.failed || s.failed
		if s.content {
			t.content++
		}
		if s.text != "" {
			t.texts = append(t.texts, s.text)
		}
		if s.finish != "" {
			t.finish = s.finish
		}
	}
	return t
}

// filtered reports whether a plain answer of another dialect was filtered.
func (f facts) filtered(body string) bool {
	var answer struct {
		Reason     string                  `json:"stop_reason"`
		Incomplete struct{ Reason string } `json:"incomplete_details"`
	}
	return f.api != "" && json.Unmarshal([]byte(body), &answer) == nil &&
		(answer.Reason == "refusal" || answer.Incomplete.Reason == "content_filter")
}

// TestOracleReadsDialects keeps the judge honest: it tells apart what is there.
func TestOracleReadsDialects(t *testing.T) {
	for _, tc := range []struct {
		name, api, body string
		content         int
		finish          string
		done, failed    bool
	}{
		{"Anthropic", faultllm.APIAnthropic, `data: {"type":"content_block_delta","delta":{"text":"a"}}` + "\n\n" +
			`data: {"type":"message_delta","delta":{"stop_reason":"max_tokens"}}` + "\n\n" + `data: {"type":"message_stop"}` + "\n\n", 1, "length", true, false},
		{"Anthropic, error", faultllm.APIAnthropic, `data: {"type":"error"}` + "\n\n", 0, "", false, true},
		{"Responses", faultllm.APIResponses, `data: {"type":"response.output_text.delta","delta":"a"}` + "\n\n" +
			`data: {"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}` + "\n\n", 1, "content_filter", true, false},
		{"Responses, failed", faultllm.APIResponses, `data: {"type":"response.failed"}` + "\n\n", 0, "", false, true},
		{"Cohere", faultllm.APICohere, `data: {"type":"content-delta","delta":{"message":{"content":{"text":"a"}}}}` + "\n\n" +
			`data: {"type":"message-end","delta":{"finish_reason":"COMPLETE"}}` + "\n\ndata: [DONE]\n\n", 1, "stop", true, false},
		{"Cohere, failed", faultllm.APICohere, `data: {"type":"message-end","delta":{"error":"x"}}` + "\n\n", 0, "", true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := facts{api: tc.api}.read(tc.body)
			if got.content != tc.content || got.finish != tc.finish || got.done != tc.done || got.failed != tc.failed {
				t.Errorf("%+v", got)
			}
		})
	}
}

package faultllm_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// classes is the closed list of the contract.
var classes = strings.Fields(`ok agent_induced tls_untrusted upstream_unreachable stale_connection first_byte_timeout
	non_api_response stream_flag_invalid stream_option_rejected stream_unsupported plain_unsupported content_filtered
	parameter_unsupported api_version_incompatible endpoint_not_found auth_rejected rate_limited gateway_timeout
	gateway_error_opaque provider_error request_rejected framing_invalid error_in_body stream_unrequested
	stream_downgraded plain_body_invalid content_type_mismatch error_in_stream stream_truncated empty_stream
	stream_incomplete client_choked client_timeout client_cancelled sse_malformed unclean_close tool_delta_malformed
	stream_buffered stream_stalled hang_after_done duplicate_output failed_before_call`)

// apis are the values of Scenario.API.
var apis = []string{
	faultllm.APIAny, faultllm.APIChat, faultllm.APIOpenAI, faultllm.APIAzure, faultllm.APIAnthropic, faultllm.APIResponses,
	faultllm.APICohere, faultllm.APICohereV1, faultllm.APIOllama, faultllm.APIOllamaGenerate, faultllm.APIConverse, faultllm.APIInvoke,
	faultllm.APIGemini, faultllm.APIGeminiArray, faultllm.APITGI, faultllm.APILlamacpp,
}

// accepted is one row of the acceptance table.
type accepted struct{ id, class, reason string }

func acceptance(t *testing.T) []accepted {
	t.Helper()
	b, err := os.ReadFile("testdata/acceptance.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []accepted
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "|")
		if len(f) != 3 {
			t.Fatalf("acceptance line %q: want three columns", line)
		}
		out = append(out, accepted{strings.TrimSpace(f[0]), strings.TrimSpace(f[1]), strings.TrimSpace(f[2])})
	}
	return out
}

func TestScenariosAreTheContract(t *testing.T) {
	rows := map[string]faultllm.Scenario{}
	for _, s := range faultllm.Scenarios() {
		rows[s.ID] = s
	}
	for _, want := range acceptance(t) {
		s, ok := rows[want.id]
		if want.class == "-" {
			if ok {
				t.Errorf("%s is served, yet the table says why not: %s", want.id, want.reason)
			}
			continue
		}
		switch {
		case !ok:
			t.Errorf("no scenario %s", want.id)
		case s.Class != want.class:
			t.Errorf("%s: class %s, want %s", want.id, s.Class, want.class)
		case want.reason != "" && s.Reason != want.reason:
			t.Errorf("%s: reason %q, want %q", want.id, s.Reason, want.reason)
		}
	}
}

func TestEveryNameIsThere(t *testing.T) {
	served := names()
	for id := range strings.FieldsSeq(`
		stream-500-apim stream-500-openai stream-500-azure nostream500 nostream_apim nostream400 stream-400 stream-403
		stream-422 plain-only-400 mode-json mode-sse-false mode-sse-absent mode-trailing cut-rst cut-chunk cut-zero cut-h2
		inc-eof inc-close stall hang-done bad-json retry-429 flaky-500 sse-crlf sse-nospace sse-bom sse-comments
		sse-retryline sse-evping split-rune enc-gzip enc-deflate enc-br enc-zstd big-line trailers interim-103 early-413
		expect until-close drip giant-head head status-204 bench bomb flood-1xx switch-101 half-close idle-closed
		err500 err429 json200 cut cutclean errin ka kaid evping retryline crlf nospace errdone errevent errfield errstr
		html200 html502 empty200 ssejsonct nocontenttype stream_ignored sse_truncated sse_eof sse_error_event buffered`) {
		if !slices.Contains(served, id) {
			t.Errorf("no scenario is called %s", id)
		}
	}
}

// names are all ids and other names, in the order of the table.
func names() []string {
	var out []string
	for _, s := range faultllm.Scenarios() {
		out = append(append(out, s.ID), s.Also...)
	}
	return out
}

func TestTableIsConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range names() {
		if seen[n] {
			t.Errorf("two scenarios are called %s", n)
		}
		seen[n] = true
	}
	for _, s := range faultllm.Scenarios() {
		for what, bad := range map[string]bool{
			"class " + s.Class:            !slices.Contains(classes, s.Class),
			"plain class " + s.PlainClass: s.PlainClass != "" && !slices.Contains(classes, s.PlainClass),
			"mode " + s.Mode:              !slices.Contains([]string{faultllm.ModeStream, faultllm.ModePlain, faultllm.ModeBoth}, s.Mode),
			"api " + s.API:                !slices.Contains(apis, s.API),
			"http " + s.HTTP:              !slices.Contains([]string{"", "1.1", "2"}, s.HTTP),
			"no description":              s.Does == "",
			"a name that needs escaping":  strings.ContainsAny(s.ID, " /?#%|"),
		} {
			if bad {
				t.Errorf("%s: %s", s.ID, what)
			}
		}
		for _, stream := range []bool{true, false} {
			if body := s.Body(stream); !json.Valid(body) {
				t.Errorf("%s: body %s is not JSON", s.ID, body)
			}
		}
	}
}

func TestBodyMeetsTheFault(t *testing.T) {
	for _, tc := range []struct {
		name, id string
		stream   bool
		want     string
	}{
		{"stream", "ok-openai", true, `{"model":"ok-openai","messages":[{"role":"user","content":"Tell me about owls."}],"stream":true}`},
		{"plain has no flag", "ok-openai", false, `{"model":"ok-openai","messages":[{"role":"user","content":"Tell me about owls."}]}`},
		{"needed flag wins", "flag-400", true, `{"model":"flag-400","messages":[{"role":"user","content":"Tell me about owls."}],"stream":"true"}`},
		{"needs of the other mode", "mode-sse-false", true, `{"model":"mode-sse-false","messages":[{"role":"user","content":"Tell me about owls."}],"stream":true}`},
		{"needed key", "param-max", true, `{"model":"param-max","messages":[{"role":"user","content":"Tell me about owls."}],"stream":true,"max_tokens":16}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := string(scenario(t, tc.id).Body(tc.stream)); got != tc.want {
				t.Errorf("Body(%v) = %s, want %s", tc.stream, got, tc.want)
			}
		})
	}
}

func TestClassOfOtherMode(t *testing.T) {
	for _, tc := range []struct {
		id            string
		stream, plain string
	}{
		{"stream-500-apim", "gateway_error_opaque", "ok"},
		{"refuse-plain", "ok", "plain_unsupported"},
		{"auth-401", "auth_rejected", "auth_rejected"},
		{"status-204", "empty_stream", "plain_body_invalid"},
	} {
		t.Run(tc.id, func(t *testing.T) {
			s := scenario(t, tc.id)
			if got := s.ClassOf(true); got != tc.stream {
				t.Errorf("streamed: %s, want %s", got, tc.stream)
			}
			if got := s.ClassOf(false); got != tc.plain {
				t.Errorf("plain: %s, want %s", got, tc.plain)
			}
		})
	}
}

func TestListIsServed(t *testing.T) {
	s := start(t, plainHTTP)
	t.Run("json", func(t *testing.T) {
		a := s.send(t, "GET", "/scenarios", "")
		var list struct{ Scenarios []faultllm.Scenario }
		if err := json.Unmarshal([]byte(a.body), &list); err != nil {
			t.Fatal(err)
		}
		if got, want := len(list.Scenarios), len(faultllm.Scenarios()); got != want {
			t.Errorf("%d scenarios, want %d", got, want)
		}
		if got := a.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("type %q, want application/json", got)
		}
	})
	t.Run("text", func(t *testing.T) {
		a := s.send(t, "GET", "/scenarios?format=text", "")
		lines := strings.Split(strings.TrimSpace(a.body), "\n")
		if got, want := len(lines), 1+len(faultllm.Scenarios()); got != want {
			t.Errorf("%d lines, want %d", got, want)
		}
		if !strings.HasPrefix(lines[0], "SCENARIO ") {
			t.Errorf("first line %q, want the heads", lines[0])
		}
		if !strings.Contains(a.body, "gateway_error_opaque") {
			t.Error("the classes are missing")
		}
	})
	t.Run("other method", func(t *testing.T) {
		if a := s.send(t, "POST", "/scenarios", "{}"); a.status != 404 {
			t.Errorf("POST /scenarios: %d, want 404", a.status)
		}
	})
}

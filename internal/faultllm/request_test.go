package faultllm_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

func TestRoutes(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		name, path, model string
		status            int
		part              string
	}{
		{"azure deployment", "/openai/deployments/refuse-400/chat/completions?api-version=1", "x", 400, "unsupported_value"},
		{"azure behind a prefix", "/gw/a/openai/deployments/refuse-400/chat/completions", "x", 400, "unsupported_value"},
		{"doubled slash", "//openai/deployments/refuse-400/chat/completions", "x", 400, "unsupported_value"},
		{"trailing slash", "/openai/deployments/refuse-400/chat/completions/", "x", 400, "unsupported_value"},
		{"azure v1", "/openai/v1/chat/completions", "refuse-400", 400, "unsupported_value"},
		{"openai", "/v1/chat/completions", "refuse-400", 400, "unsupported_value"},
		{"openai behind a prefix", "/api/llm/v1/chat/completions", "refuse-400", 400, "unsupported_value"},
		{"no version", "/chat/completions", "refuse-400", 400, "unsupported_value"},
		{"deployment wins over model", "/openai/deployments/refuse-403/chat/completions", "refuse-400", 403, "not yet allowed"},
		{"query wins over all", "/openai/deployments/refuse-403/chat/completions?scenario=refuse-422", "refuse-400", 422, "Operation"},
		{"other name of a scenario", "/v1/chat/completions", "nostream400", 400, "unsupported_value"},
		{"unknown name is healthy", "/v1/chat/completions", "gpt-4o", 200, "[DONE]"},
		{"doubled azure path", "/openai/v1/openai/deployments/ok/chat/completions", "x", 404, "Resource not found"},
		{"no deployment", "/openai/deployments/chat/completions", "x", 404, "Resource not found"},
		{"slash in the deployment", "/openai/deployments/a/b/chat/completions", "x", 404, "Resource not found"},
		{"other endpoint", "/v1/images/generations", "x", 404, "Resource not found"},
		{"root", "/", "x", 404, "Resource not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sep := "?"
			if strings.Contains(tc.path, "?") {
				sep = "&"
			}
			a := s.send(t, "POST", tc.path+sep+fast, `{"model":"`+tc.model+`","stream":true}`)
			if a.status != tc.status || !strings.Contains(a.body, tc.part) {
				t.Errorf("%d %.200s, want %d with %q", a.status, a.body, tc.status, tc.part)
			}
		})
	}
}

func TestStreamFlagIsStrict(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		name, member string
		streams      bool
	}{
		{"true", `,"stream":true`, true},
		{"blanks", `, "stream" : true `, true},
		{"last of two", `,"stream":false,"stream":true`, true},
		{"false", `,"stream":false`, false},
		{"null", `,"stream":null`, false},
		{"absent", ``, false},
		{"string", `,"stream":"true"`, false},
		{"number", `,"stream":1`, false},
		{"other case", `,"Stream":true`, false},
		{"nested", `,"x":{"stream":true}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, "POST", "/v1/chat/completions?"+fast, `{"model":"m"`+tc.member+`}`)
			if got := strings.Contains(a.body, "data: [DONE]"); got != tc.streams {
				t.Errorf("streamed: %v, want %v", got, tc.streams)
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	s := start(t, plainHTTP)
	const chat = "/v1/chat/completions"
	for _, tc := range []struct {
		name, method, target, body string
		status                     int
		part                       string
	}{
		{"no JSON", "POST", chat, "owl", 400, "parse request"},
		{"a list", "POST", chat, "[]", 400, "parse request"},
		{"empty", "POST", chat, "", 400, "parse request"},
		{"GET", "GET", chat, "", 405, "method_not_supported"},
		{"PUT", "PUT", chat, "{}", 405, "method_not_supported"},
		{"interval without unit", "POST", chat + "?interval=20", "{}", 400, `interval=\"20\"`},
		{"negative interval", "POST", chat + "?interval=-1s", "{}", 400, "interval"},
		{"endless interval", "POST", chat + "?interval=2h", "{}", 400, "interval"},
		{"no number of chunks", "POST", chat + "?chunks=many", "{}", 400, "chunks"},
		{"negative chunks", "POST", chat + "?chunks=-1", "{}", 400, "chunks"},
		{"too many chunks", "POST", chat + "?chunks=99999999", "{}", 400, "chunks"},
		{"no number of bytes", "POST", chat + "?bytes=1k", "{}", 400, "bytes"},
		{"negative scale", "POST", chat + "?scale=-1", "{}", 400, "scale"},
		{"scale that is no number", "POST", chat + "?scale=NaN", "{}", 400, "scale"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, tc.method, tc.target, tc.body)
			if a.status != tc.status || !strings.Contains(a.body, tc.part) {
				t.Errorf("%d %s, want %d with %q", a.status, a.body, tc.status, tc.part)
			}
			if !json.Valid([]byte(a.body)) {
				t.Errorf("not JSON: %s", a.body)
			}
		})
	}
}

// chunk is what a client reads of an event.
type chunk struct {
	ID, Object, Model string
	Created           int64
	Choices           []struct {
		Index        int
		Delta        *struct{ Role, Content string }
		FinishReason *string `json:"finish_reason"`
	}
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
	}
}

func chunks(t *testing.T, body string) []chunk {
	t.Helper()
	var out []chunk
	for _, e := range events(body) {
		if e == "[DONE]" {
			continue
		}
		var c chunk
		if err := json.Unmarshal([]byte(e), &c); err != nil {
			t.Fatalf("event %s: %v", e, err)
		}
		out = append(out, c)
	}
	return out
}

func TestStreamHasTheShapeOfOpenAI(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.send(t, "POST", "/v1/chat/completions?interval=0&chunks=3", `{"model":"ok-openai","stream":true,"messages":[]}`)
	list := chunks(t, a.body)
	if len(list) != 5 {
		t.Fatalf("%d events, want role, three words, finish:\n%s", len(list), a.body)
	}
	for i, c := range list {
		if c.Object != "chat.completion.chunk" || c.ID == "" || c.ID != list[0].ID || c.Created != 1790000000 || c.Model == "" {
			t.Errorf("event %d: %+v", i, c)
		}
		if len(c.Choices) != 1 || c.Choices[0].Delta == nil {
			t.Fatalf("event %d: want one choice with a delta: %+v", i, c)
		}
		if got := c.Choices[0].FinishReason != nil; got != (i == 4) {
			t.Errorf("event %d finishes: %v", i, got)
		}
	}
	if d := list[0].Choices[0].Delta; d.Role != "assistant" || d.Content != "" {
		t.Errorf("first delta %+v, want the role alone", d)
	}
	if strings.Contains(a.body, "usage") {
		t.Error("usage, though nobody asked")
	}
	if !strings.HasSuffix(a.body, doneLine) {
		t.Error("no [DONE] at the end")
	}
}

func TestStreamHasTheShapeOfAzure(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.post(t, "any", "interval=0&chunks=2", `{"stream":true}`)
	list := chunks(t, a.body)
	if len(list) != 5 {
		t.Fatalf("%d events, want filter, role, two words, finish:\n%s", len(list), a.body)
	}
	if f := list[0]; len(f.Choices) != 0 || f.ID != "" || f.Model != "" {
		t.Errorf("first event %+v, want no choices, id or model", f)
	}
	if !strings.Contains(events(a.body)[0], `"prompt_filter_results":[{"prompt_index":0,`) {
		t.Errorf("first event %s, want the prompt's filter results", events(a.body)[0])
	}
	if n := strings.Count(a.body, `"content_filter_results":{}`); n != 4 {
		t.Errorf("%d choices with filter results, want 4", n)
	}
}

func TestUsageOnlyIfAsked(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		name, options string
		want          bool
	}{
		{"asked", `,"stream_options":{"include_usage":true}`, true},
		{"declined", `,"stream_options":{"include_usage":false}`, false},
		{"not asked", ``, false},
		{"nonsense", `,"stream_options":{"include_usage":"yes"}`, false},
	} {
		for _, path := range []string{"/v1/chat/completions", "/openai/deployments/m/chat/completions"} {
			t.Run(tc.name+path, func(t *testing.T) {
				a := s.send(t, "POST", path+"?interval=0&chunks=4", `{"stream":true`+tc.options+`}`)
				list := chunks(t, a.body)
				last := list[len(list)-1]
				if got := last.Usage != nil; got != tc.want {
					t.Fatalf("usage tail: %v, want %v", got, tc.want)
				}
				if !tc.want {
					return
				}
				if last.Usage.Completion != 4 || last.Usage.Total != last.Usage.Prompt+4 || len(last.Choices) != 0 {
					t.Errorf("tail %+v, want 4 tokens, their sum, no choices", last)
				}
				if n := strings.Count(a.body, `"usage":null`); n != 6 {
					t.Errorf("%d events with usage:null, want the 6 others", n)
				}
			})
		}
	}
}

func TestSeveralChoices(t *testing.T) {
	s := start(t, plainHTTP)
	t.Run("interleaved", func(t *testing.T) {
		a := s.send(t, "POST", "/v1/chat/completions?interval=0&chunks=3", `{"stream":true,"n":2}`)
		var order []string
		for _, c := range chunks(t, a.body) {
			order = append(order, fmt.Sprint(c.Choices[0].Index, c.Choices[0].FinishReason != nil))
		}
		want := "0 false,1 false,0 false,1 false,0 false,1 false,0 false,1 false,0 true,1 true"
		if got := strings.Join(order, ","); got != want {
			t.Errorf("choices %s, want %s", got, want)
		}
	})
	t.Run("plain", func(t *testing.T) {
		a := s.send(t, "POST", "/v1/chat/completions?interval=0", `{"n":3}`)
		if n := strings.Count(a.body, `"message":`); n != 3 {
			t.Errorf("%d messages, want 3", n)
		}
	})
	t.Run("bounded", func(t *testing.T) {
		a := s.send(t, "POST", "/v1/chat/completions?interval=0&chunks=1", `{"n":1000000}`)
		if n := strings.Count(a.body, `"message":`); n != 16 {
			t.Errorf("%d messages, want 16", n)
		}
	})
}

func TestPlainAnswerIsTheStreamsText(t *testing.T) {
	s := start(t, plainHTTP)
	for _, query := range []string{"chunks=1", "chunks=40", "chunks=3&bytes=100", "chunks=0"} {
		t.Run(query, func(t *testing.T) {
			streamed := s.send(t, "POST", "/v1/chat/completions?interval=0&"+query, `{"stream":true}`)
			var text strings.Builder
			for _, c := range chunks(t, streamed.body) {
				text.WriteString(c.Choices[0].Delta.Content)
			}
			plain := s.send(t, "POST", "/v1/chat/completions?interval=0&"+query, `{}`)
			var answer struct {
				Choices []struct{ Message struct{ Content string } }
			}
			if err := json.Unmarshal([]byte(plain.body), &answer); err != nil {
				t.Fatal(err)
			}
			if got := answer.Choices[0].Message.Content; got != text.String() {
				t.Errorf("plain text %q, streamed %q", got, text.String())
			}
		})
	}
}

func TestQuerySetsSizes(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.send(t, "POST", "/v1/chat/completions?interval=0&chunks=7&bytes=1000", `{"stream":true}`)
	n := 0
	for _, c := range chunks(t, a.body) {
		if text := c.Choices[0].Delta.Content; text != "" {
			n++
			if len(text) != 1000 {
				t.Errorf("content of %d bytes, want 1000", len(text))
			}
		}
	}
	if n != 7 {
		t.Errorf("%d content events, want 7", n)
	}
}

func TestToolCallJoins(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.post(t, "ok-tools", fast, string(scenario(t, "ok-tools").Body(true)))
	var args strings.Builder
	for _, e := range events(a.body) {
		var c struct {
			Choices []struct {
				Delta struct {
					Calls []struct {
						Index    *int
						Function struct{ Arguments string }
					} `json:"tool_calls"`
				}
			}
		}
		if e == "[DONE]" {
			continue
		}
		if err := json.Unmarshal([]byte(e), &c); err != nil {
			t.Fatal(err)
		}
		for _, choice := range c.Choices {
			for _, call := range choice.Delta.Calls {
				if call.Index == nil || *call.Index != 0 {
					t.Errorf("index %v, want 0", call.Index)
				}
				args.WriteString(call.Function.Arguments)
			}
		}
	}
	if got, want := args.String(), `{"field":"north","night":3}`; got != want {
		t.Errorf("arguments %s, want %s", got, want)
	}
}

func TestToolsAreCalledOnlyIfOffered(t *testing.T) {
	s := start(t, plainHTTP)
	for _, body := range []string{`{"stream":true}`, `{}`, `{"tools":[]}`, `{"tools":"no list"}`} {
		if a := s.post(t, "ok-tools", fast, body); strings.Contains(a.body, "tool_calls") || !strings.Contains(a.body, "Owls") {
			t.Errorf("%s: want text:\n%s", body, a.body)
		}
	}
}

func TestConditionsDecide(t *testing.T) {
	s := start(t, plainHTTP)
	for _, id := range []string{"refuse-tools", "refuse-format", "option-400", "option-500", "flag-400", "param-max", "param-temperature", "serr-refused"} {
		t.Run(id, func(t *testing.T) {
			sc := scenario(t, id)
			with := s.post(t, id, fast, string(sc.Body(true)))
			if with.status == 200 && !strings.Contains(with.body, `"error"`) {
				t.Errorf("with %s: healthy, want the fault", sc.Needs)
			}
			without := s.post(t, id, fast, `{"stream":true}`)
			if without.status != 200 || !strings.HasSuffix(without.body, doneLine) {
				t.Errorf("without %s: %d %s, want healthy", sc.Needs, without.status, without.body)
			}
		})
	}
}

func TestFlakyCountsItsHits(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		id   string
		want []int
	}{
		{"ok-retry", []int{429, 200, 429, 200}},
		{"flaky-500", []int{500, 500, 200, 500, 500, 200}},
	} {
		t.Run(tc.id, func(t *testing.T) {
			for i, want := range tc.want {
				a := s.post(t, tc.id, fast, `{"stream":true}`)
				if a.status != want {
					t.Errorf("call %d: %d, want %d", i+1, a.status, want)
				}
				if got := a.header.Get("Retry-After"); (got == "1") != (want == 429) {
					t.Errorf("call %d: Retry-After %q", i+1, got)
				}
			}
			if got := s.Stats().Hits[tc.id]; got != len(tc.want) {
				t.Errorf("%d hits, want %d", got, len(tc.want))
			}
		})
	}
}

func TestKeyEchoIsMasked(t *testing.T) {
	s := start(t, plainHTTP)
	const key = "dummy-key-of-the-tests-0042"
	a := s.send(t, "POST", "/v1/chat/completions", `{"model":"auth-401"}`)
	if strings.Contains(a.body, key) || !strings.Contains(a.body, "dummy-ke***************0042") {
		t.Errorf("%s: want the key masked in the middle", a.body)
	}
}

// TestKeyOfEveryScheme: the key that the service refuses is found wherever an
// SDK puts it, and that of a signed request is the same at any time of day.
func TestKeyOfEveryScheme(t *testing.T) {
	const signed = "AWS4-HMAC-SHA256 Credential=AKIAOWL0123456789ABC/20260921/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0123abcd"
	for _, tc := range []struct{ header, value, want string }{
		{"Authorization", "Bearer dummy-key-of-the-tests-0042", "dummy-key-of-the-tests-0042"},
		{"Api-Key", "dummy-key-of-the-tests-0043", "dummy-key-of-the-tests-0043"},
		{"X-Api-Key", "dummy-key-of-the-tests-0044", "dummy-key-of-the-tests-0044"},
		{"X-Goog-Api-Key", "dummy-key-of-the-tests-0045", "dummy-key-of-the-tests-0045"},
		{"Authorization", signed, "AKIAOWL0123456789ABC"},
	} {
		t.Run(tc.header+" "+tc.want, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(`{"model":"auth-echo"}`))
			r.Header.Set(tc.header, tc.value)
			w := httptest.NewRecorder()
			faultllm.New(faultllm.Config{}).ServeHTTP(w, r)
			if got, want := w.Body.String(), "Key "+tc.want+" is not known here."; !strings.Contains(got, want) {
				t.Errorf("body %s, want %q in it", got, want)
			}
		})
	}
}

func TestDefaultsOfTheConfig(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  faultllm.Config
		want int
	}{
		{"zero", faultllm.Config{}, 10},
		{"own", faultllm.Config{Chunks: 3, Interval: -1}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := play(t, faultllm.New(tc.cfg), "ok-openai", "")
			if n := strings.Count(rec.text(), `"content":"`) - 1; n != tc.want { // less the role event
				t.Errorf("%d content events, want %d", n, tc.want)
			}
		})
	}
}

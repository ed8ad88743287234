package faultllm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// TestResponseIsFetchedAgain: by the id it was given, whole, as the stream that
// it was, or from an event on.
func TestResponseIsFetchedAgain(t *testing.T) {
	s := start(t, plainHTTP)
	made := s.send(t, "POST", "/v1/responses?"+fast, `{"model":"ok-responses"}`)
	stream := s.send(t, "POST", "/v1/responses?"+fast, `{"model":"ok-responses","stream":true}`)
	var response struct{ ID string }
	if err := json.Unmarshal([]byte(made.body), &response); err != nil || !strings.HasPrefix(response.ID, "resp_") {
		t.Fatalf("%v: %s", err, made.body)
	}
	path := "/v1/responses/" + response.ID + "?" + fast
	if got := s.send(t, "GET", path, ""); got.body != made.body || got.status != 200 {
		t.Errorf("whole: %d %s\nwant %s", got.status, got.body, made.body)
	}
	if got := s.send(t, "GET", path+"&stream=true", ""); got.body != stream.body {
		t.Errorf("streamed: %s\nwant %s", got.body, stream.body)
	}
	_, rest, ok := strings.Cut(stream.body, `"sequence_number":4}`+"\n\n")
	if got := s.send(t, "GET", path+"&stream=true&starting_after=4", ""); !ok || got.body != rest {
		t.Errorf("after event 4: %s\nwant %s", got.body, rest)
	}
	if got := s.send(t, "GET", path+"&stream=true&starting_after=999", ""); got.body != "" || got.status != 200 {
		t.Errorf("after the last event: %d %s", got.status, got.body)
	}
}

func TestFetchesThatFail(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		name, method, path string
		want               want
	}{
		{"a scenario by its name", "GET", "/v1/responses/serr-rate?stream=true&", want{media: sseType, has: []string{"event: error\n", "rate_limit_exceeded"}, lacks: []string{"completed"}}},
		{"cut", "GET", "/v1/responses/inc-eof?stream=true&", want{media: sseType, has: []string{"Owls "}, lacks: []string{"completed"}}},
		{"Azure", "GET", "/openai/responses/e500-openai?api-version=2025-04-01-preview&stream=true&", want{status: 500, media: jsonType, has: []string{`"error":{`}}},
		{"a plain fetch does not meet a stream's fault", "GET", "/v1/responses/serr-rate?", want{media: jsonType, has: []string{`"status":"completed"`}}},
		{"unknown", "GET", "/v1/responses/resp_0?", want{status: 404, media: jsonType, has: []string{"Response with id 'resp_0' not found."}}},
		{"no number", "GET", "/v1/responses/healthy?stream=true&starting_after=x&", want{status: 400, media: jsonType, has: []string{"starting_after"}}},
		{"a number without a stream", "GET", "/v1/responses/healthy?starting_after=1&", want{status: 400, media: jsonType, has: []string{"starting_after"}}},
		{"posted", "POST", "/v1/responses/healthy?", want{status: 405, media: jsonType}},
		{"made by GET", "GET", "/v1/responses?", want{status: 405, media: jsonType}},
		{"of something else", "GET", "/v1/answers/healthy?", want{status: 404, media: jsonType}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.send(t, tc.method, tc.path+fast, "").shows(t, tc.want)
		})
	}
	if got := s.send(t, "POST", "/v1/responses/healthy?"+fast, "").header.Get("Allow"); got != "GET" {
		t.Errorf("Allow: %q, want GET", got)
	}
	if hits := s.Stats().Hits["serr-rate"]; hits != 2 {
		t.Errorf("%d hits of the fetched scenario, want 2", hits)
	}
}

// TestContinuationKeepsItsNumbers, also where an event was lost.
func TestContinuationKeepsItsNumbers(t *testing.T) {
	s := start(t, plainHTTP)
	if scenario(t, "seq-gap").API != faultllm.APIResponses {
		t.Fatal("seq-gap is not one of Responses")
	}
	got := s.send(t, "GET", "/v1/responses/seq-gap?stream=true&starting_after=5&"+fast, "").body
	if !strings.Contains(got, `"sequence_number":6}`) || strings.Contains(got, `"sequence_number":5}`) || strings.Contains(got, `"sequence_number":7}`) {
		t.Errorf("the continuation of a stream whose event 7 was lost:\n%s", got)
	}
}

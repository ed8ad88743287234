package wire_test

import (
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

func TestHeadUsage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		heads map[string]string
		want  call.Usage
	}{
		{"none", map[string]string{"x-request-id": "9"}, call.Usage{}},
		{
			"Bedrock",
			map[string]string{"x-amzn-bedrock-input-token-count": "9", "x-amzn-bedrock-output-token-count": "5"},
			call.Usage{Input: call.Some(9), Output: call.Some(5)},
		},
		{
			"Bedrock with a cache, which its input excludes",
			map[string]string{
				"x-amzn-bedrock-input-token-count": "9", "x-amzn-bedrock-output-token-count": "5",
				"x-amzn-bedrock-cache-read-input-token-count": "100", "x-amzn-bedrock-cache-write-input-token-count": "20",
			},
			call.Usage{Input: call.Some(129), Output: call.Some(5), Cached: call.Some(100), CacheWrite: call.Some(20)},
		},
		{"TGI", map[string]string{"x-prompt-tokens": "9", "x-generated-tokens": "5"}, call.Usage{Input: call.Some(9), Output: call.Some(5)}},
		{"one only", map[string]string{"x-generated-tokens": "5"}, call.Usage{Output: call.Some(5)}},
		{"no numbers", map[string]string{"x-prompt-tokens": "many", "x-generated-tokens": "-5"}, call.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := wire.HeadUsage(func(name string) string { return tt.heads[name] }); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestHeadStandsInForTheBody: what the body counts goes first.
func TestHeadStandsInForTheBody(t *testing.T) {
	head := call.Usage{Input: call.Some(90), Output: call.Some(50), Cached: call.Some(1)}
	for _, tt := range []struct {
		name, body string
		want       call.Usage
	}{
		{"body counts", `{"generation":"a","prompt_token_count":9,"generation_token_count":5}`, call.Usage{Input: call.Some(9), Output: call.Some(5)}},
		{"body counts output", `{"results":[{"tokenCount":5}]}`, call.Usage{Input: call.Some(90), Output: call.Some(5), Cached: call.Some(1)}},
		{"body counts input", `{"inputTextTokenCount":9}`, call.Usage{Input: call.Some(9), Output: call.Some(50)}},
		{"body counts nothing", `{"outputs":[{"text":"a"}]}`, head},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange{head: wire.ResponseHead{Status: 200, Usage: head}, body: []byte(tt.body), whole: true}
			if f, _ := decode(matchOf(t, "POST", "h", invokePath), call.ModePlain, x, allAtOnce); f.Usage != tt.want {
				t.Errorf("got %+v, want %+v", f.Usage, tt.want)
			}
		})
	}
}

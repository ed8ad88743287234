package diagnose

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of the rules, in the words of the failure catalogue §2.5.
const (
	firstByteAfter = 30 * time.Second
	lagLimit       = 250 * time.Millisecond
	chokeWithin    = 100 * time.Millisecond
	stallAfter     = 60 * time.Second
	hangAfter      = 5 * time.Second
	overrunAfter   = 2 * time.Second
	slowFirstToken = 30 * time.Second
	bufferedFrom   = 2 * time.Second
	lumpPause      = 500 * time.Millisecond
	flowPause      = 5 * time.Millisecond
)

// hopDeadlines and clientDeadlines are the limits, in seconds, that programs on
// the way and clients come with.
var (
	hopDeadlines    = []float64{15, 30, 60, 90, 100, 120, 125, 180, 230, 240, 300, 350, 600}
	clientDeadlines = []float64{30, 60, 90, 120, 300, 600}
)

// atDeadline reports whether d is within tolerance of a limit; the nearest wins.
func atDeadline(d time.Duration, limits []float64, tolerance float64) bool {
	s, best := d.Seconds(), math.Inf(1)
	for _, limit := range limits {
		best = min(best, math.Abs(s-limit)/limit)
	}
	return best <= tolerance
}

// atClientDeadline takes the client's own read timeout into account.
func (f *facts) atClientDeadline(d time.Duration) bool {
	limits := clientDeadlines
	if own, err := strconv.ParseFloat(f.r.Request.Hints.ReadTimeout, 64); err == nil && own > 0 {
		limits = append(slices.Clone(limits), own)
	}
	return atDeadline(d, limits, 0.01)
}

// hops says who is known for a deadline, by status and by seconds.
var hops = []struct {
	status  []int
	seconds float64
	name    string
}{
	{[]int{520, 522, 524}, 0, "Cloudflare"},
	{[]int{504}, 60, "A gateway (60 s is the default of nginx and of AWS load balancers)"},
	{nil, 30, "A gateway (30 s is the limit of AWS API Gateway and of some CDNs)"},
	{nil, 240, "A gateway (240 s is the idle limit of Azure load balancers)"},
	{nil, 350, "A gateway (350 s is the idle limit of AWS NAT)"},
}

func hopOf(status int, d time.Duration) string {
	for _, h := range hops {
		byStatus := h.status == nil || slices.Contains(h.status, status)
		bySeconds := h.seconds == 0 || atDeadline(d, []float64{h.seconds}, 0.03)
		if byStatus && bySeconds {
			return h.name
		}
	}
	return "A gateway"
}

// fragile are the oddities that are legal and still break some client.
var fragile = []string{
	"block_without_data", "choices_empty", "choices_null", "comment", "comment_after_id", "crlf", "data_empty",
	"delta_missing", "encoding_unoffered", "id_empty", "no_charset", "no_space", "split_rune",
}

// breaks lists the fragile kinds that an SDK was seen to die of.
var breaks = map[string][]string{
	"openai-python": {"block_without_data", "comment_after_id"},
	"openai-node":   {"data_empty"},
}

// finishes maps raw finish reasons, lower case, to the few that rules know.
var finishes = map[string][]string{
	"stop":   {"stop", "eos", "eos_token", "end_turn", "complete", "stop_sequence", "completed", "finish", "finished", "word"},
	"length": {"length", "limit", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"},
	"tool":   {"tool_calls", "function_call", "tool_use", "tool_call"},
	"content_filter": {
		"content_filter", "refusal", "safety", "prohibited_content", "blocklist", "spii", "recitation", "model_armor",
		"image_safety", "image_prohibited_content", "image_recitation", "content_filtered", "guardrail_intervened", "jailbreak",
	},
	"pause": {"pause_turn", "continuation"},
	"load":  {"load", "unload"}, // of a model: nothing was to be said
	"error": {
		"error", "timeout", "failed", "abort", "malformed_function_call", "malformed_response", "malformed_model_output",
		"malformed_tool_use", "unexpected_tool_call", "too_many_tool_calls", "missing_thought_signature", "insufficient_system_resource",
	},
}

func finishOf(raw string) string {
	raw = strings.ToLower(raw)
	if strings.HasPrefix(raw, "blockreason:") { // a prompt that was blocked
		return "content_filter"
	}
	for name, list := range finishes {
		if slices.Contains(list, raw) {
			return name
		}
	}
	return ""
}

// secondsText writes a duration for people.
func secondsText(s float64) string {
	if s >= 10 {
		return strconv.FormatFloat(math.Round(s), 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Round(s*10)/10, 'f', -1, 64)
}

package faultllm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

// byTime are the classes that only the clock shows; see TestTimesShowTheClass.
var byTime = []string{"stream_buffered", "stream_stalled", "hang_after_done"}

// TestTheWireShowsTheClass lets the oracle judge every scenario, in both modes
// and all dialects that know it and that the oracle reads.
func TestTheWireShowsTheClass(t *testing.T) {
	s := start(t, plainHTTP)
	for _, sc := range faultllm.Scenarios() {
		for _, stream := range []bool{true, false} {
			if want := sc.ClassOf(stream); skipped(sc, want) {
				continue
			}
			mode := map[bool]string{true: "stream", false: "plain"}[stream]
			for _, path := range paths(sc) {
				q := faultllm.Request{Path: path, Body: sc.Body(stream)}
				t.Run(sc.ID+"/"+mode+path, func(t *testing.T) { s.judged(t, sc, stream, q) })
			}
			for _, q := range sc.Requests(stream) {
				if _, reads := readers[q.API]; reads {
					t.Run(sc.ID+"/"+mode+"/"+q.API, func(t *testing.T) { s.judged(t, sc, stream, q) })
				}
			}
		}
	}
}

// skipped are the scenarios whose class the bytes of one call cannot show, and
// the codings the oracle cannot read.
func skipped(sc faultllm.Scenario, want string) bool {
	return sc.Leaves != "" || sc.HTTP == "2" || slices.Contains(byTime, want) || want == "stale_connection" ||
		slices.Contains([]string{"enc-deflate", "enc-br", "enc-zstd", "switch-101"}, sc.ID)
}

// paths are the routes a scenario is called on.
func paths(sc faultllm.Scenario) []string {
	azure, openai := "/openai/deployments/"+sc.ID+"/chat/completions", "/v1/chat/completions"
	switch {
	case !sc.Chat():
		return nil
	case sc.ID == "nf-doubled":
		return []string{"/openai/v1/openai/deployments/" + sc.ID + "/chat/completions"}
	case sc.API == faultllm.APIAzure:
		return []string{azure}
	case sc.API == faultllm.APIOpenAI:
		return []string{openai}
	}
	return []string{azure, openai}
}

func (s *server) judged(t *testing.T, sc faultllm.Scenario, stream bool, q faultllm.Request) {
	t.Helper()
	if sc.ID == "ok-retry" || sc.ID == "flaky-500" {
		s = start(t, plainHTTP) // of its own, for its first hit
	}
	raw, err := s.raw(t, with(q.Path, "scenario="+sc.ID+"&"+quick(sc.ID)), string(q.Body))
	f := facts{path: q.Path, api: q.API, reset: ending(err) == "reset"}
	f.message, f.answered = parseMessage(raw)
	f.request(q.Body)
	class, reason := f.class()
	if want := sc.ClassOf(stream); class != want {
		t.Errorf("the wire shows %s (%s), the table says %s:\n%.600s", class, reason, want, raw)
	}
	plays := sc.Mode == faultllm.ModeBoth || (sc.Mode == faultllm.ModeStream) == stream
	if plays && sc.ClassOf(stream) == sc.Class && sc.Reason != "" && reason != "" && reason != sc.Reason {
		t.Errorf("the wire shows reason %s, the table says %s", reason, sc.Reason)
	}
}

// TestTimesShowTheClass measures the streams that only the clock tells apart.
func TestTimesShowTheClass(t *testing.T) {
	for _, sc := range faultllm.Scenarios() {
		if sc.Mode == faultllm.ModePlain || sc.Leaves != "" || sc.HTTP != "" || sc.ID == "bomb" {
			continue
		}
		t.Run(sc.ID, func(t *testing.T) {
			rec := play(t, faultllm.New(faultllm.Config{}), sc.ID, "")
			class, reason := rec.timing()
			if !slices.Contains(byTime, sc.Class) {
				if class != "" {
					t.Errorf("the clock shows %s, the table says %s", class, sc.Class)
				}
				return
			}
			if class != sc.Class || reason != sc.Reason {
				t.Errorf("the clock shows %s (%s), the table says %s (%s)", class, reason, sc.Class, sc.Reason)
			}
		})
	}
}

// timing judges by the clock alone.
func (r *recorder) timing() (class, reason string) {
	list := r.bursts()
	if len(list) == 0 || !strings.Contains(r.text(), "data:") {
		return "", ""
	}
	total, all, largest := r.end, 0, 0
	var pauses []time.Duration
	for i, b := range list {
		n := strings.Count(b.text, "data:")
		all += n
		largest = max(largest, n)
		if i > 0 {
			pauses = append(pauses, b.at-list[i-1].at)
		}
	}
	slices.Sort(pauses)
	bursts := 1
	for _, p := range pauses {
		if p > 20*time.Millisecond {
			bursts++
		}
	}
	last := list[len(list)-1].at
	switch {
	case total >= 2*time.Second && all >= 10 && (list[0].at*10 >= total*9 && bursts <= 2 || largest*10 >= all*8):
		return "stream_buffered", "one_block"
	case total >= 2*time.Second && all >= 20 && all/bursts >= 8 && pauses[len(pauses)/2] >= time.Second/2:
		return "stream_buffered", "lumpy"
	case len(pauses) > 0 && pauses[len(pauses)-1] > 60*time.Second:
		return "stream_stalled", ""
	case total-last > 5*time.Second:
		return "hang_after_done", ""
	}
	return "", ""
}

// TestJupyterAI1208 is the story of the demo: the chat streams and fails with an
// opaque error however often it retries, a plain call to the same deployment
// works, before and after.
func TestJupyterAI1208(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS, overH2} {
		t.Run(way, func(t *testing.T) {
			s := start(t, way)
			sc := scenario(t, "stream-500-apim")
			plain, chat := string(sc.Body(false)), string(sc.Body(true))
			if a := s.post(t, sc.ID, fast, plain); a.status != 200 || a.header.Get("X-Ms-Region") == "" {
				t.Fatalf("plain call: %d, want 200 with Azure's headers", a.status)
			}
			var first string
			for attempt := range 3 {
				a := s.post(t, sc.ID, fast, chat)
				if a.status != 500 || a.header.Get("X-Ms-Region") != "" || a.header.Get("Apim-Request-Id") != "" {
					t.Errorf("attempt %d: %d with region %q, want 500 without Azure's headers", attempt+1, a.status, a.header.Get("X-Ms-Region"))
				}
				if first == "" {
					first = a.body
				}
				if a.body != first {
					t.Errorf("attempt %d: %s, want the same as before", attempt+1, a.body)
				}
			}
			if a := s.post(t, sc.ID, fast, strings.Replace(plain, "{", `{"stream":false,`, 1)); a.status != 200 {
				t.Errorf("stream:false: %d, want 200", a.status)
			}
			if got := s.Stats().Hits[sc.ID]; got != 5 {
				t.Errorf("%d hits, want 5", got)
			}
		})
	}
}

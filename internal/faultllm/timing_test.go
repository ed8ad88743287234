package faultllm_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"llmtap/internal/faultllm"
)

// recorder keeps what was flushed, and when.
type recorder struct {
	head   http.Header
	status int
	buf    strings.Builder
	sent   []sent
	start  time.Time
	end    time.Duration
}

// sent is one flush.
type sent struct {
	at   time.Duration
	text string
}

func (r *recorder) Header() http.Header         { return r.head }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.buf.Write(b) }

// FlushError records the bytes since the last flush, even if none.
func (r *recorder) FlushError() error {
	r.sent = append(r.sent, sent{time.Since(r.start), r.buf.String()})
	r.buf.Reset()
	return nil
}

func (r *recorder) text() string {
	var b strings.Builder
	for _, s := range r.sent {
		b.WriteString(s.text)
	}
	return b.String()
}

// bursts are the flushes that carry something.
func (r *recorder) bursts() []sent {
	var out []sent
	for _, s := range r.sent {
		if s.text != "" {
			out = append(out, s)
		}
	}
	return out
}

// play calls the handler without a network, in a bubble with a clock of its own.
func play(t *testing.T, svc *faultllm.Service, id, query string) *recorder {
	t.Helper()
	return playFor(t, svc, id, query, 0)
}

// playFor is play with a client that leaves after d, if d is not 0.
func playFor(t *testing.T, svc *faultllm.Service, id, query string, d time.Duration) *recorder {
	t.Helper()
	rec := &recorder{head: http.Header{}}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if d > 0 {
			ctx, cancel = context.WithTimeout(ctx, d)
			defer cancel()
		}
		body := strings.NewReader(string(scenario(t, id).Body(true)))
		r := httptest.NewRequestWithContext(ctx, "POST", "/v1/chat/completions?scenario="+id+"&"+query, body)
		rec.start = time.Now()
		serve(svc, rec, r)
		rec.end = time.Since(rec.start)
		_ = rec.FlushError()
	})
	return rec
}

// serve calls the handler as net/http does.
func serve(svc *faultllm.Service, w http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	svc.ServeHTTP(w, r)
}

func TestPaceIsEven(t *testing.T) {
	rec := play(t, faultllm.New(faultllm.Config{}), "ok-openai", "interval=50ms&chunks=20")
	list := rec.bursts()
	if len(list) != 23 {
		t.Fatalf("%d flushes, want role, 20 words, finish, [DONE]", len(list))
	}
	for i, s := range list {
		if want := time.Duration(i+1) * 50 * time.Millisecond; s.at != want {
			t.Errorf("event %d at %v, want %v", i, s.at, want)
		}
		if strings.Count(s.text, "\n\n") != 1 {
			t.Errorf("flush %d carries %q, want one event", i, s.text)
		}
	}
}

func TestHeadComesBeforeTheFirstEvent(t *testing.T) {
	rec := play(t, faultllm.New(faultllm.Config{}), "ok-openai", "interval=1s")
	if first := rec.sent[0]; first.at != 0 || first.text != "" {
		t.Errorf("first flush %+v, want the head alone at once", first)
	}
}

func TestDefaultIntervalIs20ms(t *testing.T) {
	rec := play(t, faultllm.New(faultllm.Config{}), "ok-openai", "")
	if want := 13 * 20 * time.Millisecond; rec.end != want {
		t.Errorf("took %v, want %v", rec.end, want)
	}
}

func TestDurations(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		id     string
		status int
		want   time.Duration
	}{
		{"to-504", 504, 60 * s},
		{"html-524", 524, 125 * s},
		{"to-502-fast", 502, s / 5},
		{"hdr-timeout", 200, 330 * s},
		{"stall-70", 200, 70 * s},
		{"hang-done", 200, 6 * s},
		{"ok-slow-first", 200, 70 * s},
		{"buf-block", 200, 16 * s},
		{"buf-lumps", 200, 3 * 16500 * time.Millisecond},
		{"buf-3", 200, 6 * s},
		{"buf-azure", 200, 6 * s},
		{"buf-short", 200, 0},
		{"label-abort", 200, 2 * s},
		{"ok-close-done", 200, 2 * s},
		{"ok-close-finish", 200, 2 * s},
		{"cl-cancel-early", 200, 10 * s},
		{"cl-timeout", 200, 70 * s},
		{"cl-choke", 200, 5 * s},
		{"cl-stop-fragile", 200, 5 * s},
		{"cl-abort", 200, 5 * s},
	} {
		t.Run(tc.id, func(t *testing.T) {
			rec := play(t, faultllm.New(faultllm.Config{}), tc.id, "interval=0")
			if rec.end != tc.want {
				t.Errorf("took %v, want %v", rec.end, tc.want)
			}
			if got := scenario(t, tc.id).Takes; got != tc.want {
				t.Errorf("the table says %v, want %v", got, tc.want)
			}
			if rec.status != tc.status {
				t.Errorf("status %d, want %d", rec.status, tc.status)
			}
		})
	}
}

func TestScaleShortens(t *testing.T) {
	for scale, want := range map[string]time.Duration{"0": 0, "0.01": 700 * time.Millisecond, "2": 140 * time.Second} {
		rec := play(t, faultllm.New(faultllm.Config{}), "stall-70", "interval=0&scale="+scale)
		if rec.end != want {
			t.Errorf("scale=%s: took %v, want %v", scale, rec.end, want)
		}
	}
}

func TestLumps(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		id    string
		at    []time.Duration
		sizes []int
	}{
		{"buf-block", []time.Duration{16 * s}, []int{63}},
		{"buf-lumps", []time.Duration{16500 * time.Millisecond, 33 * s, 49500 * time.Millisecond}, []int{64, 64, 60}},
		{"buf-3", []time.Duration{2 * s, 4 * s, 6 * s}, []int{18, 18, 15}},
		{"buf-azure", []time.Duration{2 * s, 4 * s, 6 * s}, []int{18, 18, 16}},
		{"buf-short", []time.Duration{0}, []int{8}},
	} {
		t.Run(tc.id, func(t *testing.T) {
			list := play(t, faultllm.New(faultllm.Config{}), tc.id, "").bursts()
			if len(list) != len(tc.at) {
				t.Fatalf("%d bursts, want %d", len(list), len(tc.at))
			}
			for i, b := range list {
				if b.at != tc.at[i] {
					t.Errorf("burst %d at %v, want %v", i, b.at, tc.at[i])
				}
				if n := len(events(b.text)); n != tc.sizes[i] {
					t.Errorf("burst %d has %d events, want %d", i, n, tc.sizes[i])
				}
			}
		})
	}
}

func TestSilences(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		id, before string // what the last flush before the silence ends with
		silence    time.Duration
		after      string // what the first flush after it has
	}{
		{"stall-70", `"content":"at "`, 70 * s, `"content":"night "`},
		{"cl-choke", `"prompt_filter_results"`, 5 * s, `"role":"assistant"`},
		{"cl-stop-fragile", `"content_filter_offsets"`, 5 * s, `"content":"at "`},
		{"cl-abort", `"content":"Owls "`, 5 * s, `"content":"hunt "`},
		{"ok-close-finish", stopped, 2 * s, "[DONE]"},
		{"label-abort", `"role":"assistant"`, 2 * s, `"content":"Owls "`},
		{"ok-slow-first", `"role":"assistant"`, 14 * s, ": still thinking"},
	} {
		t.Run(tc.id, func(t *testing.T) {
			list := play(t, faultllm.New(faultllm.Config{}), tc.id, "interval=1ms").bursts()
			for i := 1; i < len(list); i++ {
				if list[i].at-list[i-1].at != tc.silence {
					continue
				}
				if !strings.Contains(list[i-1].text, tc.before) || !strings.Contains(list[i].text, tc.after) {
					t.Errorf("silence between %q and %q, want it between %q and %q", list[i-1].text, list[i].text, tc.before, tc.after)
				}
				return
			}
			t.Errorf("no silence of %v", tc.silence)
		})
	}
}

func TestSplitRuneIsSplit(t *testing.T) {
	list := play(t, faultllm.New(faultllm.Config{}), "split-rune", "").bursts()
	broken := 0
	for _, b := range list {
		if strings.ToValidUTF8(b.text, "") != b.text {
			broken++
		}
	}
	if broken != 20 {
		t.Errorf("%d flushes with half a rune, want both halves of 10", broken)
	}
}

func TestDripIsSliced(t *testing.T) {
	for _, b := range play(t, faultllm.New(faultllm.Config{}), "drip", "bytes=5&chunks=2").bursts() {
		if len(b.text) > 5 {
			t.Errorf("a flush of %d bytes, want at most 5", len(b.text))
		}
	}
}

func TestLeavingEndsTheAnswer(t *testing.T) {
	for _, tc := range []struct {
		id    string
		after time.Duration
	}{
		{"cl-cancel", 7300 * time.Millisecond},
		{"cl-cancel-early", 4 * time.Second},
		{"hdr-timeout", 300 * time.Second},
		{"stall-70", 30 * time.Second},
		{"buf-block", 10 * time.Second},
		{"ok-close-done", 300 * time.Millisecond},
	} {
		t.Run(tc.id, func(t *testing.T) {
			svc := faultllm.New(faultllm.Config{})
			rec := playFor(t, svc, tc.id, "", tc.after)
			if rec.end != tc.after {
				t.Errorf("ended after %v, want %v", rec.end, tc.after)
			}
			st := svc.Stats()
			if st.Cancels != 1 || len(st.Cancelled) != 1 {
				t.Fatalf("stats %+v, want one cancel", st)
			}
			if c := st.Cancelled[0]; c.Scenario != tc.id || c.After != tc.after {
				t.Errorf("cancel %+v, want %s after %v", c, tc.id, tc.after)
			}
		})
	}
}

func TestReadingOnIsNoCancel(t *testing.T) {
	svc := faultllm.New(faultllm.Config{})
	play(t, svc, "ok-openai", "")
	if st := svc.Stats(); st.Cancels != 0 || st.Live != 0 || st.Hits["ok-openai"] != 1 {
		t.Errorf("stats %+v, want one hit and no cancel", st)
	}
}

func TestCancelsAreBounded(t *testing.T) {
	svc := faultllm.New(faultllm.Config{})
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for range 1100 {
		r := httptest.NewRequestWithContext(gone, "POST", "/v1/chat/completions", strings.NewReader(`{"model":"m","stream":true}`))
		serve(svc, &recorder{head: http.Header{}}, r)
	}
	if st := svc.Stats(); st.Cancels != 1100 || len(st.Cancelled) != 1024 {
		t.Errorf("%d cancels, %d kept, want 1100 and 1024", st.Cancels, len(st.Cancelled))
	}
}

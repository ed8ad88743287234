package faultllm

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func newClock(interval time.Duration) *clock {
	return &clock{left: make(chan struct{}), interval: interval, scale: 1}
}

func TestTickKeepsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, start := newClock(10*time.Millisecond), time.Now()
		c.due = start
		for i := 1; i <= 5; i++ {
			c.sleep(3 * time.Millisecond) // work that takes less than an interval
			if !c.tick() {
				t.Fatal("tick: the client left, though it did not")
			}
			if got, want := time.Since(start), time.Duration(i)*10*time.Millisecond; got != want {
				t.Errorf("tick %d after %v, want %v", i, got, want)
			}
		}
	})
}

func TestTickDoesNotCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(10 * time.Millisecond)
		c.due = time.Now()
		c.sleep(time.Second) // a client that did not read
		for i := range 3 {
			before := time.Now()
			c.tick()
			if got := time.Since(before); got != 10*time.Millisecond {
				t.Errorf("tick %d after the hold-up took %v, want 10ms", i, got)
			}
		}
	})
}

func TestTickMakesUpForLessThanAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, start := newClock(10*time.Millisecond), time.Now()
		c.due = start
		c.sleep(14 * time.Millisecond)
		c.tick()
		c.tick()
		if got := time.Since(start); got != 20*time.Millisecond {
			t.Errorf("two ticks end at %v, want 20ms", got)
		}
	})
}

func TestClockNoticesLeaving(t *testing.T) {
	waits := map[string]func(*clock) bool{
		"tick":           func(c *clock) bool { return c.tick() },
		"pause":          func(c *clock) bool { return c.pause(time.Hour) },
		"piece":          func(c *clock) bool { return c.before(piece{}) },
		"piece at once":  func(c *clock) bool { return c.before(piece{wait: -1}) },
		"piece held":     func(c *clock) bool { return c.before(piece{hold: true}) },
		"piece with gap": func(c *clock) bool { return c.before(piece{wait: time.Hour}) },
	}
	for name, wait := range waits {
		for _, interval := range []time.Duration{0, time.Minute} {
			t.Run(name+"/"+interval.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					left := make(chan struct{})
					c := &clock{left: left, interval: interval, scale: 1}
					close(left)
					start := time.Now()
					if wait(c) {
						t.Error("went on, though the client had left")
					}
					if d := time.Since(start); d != 0 {
						t.Errorf("waited %v for a client that had left", d)
					}
				})
			})
		}
	}
}

func TestPieceWaits(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    piece
		want time.Duration
	}{
		{"pace", piece{}, 10 * time.Millisecond},
		{"at once", piece{wait: -1}, 0},
		{"held", piece{hold: true}, 0},
		{"own time, scaled", piece{wait: 10 * time.Second}, 5 * time.Second},
		{"own time, held", piece{wait: 10 * time.Second, hold: true}, 5 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, start := newClock(10*time.Millisecond), time.Now()
				c.due, c.scale = start, 0.5
				if !c.before(tc.p) {
					t.Error("the client left, though it did not")
				}
				if got := time.Since(start); got != tc.want {
					t.Errorf("waited %v, want %v", got, tc.want)
				}
			})
		})
	}
}

func TestUUIDs(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, id := range []names{{"a"}, {"b"}} {
		for _, purpose := range []string{"apim", "request"} {
			u := id.uuid(purpose)
			if !shape.MatchString(u) || seen[u] || u != id.uuid(purpose) {
				t.Errorf("%s for %s: %q, want a UUID of its own, always the same", id.scenario, purpose, u)
			}
			seen[u] = true
		}
	}
}

func TestStampedIsJSON(t *testing.T) {
	s := newStamped("Owls ")
	for _, since := range []time.Duration{0, 1, 12345, time.Hour, 24 * 365 * time.Hour / 4} {
		data := strings.TrimSuffix(strings.TrimPrefix(string(s.at(since)), "data: "), "\n\n")
		var c struct{ T int64 }
		if err := json.Unmarshal([]byte(data), &c); err != nil || c.T != since.Nanoseconds() {
			t.Errorf("%v: stamp %d, %v in %s", since, c.T, err, data)
		}
	}
}

func TestMasked(t *testing.T) {
	for key, want := range map[string]string{
		"":                     "",
		"short":                "*****",
		"exactly15chars!":      "***************",
		"sixteen-chars-16":     "sixteen-****s-16",
		"sk-test-0123456789ab": "sk-test-********89ab",
	} {
		if got := masked(key); got != want {
			t.Errorf("masked(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestErrorsAreJSON(t *testing.T) {
	for _, body := range []string{
		openaiError("a \"quoted\" <word>\n", "t", "", ""),
		azureError("404", "Resource not found"),
		nested(openaiError("inner", "", "p", "c")),
		promptBlocked, midError, noToolStream, benchPlain,
	} {
		if !json.Valid([]byte(body)) {
			t.Errorf("not JSON: %s", body)
		}
	}
	if got, want := openaiError("m", "", "p", ""), `{"error":{"message":"m","type":null,"param":"p","code":null}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	s := New(Config{})
	s.stats.now.Live = maxLive
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/scenarios", nil))
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") != "1" {
		t.Errorf("%d, Retry-After %q, want 503 and 1", rec.Code, rec.Header().Get("Retry-After"))
	}
	if got := s.Stats().Live; got != maxLive {
		t.Errorf("%d in progress after the refusal, want %d", got, maxLive)
	}
}

func TestLedgerUnderLoad(t *testing.T) {
	var l ledger
	l.start()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			l.conns(1)
			for range 100 {
				l.enter()
				l.hit("owl")
				l.cancel(Cancel{Scenario: "owl"})
				_ = l.snapshot()
				l.leave()
			}
			l.conns(-1)
		})
	}
	wg.Wait()
	l.drained() // returns at once
	if st := l.snapshot(); st.Hits["owl"] != 5000 || st.Cancels != 5000 || len(st.Cancelled) != keepCancels || st.Live != 0 || st.Conns != 0 {
		t.Errorf("%d hits, %d cancels, %d kept, %d live, %d connections", st.Hits["owl"], st.Cancels, len(st.Cancelled), st.Live, st.Conns)
	}
}

func TestDrainedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		l.start()
		l.conns(1)
		l.enter()
		over := false
		go func() {
			l.drained()
			over = true
		}()
		synctest.Wait()
		l.conns(-1)
		synctest.Wait()
		if over {
			t.Error("over while a request is in progress")
		}
		l.leave()
		synctest.Wait()
		if !over {
			t.Error("not over, though nothing is left")
		}
	})
}

func FuzzRoute(f *testing.F) {
	for _, p := range []string{
		"/openai/deployments/x/chat/completions", "/v1/chat/completions", "//", "", "/openai/deployments//chat/completions",
		"/openai/v1/openai/deployments/x/chat/completions", "/chat/completions/", "/openai/deployments/openai/deployments/a/chat/completions",
	} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		to, ok := routeOf(path)
		if strings.Contains(to.deployment, "/") {
			t.Errorf("%q: deployment %q has a slash", path, to.deployment)
		}
		if !ok && to != (route{}) {
			t.Errorf("%q: refused, yet %+v", path, to)
		}
		if ok && to.dialect == nil && !strings.Contains(strings.ReplaceAll(path, "//", "/"), "chat") {
			t.Errorf("%q: taken for a chat call", path)
		}
	})
}

func FuzzAsk(f *testing.F) {
	for _, b := range []string{`{"stream":true}`, `{"stream":"x","n":-1}`, `{"tools":[{"function":{"name":"a"}}]}`, `[]`, `{"stream":null,"stream":true}`, ``} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := ask{n: 1}
		if err := a.parse(body); err != nil {
			return
		}
		var keys map[string]any
		if err := json.Unmarshal(body, &keys); err != nil {
			t.Fatalf("%q: parsed, yet encoding/json says %v", body, err)
		}
		if b, ok := keys["stream"].(bool); a.streams() != (ok && b) {
			t.Errorf("%q: streams %v", body, a.streams())
		}
		if a.n < 1 || a.n > 16 {
			t.Errorf("%q: n is %d", body, a.n)
		}
	})
}

func FuzzPacing(f *testing.F) {
	for _, q := range []string{"interval=20ms&chunks=5", "bytes=-1", "scale=1e309", "interval=0", "scale=0x1p-2", "chunks="} {
		f.Add(q)
	}
	s := New(Config{})
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p, err := s.pacing(q)
		if err != nil {
			return
		}
		if p.interval < 0 || p.interval > time.Hour || p.chunks < 0 || p.chunks > 10_000_000 || p.bytes < 0 || p.scale < 0 || p.scale > 10 {
			t.Errorf("%q: %+v is out of bounds", query, p)
		}
	})
}

// FuzzStored decodes the stored forms with the decoders of others, whatever the
// bytes and wherever they are cut.
func FuzzStored(f *testing.F) {
	f.Add([]byte("owl"), uint16(1))
	f.Add([]byte{}, uint16(0))
	f.Add(bytes.Repeat([]byte{0xff}, 3*storedMax), uint16(storedMax-1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		for _, name := range []string{"br", "zstd"} {
			var b bytes.Buffer
			c := newCoder(name, &b)
			at := min(int(cut), len(data))
			for _, part := range [][]byte{data[:at], data[at:]} {
				if n, err := c.Write(part); n != len(part) || err != nil {
					t.Fatalf("%s: wrote %d, %v", name, n, err)
				}
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if got := undo(t, name, &b); !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes became %d", name, len(data), len(got))
			}
		}
	})
}

func undo(t *testing.T, name string, r io.Reader) []byte {
	t.Helper()
	if name == "br" {
		b, err := io.ReadAll(brotli.NewReader(r))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// full is a writer that fails after some bytes.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestCodersReportAFullDisk(t *testing.T) {
	for _, name := range []string{"gzip", "deflate", "br", "zstd"} {
		for left := range 4 {
			c := newCoder(name, &full{left: left})
			_, err := c.Write([]byte("owl"))
			if err == nil {
				err = c.Flush()
			}
			if closed := c.Close(); err == nil && closed == nil {
				t.Errorf("%s with room for %d bytes: no error", name, left)
			}
		}
	}
}

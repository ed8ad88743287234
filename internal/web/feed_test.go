package web_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"llmtap/exporters"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
	"llmtap/internal/web"
)

func TestTheHubIsASink(t *testing.T) {
	sinktest.TestSink(t, func(*testing.T) exporters.Sink { return web.NewHub() }, nil)
}

var (
	_ exporters.Starter = (*web.Hub)(nil)
	_ exporters.Closer  = (*web.Hub)(nil)
)

// feed is a live feed that a test reads.
type feed struct {
	t     *testing.T
	lines *bufio.Reader
	res   *http.Response
}

// follow opens a feed at the server and reads its greeting.
func follow(t *testing.T, url, lastID string) *feed {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "text/html, text/event-stream;q=0.9")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close(); http.DefaultClient.CloseIdleConnections() })
	f := &feed{t: t, lines: bufio.NewReaderSize(res.Body, 1<<20), res: res}
	if res.StatusCode == 200 {
		if res.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
			t.Errorf("headers %v", res.Header)
		}
		if e := f.next(); e["retry"] == "" {
			t.Errorf("greeting %v", e)
		}
	}
	return f
}

// next reads one event as its fields; nil at the feed's end.
func (f *feed) next() map[string]string {
	f.t.Helper()
	e := map[string]string{}
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return nil
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return e
		}
		name, value, _ := strings.Cut(line, ":")
		e[name] += strings.TrimPrefix(value, " ")
	}
}

func listen(t *testing.T, hub *web.Hub) *httptest.Server {
	t.Helper()
	c := config(&shelf{})
	c.Hub = hub
	server := httptest.NewServer(web.New(c).Handler())
	t.Cleanup(func() {
		_ = hub.Close(context.Background())
		server.Close()
	})
	return server
}

func TestTheFeedTellsWhatHappens(t *testing.T) {
	hub := web.NewHub()
	server := listen(t, hub)
	f := follow(t, server.URL, "")
	ctx := t.Context()
	_ = hub.Started(ctx, record("a"))
	_ = hub.Record(ctx, record("a"))
	_ = hub.Finding(ctx, call.Finding{ID: "f", Text: "streams fail"})
	var got []string
	for range 3 {
		e := f.next()
		got = append(got, e["event"])
		noCanary(t, "the feed", e["data"])
		if !strings.HasPrefix(e["data"], "{") || !strings.Contains(e["id"], ".") {
			t.Errorf("event %v", e)
		}
	}
	if want := "started record finding"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	for i := range 100 {
		_ = hub.Record(ctx, record(fmt.Sprint("last", i)))
	}
	_ = hub.Close(ctx)
	for i := range 100 {
		if e := f.next(); !strings.Contains(e["data"], fmt.Sprintf(`"last%d"`, i)) {
			t.Fatalf("event %d of what was published before the end: %v", i, e)
		}
	}
	if e := f.next(); e != nil {
		t.Errorf("after the end: %v", e)
	}
	if late := follow(t, server.URL, ""); late.res.StatusCode != 503 {
		t.Errorf("a feed after the end: %d", late.res.StatusCode)
	}
}

func TestAFeedGoesOnWhereItBroke(t *testing.T) {
	hub := web.NewHub()
	server := listen(t, hub)
	f := follow(t, server.URL, "")
	for i := range 3 {
		_ = hub.Record(t.Context(), record(fmt.Sprint("r", i)))
	}
	first := f.next()
	again := follow(t, server.URL, first["id"])
	for _, want := range []string{`"r1"`, `"r2"`} {
		if e := again.next(); !strings.Contains(e["data"], want) {
			t.Errorf("got %v, want %s", e, want)
		}
	}
	other := follow(t, server.URL, "another-run.2")
	if e := other.next(); !strings.Contains(e["data"], `"r0"`) {
		t.Errorf("after a restart of the agent all is new: %v", e)
	}
	for i := range 300 {
		_ = hub.Record(t.Context(), record(fmt.Sprint("s", i)))
	}
	late := follow(t, server.URL, first["id"])
	if e := late.next(); e["event"] != "gap" || e["data"] != `{"missed":46}` {
		t.Errorf("302 later events, 256 remembered: %v", e)
	}
	if e := late.next(); !strings.Contains(e["data"], `"s44"`) {
		t.Errorf("then the oldest that is remembered: %.200s", e["data"])
	}
}

func TestASlowSubscriberLosesAndNobodyWaits(t *testing.T) {
	hub := web.NewHub()
	server := listen(t, hub)
	slow, quick := follow(t, server.URL, ""), follow(t, server.URL, "")
	n := 0
	big := record("big")
	big.Response.Error.Message = strings.Repeat("x", 20_000)
	for end := time.Now().Add(15 * time.Second); hub.Missed() == 0; n++ {
		if time.Now().After(end) {
			t.Fatal("the slow subscriber never lost anything")
		}
		_ = hub.Record(t.Context(), big)
		if e := quick.next(); e["event"] != "record" {
			t.Fatalf("the quick one got %v", e["event"])
		}
	}
	for got := 0; ; got++ { // the slow one wakes up
		e := slow.next()
		if e == nil {
			t.Fatal("the feed ended before the gap")
		}
		if e["event"] == "gap" {
			break
		}
		if got == n-1 { // it has all that fitted: the next event brings the gap
			t.Fatal("nothing is missing")
		}
		_ = hub.Record(t.Context(), record("small"))
	}
}

func TestFeedsAreBounded(t *testing.T) {
	hub := web.NewHub()
	server := listen(t, hub)
	for range 64 {
		if f := follow(t, server.URL, ""); f.res.StatusCode != 200 {
			t.Fatalf("status %d", f.res.StatusCode)
		}
	}
	if f := follow(t, server.URL, ""); f.res.StatusCode != 503 || f.res.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %d", f.res.StatusCode)
	}
}

func TestALeavingSubscriberMakesRoom(t *testing.T) {
	hub := web.NewHub()
	server := listen(t, hub)
	for range 200 {
		f := follow(t, server.URL, "")
		if f.res.StatusCode == 503 {
			continue // the server has not noticed the last one leaving
		}
		f.res.Body.Close()
	}
	for end := time.Now().Add(10 * time.Second); ; {
		if f := follow(t, server.URL, ""); f.res.StatusCode == 200 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("who left still takes a place")
		}
	}
}

// sheet is a response that a test reads while it is written.
type sheet struct {
	mu   sync.Mutex
	text bytes.Buffer
	head http.Header
}

func (s *sheet) Header() http.Header { return s.head }
func (s *sheet) WriteHeader(int)     {}
func (s *sheet) Flush()              {}

func (s *sheet) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *sheet) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestASilentFeedBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(&shelf{})
		c.Hub = web.NewHub()
		w, r := &sheet{head: http.Header{}}, request("/api/v1/live")
		r.Header.Set("Accept", "text/event-stream")
		ctx, leave := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() { web.New(c).Handler().ServeHTTP(w, r.WithContext(ctx)) })
		<-time.After(46 * time.Second)
		synctest.Wait()
		if n := strings.Count(w.String(), ": alive\n\n"); n != 3 {
			t.Errorf("%d beats in 46 s, want 3: %q", n, w)
		}
		leave()
		served.Wait()
	})
}

func TestHeadOfAFeedDoesNotHang(t *testing.T) {
	r := request("/api/v1/live")
	r.Method = http.MethodHead
	r.Header.Set("Accept", "text/event-stream")
	if w := serve(config(&shelf{}), r); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

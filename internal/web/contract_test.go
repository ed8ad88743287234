package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/web"
)

// TestShapesAreTheContract pins the members that scripts rely on.
func TestShapesAreTheContract(t *testing.T) {
	c := config(&shelf{
		calls:    []call.Record{record("a1")},
		findings: []call.Finding{{Schema: 1, ID: "f", Verdict: "hop_deadline", State: "suspected", Since: noon, Updated: noon, Text: "cut at 60 s"}},
	})
	c.Tunnels = func() []call.Tunnel {
		return []call.Tunnel{{Host: "h", Port: 443, Reason: "sni", Since: noon, Last: noon, Up: 1}}
	}
	c.Live = func() []call.Record { return []call.Record{record("l1")} }
	recordKeys := "agent client diagnosis end id outcome request response schema start target timing"
	for path, want := range map[string]struct{ list, keys string }{
		"/api/v1/calls":    {"calls", recordKeys},
		"/api/v1/live":     {"calls", recordKeys},
		"/api/v1/calls/a1": {"", recordKeys},
		"/api/v1/verdicts": {"verdicts", "evidence id schema since state target text updated verdict"},
		"/api/v1/tunnels":  {"tunnels", "bytes_down bytes_up count host last open port reason since"},
		"/api/v1/info":     {"", "admin proxy version"},
	} {
		var doc map[string]json.RawMessage
		decode(t, serve(c, request(path)), &doc)
		if want.list != "" {
			var list []map[string]json.RawMessage
			if err := json.Unmarshal(doc[want.list], &list); err != nil || len(list) != 1 || len(doc) != 1 {
				t.Errorf("%s: %v, members %v", path, err, slices.Sorted(maps.Keys(doc)))
				continue
			}
			doc = list[0]
		}
		if d := cmp.Diff(want.keys, strings.Join(slices.Sorted(maps.Keys(doc)), " ")); d != "" {
			t.Errorf("%s (-want +got)\n%s", path, d)
		}
	}
}

func TestASlowStoreIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(nil)
		c.Calls = stuck{}
		for _, path := range []string{"/api/v1/calls", "/api/v1/calls/a", "/api/v1/verdicts", "/api/v1/diff?a=a&b=b"} {
			begin := time.Now()
			w := serve(c, request(path))
			if code, _ := problem(t, w); w.Code != 503 || code != "timeout" || time.Since(begin) != 2*time.Second {
				t.Errorf("%s: %d %s after %v", path, w.Code, code, time.Since(begin))
			}
		}
		if w := serve(c, request("/")); w.Code != 200 || !strings.Contains(w.Body.String(), "cannot be read") {
			t.Errorf("the page: %d %s", w.Code, w.Body)
		}
	})
}

// stuck is a place of calls that answers only when nobody waits any more.
type stuck struct{}

func (stuck) Calls(ctx context.Context, _ call.Query) ([]call.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuck) Call(ctx context.Context, _ string) (call.Record, error) {
	<-ctx.Done()
	return call.Record{}, ctx.Err()
}

func (stuck) Findings(ctx context.Context, _ bool) ([]call.Finding, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestBehindAPathPrefix: a hub serves the page below its own path.
func TestBehindAPathPrefix(t *testing.T) {
	server := httptest.NewServer(http.StripPrefix("/services/llmtap", web.New(config(&shelf{calls: []call.Record{record("a1")}})).Handler()))
	defer server.Close()
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for from, to := range map[string]string{
		"/services/llmtap/?token=" + token:                     "/services/llmtap/",
		"/services/llmtap/api/v1/calls?limit=2&token=" + token: "/services/llmtap/api/v1/calls?limit=2",
	} {
		res, err := client.Get(server.URL + from)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		at, err := res.Location()
		if err != nil || at.RequestURI() != to {
			t.Errorf("%s leads to %v, %v; want %s", from, at, err, to)
		}
	}
	body := serve(config(&shelf{calls: []call.Record{record("a1")}}), request("/")).Body.String()
	if strings.Contains(body, `="/`) {
		t.Errorf("the page has an absolute path:\n%s", body)
	}
}

func TestWhoGetsAFeed(t *testing.T) {
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "application/json": "application/json", "text/html,*/*;q=0.1": "application/json",
		"text/event-stream": "text/event-stream; charset=utf-8", "TEXT/Event-Stream; q=1": "text/event-stream; charset=utf-8",
		"application/json, text/event-stream": "text/event-stream; charset=utf-8", "text/event-streams": "application/json",
	} {
		c := config(&shelf{})
		c.Hub = web.NewHub()
		r := request("/api/v1/live")
		ctx, leave := context.WithCancel(t.Context())
		leave() // the client has left: a feed ends after its greeting
		r = r.WithContext(ctx)
		r.Header.Set("Accept", accept)
		if got := serve(c, r).Header().Get("Content-Type"); got != want {
			t.Errorf("%q: got %s, want %s", accept, got, want)
		}
	}
}

// torn is a response whose reader is gone after n writes.
type torn struct {
	sheet
	n int
}

func (w *torn) Write(b []byte) (int, error) {
	if w.n--; w.n < 0 {
		return 0, errors.New("reader is gone")
	}
	return w.sheet.Write(b)
}

func TestAFeedEndsWhenNobodyTakesIt(t *testing.T) {
	for n := range 3 {
		c := config(&shelf{})
		c.Hub = web.NewHub()
		for i := range 300 { // more than is remembered: a gap comes first
			_ = c.Hub.Record(t.Context(), record(fmt.Sprint(i)))
		}
		r := request("/api/v1/live")
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Last-Event-ID", "old.1")
		w := &torn{sheet: sheet{head: http.Header{}}, n: n}
		web.New(c).Handler().ServeHTTP(w, r) // returns, or the test hangs
		if got := strings.Count(w.String(), "\n\n"); got != n {
			t.Errorf("%d writes went through, want %d", got, n)
		}
	}
}

func TestShutdownEndsFeeds(t *testing.T) {
	c := config(&shelf{})
	c.Hub = web.NewHub()
	server := httptest.NewServer(web.New(c).Handler())
	server.Config.RegisterOnShutdown(func() { _ = c.Hub.Close(context.Background()) })
	var feeds []*feed
	for range 3 {
		feeds = append(feeds, follow(t, server.URL, ""))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for _, f := range feeds {
		if rest, err := io.ReadAll(f.lines); err != nil || len(rest) != 0 {
			t.Errorf("the feed ended with %q, %v", rest, err)
		}
	}
	server.Close()
}

// TestManyFeedsAtOnce is for the race detector: publishers, feeds that come and
// go, and the end, all at the same time.
func TestManyFeedsAtOnce(t *testing.T) {
	hub := web.NewHub()
	c := config(&shelf{})
	c.Hub = hub
	handler := web.New(c).Handler()
	var publishers, readers sync.WaitGroup
	for p := range 3 {
		publishers.Go(func() {
			for i := range 200 {
				id := fmt.Sprint(p, "-", i)
				_ = hub.Started(t.Context(), record(id))
				_ = hub.Record(t.Context(), record(id))
				_ = hub.Finding(t.Context(), call.Finding{ID: id})
			}
		})
	}
	for range 8 {
		readers.Go(func() {
			for range 5 {
				r := request("/api/v1/live")
				ctx, leave := context.WithTimeout(t.Context(), 5*time.Millisecond)
				r = r.WithContext(ctx)
				r.Header.Set("Accept", "text/event-stream")
				w := &sheet{head: http.Header{}}
				handler.ServeHTTP(w, r)
				leave()
				checkFeed(t, w.String())
			}
		})
	}
	publishers.Wait()
	readers.Wait()
	_ = hub.Close(t.Context())
	_ = hub.Record(t.Context(), record("late"))
}

// checkFeed fails if the numbers of the events do not go up one by one, gaps
// included.
func checkFeed(t *testing.T, text string) {
	t.Helper()
	var last, missed uint64
	for block := range strings.SplitSeq(text, "\n\n") {
		var epoch string
		var seq uint64
		if n, _ := fmt.Sscanf(block, "event: gap\ndata: {\"missed\":%d}", &missed); n == 1 {
			continue
		}
		head, _, ok := strings.Cut(block, "\n")
		id, isEvent := strings.CutPrefix(head, "id: ")
		if !ok || !isEvent {
			continue
		}
		epoch, number, _ := strings.Cut(id, ".")
		if _, err := fmt.Sscan(number, &seq); err != nil || epoch == "" {
			t.Errorf("id %q: %v", id, err)
		}
		if last != 0 && seq != last+missed+1 {
			t.Errorf("event %d follows %d with %d missed", seq, last, missed)
		}
		last, missed = seq, 0
	}
}

// FuzzQuery asks with any query: the answer is a list or says what is wrong,
// and never the token or a redirect to elsewhere.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"", "limit=1", "since=1h", "since=9223372036854775807ns", "class=%ff", "token=x", "a;b", "limit=1&limit", "%zz", "outcome=ok#x"} {
		f.Add(q)
	}
	handler := web.New(config(&shelf{calls: []call.Record{record("a")}})).Handler()
	f.Fuzz(func(t *testing.T, query string) {
		r := request("/api/v1/calls")
		r.URL = &url.URL{Path: "/api/v1/calls", RawQuery: query}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusSeeOther {
			if to := w.Header().Get("Location"); !strings.HasPrefix(to, "./calls") {
				t.Errorf("%q leads to %q", query, to)
			}
			return
		}
		if w.Code != 200 && w.Code != 400 && w.Code != 401 {
			t.Errorf("%q: %d", query, w.Code)
		}
		if !json.Valid(w.Body.Bytes()) || bytes.Contains(w.Body.Bytes(), []byte("canary")) {
			t.Errorf("%q: %s", query, w.Body)
		}
	})
}

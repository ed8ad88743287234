package observe_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// service answers by path, as services do.
func service(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w).Flush
	switch r.URL.Path {
	case "/echo":
		b, _ := io.ReadAll(r.Body)
		w.Write(b)
	case "/stream":
		for i := range 20 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			flush()
		}
	case "/trailers":
		w.Header().Set("Trailer", "Grpc-Status")
		io.WriteString(w, "x")
		flush()
		w.Header().Set("Grpc-Status", "0")
	case "/none":
		w.WriteHeader(http.StatusNoContent)
	case "/hints":
		w.Header().Set("Link", "</a>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.WriteHeader(http.StatusOK)
	case "/big":
		w.Write(make([]byte, 1<<20))
	case "/close":
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	case "/endless":
		io.WriteString(w, "first")
		flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	default:
		http.Error(w, "no such thing", http.StatusNotFound)
	}
}

// ask is one call; what comes back is read whole.
func ask(t *testing.T, tp *tap, method, path, body string, headers ...string) {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, tp.url(path), content)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := tp.client.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

// Real clients and services of net/http, in both protocols, one call after the other.
func TestRealPeers(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("h2=%v", h2), func(t *testing.T) {
			tp := newTap(t, h2, http.HandlerFunc(service))
			ask(t, tp, "POST", "/echo", "hello")
			ask(t, tp, "GET", "/stream?x=1", "")
			ask(t, tp, "HEAD", "/echo", "")
			ask(t, tp, "GET", "/none", "")
			ask(t, tp, "GET", "/trailers", "")
			ask(t, tp, "GET", "/hints", "")
			ask(t, tp, "POST", "/echo", strings.Repeat("e", 50), "Expect", "100-continue")
			ask(t, tp, "POST", "/echo", strings.Repeat("b", 300<<10))
			ask(t, tp, "GET", "/big", "")
			ask(t, tp, "GET", "/missing", "")
			ask(t, tp, "GET", "/close", "")
			ask(t, tp, "POST", "/echo", "again")
			want := []string{
				"POST /echo 5B complete -> 200 5B complete",
				"GET /stream?x=1 0B complete -> 200 190B complete",
				"HEAD /echo 0B complete -> 200 0B complete",
				"GET /none 0B complete -> 204 0B complete",
				"GET /trailers 0B complete -> 200 1B complete grpc-status=0",
				"GET /hints 0B complete -> 200 0B complete interim=1",
				"POST /echo 50B complete -> 200 50B complete interim=1",
				"POST /echo 307200B complete -> 200 307200B complete",
				"GET /big 0B complete -> 200 1048576B complete",
				"GET /missing 0B complete -> 404 14B complete",
				"GET /close 0B complete -> 200 3B complete",
				"POST /echo 5B complete -> 200 5B complete",
			}
			slices.Sort(want)
			if got := tp.calls(); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// Many at once: on h2 they share connections and overtake each other.
func TestRealPeersAtOnce(t *testing.T) {
	const calls = 200
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("h2=%v", h2), func(t *testing.T) {
			tp := newTap(t, h2, http.HandlerFunc(service))
			var wg sync.WaitGroup
			for i := range calls {
				wg.Go(func() { ask(t, tp, "POST", fmt.Sprintf("/echo?n=%d", i), strings.Repeat("x", i*100+1)) })
			}
			wg.Wait()
			var want []string
			for i := range calls {
				want = append(want, fmt.Sprintf("POST /echo?n=%d %dB complete -> 200 %dB complete", i, i*100+1, i*100+1))
			}
			got := tp.calls()
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// A client that leaves in the middle shows as its own reset on h2, and as no
// whole answer on HTTP/1.
func TestRealClientLeaves(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("h2=%v", h2), func(t *testing.T) {
			tp := newTap(t, h2, http.HandlerFunc(service))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "GET", tp.url("/endless"), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := tp.client.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, len("first"))); err != nil {
				t.Fatal(err)
			}
			cancel()
			resp.Body.Close()
			got := tp.calls()
			if len(got) != 1 {
				t.Fatalf("%d exchanges: %q", len(got), got)
			}
			line, ok := strings.CutPrefix(got[0], "GET /endless 0B complete -> 200 5B ")
			if !ok || line == "complete" || h2 && line != "h2-rst(8 client)" {
				t.Errorf("got %q", got[0])
			}
		})
	}
}

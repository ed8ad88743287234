package faultllm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

func stamps(t *testing.T, body string) []int64 {
	t.Helper()
	var out []int64
	for _, e := range events(body) {
		var c struct {
			T       *int64
			Choices []any
		}
		if e == "[DONE]" {
			continue
		}
		if err := json.Unmarshal([]byte(e), &c); err != nil {
			t.Fatalf("event %s: %v", e, err)
		}
		if len(c.Choices) != 1 {
			t.Errorf("event %s: want one choice", e)
		}
		if c.T != nil {
			out = append(out, *c.T)
		}
	}
	return out
}

func TestBenchStampsEveryChunk(t *testing.T) {
	s := start(t, plainHTTP)
	before := time.Since(s.Epoch()).Nanoseconds()
	a := s.send(t, "POST", "/v1/chat/completions?interval=1ms&chunks=50&bytes=300", `{"model":"bench","stream":true}`)
	after := time.Since(s.Epoch()).Nanoseconds()
	list := stamps(t, a.body)
	if len(list) != 50 {
		t.Fatalf("%d stamps, want 50", len(list))
	}
	for i, n := range list {
		if n < before || n > after || (i > 0 && n < list[i-1]) {
			t.Errorf("stamp %d is %d, want it to rise within %d to %d", i, n, before, after)
		}
	}
	if !strings.HasSuffix(a.body, doneLine) || !strings.Contains(a.body, stopped) {
		t.Error("no proper end")
	}
	if got, want := a.header.Get("X-Bench-Epoch"), strconv.FormatInt(s.Epoch().UnixNano(), 10); got != want {
		t.Errorf("epoch %s, want %s", got, want)
	}
}

func TestBenchChunksHaveOneSize(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.send(t, "POST", "/v1/chat/completions?interval=0&chunks=100", `{"model":"bench","stream":true}`)
	sizes := map[int]int{}
	for _, e := range events(a.body) {
		if strings.Contains(e, `"t":`) {
			sizes[len(e)]++
		}
	}
	if len(sizes) != 1 {
		t.Errorf("sizes %v, want one", sizes)
	}
}

func TestBenchFloods(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.send(t, "POST", "/v1/chat/completions?interval=0&chunks=20000", `{"model":"bench","stream":true}`)
	if n := strings.Count(a.body, `"t":`); n != 20000 || a.err != nil {
		t.Errorf("%d chunks, %v, want 20000", n, a.err)
	}
}

// sinkhole is a response nobody reads.
type sinkhole struct{ head http.Header }

func (s sinkhole) Header() http.Header         { return s.head }
func (s sinkhole) WriteHeader(int)             {}
func (s sinkhole) Write(b []byte) (int, error) { return len(b), nil }
func (s sinkhole) FlushError() error           { return nil }

func TestBenchChunksCostNoMemory(t *testing.T) {
	svc := faultllm.New(faultllm.Config{})
	serve := func(chunks string) func() {
		return func() {
			r := httptest.NewRequest("POST", "/v1/chat/completions?interval=0&chunks="+chunks, strings.NewReader(`{"model":"bench","stream":true}`))
			svc.ServeHTTP(sinkhole{http.Header{}}, r)
		}
	}
	few, many := testing.AllocsPerRun(20, serve("10")), testing.AllocsPerRun(20, serve("10000"))
	if many > few+10 {
		t.Errorf("%v allocations for 10 chunks, %v for 10000, want no more", few, many)
	}
}

func BenchmarkFlood(b *testing.B) {
	srv := httptest.NewServer(faultllm.New(faultllm.Config{}))
	defer srv.Close()
	b.ReportAllocs()
	for b.Loop() {
		resp, err := srv.Client().Post(srv.URL+"/v1/chat/completions?interval=0&chunks=1000", "application/json", strings.NewReader(`{"model":"bench","stream":true}`))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

func BenchmarkHealthyEvents(b *testing.B) {
	svc := faultllm.New(faultllm.Config{})
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/v1/chat/completions?interval=0&chunks=1000", strings.NewReader(`{"stream":true}`))
		svc.ServeHTTP(sinkhole{http.Header{}}, r)
	}
}

func ExampleNew() {
	srv := httptest.NewServer(faultllm.New(faultllm.Config{}))
	defer srv.Close()
	for _, s := range faultllm.Scenarios() {
		if s.ID == "stream-500-apim" {
			resp, err := http.Post(srv.URL+"/v1/chat/completions", "application/json", strings.NewReader(string(s.Body(true))))
			if err != nil {
				panic(err)
			}
			defer resp.Body.Close()
			fmt.Println(resp.StatusCode, s.ClassOf(true), s.ClassOf(false))
		}
	}
	// Output: 500 gateway_error_opaque ok
}

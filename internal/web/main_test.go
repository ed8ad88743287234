package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/internal/call"
	"llmtap/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "t0ken"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// shelf is a place of calls that remembers what it was asked.
type shelf struct {
	calls    []call.Record
	findings []call.Finding
	err      error
	asked    call.Query
	all      bool
}

func (s *shelf) Calls(_ context.Context, q call.Query) ([]call.Record, error) {
	s.asked = q
	return s.calls, s.err
}

func (s *shelf) Call(_ context.Context, id string) (call.Record, error) {
	if s.err != nil {
		return call.Record{}, s.err
	}
	for _, r := range s.calls {
		if r.Identity.ID == id {
			return r, nil
		}
	}
	return call.Record{}, fmt.Errorf("call %q: %w", id, call.ErrNotFound)
}

func (s *shelf) Findings(_ context.Context, all bool) ([]call.Finding, error) {
	s.all = all
	return s.findings, s.err
}

func record(id string) call.Record {
	return call.Record{
		Identity: call.Identity{ID: id, Start: noon},
		Target:   call.Target{Scheme: "https", Host: "x.openai.azure.com", Port: 443, Model: "gpt-4o"},
		Client:   call.Client{Name: "langchain", Version: "0.3"},
		Request:  call.Request{Method: "POST", Path: "/p", Mode: call.ModeStream},
		Response: call.Response{Status: 500},
		Timing:   call.Timing{End: noon.Add(1500 * time.Millisecond)},
		End:      call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Content:  call.Content{Request: "prompt-canary", Response: "answer-canary"},
		Diagnosis: call.Diagnosis{
			Class: call.ClassGatewayErrorOpaque, Severity: call.SeverityError, Fault: call.FaultNetwork,
		},
	}
}

// config is a server over s whose clock stands at noon.
func config(s *shelf) web.Config {
	return web.Config{
		Token: token, Calls: s, Now: func() time.Time { return noon },
		Info: web.Info{Version: "v1", Proxy: "http://127.0.0.1:4141", Admin: "http://admin.example:4142"},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "llmtap_up 1\n")
		}),
	}
}

// request is a GET from loopback with the token.
func request(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:4142"+path, nil)
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// bare is a GET from that address without token.
func bare(path, from string) *http.Request {
	r := request(path)
	r.Header.Del("Authorization")
	r.RemoteAddr = from
	return r
}

func serve(c web.Config, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	web.New(c).Handler().ServeHTTP(w, r)
	return w
}

// problem reads the error answer.
func problem(t *testing.T, w *httptest.ResponseRecorder) (code, message string) {
	t.Helper()
	var p struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("an error of type %q", got)
	}
	return p.Error.Code, p.Error.Message
}

func decode(t *testing.T, w *httptest.ResponseRecorder, v any) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
}

// noCanary fails if content of a prompt is in text.
func noCanary(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "canary") {
		t.Errorf("%s shows content: %s", what, text)
	}
}

var errDisk = errors.New("disk on fire")

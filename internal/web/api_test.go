package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/web"
)

func TestCallsAreListed(t *testing.T) {
	s := &shelf{calls: []call.Record{record("b"), record("a")}}
	var got struct{ Calls []call.Record }
	w := serve(config(s), request("/api/v1/calls"))
	decode(t, w, &got)
	if len(got.Calls) != 2 || got.Calls[0].Identity.ID != "b" || got.Calls[0].Response.Status != 500 {
		t.Errorf("got %+v", got.Calls)
	}
	noCanary(t, "the list", w.Body.String())
	if s.calls[0].Content.Request == "" {
		t.Error("showing a record changed it")
	}
}

func TestCallFilters(t *testing.T) {
	for name, tc := range map[string]struct {
		query string
		want  call.Query
	}{
		"none":         {"", call.Query{Limit: 100}},
		"limit":        {"limit=7", call.Query{Limit: 7}},
		"instant":      {"since=2026-01-02T03:04:05Z", call.Query{Limit: 100, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		"zone":         {"since=2026-01-02T03:04:05%2B01:00", call.Query{Limit: 100, Since: time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)}},
		"duration":     {"since=90m", call.Query{Limit: 100, Since: noon.Add(-90 * time.Minute)}},
		"days":         {"since=2d", call.Query{Limit: 100, Since: noon.Add(-48 * time.Hour)}},
		"class":        {"class=rate_limited", call.Query{Limit: 100, Class: "rate_limited"}},
		"outcome":      {"outcome=cancelled", call.Query{Limit: 100, Outcome: call.OutcomeCancelled}},
		"target":       {"target=gpt%204", call.Query{Limit: 100, Target: "gpt 4"}},
		"logical":      {"logical=l1", call.Query{Limit: 100, Logical: "l1"}},
		"all together": {"limit=1&class=ok&outcome=ok&target=x&since=1s", call.Query{Limit: 1, Class: "ok", Outcome: call.OutcomeOK, Target: "x", Since: noon.Add(-time.Second)}},
	} {
		s := &shelf{}
		w := serve(config(s), request("/api/v1/calls?"+tc.query))
		if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"calls":[]}` {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if !s.asked.Since.Equal(tc.want.Since) {
			t.Errorf("%s: since %v, want %v", name, s.asked.Since, tc.want.Since)
		}
		s.asked.Since, tc.want.Since = time.Time{}, time.Time{}
		if d := cmp.Diff(tc.want, s.asked); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}

func TestBadParameters(t *testing.T) {
	for path, says := range map[string]string{
		"/api/v1/calls?limit=0":         "1 to 1000",
		"/api/v1/calls?limit=1001":      "1 to 1000",
		"/api/v1/calls?limit=x":         `limit "x"`,
		"/api/v1/calls?limit=":          `limit ""`,
		"/api/v1/calls?since=yesterday": "RFC 3339",
		"/api/v1/calls?since=-5m":       "RFC 3339",
		"/api/v1/calls?since=-5d":       "RFC 3339",
		"/api/v1/calls?since=99999999d": "RFC 3339",
		"/api/v1/calls?class=nonsense":  `class "nonsense"`,
		"/api/v1/calls?outcome=unknown": `outcome "unknown"`,
		"/api/v1/calls?outcome=fine":    `outcome "fine"`,
		"/api/v1/calls?limt=5":          `parameter "limt" is not known; known are limit, since`,
		"/api/v1/calls?limit=1&limit=2": `"limit" is given 2 times`,
		"/api/v1/calls/a?limit=1":       "none is taken here",
		"/api/v1/verdicts?all=perhaps":  `all "perhaps"`,
		"/api/v1/verdicts?every=1":      `"every"`,
		"/api/v1/tunnels?limit=-1":      "1 to 1000",
		"/api/v1/tunnels?reason=x":      `"reason"`,
		"/api/v1/live?limit=1":          "none is taken here",
		"/api/v1/diff":                  `"a" is missing`,
		"/api/v1/diff?a=1":              `"b" is missing`,
		"/api/v1/diff?a=&b=1":           `"a" is missing`,
		"/api/v1/diff?a=1&b=2&c=3":      `"c" is not known; known are a, b`,
		"/api/v1/diff?a=1&b=2&b=3":      `"b" is given 2 times`,
		"/?class=%3Cscript%3E":          "class",
	} {
		w := serve(config(&shelf{}), request(path))
		code, message := problem(t, w)
		if w.Code != http.StatusBadRequest || code != "invalid_parameter" || !strings.Contains(message, says) {
			t.Errorf("%s: %d %s: %s", path, w.Code, code, message)
		}
	}
}

func TestOneCall(t *testing.T) {
	s := &shelf{calls: []call.Record{record("a1")}}
	var got call.Record
	w := serve(config(s), request("/api/v1/calls/a1"))
	decode(t, w, &got)
	if got.Identity.ID != "a1" || got.Diagnosis.Class != call.ClassGatewayErrorOpaque {
		t.Errorf("got %+v", got)
	}
	noCanary(t, "the call", w.Body.String())
}

func TestWhatSourcesSay(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"unknown id":   {fmt.Errorf("store: %w: look again", call.ErrNotFound), 404, "not_found"},
		"short prefix": {fmt.Errorf("store: %w", call.ErrAmbiguous), 409, "ambiguous_id"},
		"too slow":     {fmt.Errorf("store: %w", context.DeadlineExceeded), 503, "timeout"},
		"broken":       {errDisk, 500, "internal"},
	} {
		for _, path := range []string{"/api/v1/calls", "/api/v1/calls/a", "/api/v1/verdicts", "/api/v1/diff?a=a&b=b"} {
			w := serve(config(&shelf{err: tc.err}), request(path))
			if code, message := problem(t, w); w.Code != tc.status || code != tc.code || message == "" {
				t.Errorf("%s, %s: %d %s %s", name, path, w.Code, code, message)
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	s := &shelf{findings: []call.Finding{{ID: "f", Verdict: "stream_only_failure", State: "confirmed", Text: "streams fail"}}}
	for query, all := range map[string]bool{"": false, "?all=1": true, "?all=true": true, "?all=0": false} {
		var got struct{ Verdicts []call.Finding }
		decode(t, serve(config(s), request("/api/v1/verdicts"+query)), &got)
		if len(got.Verdicts) != 1 || got.Verdicts[0].Text != "streams fail" || s.all != all {
			t.Errorf("%q: %+v, all %v", query, got.Verdicts, s.all)
		}
	}
}

func TestTunnels(t *testing.T) {
	c := config(&shelf{})
	list := []call.Tunnel{{Host: "old", Last: noon.Add(-time.Hour)}, {Host: "new", Reason: "distrust", Last: noon}, {Host: "older", Last: noon.Add(-2 * time.Hour)}}
	c.Tunnels = func() []call.Tunnel { return list }
	var got struct{ Tunnels []call.Tunnel }
	decode(t, serve(c, request("/api/v1/tunnels?limit=2")), &got)
	if len(got.Tunnels) != 2 || got.Tunnels[0].Host != "new" || got.Tunnels[0].Reason != "distrust" || got.Tunnels[1].Host != "old" {
		t.Errorf("got %+v", got.Tunnels)
	}
	if list[0].Host != "old" {
		t.Error("showing the list re-ordered the source's")
	}
}

func TestLiveAsJSON(t *testing.T) {
	c := config(&shelf{})
	young, old := record("young"), record("old")
	young.Identity.Start = noon.Add(time.Minute)
	c.Live = func() []call.Record { return []call.Record{old, young} }
	var got struct{ Calls []call.Record }
	w := serve(c, request("/api/v1/live"))
	decode(t, w, &got)
	if len(got.Calls) != 2 || got.Calls[0].Identity.ID != "young" {
		t.Errorf("got %+v", got.Calls)
	}
	noCanary(t, "the calls in flight", w.Body.String())
}

func TestInfo(t *testing.T) {
	var got map[string]string
	decode(t, serve(config(&shelf{}), request("/api/v1/info")), &got)
	want := map[string]string{"version": "v1", "proxy": "http://127.0.0.1:4141", "admin": "http://admin.example:4142"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestHealth(t *testing.T) {
	c := config(&shelf{})
	if w := serve(c, bare("/healthz", "127.0.0.1:1")); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("healthz: %d %q", w.Code, w.Body)
	}
	if w := serve(c, bare("/readyz", "127.0.0.1:1")); w.Code != 200 || w.Body.String() != "ready\n" {
		t.Errorf("readyz: %d %q", w.Code, w.Body)
	}
	c.Ready = func() error { return errors.New("draining: 2 calls are still live") }
	if w := serve(c, bare("/readyz", "127.0.0.1:1")); w.Code != 503 || !strings.Contains(w.Body.String(), "draining: 2 calls") {
		t.Errorf("readyz while draining: %d %q", w.Code, w.Body)
	}
	if w := serve(c, bare("/healthz", "127.0.0.1:1")); w.Code != 200 {
		t.Errorf("healthz while draining: %d", w.Code)
	}
	if w := serve(c, bare("/metrics", "127.0.0.1:1")); w.Body.String() != "llmtap_up 1\n" {
		t.Errorf("metrics: %q", w.Body)
	}
}

func TestNothingElse(t *testing.T) {
	for path, says := range map[string]string{
		"/api/v2/calls": "/api/v1/calls", "/api": "nothing is at", "/debug/pprof/": "nothing is at",
	} {
		w := serve(config(&shelf{}), request(path))
		if code, message := problem(t, w); w.Code != 404 || code != "not_found" || !strings.Contains(message, says) {
			t.Errorf("%s: %d %s: %s", path, w.Code, code, message)
		}
	}
}

// TestWithoutSources: an agent without store, metrics and registry answers.
func TestWithoutSources(t *testing.T) {
	c := web.Config{Token: token}
	for path, want := range map[string]string{
		"/api/v1/calls": `{"calls":[]}`, "/api/v1/verdicts": `{"verdicts":[]}`, "/api/v1/tunnels": `{"tunnels":[]}`,
		"/api/v1/live": `{"calls":[]}`, "/api/v1/info": `{"version":""}`, "/readyz": "ready", "/api/v1/calls?since=1h": `{"calls":[]}`,
	} {
		if w := serve(c, request(path)); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/metrics", "/api/v1/calls/a"} {
		if w := serve(c, request(path)); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := serve(c, request("/")); w.Code != 200 || !strings.Contains(w.Body.String(), "No call was recorded yet") {
		t.Errorf("the page: %d %s", w.Code, w.Body)
	}
}

package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"llmtap/internal/call"
)

// TestQuestionsToTheAgent: every filter of the command reaches the API under
// its contract name, with the run's token.
func TestQuestionsToTheAgent(t *testing.T) {
	var got *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		_ = json.NewEncoder(w).Encode(map[string]any{"calls": []call.Record{plainOK()}, "tunnels": []call.Tunnel{{Host: "h"}}})
	}))
	defer srv.Close()
	a := newAdminClient(runInfo{Admin: srv.URL, Token: "secret"}, time.Minute)
	defer func() { _ = a.Close(t.Context()) }()
	for name, tc := range map[string]struct {
		q    call.Query
		want url.Values
	}{
		"nothing": {call.Query{}, url.Values{}},
		"all": {
			call.Query{Since: noon, Target: "gpt 4&x=1", Class: "rate_limited", Outcome: call.OutcomeError, Limit: 7},
			url.Values{"since": {"2026-01-02T12:00:00Z"}, "target": {"gpt 4&x=1"}, "class": {"rate_limited"}, "outcome": {"error"}, "limit": {"7"}},
		},
	} {
		list, err := a.Calls(t.Context(), tc.q)
		if err != nil || len(list) != 1 || list[0].Identity.ID != plainOK().Identity.ID {
			t.Errorf("%s: got %v, %v", name, list, err)
		}
		if got.URL.Path != "/api/v1/calls" || got.URL.Query().Encode() != tc.want.Encode() || got.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s: asked %s with %q", name, got.URL, got.Header.Get("Authorization"))
		}
	}
	if _, err := a.Call(t.Context(), "a/../b?c"); err != nil || got.URL.EscapedPath() != "/api/v1/calls/a%2F..%2Fb%3Fc" {
		t.Errorf("an odd id asked %s (%v)", got.URL.EscapedPath(), err)
	}
	if list, err := a.tunnels(t.Context()); err != nil || len(list) != 1 || got.URL.Path != "/api/v1/tunnels" {
		t.Errorf("tunnels: %v, %v from %s", list, err, got.URL)
	}
}

func TestAnswersOfTheAgent(t *testing.T) {
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer srv.Close()
	a := newAdminClient(runInfo{Admin: srv.URL}, time.Minute)
	defer func() { _ = a.Close(t.Context()) }()
	for _, status = range []int{http.StatusNotFound, http.StatusBadRequest, http.StatusTeapot, http.StatusServiceUnavailable} {
		_, err := a.Call(t.Context(), "x")
		var usage usageError
		if err == nil || errors.Is(err, call.ErrNotFound) != (status == http.StatusNotFound) || errors.As(err, &usage) != (status == http.StatusBadRequest) {
			t.Errorf("%d: %v", status, err)
		}
		if a.alive(t.Context()) {
			t.Errorf("%d: alive", status)
		}
	}
	if status = http.StatusOK; !a.alive(t.Context()) {
		t.Error("200 is alive")
	}
	gone := newAdminClient(runInfo{Admin: "http://127.0.0.1:1"}, time.Minute)
	if gone.alive(t.Context()) {
		t.Error("nobody listens there")
	}
	if _, err := gone.feed(t.Context()); err == nil {
		t.Error("a feed of nobody")
	}
	odd := newAdminClient(runInfo{Admin: "::"}, time.Minute)
	if _, err := odd.Call(t.Context(), "x"); err == nil || odd.alive(t.Context()) {
		t.Errorf("an address that is none: %v", err)
	}
}

// TestFollowIsRefused: --follow says what the agent said.
func TestFollowIsRefused(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer srv.Close()
	dir := shortDir(t)
	if err := (runInfo{PID: os.Getpid(), Admin: srv.URL, Token: "old"}).write(dir); err != nil {
		t.Fatal(err)
	}
	llmtap(t, vars{}, "calls", "--follow", "--state-dir", dir).wants(t, exitFailed, "401")
}

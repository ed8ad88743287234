package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// where is the flag of every command that reads.
type where struct {
	StateDir string `help:"State directory of the agent." env:"LLMTAP_STATE_DIR" placeholder:"DIR"`
}

func (w where) dir(env environment) string { return absolute(or(w.StateDir, defaultStateDir(env))) }

// findAgent returns the agent that answers for a state directory.
func findAgent(ctx context.Context, dir string) (*adminClient, bool) {
	info, ok := readRunInfo(dir)
	if !ok {
		return nil, false
	}
	a := newAdminClient(info, 15*time.Second)
	if a.alive(ctx) {
		return a, true
	}
	a.http.CloseIdleConnections()
	return nil, false
}

// noAgent says what to do when nothing answers.
func noAgent(dir string) error {
	return fmt.Errorf("no agent runs in %s; start one with: llmtap run (or name its directory with --state-dir)", dir)
}

// source answers questions about recorded calls: the running agent, else the
// store on disk, read-only.
type source interface {
	Calls(ctx context.Context, q call.Query) ([]call.Record, error)
	Call(ctx context.Context, id string) (call.Record, error)
	Findings(ctx context.Context, all bool) ([]call.Finding, error)
	Close(ctx context.Context) error
}

// open finds the agent of the state directory, or its store.
func (w where) open(ctx context.Context, env environment) (source, error) {
	dir := w.dir(env)
	if a, ok := findAgent(ctx, dir); ok {
		return a, nil
	}
	r, err := store.OpenReadOnly(ctx, filepath.Join(dir, "calls.db"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("nothing was recorded in %s yet, and no agent runs there; start one with `llmtap run`, "+
			"try `llmtap exec -- CMD`, or name another directory with --state-dir", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("no agent runs in %s, and its records cannot be read: %w", dir, err)
	}
	return storeSource{r}, nil
}

type storeSource struct{ *store.Reader }

// Close closes the database.
func (s storeSource) Close(context.Context) error { return s.Reader.Close() }

// adminClient asks a running agent through its API.
type adminClient struct {
	info runInfo
	http *http.Client
}

func newAdminClient(info runInfo, limit time.Duration) *adminClient {
	return &adminClient{info: info, http: &http.Client{Transport: &http.Transport{Proxy: nil}, Timeout: limit}}
}

// Close ends the connections to the agent.
func (a *adminClient) Close(context.Context) error {
	a.http.CloseIdleConnections()
	return nil
}

func (a *adminClient) alive(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.info.Admin+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return false
	}
	return errors.Join(resp.Body.Close()) == nil && resp.StatusCode == http.StatusOK
}

func (a *adminClient) request(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	u := a.info.Admin + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, fmt.Errorf("ask agent: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.info.Token)
	return a.http.Do(req)
}

// get decodes a JSON answer; an error answer becomes an error with its text.
func (a *adminClient) get(ctx context.Context, path string, query url.Values, into any) error {
	resp, err := a.request(ctx, path, query)
	if err != nil {
		return fmt.Errorf("ask agent: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		var e struct {
			Error struct{ Code, Message string } `json:"error"`
		}
		_ = json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&e)
		err := fmt.Errorf("the agent answered %s: %s", resp.Status, or(e.Error.Message, "no text"))
		switch resp.StatusCode {
		case http.StatusNotFound:
			return errors.Join(call.ErrNotFound, err)
		case http.StatusBadRequest:
			return usageError{err}
		}
		return err
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	return nil
}

// Calls lists records through the API.
func (a *adminClient) Calls(ctx context.Context, q call.Query) ([]call.Record, error) {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	for name, text := range map[string]string{"target": q.Target, "class": q.Class} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.Outcome != call.OutcomeUnknown {
		v.Set("outcome", q.Outcome.String())
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	var out struct {
		Calls []call.Record `json:"calls"`
	}
	return out.Calls, a.get(ctx, "/api/v1/calls", v, &out)
}

// Call fetches one record through the API.
func (a *adminClient) Call(ctx context.Context, id string) (call.Record, error) {
	var r call.Record
	err := a.get(ctx, "/api/v1/calls/"+url.PathEscape(id), nil, &r)
	return r, err
}

// Findings lists verdicts through the API.
func (a *adminClient) Findings(ctx context.Context, all bool) ([]call.Finding, error) {
	v := url.Values{}
	if all {
		v.Set("all", "1")
	}
	var out struct {
		Verdicts []call.Finding `json:"verdicts"`
	}
	return out.Verdicts, a.get(ctx, "/api/v1/verdicts", v, &out)
}

func (a *adminClient) tunnels(ctx context.Context) ([]call.Tunnel, error) {
	var out struct {
		Tunnels []call.Tunnel `json:"tunnels"`
	}
	return out.Tunnels, a.get(ctx, "/api/v1/tunnels", nil, &out)
}

// feed opens the live feed: what ends after it returned is in it. The caller
// closes it.
func (a *adminClient) feed(ctx context.Context) (io.ReadCloser, error) {
	live := newAdminClient(a.info, 0)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, live.info.Admin+"/api/v1/live", nil)
	if err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.info.Token)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := live.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("follow: the agent answered %s", resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

// eachRecord reads the live feed and shows every record event of it.
func eachRecord(feed io.Reader, show func(call.Record) error) error {
	lines := bufio.NewReaderSize(feed, 64<<10)
	event := ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("follow: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || event != "record" {
			continue
		}
		var r call.Record
		if err := json.Unmarshal([]byte(data), &r); err != nil {
			return fmt.Errorf("follow: %w", err)
		}
		if err := show(r); err != nil {
			return err
		}
	}
}

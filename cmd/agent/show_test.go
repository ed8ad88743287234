package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

func TestShowSheets(t *testing.T) {
	dir := recorded(t, all()...)
	for name, rec := range sixRecords() {
		t.Run(name, func(t *testing.T) {
			r := llmtap(t, vars{}, "show", rec.Identity.ID, "--state-dir", dir)
			r.wants(t, exitOK)
			golden(t, "golden/show-"+name+".txt", r.stdout)
			for line := range strings.Lines(r.stdout) {
				if n := columns(line); n > 100 && !strings.Contains(line, "https://") { // an address stays whole, to be copied
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

func TestShowJSON(t *testing.T) {
	dir := recorded(t, all()...)
	r := llmtap(t, vars{}, "show", "--json", "issue1208", "--state-dir", dir)
	r.wants(t, exitOK)
	var got call.Record
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.Identity.ID != issue1208().Identity.ID || got.Response.Status != 500 {
		t.Errorf("got %+v", got)
	}
	if !strings.HasPrefix(r.stdout, "{\n  \"schema\": 1,") {
		t.Errorf("not indented: %.60s", r.stdout)
	}
}

func TestShowFindsByAnyEnd(t *testing.T) {
	twin := plainOK()
	twin.Identity.ID = "01a0000000009plainok"
	dir := recorded(t, append(all(), twin)...)
	for name, tc := range map[string]struct {
		id   string
		code int
		want string
	}{
		"whole":             {"01a0000000003issue1208", exitOK, "gateway_error_opaque"},
		"start":             {"01a0000000003", exitOK, "gateway_error_opaque"},
		"end":               {"issue1208", exitOK, "gateway_error_opaque"},
		"as calls print it": {shortID("01a0000000004cutstream"), exitOK, "stream_truncated"},
		"ambiguous start":   {"01a", exitFailed, "ambiguous"},
		"ambiguous end":     {"plainok", exitFailed, `2 calls end in "plainok"; give more of the id`},
		"unknown":           {"nope", exitFailed, `no call "nope"; ids are in: llmtap calls`},
		"a pattern":         {"%", exitFailed, `no call "%"`},
		"escapes":           {"\x1b[2J", exitFailed, "llmtap calls"},
	} {
		t.Run(name, func(t *testing.T) {
			r := llmtap(t, vars{}, "show", "--state-dir", dir, "--", tc.id)
			r.wants(t, tc.code, tc.want)
			unescaped(t, r.stdout+r.stderr)
		})
	}
}

// TestShowThroughTheAgent: the API and the store find the same calls.
func TestShowThroughTheAgent(t *testing.T) {
	dir := recorded(t, fresh(all())...)
	agentOn(t, dir)
	for id, want := range map[string]string{"issue1208": "gateway_error_opaque", "01a0000000004": "stream_truncated"} {
		llmtap(t, vars{}, "show", id, "--state-dir", dir).wants(t, exitOK, want)
	}
	llmtap(t, vars{}, "show", "nope", "--state-dir", dir).wants(t, exitFailed, `no call "nope"`)
	llmtap(t, vars{}, "show", "01a", "--state-dir", dir).wants(t, exitFailed, "ambiguous")
	llmtap(t, vars{}, "calls", "--outcome", "ok", "--target", "gpt4", "--since", "1h", "--limit", "1", "--state-dir", dir).wants(t, exitOK, "2streamok")
}

// fresh moves records to just before now, so that an agent's retention keeps them.
func fresh(list []call.Record) []call.Record {
	by := time.Now().Add(-time.Minute).Sub(noon)
	for i := range list {
		r := &list[i]
		r.Identity.Start = r.Identity.Start.Add(by)
		tm := &r.Timing
		for _, at := range []*time.Time{&tm.RequestSent, &tm.Headers, &tm.FirstByte, &tm.FirstContent, &tm.LastByte, &tm.End} {
			if !at.IsZero() {
				*at = at.Add(by)
			}
		}
	}
	return list
}

// TestSheetNeverSteersTheTerminal: names, headers and texts of a hostile client
// and service come out on their line, harmless.
func TestSheetNeverSteersTheTerminal(t *testing.T) {
	r := hostile()
	var b bytes.Buffer
	if err := printRecord(&b, palette{}, &r, around{}); err != nil {
		t.Fatal(err)
	}
	unescaped(t, b.String())
	if strings.Contains(b.String(), "\xff") {
		t.Error("bytes that are no text reached the terminal")
	}
	quiet := issue1208()
	var want bytes.Buffer
	if err := printRecord(&want, palette{}, &quiet, around{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "gpj") || strings.HasPrefix(line, "?") {
			t.Errorf("a text broke out of its line: %q", line)
		}
	}
}

func TestEmptyRecordHasASheet(t *testing.T) {
	var b bytes.Buffer
	if err := printRecord(&b, palette{}, &call.Record{}, around{}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"  \n", "0001", "%!"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%q in\n%s", bad, b.String())
		}
	}
}

func TestAgentsOwnAnswerIsNotTheServices(t *testing.T) {
	r := plainOK()
	r.Response.Status, r.Response.Origin, r.End.Detail = 502, "agent", "connection refused"
	var b bytes.Buffer
	if err := printRecord(&b, palette{}, &r, around{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "written by llmtap: connection refused") {
		t.Errorf("got\n%s", b.String())
	}
	if got := status(&r); got != "-" {
		t.Errorf("the table shows %q as the service's status", got)
	}
}

// broken is a closed pipe.
type broken struct{ after int }

var errPipe = errors.New("broken pipe")

func (w *broken) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, errPipe
	}
	return len(p), nil
}

// TestClosedPipeEndsEveryPrinter: `llmtap calls | head -1` is no crash.
func TestClosedPipeEndsEveryPrinter(t *testing.T) {
	r := issue1208()
	for _, after := range []int{0, 60, 120, 400} {
		for name, print := range map[string]func(w *broken) error{
			"table":   func(w *broken) error { return printCalls(w, palette{}, []call.Record{r, r, r, r}) },
			"sheet":   func(w *broken) error { return printRecord(w, palette{}, &r, around{}) },
			"tunnels": func(w *broken) error { return printTunnels(w, palette{}, make([]call.Tunnel, 9)) },
			"env": func(w *broken) error {
				return writeEnv(w, "sh", clientEnv("http://127.0.0.1:1", "/state", clientHosts{}))
			},
			"summary": func(w *broken) error {
				m := &memory{}
				m.add(r)
				return newSummary(m, nil).print(w, palette{}, "")
			},
		} {
			if err := print(&broken{after}); !errors.Is(err, errPipe) {
				t.Errorf("%s after %d bytes: %v", name, after, err)
			}
		}
	}
}

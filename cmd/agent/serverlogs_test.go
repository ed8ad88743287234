package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"llmtap/internal/call"
)

// serverLog writes the log that a real server of this version wrote, as if its
// packages were in a folder that is there, and returns its path.
func serverLog(t *testing.T, name string) string {
	t.Helper()
	a, err := txtar.ParseFile("../../internal/serverlog/testdata/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	version, _, _ := strings.Cut(name, "-")
	for _, pkg := range []string{"jupyter_ai-" + version, "langchain-0.1.20", "litellm-1.106.2"} {
		put(t, filepath.Join(dir, "lib/python3.11/site-packages", pkg+".dist-info", "METADATA"), "", 0o600)
	}
	path := filepath.Join(dir, "server.log")
	put(t, path, strings.ReplaceAll(string(a.Files[0].Data), "/srv/jupyter", dir), 0o600)
	return path
}

// seenBy runs a command by exec and returns its result and the records.
func seenBy(t *testing.T, v vars, args ...string) (result, summary) {
	t.Helper()
	sum := filepath.Join(shortDir(t), "seen.json")
	r := llmtap(t, v, append([]string{"exec", "--state-dir", shortDir(t), "--summary", sum}, args...)...)
	var m summary
	b, err := os.ReadFile(sum)
	if err != nil || json.Unmarshal(b, &m) != nil {
		t.Fatalf("%v: %s\n%s", err, b, r.stderr)
	}
	return r, m
}

// failedFirst are the records that a log made and that count as failures.
func failedFirst(records []call.Record) (out []call.Record) {
	for _, r := range records {
		if r.Diagnosis.Class == call.ClassFailedBeforeCall && r.Outcome() == call.OutcomeError {
			out = append(out, r)
		}
	}
	return out
}

// TestExecNamesCallsThatNeverLeft: the command's log is its own, byte for byte,
// and what it says of failed messages is explained for the version at hand.
func TestExecNamesCallsThatNeverLeft(t *testing.T) {
	for name, want := range map[string]struct{ reason, remedy string }{
		"2.12.0":                 {"ValidationError", `pip install "httpx<0.28"`},
		"2.13.0":                 {"ValidationError", "2.17 or later"},
		"2.14.0":                 {"OpenAIError", "2.17 or later"},
		"2.14.0-bothkeys":        {"TypeError", "2.17 or later"},
		"2.18.1":                 {"ValidationError", "2.28.3 or later"},
		"3.2.0-cacheable-result": {"ImportError", `pip install "litellm<1.100"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := serverLog(t, name)
			r, m := seenBy(t, vars{}, "--", "sh", "-c", `cat "$0" >&2; echo mine; exit 3`, path)
			log, err := os.ReadFile(path)
			if err != nil || !strings.HasPrefix(r.stderr, string(log)) || r.stdout != "mine\n" || r.code != 3 {
				t.Errorf("status %d, stdout %q; the command's output was changed", r.code, r.stdout)
			}
			failed := failedFirst(m.Records)
			if len(failed) == 0 {
				t.Fatalf("no record: %+v", m.Records)
			}
			version, _, _ := strings.Cut(name, "-")
			c, d := failed[0].Client, failed[0].Diagnosis
			if c.Name != "jupyter-ai" || c.Version != version || c.Surface != "chat" || d.Reason != want.reason || !strings.Contains(strings.Join(d.Remedy, " "), want.remedy) {
				t.Errorf("%+v\n%+v", c, d)
			}
			if m.Failures != len(failed) || failed[0].Agent.Mode != call.CaptureLog {
				t.Errorf("%d failures, %d records, seen by %v", m.Failures, len(failed), failed[0].Agent.Mode)
			}
			if !strings.Contains(r.stderr, "failed_before_call: jupyter-ai "+version+" failed before it sent anything") {
				t.Errorf("not said: %s", r.stderr)
			}
		})
	}
}

// TestALogAboutACallThatLeft makes no record: the call has one.
func TestALogAboutACallThatLeft(t *testing.T) {
	service, upstreamCA := faultService(t)
	const log = "[E 2026-11-24 13:07:18.491 AiExtension] %s\n[I 2026-11-24 13:07:18.494 ServerApp] Default chat handler resolved in 30000 ms.\n"
	for _, text := range []string{"Error code: 500 - {'message': 'x'}", "boom", "Missing credentials. Please pass AZURE_OPENAI_API_KEY"} {
		path := filepath.Join(shortDir(t), "x.log")
		put(t, path, fmt.Sprintf(log, text), 0o600)
		_, m := seenBy(t, vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client"},
			"--upstream-ca", upstreamCA, "--", "sh", "-c", `"$1" stream; cat "$0" >&2`, path, os.Args[0])
		if len(m.Records) != 1 || m.Records[0].Diagnosis.Class != call.ClassGatewayErrorOpaque {
			t.Errorf("%s: %+v", text, m.Records)
		}
	}
}

// TestUnseenMessagesAreNoFailures: a message without a call may have gone round.
func TestUnseenMessagesAreNoFailures(t *testing.T) {
	r, m := seenBy(t, vars{}, "--", "sh", "-c", `cat "$0" >&2`, serverLog(t, "2.18.1-down"))
	r.wants(t, exitOK, "llmtap saw 0 LLM calls, 0 failures.", "no_call_seen")
	if len(m.Records) != 2 || m.Failures != 0 || len(failedFirst(m.Records)) != 0 {
		t.Errorf("%+v", m.Records)
	}
	r, m = seenBy(t, vars{}, "--tunnel-only", "--", "sh", "-c", `cat "$0" >&2`, serverLog(t, "2.18.1"))
	if len(m.Records) != 1 || m.Failures != 1 { // nothing is looked into: the known failure only
		t.Errorf("tunnel-only: %+v\n%s", m.Records, r.stderr)
	}
}

// TestExecKeepsTheOrderOfOneOutput: where both outputs are one, they stay one.
func TestExecKeepsTheOrderOfOneOutput(t *testing.T) {
	var both buffer
	script := `i=0; while [ $i -lt 200 ]; do echo "o$i"; echo "e$i" >&2; i=$((i+1)); done`
	if code := run(t.Context(), func() {}, []string{"exec", "--state-dir", shortDir(t), "--", "sh", "-c", script}, environmentOf(vars{}, strings.NewReader(""), &both, &both)); code != 0 {
		t.Fatalf("status %d: %s", code, both.String())
	}
	var want strings.Builder
	for i := range 200 {
		fmt.Fprintf(&want, "o%d\ne%d\n", i, i)
	}
	if !strings.HasPrefix(both.String(), want.String()) {
		t.Errorf("order lost: %.200s", both.String())
	}
}

// TestExecPassesAnyBytesOn: what is no log at all.
func TestExecPassesAnyBytesOn(t *testing.T) {
	path := filepath.Join(shortDir(t), "bytes")
	all := make([]byte, 1<<20)
	for i := range all {
		all[i] = byte(i * 7 >> 3)
	}
	put(t, path, string(all), 0o600)
	r, m := seenBy(t, vars{}, "--", "sh", "-c", `cat "$0" >&2`, path)
	if !bytes.HasPrefix([]byte(r.stderr), all) || len(m.Records) != 0 {
		t.Error("changed, or taken for a log")
	}
}

// TestExecEndsWithItsCommand: what the command left running holds the output
// open, and keeps nobody waiting.
func TestExecEndsWithItsCommand(t *testing.T) {
	began := time.Now()
	llmtap(t, vars{}, "exec", "--state-dir", shortDir(t), "--", "sh", "-c", "sleep 20 & exit 3").wants(t, 3, "saw 0 LLM calls")
	if d := time.Since(began); d > 15*time.Second {
		t.Errorf("it took %v", d)
	}
}

// TestExecOutlivesItsReader: who closes the output ends the command's writing,
// not the agent under it.
func TestExecOutlivesItsReader(t *testing.T) {
	done := filepath.Join(shortDir(t), "done")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "exec", "--state-dir", shortDir(t), "--", "sh", "-c", `trap "" PIPE; while echo x >&2 2>/dev/null; do :; done; sleep 0.5; echo "$HTTPS_PROXY" >"$0"`, done)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), childRole + "=llmtap"}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	_ = cmd.Wait() // it cannot say how it ended
	if b, err := os.ReadFile(done); err != nil || !strings.HasPrefix(string(b), "http://127.0.0.1:") {
		t.Errorf("the agent was gone before its command: %q, %v", b, err)
	}
}

// TestRunWatchesLogs: a log that grows makes records, with its user, in calls,
// in show and in the metrics; nothing secret gets there.
func TestRunWatchesLogs(t *testing.T) {
	const canary = "sk-canary0123456789abcdefABCDEF0123"
	dir, logs := shortDir(t), shortDir(t)
	path := filepath.Join(logs, "ada.log")
	put(t, path, "[E 2026-11-24 13:00:00.000 AiExtension] Missing credentials. Please pass AZURE_OPENAI_API_KEY\n", 0o600) // of before
	_, info := agentOn(t, dir, "--watch-log", filepath.Join(logs, "{user}.log"))
	secret, err := installSecret(dir)
	if err != nil {
		t.Fatal(err)
	}
	add := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a record", func() bool { // once the log is followed
		add("[E 2026-11-24 13:07:18.491 AiExtension] boom api_key=" + canary + "\n[I 2026-11-24 13:07:18.494 ServerApp] /ask chat handler resolved in 5 ms.\n")
		return strings.Contains(llmtap(t, vars{}, "calls", "--state-dir", dir).stdout, "failed_before_call")
	})
	out := llmtap(t, vars{}, "calls", "--state-dir", dir, "--json").stdout
	var rec call.Record
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &rec); err != nil {
		t.Fatal(err)
	}
	if rec.Client.User != namer(userHash, secret)("ada") || rec.Client.Surface != "ask" || rec.Agent.Mode != call.CaptureLog || rec.Diagnosis.Reason != "Exception" {
		t.Errorf("%+v", rec)
	}
	if strings.Contains(out, "Missing credentials") {
		t.Error("what was there before is no news")
	}
	show := llmtap(t, vars{}, "show", "--state-dir", dir, rec.Identity.ID)
	show.wants(t, exitOK, "jupyter-ai/ask", "none: no call was seen", "boom api_key=REDACTED")
	metrics := fetch(t, info.Admin+"/metrics")
	if !strings.Contains(metrics, `error_type="failed_before_call"`) && !strings.Contains(metrics, `class="failed_before_call"`) {
		t.Errorf("not in the metrics: %s", metrics)
	}
	db, err := os.ReadFile(filepath.Join(dir, "calls.db"))
	if err != nil || strings.Contains(out+show.stdout+metrics+string(db), canary) {
		t.Errorf("the key got out of the log: %v", err)
	}
}

// TestForgedLinesFillNothing: a user who prints such lines makes a few records,
// no verdict, and is counted.
func TestForgedLinesFillNothing(t *testing.T) {
	dir, logs := shortDir(t), shortDir(t)
	put(t, filepath.Join(logs, "one.log"), "", 0o600)
	_, info := agentOn(t, dir, "--watch-log", logs+"/*.log")
	forged := strings.Repeat("[E 2026-11-24 13:07:18.491 AiExtension] Missing credentials. Please pass AZURE_OPENAI_API_KEY\n"+
		"[I 2026-11-24 13:07:18.494 ServerApp] Default chat handler resolved in 5 ms.\n", 500)
	log, err := os.OpenFile(filepath.Join(logs, "one.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	eventually(t, "refused records", func() bool {
		// It grows: what is there when the agent looks first is no news.
		if _, err := log.WriteString(forged); err != nil {
			t.Fatal(err)
		}
		m := fetch(t, info.Admin+"/metrics")
		return strings.Contains(m, `llmtap_captures_dropped_total{reason="log_rate"}`) && !strings.Contains(m, `llmtap_captures_dropped_total{reason="log_rate"} 0`)
	})
	if n := len(strings.Fields(ids(t, dir, "--limit", "1000"))); n > 2*20 {
		t.Errorf("%d records", n)
	}
	llmtap(t, vars{}, "verdicts", "--all", "--state-dir", dir).wants(t, exitOK, "no verdict")
}

// fetch reads a page of the admin listener.
func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

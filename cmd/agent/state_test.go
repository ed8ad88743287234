package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteAtomic(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "file")
	for _, text := range []string{"first", "second, longer", ""} {
		if err := writeAtomic(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("got %q, want %q (%v)", b, text, err)
		}
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	folder(t, filepath.Join(dir, "folder"))
	put(t, filepath.Join(dir, "folder", "inside"), "x", 0o600)
	if err := writeAtomic(filepath.Join(dir, "folder"), []byte("x"), 0o600); err == nil {
		t.Error("a file took the place of a folder")
	}
	if err := writeAtomic(filepath.Join(dir, "none", "file"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".tmp-*"))
	if err != nil || len(left) > 1 { // the one that could not be renamed
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestInstallSecret(t *testing.T) {
	dir := shortDir(t)
	first, err := installSecret(dir)
	if err != nil || len(first) != 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	again, err := installSecret(dir)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the secret changed (%v): digests would not match", err)
	}
	if st, err := os.Stat(filepath.Join(dir, "secret")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	other, err := installSecret(shortDir(t))
	if err != nil || bytes.Equal(first, other) {
		t.Errorf("two installations share a secret (%v)", err)
	}
}

func TestStateDirIsOursAlone(t *testing.T) {
	dir := filepath.Join(shortDir(t), "deep", "state")
	if err := openStateDir(dir); err != nil {
		t.Fatal(err)
	}
	mode(t, dir, 0o755)
	if err := openStateDir(dir); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestClean(t *testing.T) {
	for name, pair := range map[string][2]string{
		"plain":          {"gpt-4o @ x", "gpt-4o @ x"},
		"accents, wide":  {"é 界 👍", "é 界 👍"},
		"colour":         {"\x1b[31mred\x1b[0m", "?[31mred?[0m"},
		"title":          {"\x1b]0;t\x07", "?]0;t?"},
		"eight-bit csi":  {"\u009b31m", "?31m"},
		"lines":          {"a\nb\r\nc\td", "a b  c d"},
		"null, delete":   {"\x00\x7f", "??"},
		"direction":      {"a\u202eb\u2066c\u200fd", "abcd"},
		"invisible":      {"a\u200bb\ufeffc\u00add", "abcd"},
		"line separator": {"a\u2028b\u2029c", "abc"},
		"no text":        {"\xff\xfe", "??"},
	} {
		if got := clean(pair[0]); got != pair[1] {
			t.Errorf("%s: got %q, want %q", name, got, pair[1])
		}
	}
	if got := cleanLines("a\x1b\nb\x07"); got != "a?\nb?" {
		t.Errorf("lines: got %q", got)
	}
}

func TestKnownAndLabelled(t *testing.T) {
	for name, pair := range map[string][2]string{
		"all":      {known("a", "b"), "a  b"},
		"holes":    {known("", "a", "", "b", ""), "a  b"},
		"nothing":  {known("", ""), ""},
		"label":    {labelled("model", "m"), "model m"},
		"no value": {labelled("model", ""), ""},
		"one":      {plural(1, "tool"), "1 tool"},
		"none":     {plural(0, "tool"), "0 tools"},
		"two":      {plural(2, "tool"), "2 tools"},
		"word":     {word("/a/b-c_d.e"), "/a/b-c_d.e"},
		"quoted":   {word("/a b/it's"), `'/a b/it'\''s'`},
		"default":  {or("", "d"), "d"},
		"given":    {or("g", "d"), "g"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", name, pair[0], pair[1])
		}
	}
}

// TestExitStatusOfErrors: usage 2, a child's own status, everything else 1; a
// secret in an error does not reach stderr.
func TestExitStatusOfErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		code   int
		stderr string
	}{
		"failed":        {errors.New("it broke"), exitFailed, "llmtap: it broke\n"},
		"usage":         {usagef("wrong %s", "flag"), exitUsage, "llmtap: wrong flag\n"},
		"usage wrapped": {fmt.Errorf("run: %w", usagef("wrong")), exitUsage, "llmtap: run: wrong\n"},
		"usage joined":  {errors.Join(usagef("wrong"), errors.New("and more")), exitUsage, "llmtap: wrong and more\n"},
		"child":         {exitError(7), 7, ""},
		"child wrapped": {fmt.Errorf("x: %w", exitError(143)), 143, ""},
		"secret":        {errors.New("dial https://user:hunter2@proxy.example: refused"), exitFailed, "llmtap: dial https://REDACTED@proxy.example: refused\n"},
		"key":           {errors.New("api_key=sk-abcdefghijklmnop1234567890"), exitFailed, "llmtap: api_key=REDACTED\n"},
		"escape":        {errors.New("a\u202eb"), exitFailed, "llmtap: ab\n"},
	} {
		var stderr buffer
		if code := fail(environmentOf(nil, nil, nil, &stderr), tc.err); code != tc.code || stderr.String() != tc.stderr {
			t.Errorf("%s: got %d %q, want %d %q", name, code, stderr.String(), tc.code, tc.stderr)
		}
	}
	if got := exitError(7).Error(); got != "exit status 7" {
		t.Errorf("got %q", got)
	}
	cause := errors.New("cause")
	if !errors.Is(usageError{cause}, cause) {
		t.Error("the cause of a usage error is lost")
	}
}

func TestLogsAreJSONWithoutATerminalAndRedacted(t *testing.T) {
	var stderr buffer
	log := logger(environmentOf(nil, nil, nil, &stderr), slog.LevelInfo)
	log.Debug("not shown")
	log.Info("hello", "api_key", "sk-abcdefghijklmnop1234567890", "url", "https://u:hunter2@h/")
	out := stderr.String()
	if !strings.HasPrefix(out, "{") || strings.Count(out, "\n") != 1 || strings.Contains(out, "hunter2") || strings.Contains(out, "sk-abc") {
		t.Errorf("got %s", out)
	}
}

func TestDays(t *testing.T) {
	for text, want := range map[string]string{"7d": "168h0m0s", "0d": "0s", "90m": "1h30m0s", "1.5h": "1h30m0s"} {
		if d, err := days(text); err != nil || d.String() != want {
			t.Errorf("%s: got %v, want %s (%v)", text, d, want, err)
		}
	}
	for _, bad := range []string{"", "d", "-1d", "1.5d", "x", "99999999d", "7"} {
		if d, err := days(bad); err == nil {
			t.Errorf("%q was read as %v", bad, d)
		}
	}
}

// TestKilledInTheMiddleOfACall: SIGKILL while a service answers; the commands
// and the next agent show that call as interrupted by the agent.
func TestKilledInTheMiddleOfACall(t *testing.T) {
	asked, leave := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(asked)
		select {
		case <-leave:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(leave)
	dir, addr := shortDir(t), strings.TrimPrefix(srv.URL, "http://")
	p := spawn(t, "run", "--state-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
		"--route", "svc="+srv.URL, "--route-listen", "127.0.0.1:0", "--allow-private", addr)
	var info runInfo
	eventually(t, "run.json", func() (ok bool) { info, ok = readRunInfo(dir); return ok })
	answer := make(chan string, 1)
	go func() { answer <- post(info.BaseURL + "/svc/v1/chat/completions") }()
	<-asked
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "calls.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	eventually(t, "the live call in the store", func() bool {
		var n int
		return db.QueryRow("SELECT count(*) FROM calls WHERE live <> 0").Scan(&n) == nil && n == 1
	})
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end(t)
	<-answer
	offline := llmtap(t, vars{}, "calls", "--state-dir", dir)
	offline.wants(t, exitOK, "agent_induced")
	next, _ := agentOn(t, dir)
	if !strings.Contains(next.stderr.String(), "was live when the agent was killed") {
		t.Errorf("the next agent says nothing: %s", next.stderr.String())
	}
	eventually(t, "the call through the API", func() bool {
		return strings.Contains(llmtap(t, vars{}, "calls", "--json", "--state-dir", dir).stdout, `"reason":"crash"`)
	})
}

// TestEveryCommandSurvivesAHostileStore: from the file to the terminal.
func TestEveryCommandSurvivesAHostileStore(t *testing.T) {
	dir := recorded(t, hostile())
	for _, args := range [][]string{{"calls"}, {"calls", "--outcome", "error"}, {"show", "hostile"}} {
		r := llmtap(t, vars{}, append(args, "--state-dir", dir)...)
		r.wants(t, exitOK, "500")
		unescaped(t, r.stdout+r.stderr)
	}
}

package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files anew")

// childRole makes the test binary another program: the whole llmtap, or a
// client that exec runs.
const childRole = "LLMTAP_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(childRole)
	if role == "llmtap" {
		_ = os.Unsetenv(childRole)
		main()
	}
	if role != "" {
		os.Exit(child(role))
	}
	for _, v := range os.Environ() { // what this machine exports must not reach an agent
		if name, _, _ := strings.Cut(v, "="); name != "PATH" && name != "TMPDIR" && name != "GOCOVERDIR" {
			_ = os.Unsetenv(name)
		}
	}
	time.Local = time.UTC
	goleak.VerifyTestMain(m)
}

// vars is the environment of a command under test.
type vars map[string]string

// result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

func environmentOf(v vars, stdin io.Reader, stdout, stderr io.Writer) environment {
	return environment{
		stdin: stdin, stdout: stdout, stderr: stderr,
		getenv: func(name string) string { return v[name] },
		environ: func() []string {
			out := []string{"PATH=" + os.Getenv("PATH")}
			for name, value := range v {
				out = append(out, name+"="+value)
			}
			return out
		},
	}
}

// llmtap runs one command to its end.
func llmtap(t *testing.T, v vars, args ...string) result {
	t.Helper()
	return llmtapReading(t, v, "", args...)
}

func llmtapReading(t *testing.T, v vars, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr buffer
	code := run(ctx, func() {}, args, environmentOf(v, strings.NewReader(stdin), &stdout, &stderr))
	return result{code, stdout.String(), stderr.String()}
}

// wants fails unless the command ended with code and said all of texts, on
// either stream.
func (r result) wants(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.stdout, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("%q is missing\nstdout: %s\nstderr: %s", text, r.stdout, r.stderr)
		}
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// running is a command that stays up until it is stopped.
type running struct {
	stdout, stderr buffer
	cancel         context.CancelFunc
	restored       chan struct{} // closed when signals got their default meaning back
	done           chan int
	code           int
	once           sync.Once
}

// start runs a command in the background; the test's end stops it.
func start(t *testing.T, v vars, args ...string) *running {
	t.Helper()
	r := &running{done: make(chan int, 1), restored: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	restore := sync.OnceFunc(func() { close(r.restored) })
	go func() {
		r.done <- run(ctx, restore, args, environmentOf(v, strings.NewReader(""), &r.stdout, &r.stderr))
	}()
	t.Cleanup(func() { r.stop(t) })
	return r
}

// stop ends the command as a signal would and returns its exit status.
func (r *running) stop(t *testing.T) int {
	t.Helper()
	r.cancel()
	return r.wait(t)
}

func (r *running) wait(t *testing.T) int {
	t.Helper()
	r.once.Do(func() {
		select {
		case r.code = <-r.done:
		case <-time.After(30 * time.Second):
			t.Errorf("still running\nstderr: %s", r.stderr.String())
			r.code = -1
		}
	})
	return r.code
}

// agentOn starts `llmtap run` on free ports and waits until it is ready.
func agentOn(t *testing.T, dir string, args ...string) (*running, runInfo) {
	t.Helper()
	r := start(t, vars{}, append([]string{"run", "--state-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, args...)...)
	var info runInfo
	eventually(t, "run.json", func() bool {
		if strings.HasPrefix(r.stderr.String(), "llmtap: ") {
			t.Fatalf("no start: %s", r.stderr.String())
		}
		var ok bool
		info, ok = readRunInfo(dir)
		return ok && strings.Contains(r.stderr.String(), "llmtap is ready")
	})
	return r, info
}

// eventually polls until ok, or fails the test after a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// unescaped fails if text holds anything that steers a terminal.
func unescaped(t *testing.T, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && (r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == '\u202e' || r == '\u200b')
	}); i >= 0 {
		t.Errorf("a control character reached the terminal: %q", text[i:min(len(text), i+20)])
	}
}

// columns is the widest line of a text, wide runes counted twice.
func columns(text string) int {
	widest := 0
	for line := range strings.Lines(regexp.MustCompile(`\x1b\[[0-9]*m`).ReplaceAllString(text, "")) {
		n := 0
		for _, r := range strings.TrimRight(line, "\n") {
			n += runeWidth(r)
		}
		widest = max(widest, n)
	}
	return widest
}

// put writes a file and its folder.
func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask may have taken bits away
		t.Fatal(err)
	}
}

func field(text, name string) string {
	i := slices.IndexFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), name+" ") })
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(strings.Split(text, "\n")[i]), name))
}

// shortDir is a temporary folder whose path looks like one; those of
// t.TempDir are long and mixed enough to be taken for secrets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "llmtap-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"llmtap/capture"
)

// TestInvalidFiles runs every testdata/invalid-*.yaml; the file beside it holds
// the sentence that the operator must read.
func TestInvalidFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid-*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(path, ".yaml") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			dir := shortDir(t)
			r := llmtap(t, vars{}, "run", "--config", path, "--state-dir", filepath.Join(dir, "state"))
			r.wants(t, exitUsage, strings.TrimSpace(string(want)))
			if strings.Contains(r.stderr, "hunter2") || strings.Contains(r.stderr, "goroutine") {
				t.Errorf("secret or stack in %s", r.stderr)
			}
			if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
				t.Error("a state directory was made although nothing could start")
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	llmtap(t, vars{}, "run", "--config", "/nonexistent/llmtap.yaml").wants(t, exitUsage, "--config", "/nonexistent/llmtap.yaml", "no such file")
}

func TestEmptyFileIsAllDefaults(t *testing.T) {
	path := filepath.Join(shortDir(t), "empty.yaml")
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		put(t, path, text, 0o600)
		got, err := flags{Config: path}.load(environmentOf(vars{"HOME": "/home/x"}, nil, nil, nil))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want, err := flags{}.load(environmentOf(vars{"HOME": "/home/x"}, nil, nil, nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v (%v)", text, got, want, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	s, err := flags{}.load(environmentOf(vars{"HOME": "/home/x"}, nil, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"proxy":     {s.listen, "127.0.0.1:4141"},
		"admin":     {s.adminListen, "127.0.0.1:4142"},
		"routes":    {s.routeListen, "127.0.0.1:4143"},
		"state":     {s.stateDir, "/home/x/.local/state/llmtap"},
		"auth":      {s.who.auth, capture.AuthNone},
		"process":   {s.who.process, true},
		"content":   {s.storeContent, false},
		"age":       {s.keep.maxAge, 14 * 24 * time.Hour},
		"bytes":     {s.keep.maxBytes, int64(256 << 20)},
		"grace":     {s.run.grace, 30 * time.Second},
		"intercept": {len(s.policy.Intercept), len(capture.KnownHosts())},
		"strict":    {s.policy.Strict, false},
		"tunnel":    {s.policy.TunnelOnly, false},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
}

// TestStateDirectory: flag and variable first (the table of precedence), then
// systemd's, then XDG's, then the home directory; always absolute.
func TestStateDirectory(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		v    vars
		want string
	}{
		"home":              {vars{"HOME": "/home/x"}, "/home/x/.local/state/llmtap"},
		"xdg":               {vars{"HOME": "/home/x", "XDG_STATE_HOME": "/xdg"}, "/xdg/llmtap"},
		"systemd":           {vars{"HOME": "/home/x", "XDG_STATE_HOME": "/xdg", "STATE_DIRECTORY": "/var/lib/llmtap"}, "/var/lib/llmtap"},
		"systemd, several":  {vars{"STATE_DIRECTORY": "/var/lib/llmtap:/var/lib/other"}, "/var/lib/llmtap"},
		"relative, for exe": {vars{"STATE_DIRECTORY": "state"}, filepath.Join(here, "state")},
	} {
		s, err := flags{}.load(environmentOf(tc.v, nil, nil, nil))
		if err != nil || s.stateDir != tc.want {
			t.Errorf("%s: got %q, want %q (%v)", name, s.stateDir, tc.want, err)
		}
	}
}

func TestNearestKey(t *testing.T) {
	keys := yamlKeys(reflect.TypeFor[fileConfig]())
	for typo, want := range map[string]string{
		"lisen": "listen", "adminlisten": "admin_listen", "STRICT": "strict", "upstream-ca": "upstream_ca", "maxage": "max_age",
		"interceptt": "intercept", "statedir": "state_dir", "loglevel": "level",
	} {
		if got := nearest(typo, keys); got != want {
			t.Errorf("%s: got %s, want %s", typo, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("%q to %q: got %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := distance(tc.b, tc.a); got != tc.want {
			t.Errorf("%q to %q: got %d, want %d", tc.b, tc.a, got, tc.want)
		}
	}
}

func FuzzConfigFile(f *testing.F) {
	files, _ := filepath.Glob("testdata/invalid-*.yaml")
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	path := filepath.Join(f.TempDir(), "fuzz.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 {
			return
		}
		put(t, path, string(text), 0o600)
		if _, err := (flags{Config: path}).load(environmentOf(vars{"HOME": "/home/x"}, nil, nil, nil)); err != nil && err.Error() == "" {
			t.Error("an error without a text")
		}
	})
}

// TestDocumentedExample: the file in the documentation is a valid one.
func TestDocumentedExample(t *testing.T) {
	b, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no example")
	}
	dir := shortDir(t)
	put(t, filepath.Join(dir, "corp.pem"), throwAwayCA(t), 0o600)
	path := filepath.Join(dir, "llmtap.yaml")
	put(t, path, strings.Replace(text, "/etc/ssl/corp.pem", filepath.Join(dir, "corp.pem"), 1), 0o600)
	s, err := flags{Config: path}.load(environmentOf(vars{"HOME": "/home/x"}, nil, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if s.keep.maxAge != 72*time.Hour || len(s.routes) != 1 || s.roots == nil {
		t.Errorf("got %+v", s)
	}
}

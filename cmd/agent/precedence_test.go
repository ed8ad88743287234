package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"llmtap/capture"
)

// knob is one setting with three different valid values and a way to read what
// an agent would use.
type knob struct {
	key, flag, variable string
	file, env, arg      string // the values as they are written there
	get                 func(settings) string
}

func hostOf(list []capture.HostPort) string {
	last := list[len(list)-1]
	return fmt.Sprintf("%s:%d", last.Host, last.Port)
}

// knobs is every setting of the documentation, in its order.
func knobs(t *testing.T) []knob {
	return []knob{
		{"listen", "listen", "LLMTAP_LISTEN", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", func(s settings) string { return s.listen }},
		{"admin_listen", "admin-listen", "LLMTAP_ADMIN_LISTEN", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", func(s settings) string { return s.adminListen }},
		{"route_listen", "route-listen", "LLMTAP_ROUTE_LISTEN", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", func(s settings) string { return s.routeListen }},
		{"state_dir", "state-dir", "LLMTAP_STATE_DIR", "/one", "/two", "/three", func(s settings) string { return s.stateDir }},
		{"intercept", "intercept", "LLMTAP_INTERCEPT", "[one.example:1]", "two.example:2", "three.example:3", func(s settings) string { return hostOf(s.policy.Intercept) }},
		{"allow_private", "allow-private", "LLMTAP_ALLOW_PRIVATE", "[one.example:1]", "two.example:2", "three.example:3", func(s settings) string { return hostOf(s.policy.AllowPrivate) }},
		{"routes", "route", "LLMTAP_ROUTE", "{a: 'https://one.example'}", "a=https://two.example", "a=https://three.example", func(s settings) string { return s.routes[len(s.routes)-1].Upstream.Host }},
		{"upstream_proxy", "upstream-proxy", "LLMTAP_UPSTREAM_PROXY", "http://one:1", "http://two:2", "http://three:3", func(s settings) string { return s.upstreamProxy.Host }},
		{"upstream_ca", "upstream-ca", "LLMTAP_UPSTREAM_CA", caFile(t, 1), caFile(t, 2), caFile(t, 3), func(s settings) string { return fmt.Sprint(s.roots != nil) }},
		{"content", "content", "LLMTAP_CONTENT", "redacted", "off", "redacted", func(s settings) string { return fmt.Sprint(s.storeContent) }},
		{"tunnel_only", "tunnel-only", "LLMTAP_TUNNEL_ONLY", "true", "false", "true", func(s settings) string { return fmt.Sprint(s.policy.TunnelOnly) }},
		{"strict", "strict", "LLMTAP_STRICT", "true", "false", "true", func(s settings) string { return fmt.Sprint(s.policy.Strict) }},
		{"proxy.auth", "proxy-auth", "LLMTAP_PROXY_AUTH", "none", "optional", "required", func(s settings) string { return string(s.who.auth) }},
		{"identity.user", "identity-user", "LLMTAP_IDENTITY_USER", "hash", "off", "name", func(s settings) string { return s.who.users }},
		{"identity.process", "identity-process", "LLMTAP_IDENTITY_PROCESS", "on", "off", "on", func(s settings) string { return fmt.Sprint(s.who.process) }},
		{"watch_logs", "watch-log", "LLMTAP_WATCH_LOG", "[/one.log]", "/two.log", "/three.log", func(s settings) string { return s.who.logs[len(s.who.logs)-1] }},
		{"store.max_age", "store-max-age", "LLMTAP_STORE_MAX_AGE", "1h", "2h", "3h", func(s settings) string { return s.keep.maxAge.String() }},
		{"store.max_bytes", "store-max-bytes", "LLMTAP_STORE_MAX_BYTES", "1000000", "2000000", "3000000", func(s settings) string { return fmt.Sprint(s.keep.maxBytes) }},
		{"log.level", "log-level", "LLMTAP_LOG_LEVEL", "debug", "warn", "error", func(s settings) string { return s.run.level.String() }},
		{"drain", "drain", "LLMTAP_DRAIN", "1s", "2s", "3s", func(s settings) string { return s.run.grace.String() }},
	}
}

// caFile is a PEM file with n certificates of throw-away authorities.
func caFile(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("ca%d.pem", n))
	var b strings.Builder
	for range n {
		b.WriteString(throwAwayCA(t))
	}
	put(t, path, b.String(), 0o600)
	return path
}

func (k knob) yaml() string {
	if outer, inner, nested := strings.Cut(k.key, "."); nested {
		return outer + ":\n  " + inner + ": " + k.file + "\n"
	}
	return k.key + ": " + k.file + "\n"
}

// parse is the command line as run() reads it, without starting anything.
func parse(t *testing.T, v vars, args ...string) (settings, error) {
	t.Helper()
	env := environmentOf(v, nil, nil, nil)
	var c cli
	p, err := kong.New(&c, kong.Resolvers(variables(env)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse(append([]string{"run"}, args...)); err != nil {
		t.Fatal(err)
	}
	return c.Run.load(env)
}

// TestPrecedence: flag over variable over file over default, for every setting.
func TestPrecedence(t *testing.T) {
	for _, k := range knobs(t) {
		t.Run(k.key, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "llmtap.yaml")
			put(t, path, k.yaml(), 0o600)
			alone := func(v vars, args ...string) string {
				t.Helper()
				s, err := parse(t, v, args...)
				if err != nil {
					t.Fatal(err)
				}
				return k.get(s)
			}
			file, variable, flag := alone(nil, "--config", path), alone(vars{k.variable: k.env}), alone(nil, "--"+k.flag+"="+k.arg)
			if k.key != "upstream_ca" && file == variable {
				t.Fatalf("the values do not tell file and variable apart: %s", file)
			}
			if got := alone(vars{k.variable: k.env}, "--config", path); got != variable {
				t.Errorf("variable over file: got %s, want %s", got, variable)
			}
			if got := alone(vars{k.variable: k.env}, "--config", path, "--"+k.flag+"="+k.arg); got != flag {
				t.Errorf("flag over all: got %s, want %s", got, flag)
			}
			if got := alone(vars{"LLMTAP_CONFIG": path}); got != file {
				t.Errorf("file named by variable: got %s, want %s", got, file)
			}
			if got := alone(vars{k.variable: ""}, "--config", path); got != file {
				t.Errorf("an empty variable is none: got %s, want %s", got, file)
			}
		})
	}
}

func TestListsAddUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "llmtap.yaml")
	put(t, path, "intercept: [one.example]\nallow_private: ['10.0.0.1:80']\nroutes: {a: 'https://a.example'}\n", 0o600)
	s, err := parse(t, nil, "--config", path, "--intercept", "two.example", "--intercept=three.example:8443", "--allow-private=10.0.0.2:80", "--route=b=https://b.example")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.policy.Intercept) - len(capture.KnownHosts()); n != 3 {
		t.Errorf("%d hosts beside the known ones, want 3", n)
	}
	if len(s.policy.AllowPrivate) != 2 || len(s.routes) != 2 {
		t.Errorf("private %v, routes %v, want two of each", s.policy.AllowPrivate, s.routes)
	}
}

// TestEveryKnobIsDocumented compares docs/configuration.md with the tags of
// the structs and with the table above.
func TestEveryKnobIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) == 5 && strings.Contains(cells[0], "`") {
			for i := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
			}
			documented[cells[0]] = cells
		}
	}
	keys := fileKeys(reflect.TypeFor[fileConfig](), "")
	if len(keys) > 20 {
		t.Errorf("%d knobs, at most 20", len(keys))
	}
	tested := map[string]knob{}
	for _, k := range knobs(t) {
		tested[k.key] = k
	}
	for _, key := range keys {
		row, k := documented[key], tested[key]
		if row == nil || k.key == "" {
			t.Errorf("%s: documented %v, precedence tested %v", key, row != nil, k.key != "")
			continue
		}
		if (row[1] != "--"+k.flag && row[1] != "") || row[2] != k.variable || row[3] == "" || row[4] == "" {
			t.Errorf("%s: the documentation says %q, want --%s, %s, a default and a meaning", key, row, k.flag, k.variable)
		}
		delete(documented, key)
	}
	for key := range documented {
		t.Errorf("%s is documented and does not exist", key)
	}
	flagged := map[string]bool{"LLMTAP_CONFIG": true}
	for _, k := range tested {
		flagged[k.variable] = true
	}
	for _, name := range variablesOf(reflect.TypeFor[flags]()) {
		if !flagged[name] {
			t.Errorf("%s has no file key in the table", name)
		}
	}
}

func fileKeys(t reflect.Type, prefix string) []string {
	var out []string
	for f := range t.Fields() {
		tag := f.Tag.Get("yaml")
		switch {
		case tag == ",inline":
			out = append(out, fileKeys(f.Type, prefix)...)
		case tag != "" && f.Type.Kind() == reflect.Struct:
			out = append(out, fileKeys(f.Type, prefix+tag+".")...)
		case tag != "":
			out = append(out, prefix+tag)
		}
	}
	return out
}

func variablesOf(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if name := f.Tag.Get("env"); name != "" {
			out = append(out, name)
		}
		if f.Type.Kind() == reflect.Struct {
			out = append(out, variablesOf(f.Type)...)
		}
	}
	return out
}

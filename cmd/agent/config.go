package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// fileConfig is the YAML file of `llmtap run --config`.
type fileConfig struct {
	Address  addressConfig  `yaml:",inline"`
	Hosts    hostConfig     `yaml:",inline"`
	Switch   switchConfig   `yaml:",inline"`
	Proxy    proxyConfig    `yaml:"proxy"`
	Identity identityConfig `yaml:"identity"`
	Store    storeConfig    `yaml:"store"`
	Log      logConfig      `yaml:"log"`
	State    string         `yaml:"state_dir"`
	Drain    string         `yaml:"drain"`
	// WatchLogs are paths of server logs.
	WatchLogs []string `yaml:"watch_logs"`
}

type addressConfig struct {
	Listen      string `yaml:"listen"`
	AdminListen string `yaml:"admin_listen"`
	RouteListen string `yaml:"route_listen"`
}

type hostConfig struct {
	Intercept     []string          `yaml:"intercept"`
	AllowPrivate  []string          `yaml:"allow_private"`
	Routes        map[string]string `yaml:"routes"`
	UpstreamProxy string            `yaml:"upstream_proxy"`
	UpstreamCA    string            `yaml:"upstream_ca"`
	extraRoutes   []string
}

type switchConfig struct {
	Content    string `yaml:"content"`
	TunnelOnly bool   `yaml:"tunnel_only"`
	Strict     bool   `yaml:"strict"`
}

type proxyConfig struct {
	Auth string `yaml:"auth"`
}

type identityConfig struct {
	Process string `yaml:"process"`
	User    string `yaml:"user"`
}

type storeConfig struct {
	MaxAge   string `yaml:"max_age"`
	MaxBytes int64  `yaml:"max_bytes"`
}

type logConfig struct {
	Level string `yaml:"level"`
}

// readConfig reads a file strictly: an unknown key is an error that names its
// line and the nearest key.
func readConfig(path string) (fileConfig, error) {
	var c fileConfig
	f, err := os.Open(path)
	if err != nil {
		return c, fmt.Errorf("read --config: %w", err)
	}
	defer func() { _ = f.Close() }()
	err = yaml.NewDecoder(f, yaml.Strict()).Decode(&c)
	if err == nil || errors.Is(err, io.EOF) {
		return c, nil
	}
	return c, explainYAML(path, err)
}

// explainYAML turns a decoder's error into a sentence with the line.
func explainYAML(path string, err error) error {
	var unknown *yaml.UnknownFieldError
	var mistyped *yaml.TypeError
	var unexpected *yaml.UnexpectedNodeTypeError
	switch {
	case errors.As(err, &unknown) && unknown.Token != nil:
		return fmt.Errorf("%s:%d: unknown key %q; did you mean %q?", path, unknown.Token.Position.Line,
			unknown.Token.Value, nearest(unknown.Token.Value, yamlKeys(reflect.TypeFor[fileConfig]())))
	case errors.As(err, &mistyped) && mistyped.Token != nil:
		return fmt.Errorf("%s:%d: want %s here, not %q", path, mistyped.Token.Position.Line, wanted(mistyped.DstType), mistyped.Token.Value)
	case errors.As(err, &unexpected) && unexpected.Token != nil:
		return fmt.Errorf("%s:%d: want a %s here, not a %s", path, unexpected.Token.Position.Line,
			strings.ToLower(unexpected.Expected.YAMLName()), strings.ToLower(unexpected.Actual.YAMLName()))
	}
	return fmt.Errorf("%s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, false)))
}

// wanted names a type as somebody who writes YAML knows it.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "a number"
	case reflect.Slice:
		return "a list ([a, b])"
	}
	return "a text"
}

// overlay puts what flags and variables gave over the file's values; lists add up.
func (c *fileConfig) overlay(f flags) {
	for _, v := range []struct {
		given string
		into  *string
	}{
		{f.Listen, &c.Address.Listen}, {f.AdminListen, &c.Address.AdminListen}, {f.RouteListen, &c.Address.RouteListen}, {f.StateDir, &c.State},
		{f.UpstreamProxy, &c.Hosts.UpstreamProxy}, {f.UpstreamCA, &c.Hosts.UpstreamCA}, {f.Content, &c.Switch.Content},
		{f.Trust.ProxyAuth, &c.Proxy.Auth}, {f.Trust.Limits.IdentityProcess, &c.Identity.Process}, {f.Trust.Limits.IdentityUser, &c.Identity.User}, {f.Trust.LogLevel, &c.Log.Level},
		{f.Trust.Limits.Drain, &c.Drain}, {f.Trust.Limits.StoreMaxAge, &c.Store.MaxAge},
	} {
		if v.given != "" {
			*v.into = v.given
		}
	}
	if n := f.Trust.Limits.StoreMaxBytes; n != 0 {
		c.Store.MaxBytes = n
	}
	c.Hosts.Intercept = append(c.Hosts.Intercept, f.Intercept...)
	c.Hosts.AllowPrivate = append(c.Hosts.AllowPrivate, f.AllowPrivate...)
	c.Hosts.extraRoutes = f.Route
	c.WatchLogs = append(c.WatchLogs, f.Trust.WatchLog...)
	if f.Trust.TunnelOnly.given {
		c.Switch.TunnelOnly = f.Trust.TunnelOnly.on
	}
	if f.Trust.Strict.given {
		c.Switch.Strict = f.Trust.Strict.on
	}
}

func (c fileConfig) routeList() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Hosts.Routes)) {
		out = append(out, name+"="+c.Hosts.Routes[name])
	}
	return append(out, c.Hosts.extraRoutes...)
}

// yamlKeys lists every key of the file, nested ones by their last name.
func yamlKeys(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if tag := f.Tag.Get("yaml"); tag != "" && tag[0] != ',' {
			out = append(out, tag)
		}
		if f.Type.Kind() == reflect.Struct {
			out = append(out, yamlKeys(f.Type)...)
		}
	}
	return out
}

// nearest returns the candidate with the smallest edit distance to s.
func nearest(s string, candidates []string) string {
	best, at := "", 1<<30
	s = strings.ReplaceAll(strings.ToLower(s), "-", "_")
	for _, c := range candidates {
		if d := distance(s, c); d < at {
			best, at = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

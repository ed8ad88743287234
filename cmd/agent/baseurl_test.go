package main

import (
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"llmtap/capture"
)

// TestExecBaseURL: a client that would heed no proxy reaches its service by a
// route, whatever proxies and exemptions its environment had before.
func TestExecBaseURL(t *testing.T) {
	for name, before := range map[string]vars{
		"nothing set": {},
		"proxies set": {
			"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "socks5://127.0.0.1:1",
			"NO_PROXY": "corp.example",
		},
		"loopback proxied": {"LLMTAP_ALLOW_PRIVATE": "127.0.0.1:9"},
	} {
		t.Run(name, func(t *testing.T) {
			service, upstreamCA := faultService(t)
			v := vars{"OPENAI_BASE_URL": service + "/v1", childRole: "base-url"}
			maps.Copy(v, before)
			sum := filepath.Join(shortDir(t), "seen.json")
			r := llmtap(t, v, "exec", "--base-url", "--state-dir", shortDir(t), "--upstream-ca", upstreamCA, "--summary", sum, "--", os.Args[0], "plain", "stream")
			r.wants(t, exitOK, "plain 200 true", "stream 500 true", "saw 2 LLM calls, 1 failure", "gateway_error_opaque")
			var m summary
			b, err := os.ReadFile(sum)
			if err != nil || json.Unmarshal(b, &m) != nil {
				t.Fatalf("%v: %s", err, b)
			}
			if len(m.Routes) == 0 || m.Routes[0].Variable != "OPENAI_BASE_URL" || m.Routes[0].Route != "openai" || m.Routes[0].Upstream != service || len(m.Direct) != 0 {
				t.Errorf("routes %+v, direct %+v", m.Routes, m.Direct)
			}
			if len(m.Records) != 2 || m.Records[0].Target.Host != "localhost" || m.Records[0].Request.Path != "/v1/chat/completions" {
				t.Errorf("records: %s", b)
			}
		})
	}
}

// TestExecBaseURLOfCurl: another real client, with the corporate proxy of its
// environment, and a key in the address.
func TestExecBaseURLOfCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	service, upstreamCA := faultService(t)
	v := vars{"AZURE_OPENAI_ENDPOINT": strings.Replace(service, "://", "://ada:canary%40key@", 1) + "/", "http_proxy": "http://127.0.0.1:1", "NO_PROXY": "corp.example"}
	script := `echo "$AZURE_OPENAI_ENDPOINT"; ` + curl + ` -sS -o /dev/null -w '%{http_code}' "${AZURE_OPENAI_ENDPOINT}openai/deployments/ok-json/chat/completions?api-version=2024-10-21" -d '{"messages":[]}'`
	r := llmtap(t, v, "exec", "--base-url", "--state-dir", shortDir(t), "--upstream-ca", upstreamCA, "--", "sh", "-c", script)
	r.wants(t, exitOK, "http://ada:canary%40key@127.0.0.1:", "/azure/\n", "saw 1 LLM call,")
	if strings.Contains(r.stderr, "canary") {
		t.Errorf("the key is in the summary: %s", r.stderr)
	}
}

// TestExecBaseURLFillsIn: variables that SDKs read are set; what would lead
// another client astray is not.
func TestExecBaseURLFillsIn(t *testing.T) {
	const print = `for v in OPENAI_BASE_URL OPENAI_API_BASE ANTHROPIC_BASE_URL AWS_ENDPOINT_URL OLLAMA_HOST HTTP_PROXY; do eval "echo $v=\$$v"; done`
	r := llmtap(t, vars{"AWS_ENDPOINT_URL": "https://aws.example.org"}, "exec", "--base-url", "--state-dir", shortDir(t), "--", "sh", "-c", print)
	r.wants(t, exitOK, "OPENAI_BASE_URL=http://127.0.0.1:", "/openai/v1\n", "OPENAI_API_BASE=\n", "/anthropic\n", "/ollama\n", "AWS_ENDPOINT_URL=https://aws.example.org\n", "HTTP_PROXY=\n",
		"No connection came through the proxy or a route", "elsewhere than in")
	r = llmtap(t, vars{"AZURE_OPENAI_API_KEY": "k"}, "exec", "--base-url", "--state-dir", shortDir(t), "--", "sh", "-c", print)
	r.wants(t, exitOK, "OPENAI_BASE_URL=\n", "/anthropic\n")
	r = llmtap(t, vars{}, "exec", "--state-dir", shortDir(t), "--", "sh", "-c", print)
	r.wants(t, exitOK, "OPENAI_BASE_URL=\n", "ANTHROPIC_BASE_URL=\n", "OLLAMA_HOST=\n", "llmtap exec --base-url -- CMD")
}

// TestExecHostileEndpoints: a value that is no address is the program's to
// make sense of; it gets it as it was.
func TestExecHostileEndpoints(t *testing.T) {
	for name, value := range map[string]string{
		"no port":     "https://llm.example.org:99999/v1",
		"port zero":   "https://llm.example.org:0/v1",
		"blank host":  "https://a b/v1",
		"open brace":  "https://[::1/v1",
		"escape":      "https://x\x1b[31m.example/v1",
		"line":        "https://x.example/v1\nEVIL=1",
		"no host":     "https:///v1",
		"only port":   "https://:443/v1",
		"scheme":      "file:///etc/passwd",
		"opaque":      "https:llm.example.org",
		"broken code": "https://x.example/%zz",
		"long":        "https://" + strings.Repeat("x", 60_000) + ":y/",
	} {
		for _, mode := range []string{"--base-url=true", "--base-url=false"} {
			r := llmtap(t, vars{"OPENAI_BASE_URL": value}, "exec", mode, "--state-dir", shortDir(t), "--", "sh", "-c", `printf %s "$OPENAI_BASE_URL"`)
			if r.code != exitOK || r.stdout != value {
				t.Errorf("%s %s: status %d, got %q\n%s", name, mode, r.code, r.stdout[:min(80, len(r.stdout))], r.stderr)
			}
			unescaped(t, r.stderr)
		}
	}
}

// TestExecBaseURLKeepsRoutesHere: the routes ask nobody for a token, ours as
// little as the operator's.
func TestExecBaseURLKeepsRoutesHere(t *testing.T) {
	r := llmtap(t, vars{}, "exec", "--base-url", "--route-listen", "0.0.0.0:0", "--state-dir", shortDir(t), "--", "true")
	r.wants(t, exitUsage, "loopback only")
	r = llmtap(t, vars{"OPENAI_BASE_URL": "https://a.example/v1"}, "exec", "--base-url", "--route", "openai=https://b.example", "--state-dir", shortDir(t),
		"--", "sh", "-c", "echo $OPENAI_BASE_URL")
	r.wants(t, exitOK, "/openai-2/v1\n")
}

// TestExecBaseURLKeepsTheAuthority: with and without it the same hosts are
// looked into, so that no client has to trust anew.
func TestExecBaseURLKeepsTheAuthority(t *testing.T) {
	dir := shortDir(t)
	for _, mode := range []string{"--base-url=false", "--base-url=true", "--base-url=false"} {
		r := llmtap(t, vars{"OPENAI_BASE_URL": "https://localhost:1/v1"}, "exec", mode, "--state-dir", dir, "--", "true")
		r.wants(t, exitOK)
		if strings.Contains(r.stderr, "new authority") {
			t.Errorf("%s: %s", mode, r.stderr)
		}
	}
}

func TestFilled(t *testing.T) {
	for name, tc := range map[string]struct {
		v    vars
		want string
	}{
		"nothing set":           {vars{}, "OPENAI_BASE_URL ANTHROPIC_BASE_URL GOOGLE_GEMINI_BASE_URL OLLAMA_HOST CO_API_URL GROQ_BASE_URL"},
		"set itself":            {vars{"ANTHROPIC_BASE_URL": "https://a.example"}, "OPENAI_BASE_URL GOOGLE_GEMINI_BASE_URL OLLAMA_HOST CO_API_URL GROQ_BASE_URL"},
		"another of the same":   {vars{"OPENAI_API_BASE": "https://a.example"}, "ANTHROPIC_BASE_URL GOOGLE_GEMINI_BASE_URL OLLAMA_HOST CO_API_URL GROQ_BASE_URL"},
		"another, not readable": {vars{"OPENAI_API_BASE": "a.example"}, "ANTHROPIC_BASE_URL GOOGLE_GEMINI_BASE_URL OLLAMA_HOST CO_API_URL GROQ_BASE_URL"},
		"an Azure client":       {vars{"OPENAI_API_VERSION": "2024-10-21"}, "ANTHROPIC_BASE_URL GOOGLE_GEMINI_BASE_URL OLLAMA_HOST CO_API_URL GROQ_BASE_URL"},
	} {
		var got []string
		for _, e := range filled(func(n string) string { return tc.v[n] }) {
			got = append(got, e.variable)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", name, s, tc.want)
		}
	}
}

func TestReroutes(t *testing.T) {
	const base = "http://127.0.0.1:4143"
	for name, tc := range map[string]struct {
		v     vars
		own   []string
		flags string
		want  string
	}{
		"path stays":           {vars{"OPENAI_BASE_URL": "https://a.example/v1"}, nil, "openai=https://a.example", base + "/openai/v1"},
		"slash stays":          {vars{"OPENAI_BASE_URL": "https://a.example/v1/"}, nil, "openai=https://a.example", base + "/openai/v1/"},
		"no path":              {vars{"AZURE_OPENAI_ENDPOINT": "https://a.example"}, nil, "azure=https://a.example", base + "/azure"},
		"standard port":        {vars{"OPENAI_BASE_URL": "https://a.example:443/v1"}, nil, "openai=https://a.example", base + "/openai/v1"},
		"other port":           {vars{"OPENAI_BASE_URL": "http://a.example:443/v1"}, nil, "openai=http://a.example:443", base + "/openai/v1"},
		"query, escapes":       {vars{"OPENAI_BASE_URL": "https://a.example/a%2Fb?x=%20y"}, nil, "openai=https://a.example", base + "/openai/a%2Fb?x=%20y"},
		"user":                 {vars{"OPENAI_BASE_URL": "https://u:p%40@a.example"}, nil, "openai=https://a.example", "http://u:p%40@127.0.0.1:4143/openai"},
		"ipv6":                 {vars{"OPENAI_BASE_URL": "https://[::1]:8443/v1"}, nil, "openai=https://[::1]:8443", base + "/openai/v1"},
		"ollama, bare":         {vars{"OLLAMA_HOST": "gpu.example"}, nil, "ollama=http://gpu.example:11434", base + "/ollama"},
		"ollama, with scheme":  {vars{"OLLAMA_HOST": "http://gpu.example"}, nil, "ollama=http://gpu.example", base + "/ollama"},
		"ollama, all":          {vars{"OLLAMA_HOST": "0.0.0.0"}, nil, "ollama=http://127.0.0.1:11434", base + "/ollama"},
		"ollama, port only":    {vars{"OLLAMA_HOST": ":9999"}, nil, "ollama=http://127.0.0.1:9999", base + "/ollama"},
		"one service, twice":   {vars{"OPENAI_BASE_URL": "https://a.example/v1", "OPENAI_API_BASE": "https://a.example/v2"}, nil, "openai=https://a.example openai=https://a.example", base + "/openai/v1 " + base + "/openai/v2"},
		"two services":         {vars{"OPENAI_BASE_URL": "https://a.example", "OPENAI_API_BASE": "https://b.example"}, nil, "openai=https://a.example openai-2=https://b.example", base + "/openai " + base + "/openai-2"},
		"name of the operator": {vars{"OPENAI_BASE_URL": "https://a.example"}, []string{"openai", "openai-2"}, "openai-3=https://a.example", base + "/openai-3"},
		"signed":               {vars{"AWS_ENDPOINT_URL": "https://a.example", "ANTHROPIC_BEDROCK_BASE_URL": "https://b.example"}, nil, "", ""},
	} {
		var own []capture.Route
		for _, n := range tc.own {
			own = append(own, capture.Route{Name: n})
		}
		var flags, values []string
		for _, r := range reroutes(endpoints(func(n string) string { return tc.v[n] }), own) {
			flags, values = append(flags, r.flag()), append(values, r.variable(base).value)
			if _, err := capture.ParseRoute(r.flag()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if f, v := strings.Join(flags, " "), strings.Join(values, " "); f != tc.flags || v != tc.want {
			t.Errorf("%s:\n got %s %s\nwant %s %s", name, f, v, tc.flags, tc.want)
		}
	}
}

// FuzzReroute: whatever a variable holds, a route made of it leads to that
// host and the client's address stays one of ours.
func FuzzReroute(f *testing.F) {
	for _, s := range []string{"https://a.example/v1", "http://u:p@[::1]:80/a%2f?x", "a:1", "https://a.example:443/../..", "//", ":1", "http://@a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, v := range []endpointVariable{{name: ollamaHost, route: "r"}, {name: "OPENAI_BASE_URL", route: "r"}} {
			e, ok := v.endpoint(value)
			if !ok {
				continue
			}
			r := reroutes([]endpoint{e}, nil)[0]
			route, err := capture.ParseRoute(r.flag())
			if err != nil || route.Upstream.Hostname() != e.host || route.Upstream.User != nil {
				t.Errorf("%q: route %q: %v", value, r.flag(), err)
			}
			back, ok := v.endpoint(r.variable("http://127.0.0.1:4143").value)
			if !ok || net.JoinHostPort(back.host, back.port) != "127.0.0.1:4143" || !strings.HasPrefix(back.url.EscapedPath(), "/r") {
				t.Errorf("%q: the client gets %q", value, r.variable("http://127.0.0.1:4143").value)
			}
		}
	})
}

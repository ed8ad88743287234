package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/check"
	"llmtap/internal/faultllm"
)

const checkKey = "sk-canary-4242424242424242"

// faults serves the fault service on a real socket.
func faults(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(faultllm.New(faultllm.Config{}))
	t.Cleanup(s.Close)
	return s.URL
}

// checked runs check with --json and returns its lines by name.
func checked(t *testing.T, code int, v vars, args ...string) map[string]string {
	t.Helper()
	r := llmtap(t, v, append([]string{"check", "--json"}, args...)...)
	if r.code != code {
		t.Errorf("exit status %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	if strings.Contains(r.stdout+r.stderr, checkKey) {
		t.Errorf("the key is shown: %s%s", r.stdout, r.stderr)
	}
	out := map[string]string{}
	for line := range strings.Lines(r.stdout) {
		var l struct{ Name, State, Reason, Fix string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		out[l.Name] += l.State + ": " + l.Reason + " → " + l.Fix + "\n"
	}
	return out
}

// says fails unless a line begins with the state and holds the text.
func says(t *testing.T, lines map[string]string, name, state, text string) {
	t.Helper()
	if got := lines[name]; !strings.HasPrefix(got, state+":") || !strings.Contains(got, text) {
		t.Errorf("%s: got %q, want %s with %q", name, got, state, text)
	}
}

// TestCheckFaults: each fault of a real service shows at its own line, with the
// class that the agent gives to a recorded call.
func TestCheckFaults(t *testing.T) {
	base := faults(t)
	for name, tc := range map[string]struct {
		scenario, line, state, text string
		code                        int
	}{
		"healthy":           {"healthy", "streamed call", "ok", "events", exitOK},
		"healthy, tools":    {"healthy", "tools × stream", "ok", "", exitOK},
		"streams fail":      {"stream-500-apim", "streamed call", "not_ok", "gateway_error_opaque", exitFailed},
		"plain still works": {"stream-500-apim", "plain call", "ok", "200", exitFailed},
		"streams refused":   {"refuse-400", "streamed call", "not_ok", "stream_unsupported", exitFailed},
		"tools refused":     {"refuse-tools", "tools × stream", "not_ok", "stream_unsupported", exitFailed},
		"options refused":   {"option-400", "stream_options", "not_ok", "stream_option_rejected", exitFailed},
		"stream without":    {"option-400", "streamed call", "ok", "", exitFailed},
		"limit's name":      {"param-max", "plain call", "ok", "200", exitOK},
		"no deployment":     {"nf-deployment", "deployment or model exists", "not_ok", "deployment_unknown", exitFailed},
		"key echoed":        {"auth-echo", "key accepted", "not_ok", "", exitFailed},
		"key refused":       {"auth-401", "plain call", "not_ok", "auth_rejected", exitFailed},
		"login page":        {"html-login", "endpoint answers", "not_ok", "non_api_response", exitFailed},
		"not followed":      {"redirect-302", "endpoint answers", "not_ok", "redirect", exitFailed},
		"version":           {"apiver-old", "api-version accepted", "not_ok", "api_version_incompatible", exitFailed},
		"cut":               {"cut-chunk", "streamed call", "not_ok", "stream_truncated", exitFailed},
		"downgraded":        {"mode-json", "streamed call", "not_ok", "stream_downgraded", exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			v := vars{"HOME": shortDir(t), "AZURE_OPENAI_API_KEY": checkKey}
			lines := checked(t, tc.code, v, "--probe", base+"/openai/deployments/"+tc.scenario+"?api-version=2024-10-21")
			says(t, lines, tc.line, tc.state, tc.text)
		})
	}
}

// TestCheckBuffering takes real seconds: a held stream is known by its pace.
func TestCheckBuffering(t *testing.T) {
	if testing.Short() {
		t.Skip("takes four seconds")
	}
	lines := checked(t, exitFailed, vars{"HOME": shortDir(t)}, "--probe", faults(t)+"/openai/deployments/buf-3?api-version=2024-10-21&scale=0.4")
	says(t, lines, "buffering on the way", "not_ok", "holds the stream back")
}

func TestCheckOtherDialects(t *testing.T) {
	base := faults(t)
	for name, url := range map[string]string{
		"openai": base + "/v1", "anthropic": base + "/v1/messages", "ollama": base + "/api/chat", "gemini": base + "/v1beta",
	} {
		t.Run(name, func(t *testing.T) {
			lines := checked(t, exitOK, vars{"HOME": shortDir(t)}, "--probe", "--model", "healthy", url)
			for _, line := range []string{"plain call", "streamed call", "tools × stream"} {
				says(t, lines, line, "ok", "200")
			}
		})
	}
}

// TestCheckSpendsNothingUnasked counts what arrives at the service.
func TestCheckSpendsNothingUnasked(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		if r.ContentLength != 0 {
			t.Errorf("%s %s has a body of %d bytes", r.Method, r.URL.Path, r.ContentLength)
		}
		if r.Header.Get("Authorization") != "Bearer "+checkKey {
			http.Error(w, `{"error":{"message":"no key","type":"invalid_request_error","code":"invalid_api_key"}}`, http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"data":[{"id":"gpt-a"}]}`))
			return
		}
		http.Error(w, `{"error":{"message":"you must provide messages","type":"invalid_request_error"}}`, http.StatusBadRequest)
	}))
	t.Cleanup(s.Close)
	v := vars{"HOME": shortDir(t), "MY_KEY": checkKey, "OPENAI_API_KEY": "another"}
	lines := checked(t, exitOK, v, "--key-env", "MY_KEY", "--model", "gpt-a", s.URL+"/v1")
	says(t, lines, "key accepted", "ok", "MY_KEY")
	says(t, lines, "deployment or model exists", "ok", "gpt-a")
	says(t, lines, "endpoint answers", "ok", "400")
	says(t, lines, "plain call", "unknown", "needs --probe")
	if len(asked) != 3 {
		t.Errorf("asked %v", asked)
	}
}

// faultsByTLS serves the fault service by TLS: its base URL, and what it shows.
func faultsByTLS(t *testing.T) (string, tls.Certificate) {
	t.Helper()
	cert, _, err := faultllm.SelfSigned("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- faultllm.New(faultllm.Config{}).Serve(ctx, l, &tls.Config{Certificates: []tls.Certificate{cert}})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return "https://" + l.Addr().String() + "/v1", cert
}

func TestCheckTLS(t *testing.T) {
	address, cert := faultsByTLS(t)
	home := shortDir(t)
	lines := checked(t, exitFailed, vars{"HOME": home}, "--model", "healthy", address)
	says(t, lines, "certificate chain", "not_ok", "--upstream-ca")
	says(t, lines, "certificate name", "ok", "127.0.0.1")
	says(t, lines, "key accepted", "unknown", "broken")
	file := filepath.Join(home, "ca.pem")
	put(t, file, string(chainPEM(cert)), 0o600)
	lines = checked(t, exitOK, vars{"HOME": home}, "--probe", "--upstream-ca", file, "--model", "healthy", address)
	says(t, lines, "certificate chain", "ok", "trusted through")
	says(t, lines, "streamed call", "ok", "200")
}

func TestCheckUsage(t *testing.T) {
	for name, tc := range map[string]struct {
		v    vars
		args []string
		want string
	}{
		"no scheme":        {vars{}, []string{"api.openai.com/v1"}, "begin it with https://"},
		"secret in it":     {vars{}, []string{"https://x:" + checkKey + "@api.openai.com"}, "before @"},
		"no such key":      {vars{}, []string{"--key-env", "NOPE", "http://127.0.0.1:1/v1"}, "NOPE"},
		"key of two lines": {vars{"OPENAI_API_KEY": checkKey + "\n"}, []string{"http://127.0.0.1:1/v1"}, "line break"},
		"bad flag value":   {vars{}, []string{"--upstream-ca", "/nonexistent", "http://127.0.0.1:1/v1"}, "--upstream-ca"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.v["HOME"] = shortDir(t)
			r := llmtap(t, tc.v, append([]string{"check"}, tc.args...)...)
			r.wants(t, exitUsage, tc.want)
			if strings.Contains(r.stdout+r.stderr, checkKey) {
				t.Errorf("the key is shown: %s", r.stderr)
			}
		})
	}
}

// TestCheckText: words and marks, no colour in a pipe, at most 100 columns.
func TestCheckText(t *testing.T) {
	r := llmtap(t, vars{"HOME": shortDir(t)}, "check", "--probe", faults(t)+"/openai/deployments/stream-500-apim?api-version=2024-10-21")
	r.wants(t, exitFailed, "--probe: at most 5 calls", "✓ ok ", "✗ not ok ", "? unknown ", "→ ", "1 not ok, 3 unknown")
	unescaped(t, r.stdout)
	if n := columns(r.stdout); n > 100 {
		t.Errorf("%d columns:\n%s", n, r.stdout)
	}
	if j := llmtap(t, vars{"HOME": shortDir(t)}, "check", "--json", "--probe", "http://127.0.0.1:1/v1"); !strings.HasPrefix(j.stderr, "--probe: at most") {
		t.Errorf("with --json the price is not said: %q", j.stderr)
	}
	if !strings.HasPrefix(r.stdout, "--probe:") {
		t.Errorf("the price is not said first:\n%s", r.stdout)
	}
}

func TestEnvironmentProxy(t *testing.T) {
	for name, tc := range map[string]struct {
		v         vars
		url       string
		host, why string
	}{
		"none":                {vars{}, "https://llm.example", "", ""},
		"https":               {vars{"HTTPS_PROXY": "http://p:1"}, "https://llm.example", "p:1", "HTTPS_PROXY"},
		"lower case":          {vars{"https_proxy": "p:1"}, "https://llm.example", "p:1", "https_proxy"},
		"all":                 {vars{"ALL_PROXY": "http://p:1"}, "https://llm.example", "p:1", "ALL_PROXY"},
		"http is not https":   {vars{"HTTP_PROXY": "http://p:1"}, "https://llm.example", "", ""},
		"http":                {vars{"http_proxy": "http://p:1"}, "http://llm.example", "p:1", "http_proxy"},
		"exempt":              {vars{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .example"}, "https://llm.example", "", "NO_PROXY names .example"},
		"exempt, lower case":  {vars{"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, "https://llm.example", "", "no_proxy names *"},
		"socks is left alone": {vars{"ALL_PROXY": "socks5://p:1"}, "https://llm.example", "", "left out"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(tc.url)
			if err != nil {
				t.Fatal(err)
			}
			p := environmentProxy(func(n string) string { return tc.v[n] }, u)
			host := ""
			if p.URL != nil {
				host = p.URL.Host
			}
			if host != tc.host || !strings.Contains(p.From, tc.why) {
				t.Errorf("got %q %q", host, p.From)
			}
		})
	}
}

// TestCheckLoop: the agent's own listeners are no service, and its proxy is no
// proxy to check through.
func TestCheckLoop(t *testing.T) {
	dir := shortDir(t)
	_, info := agentOn(t, dir)
	lines := checked(t, exitFailed, vars{"HOME": dir}, "--state-dir", dir, info.Admin+"/v1")
	says(t, lines, "proxy", "not_ok", "a loop")
	lines = checked(t, exitOK, vars{"HOME": dir, "http_proxy": info.Proxy}, "--state-dir", dir, "--probe", "--model", "healthy", faults(t)+"/v1")
	says(t, lines, "proxy", "ok", "leads to the running llmtap")
	says(t, lines, "plain call", "ok", "200")
}

func TestCheckThroughAProxy(t *testing.T) {
	_, info := agentOn(t, shortDir(t)) // a proxy like any other: not that of this state directory
	lines := checked(t, exitFailed, vars{"HOME": shortDir(t), "HTTPS_PROXY": info.Proxy}, "https://127.0.0.1:9/v1")
	says(t, lines, "proxy", "not_ok", "403")
}

// TestCheckBeyondAProxy: a whole list through a proxy that opens tunnels.
func TestCheckBeyondAProxy(t *testing.T) {
	address, cert := faultsByTLS(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	_, info := agentOn(t, shortDir(t), "--tunnel-only", "--allow-private", u.Host)
	home := shortDir(t)
	file := filepath.Join(home, "ca.pem")
	put(t, file, string(chainPEM(cert)), 0o600)
	v := vars{"HOME": home, "https_proxy": info.Proxy, "OPENAI_API_KEY": checkKey}
	lines := checked(t, exitOK, v, "--probe", "--upstream-ca", file, "--model", "healthy", address)
	says(t, lines, "TCP", "ok", runAddress(info.Proxy))
	says(t, lines, "proxy", "ok", "opened a tunnel")
	says(t, lines, "certificate chain", "ok", "trusted through")
	says(t, lines, "streamed call", "ok", "200")
	says(t, lines, "key accepted", "ok", "OPENAI_API_KEY")
	if list := llmtap(t, v, "tunnels", "--state-dir", home); list.code == exitOK {
		t.Errorf("the check made a state directory: %s", list.stdout)
	}
}

// TestCheckAgent: an agent in order, and what is said without one.
func TestCheckAgent(t *testing.T) {
	dir := shortDir(t)
	lines := checked(t, exitFailed, vars{"HOME": dir}, "--state-dir", dir)
	says(t, lines, "agent", "not_ok", "none runs in")
	says(t, lines, "authority", "unknown", "there is none")
	says(t, lines, "store", "unknown", "nothing was recorded")
	roots := filepath.Join(dir, "roots.pem")
	cert, _, err := faultllm.SelfSigned("roots.example")
	if err != nil {
		t.Fatal(err)
	}
	put(t, roots, string(chainPEM(cert)), 0o600)
	t.Setenv("SSL_CERT_FILE", roots)
	agentOn(t, dir)
	lines = checked(t, exitOK, vars{"HOME": dir}, "--state-dir", dir)
	for name, text := range map[string]string{
		"configuration": "valid", "agent": "answers on", "ready": "200", "proxy listener": "takes connections", "authority": "valid until",
		"authority's key": "its owner", "store": "can be written", "store of the agent": "it writes", "verdicts": "none is open",
		"upstream proxy": "none", "OTLP endpoint": "none", "clock": "future", "tunnels": "looked into", "file limit": "open files",
	} {
		says(t, lines, name, "ok", text)
	}
	if err := os.Chmod(filepath.Join(dir, "ca", "ca.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := vars{"HOME": dir, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "LLMTAP_UPSTREAM_PROXY": "http://127.0.0.1:1"}
	lines = checked(t, exitFailed, v, "--state-dir", dir)
	says(t, lines, "authority's key", "not_ok", "others can read it")
	says(t, lines, "OTLP endpoint", "not_ok", "takes no connections")
	says(t, lines, "upstream proxy", "not_ok", "takes no connections")
	lines = checked(t, exitFailed, vars{"HOME": dir, "LLMTAP_CONTENT": "bogus", "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, "--state-dir", dir)
	says(t, lines, "configuration", "not_ok", "want off or redacted")
	says(t, lines, "OTLP endpoint", "not_ok", "http://HOST:4318")
}

func TestCheckLinesOfAnAgent(t *testing.T) {
	tunnels := []call.Tunnel{{Host: "a.example", Reason: "not_listed"}, {Host: "llm.example", Reason: "distrust"}, {Host: "llm.example", Reason: "distrust"}}
	confirmed := call.Finding{Verdict: "stream_only_failure", State: "confirmed", Text: "Only streams fail."}
	confirmed.Remedy = []string{"turn it off"}
	suspected := call.Finding{Verdict: "hop_deadline", State: "suspected", Text: "Perhaps."}
	broken := errors.New("no answer")
	for name, tc := range map[string]struct {
		line  check.Line
		state check.State
		text  string
	}{
		"no tunnels":      {tunnelLine(nil, nil), check.OK, "0 others"},
		"unlisted":        {tunnelLine(tunnels[:1], nil), check.OK, "1 others"},
		"listed":          {tunnelLine(tunnels, nil), check.Unknown, "1 not looked into, though listed: llm.example (distrust)"},
		"untold tunnels":  {tunnelLine(nil, broken), check.Unknown, "no answer"},
		"no verdicts":     {verdictLines(nil, nil)[0], check.OK, "none"},
		"confirmed first": {verdictLines([]call.Finding{suspected, confirmed}, nil)[0], check.NotOK, "Only streams fail."},
		"suspected":       {verdictLines([]call.Finding{suspected, confirmed}, nil)[1], check.Unknown, "suspected hop_deadline"},
		"untold verdicts": {verdictLines(nil, broken)[0], check.Unknown, "no answer"},
		"few files":       {fileLimit("f", "Max open files            1024                 4096                 files\n"), check.NotOK, "1024"},
		"many files":      {fileLimit("f", "Max open files            65536                65536                files\n"), check.OK, "65536"},
		"any files":       {fileLimit("f", "Max open files            unlimited            unlimited            files\n"), check.OK, "unlimited"},
		"no limit told":   {fileLimit("f", "Max cpu time\n"), check.Unknown, "not told"},
	} {
		if tc.line.State != tc.state || !strings.Contains(tc.line.Reason, tc.text) {
			t.Errorf("%s: %+v", name, tc.line)
		}
	}
}

func TestAuthorityLine(t *testing.T) {
	dir := shortDir(t)
	agent, _ := agentOn(t, dir)
	agent.stop(t)
	for name, tc := range map[string]struct {
		now   time.Time
		state check.State
	}{
		"expires soon": {time.Now().AddDate(30, 0, 0), check.NotOK}, "too early": {time.Now().AddDate(-1, 0, 0), check.NotOK},
	} {
		if l := authorityLine(dir, settings{}, tc.now); l.State != tc.state {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if l := authorityLine(shortDir(t), settings{}, time.Now()); l.State != check.Unknown {
		t.Errorf("without one: %+v", l)
	}
}

// TestCheckFollowsNoRedirect: a key goes to the host that was named.
func TestCheckFollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s came here", r.Method, r.URL)
	}))
	t.Cleanup(elsewhere.Close)
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/v1/chat/completions", http.StatusTemporaryRedirect))
	t.Cleanup(s.Close)
	lines := checked(t, exitFailed, vars{"HOME": shortDir(t), "OPENAI_API_KEY": checkKey}, "--probe", "--model", "m", s.URL+"/v1")
	says(t, lines, "endpoint answers", "not_ok", "redirect")
}

// TestCheckMasksOddKeys: a key of no known shape is taken out by its value.
func TestCheckMasksOddKeys(t *testing.T) {
	var out buffer
	p := (&checkCmd{}).printer(environmentOf(vars{}, nil, &out, &out), "plain-word", "")
	p.line(check.Line{Name: "key", State: check.NotOK, Reason: "the service said: no such key: plain-word\x1b[31m", Fix: "drop plain-word"})
	if err := p.end(); err == nil || strings.Contains(out.String(), "plain-word") || strings.Count(out.String(), "REDACTED") != 2 {
		t.Errorf("%v %q", err, out.String())
	}
	unescaped(t, out.String())
}

// adminThat is an agent's admin listener that answers one path with a text.
func adminThat(t *testing.T, path, text string) *adminClient {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	a := newAdminClient(runInfo{Admin: s.URL, PID: os.Getpid()}, 5*time.Second)
	t.Cleanup(a.http.CloseIdleConnections)
	return a
}

// TestCheckBrokenAgents: what an agent says of itself when it is not well.
func TestCheckBrokenAgents(t *testing.T) {
	future := plainOK()
	future.Identity.Start = time.Now().Add(time.Hour)
	record, err := json.Marshal(future)
	if err != nil {
		t.Fatal(err)
	}
	calls := `{"calls":[` + string(record) + `]}`
	now := time.Now()
	for name, tc := range map[string]struct {
		line  check.Line
		state check.State
		text  string
	}{
		"cannot write":    {degradedLine(t.Context(), adminThat(t, "/metrics", "# HELP x\nllmtap_store_degraded 1\n")), check.NotOK, "in memory only"},
		"writes":          {degradedLine(t.Context(), adminThat(t, "/metrics", "# HELP x\nllmtap_store_degraded 0\n")), check.OK, "writes"},
		"no such metric":  {degradedLine(t.Context(), adminThat(t, "/metrics", "# HELP x\n")), check.Unknown, "does not tell"},
		"no metrics":      {degradedLine(t.Context(), adminThat(t, "/other", "")), check.Unknown, "404"},
		"call in future":  {clockLine(t.Context(), adminThat(t, "/api/v1/calls", calls), now), check.NotOK, "future"},
		"clock went on":   {clockLine(t.Context(), adminThat(t, "/api/v1/calls", calls), now.Add(2*time.Hour)), check.OK, "no recorded call"},
		"no calls yet":    {clockLine(t.Context(), adminThat(t, "/api/v1/calls", `{"calls":[]}`), now), check.OK, ""},
		"calls not told":  {clockLine(t.Context(), adminThat(t, "/other", ""), now), check.Unknown, "404"},
		"collector by h2": {otlpLine(t.Context(), environmentOf(vars{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "grpc://x:1"}, nil, nil, nil)), check.NotOK, "TRACES_ENDPOINT"},
	} {
		if tc.line.State != tc.state || !strings.Contains(tc.line.Reason, tc.text) || tc.state == check.NotOK && tc.line.Fix == "" {
			t.Errorf("%s: %+v", name, tc.line)
		}
	}
}

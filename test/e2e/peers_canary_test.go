//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

// peerScene is one agent with a leaky service behind a corporate proxy.
type peerScene struct {
	c     *peerCanaries
	leaky *peerLeaky
	up    *peerService
	a     *peerAgent
	spans *peerBox
}

func peerLeakyScene(t *testing.T, content string) *peerScene {
	t.Helper()
	s := &peerScene{c: &peerCanaries{t: t, secrets: map[string]string{}}, spans: &peerBox{}}
	s.leaky = &peerLeaky{c: s.c, next: faultllm.New(faultllm.Config{})}
	s.c.secret("bearer", "sk-proj-")
	s.c.secret("body param", "sk-proj-")
	s.up = peerUpstreamOf(t, func(ctxDone <-chan struct{}, l net.Listener, conf *tls.Config) {
		srv := &http.Server{Handler: s.leaky, TLSConfig: conf, ReadHeaderTimeout: 10 * time.Second}
		go func() { <-ctxDone; _ = srv.Close() }()
		if conf == nil {
			_ = srv.Serve(l)
			return
		}
		_ = srv.ServeTLS(l, "", "")
	})
	userinfo := "corp:" + s.c.secret("upstream proxy userinfo", "")
	receiver := httptest.NewServer(s.spans)
	t.Cleanup(receiver.Close)
	s.a = peerStart(t, peerSetup{up: s.up, args: []string{
		"--content", content, "--upstream-proxy", "http://" + userinfo + "@" + peerCorporate(t, userinfo, s.up),
		"--route", "secure=" + s.up.base(), "--route", "open=http://" + s.up.plain, "--route-listen", "127.0.0.1:0", "--intercept", "refused.example:443",
	}, env: []string{
		"LLMTAP_LOG_LEVEL=debug", "OTEL_EXPORTER_OTLP_ENDPOINT=" + receiver.URL, "OTEL_BSP_SCHEDULE_DELAY=200",
		"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY",
		"OTEL_EXPORTER_OTLP_HEADERS=x-receiver-key=" + s.c.secret("OTLP header", ""),
	}})
	return s
}

// call is a request with a canary in every place that a client can fill.
func (s *peerScene) call(base, deployment, body string) peerCall {
	k := s.c.secret
	q := url.Values{
		"api-version": {"2024-10-21"}, "key": {k("query key", "AIza")}, "api_key": {k("query api_key", "")}, "sig": {k("query sig", "")},
		"X-Amz-Signature": {k("query X-Amz-Signature", "")}, "access_token": {k("query access_token", "")}, "code": {k("query code", "")},
	}
	return peerCall{
		base + "/openai/deployments/" + deployment + "/chat/completions?" + q.Encode(), body, map[string]string{
			"Authorization": "Bearer " + k("bearer", "sk-proj-"), "api-key": k("api-key", ""), "x-api-key": k("x-api-key", "sk-ant-api03-"),
			"Cookie": "session=" + k("cookie", "") + "; theme=owl", "x-goog-api-key": k("x-goog-api-key", "AIza"),
			"Ocp-Apim-Subscription-Key": k("ocp-apim-subscription-key", ""), "X-Amz-Security-Token": k("x-amz-security-token", ""),
			"X-Custom-Token": k("x-custom-token", ""), "X-Stainless-Api-Key": k("x-stainless-api-key", ""), "User-Agent": "curl/8.5.0 " + k("user-agent", "sk-proj-"),
			"Referer": "https://u:" + k("referer userinfo", "") + "@example.org/", "OpenAI-Organization": k("openai-organization", ""),
		},
	}
}

// body is a chat with secrets that look like secrets, in the places where
// people paste them.
func (s *peerScene) body(stream bool) string {
	k := s.c.secret
	return fmt.Sprintf(`{"stream":%t,"messages":[{"role":"system","content":"api_key=%s"},{"role":"user","content":"Who owns the owls? My key is %s, password: %s, and curl -H 'Authorization: Bearer %s'"}],"user":"%s","api_key":"%s","metadata":{"token":"%s"}}`,
		stream, k("body api_key text", ""), k("body sk text", "sk-proj-"), k("body password text", ""), k("body bearer text", ""), k("body user", "sk-proj-"), k("body api_key", ""), k("body token", ""))
}

// play makes every call over every path and returns how many records it is.
func (s *peerScene) play(t *testing.T) (records int) {
	t.Helper()
	proxied, h2 := s.a.client(false), s.a.client(true)
	user := url.UserPassword("user", s.c.secret("proxy userinfo", ""))
	for _, c := range []*http.Client{proxied, h2} {
		tr, _ := c.Transport.(*http.Transport)
		u, _ := url.Parse(s.a.info.Proxy)
		u.User = user
		tr.Proxy = http.ProxyURL(u)
	}
	for _, path := range []struct {
		c    *http.Client
		base string
	}{
		{proxied, s.up.base()},
		{h2, s.up.base()},
		{proxied, "http://" + s.up.plain},
		{peerDirect(), s.a.info.BaseURL + "/secure"},
		{peerDirect(), s.a.info.BaseURL + "/open"},
	} {
		for _, deployment := range []string{"gpt-4o", "auth-401", "auth-echo", "leak-json", "leak-text", "leak-sse", "leak-answer"} {
			for _, stream := range []bool{false, true} {
				peerSend(t, path.c, s.call(path.base, deployment, s.body(stream)))
				records++
			}
		}
		// A key in the wrong place: as deployment, as model, as api-version.
		misplaced := s.call(path.base, s.c.secret("deployment", "sk-proj-"), s.body(false))
		misplaced.url = strings.Replace(misplaced.url, "2024-10-21", s.c.secret("api-version", "sk-proj-"), 1)
		peerSend(t, path.c, misplaced)
		peerSend(t, path.c, peerCall{path.base + "/v1/chat/completions", `{"model":"` + s.c.secret("model", "sk-proj-") + `",` + peerMessages + `}`, misplaced.headers})
		records += 2
	}
	return records + s.oddities(t)
}

// oddities are requests that no SDK makes.
func (s *peerScene) oddities(t *testing.T) (records int) {
	t.Helper()
	raw := func(text string) {
		t.Helper()
		u, _ := url.Parse(s.a.info.Proxy)
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.Copy(io.Discard, c)
	}
	k := s.c.secret
	raw("POST http://user:" + k("absolute-form userinfo", "") + "@" + s.up.plain + "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21 HTTP/1.1\r\nHost: " +
		s.up.plain + "\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
	raw("CONNECT user:" + k("CONNECT userinfo", "") + "@" + s.up.addr() + " HTTP/1.1\r\nHost: x\r\n\r\n")
	raw("GARBAGE " + k("garbage to the proxy", "sk-proj-") + "\r\n\r\n")
	raw("CONNECT refused.example:443 HTTP/1.1\r\nHost: refused.example:443\r\nProxy-Authorization: Bearer " + k("refused CONNECT", "") + "\r\n\r\n")
	in := peerIdle(t, s.a, s.up, false)
	_, _ = io.WriteString(in, "GARBAGE Authorization: Bearer "+k("garbage in the tunnel", "sk-proj-")+"\r\n\r\n")
	_, _ = io.Copy(io.Discard, in)
	return 2 // the absolute-form call, and the refused CONNECT to an intercepted host
}

// answers is everything the agent shows: metrics, API, commands.
func (s *peerScene) answers(t *testing.T, ids []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	paths := []string{"/", "/api/v1/calls?limit=1000", "/api/v1/tunnels", "/api/v1/live", "/api/v1/info", "/api/v1/verdicts?all=1", "/healthz", "/readyz", "/metrics"}
	for _, id := range ids {
		paths = append(paths, "/api/v1/calls/"+id)
	}
	for _, p := range paths {
		_, out[p] = s.a.get(p)
	}
	_, out["/metrics as OpenMetrics"] = s.a.get("/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	commands := [][]string{{"calls"}, {"calls", "--json", "--limit", "1000"}, {"tunnels"}, {"tunnels", "--json"}, {"env"}, {"env", "--format", "json"}}
	for _, id := range ids[:min(len(ids), 20)] {
		commands = append(commands, []string{"show", id}, []string{"show", id, "--json"})
	}
	for _, c := range commands {
		_, stdout, stderr := s.a.llmtap(c...)
		out["llmtap "+strings.Join(c, " ")] = stdout + stderr
	}
	return out
}

// files reads everything in the state directory.
func (s *peerScene) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(s.a.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[filepath.Base(path)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCanaries: secrets in every place where one can stand, on every path, are
// relayed and found nowhere else: not in the store, metrics, API, spans, logs,
// commands or crash output.
func TestCanaries(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"off", "redacted"} {
		t.Run("content "+content, func(t *testing.T) {
			t.Parallel()
			s := peerLeakyScene(t, content)
			list := s.a.records(s.play(t))
			var ids []string
			for _, r := range list {
				ids = append(ids, r.Identity.ID)
				if kept := r.Content.Request + r.Content.Response; content == "off" && kept != "" {
					t.Errorf("call %s keeps content although it is off: %q", r.Identity.ID, kept)
				}
			}
			s.relayed(t)
			live := peerBegin(t, s.a.client(false), s.up, 600, 3)
			for where, text := range s.answers(t, ids) {
				s.c.none(where, text)
			}
			for name, text := range s.files(t) {
				s.c.none("while it runs, "+name, text)
			}
			peerUntil(t, 10*time.Second, func() string {
				_, metrics := s.a.get("/metrics")
				if pending, _ := peerMetric(metrics, "llmtap_spans_pending"); pending != "0" || !strings.Contains(s.spans.String(), "leak-answer") {
					return pending + " spans are still to come"
				}
				return ""
			})
			if owls := strings.Contains(s.files(t)["calls.db"]+s.files(t)["calls.db-wal"], "Who owns the owls"); owls != (content == "redacted") {
				t.Errorf("the store holds the prompt: %t", owls)
			}
			s.a.quit(t, syscall.SIGQUIT) // a crash with its stack dump
			if dump := s.a.peerProcess.err.String(); !strings.Contains(dump, "SIGQUIT") {
				t.Error("no crash output")
			}
			_, _ = live.rest()
			s.c.none("stdout", s.a.out.String())
			s.c.none("log and crash output", s.a.peerProcess.err.String())
			for name, text := range s.files(t) {
				s.c.none("after the crash, "+name, text)
			}
			spans := s.spans.String()
			header := s.c.secrets["OTLP header"]
			s.c.none("spans", strings.ReplaceAll(spans, header, "")) // the receiver is meant to get its own key
		})
	}
}

// relayed proves that the canaries were there to be leaked: the service saw
// those that were meant for it, and its answers came back whole.
func (s *peerScene) relayed(t *testing.T) {
	t.Helper()
	s.leaky.mu.Lock()
	seen := s.leaky.seen.String()
	s.leaky.mu.Unlock()
	reached := s.c.traces(seen)
	for place := range s.c.secrets {
		switch place {
		case "upstream proxy userinfo", "proxy userinfo", "OTLP header", "CONNECT userinfo", "garbage to the proxy", "refused CONNECT",
			"garbage in the tunnel", "body param", "response set-cookie", "response x-request-id", "absolute-form userinfo":
			if slices.Contains(reached, place) {
				t.Errorf("the service got the canary of %s", place)
			}
		default:
			if !slices.Contains(reached, place) {
				t.Errorf("the canary of %s never reached the service", place)
			}
		}
	}
	_, body := peerSend(t, s.a.client(false), s.call(s.up.base(), "auth-echo", s.body(false)))
	if !strings.Contains(body, s.c.secrets["api-key"]) {
		t.Errorf("the client did not get the echo of its key: %s", body)
	}
}

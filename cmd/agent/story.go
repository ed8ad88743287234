package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"crypto/tls"
	"crypto/x509"

	"llmtap/internal/call"
)

// What the story consists of: one chat message (a stream, three attempts) and
// three plain calls around it.
const (
	storyAttempts = 3
	storyPlain    = 3
	storyTimeout  = 20 * time.Second
)

const storyPath = "/openai/deployments/stream-500-apim/chat/completions?api-version=2024-10-21"

// story plays jupyter-ai#1208 and tells it.
type story struct {
	env   environment
	proxy string
	base  string
	seen  *memory
	err   error
}

func (s *story) say(text string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.env.stdout, text)
	}
}

// caller is one client of the story.
type caller struct {
	name    string
	body    string
	headers map[string]string
	tries   int
}

// The prompts are how Jupyter AI's calls are recognised; what follows them in
// its real ones does not matter here.
const (
	chatMessages     = `"messages":[{"role":"system","content":"You are Jupyternaut, a conversational assistant living in JupyterLab to help users."},{"role":"user","content":"\n\nWho owns the owls?"}]`
	generateMessages = `"messages":[{"role":"user","content":"You are an AI that creates a detailed content outline for a Jupyter notebook on owls."}]`
	directMessages   = `"messages":[{"role":"user","content":"Who owns the owls?"}]`
)

func storyCallers() []caller {
	framework := map[string]string{
		"User-Agent": "langchain-partner-python-azure-openai", "X-Stainless-Lang": "python", "X-Stainless-Package-Version": "1.60.1", "X-Stainless-Async": "async:asyncio",
		"Accept": "application/json", "Content-Type": "application/json", "api-key": "demo-key",
	}
	direct := caller{
		name: "direct call (curl, no stream key)", body: `{` + directMessages + `}`, tries: 1,
		headers: map[string]string{"User-Agent": "curl/8.5.0", "Content-Type": "application/json", "api-key": "demo-key"},
	}
	return []caller{
		direct,
		{name: "Jupyter AI chat (stream=true)", body: `{` + chatMessages + `,"model":null,"stream":true}`, headers: framework, tries: storyAttempts},
		{name: "Jupyter AI /generate (stream=false)", body: `{` + generateMessages + `,"model":null,"stream":false}`, headers: framework, tries: 1},
		direct,
	}
}

// play sends the calls through the proxy and shows them side by side.
func (s *story) play(ctx context.Context, a *agent) error {
	ctx, cancel := context.WithTimeout(ctx, storyTimeout)
	defer cancel()
	s.say("jupyter-ai#1208 on loopback: one Azure deployment behind a company gateway that cannot stream.\n\n")
	proxy, err := url.Parse(s.proxy)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.authority.CertPEM())
	tr := &http.Transport{
		// A fixed proxy: the environment's rules exempt loopback.
		Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}
	defer tr.CloseIdleConnections()
	for _, c := range storyCallers() {
		status, err := s.call(ctx, tr, c)
		if err != nil {
			return fmt.Errorf("demo: %s: %w", c.name, err)
		}
		s.say(fmt.Sprintf("  %-48s %s\n", c.name, status))
	}
	if err := s.await(ctx); err != nil {
		return err
	}
	return s.tell()
}

// call does what an SDK does: it sends the same body again after a 500.
func (s *story) call(ctx context.Context, tr *http.Transport, c caller) (string, error) {
	var got []string
	for try := range c.tries {
		if try > 0 { // openai-python waits 0.4-0.6 s, then twice that; the demo is in more of a hurry
			select {
			case <-time.After(time.Duration(try) * 100 * time.Millisecond):
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+storyPath, strings.NewReader(c.body))
		if err != nil {
			return "", err
		}
		for k, v := range c.headers {
			req.Header.Set(k, v)
		}
		if c.tries > 1 {
			req.Header.Set("x-stainless-retry-count", fmt.Sprint(try))
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if cerr := resp.Body.Close(); err != nil || cerr != nil {
			return "", fmt.Errorf("read answer: %w", err)
		}
		got = append(got, fmt.Sprint(resp.StatusCode))
		if resp.StatusCode < http.StatusInternalServerError {
			break
		}
	}
	return strings.Join(got, " "), nil
}

// await returns when all calls came through the pipeline and the verdict is
// confirmed.
func (s *story) await(ctx context.Context) error {
	for {
		changed, have := s.seen.wait()
		verdict, ok := s.verdict()
		if have >= storyAttempts+storyPlain && ok && verdict.State == "confirmed" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("demo: waited for %d recorded calls and a confirmed verdict, have %d and %q: %w",
				storyAttempts+storyPlain, have, verdict.State, ctx.Err())
		}
	}
}

// verdict is what the story is about.
func (s *story) verdict() (call.Finding, bool) {
	for _, f := range s.seen.verdicts(false) {
		if f.Verdict == "stream_only_failure" {
			return f, true
		}
	}
	return call.Finding{}, false
}

// tell shows what llmtap recorded, what it concludes, and how anybody can see
// it for himself.
func (s *story) tell() error {
	records := s.seen.list()
	p := colours(s.env)
	s.say("\nWhat llmtap saw:\n\n")
	if s.err == nil {
		s.err = printCalls(s.env.stdout, p, records)
	}
	s.say("\nWhat it concludes:\n\n")
	if f, ok := s.verdict(); ok && s.err == nil {
		out := &sheet{w: s.env.stdout, p: p}
		printVerdict(out, &f)
		printProof(out, &f, records)
		s.err = out.err
	}
	if s.err != nil {
		return s.err
	}
	return s.check(records)
}

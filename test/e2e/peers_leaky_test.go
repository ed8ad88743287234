//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// peerCanaries are secrets, one for each place where one can stand; a place is
// named like what carries it.
type peerCanaries struct {
	t       testing.TB
	secrets map[string]string
}

// secret makes, or finds, the canary of a place: 32 random hex digits behind
// what keys of that kind begin with.
func (c *peerCanaries) secret(place, prefix string) string {
	if s, ok := c.secrets[place]; ok {
		return s
	}
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		c.t.Fatal(err)
	}
	c.secrets[place] = prefix + hex.EncodeToString(raw[:])
	return c.secrets[place]
}

// traces returns the places whose canary, or ten characters of it, are in text,
// plain or in base64.
func (c *peerCanaries) traces(text string) []string {
	var out []string
	for place, secret := range c.secrets {
		random := secret[len(secret)-32:]
		for i := 0; i+10 <= len(random); i++ {
			if strings.Contains(text, random[i:i+10]) {
				out = append(out, place)
				break
			}
		}
		for _, shift := range []string{"", ":", "::"} { // each way the digits can fall into groups of three
			coded := base64.StdEncoding.EncodeToString([]byte(shift + random))
			if strings.Contains(text, coded[4:4+16]) {
				out = append(out, place+" in base64")
			}
		}
	}
	slices.Sort(out)
	return out
}

// none fails if a canary shows in text.
func (c *peerCanaries) none(where, text string) {
	c.t.Helper()
	for _, place := range c.traces(text) {
		core := c.secrets[strings.TrimSuffix(place, " in base64")]
		at := max(0, strings.Index(text, core[len(core)-32:][:10]))
		c.t.Errorf("%s holds the canary of %s: …%q…", where, place, text[max(0, at-120):min(len(text), at+60)])
	}
}

// peerLeaky is a service that sets secrets in its answers, echoes what it got
// in errors of several shapes, and remembers all it saw.
type peerLeaky struct {
	next http.Handler
	c    *peerCanaries
	mu   sync.Mutex
	seen strings.Builder
}

func (l *peerLeaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	fmt.Fprintln(&l.seen, r.Method, r.URL, r.Header, string(body))
	setCookie, requestID := l.c.secret("response set-cookie", ""), l.c.secret("response x-request-id", "sk-proj-")
	l.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.Header().Set("Set-Cookie", "session="+setCookie+"; Path=/")
	w.Header().Set("X-Request-Id", "req "+requestID)
	key := r.Header.Get("Api-Key")
	switch _, shape, _ := strings.Cut(r.URL.Path, "/deployments/leak-"); strings.TrimSuffix(shape, "/chat/completions") {
	case "json":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s. Header was Authorization: %s","type":"auth","param":"%s","code":"%s"}}`,
			key, r.Header.Get("Authorization"), l.c.secrets["body param"], l.c.secrets["bearer"])
	case "text":
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "upstream said: api-key: %s, x-api-key=%s, cookie: %s, url %s", key, r.Header.Get("X-Api-Key"), r.Header.Get("Cookie"), r.URL)
	case "sse":
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"error\":{\"message\":\"bad api_key: %s and Bearer %s\",\"code\":\"invalid_api_key\"}}\n\ndata: [DONE]\n\n", key, l.c.secrets["bearer"])
	case "answer":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"%s","object":"chat.completion","model":"%s","choices":[{"index":0,"message":{"role":"assistant","content":"Your key is %s, the owl says."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
			l.c.secrets["bearer"], l.c.secrets["bearer"], l.c.secrets["bearer"])
	default:
		l.next.ServeHTTP(w, r)
	}
}

// peerBox keeps bytes that the agent sent somewhere else.
type peerBox struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *peerBox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(&b.b, r.URL, r.Header)
	_, _ = io.Copy(&b.b, r.Body)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (b *peerBox) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// peerCorporate is a proxy that wants a password, and refuses one host.
func peerCorporate(t testing.TB, userinfo string, up *peerService) string {
	t.Helper()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Host != up.addr() && r.Host != up.plain {
			http.Error(w, "forbidden for "+r.Header.Get("Proxy-Authorization"), http.StatusForbidden)
			return
		}
		there, err := net.Dial("tcp", strings.Replace(r.Host, "localhost", "127.0.0.1", 1))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = there.Close() }()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = here.Close() }()
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(there, here); _ = there.(*net.TCPConn).CloseWrite() }()
		_, _ = io.Copy(here, there)
		_ = here.Close()
		<-done
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

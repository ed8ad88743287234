package check

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPathOfPlainHTTP(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	lines, through := walk(t, pathTo(nil), s.URL+"/v1")
	if !through {
		t.Error("the path is open, and was called broken")
	}
	find(t, lines, lineDNS).wants(t, OK, "is an address")
	find(t, lines, lineTCP).wants(t, OK, "connected to")
	find(t, lines, lineProxy).wants(t, OK, "none is set")
	find(t, lines, lineTLS).wants(t, OK, "the URL is http")
}

func TestBrokenPaths(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	slow := pathTo(nil)
	slow.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, context.DeadlineExceeded }
	deaf := pathTo(nil)
	deaf.Lookup = func(context.Context, string) ([]string, error) { return nil, errors.New("server misbehaving") }
	loop := pathTo(nil)
	loop.Own = []string{"127.0.0.1:4141"}
	for name, tc := range map[string]struct {
		path Path
		url  string
		line string
		says string
	}{
		"unknown name":        {pathTo(nil), "https://nowhere.example/v1", lineDNS, "nobody knows the name nowhere.example"},
		"resolver broken":     {deaf, "https://nowhere.example/v1", lineDNS, "server misbehaving"},
		"name without number": {pathTo(map[string][]string{"nowhere.example": nil}), "https://nowhere.example/v1", lineDNS, "no address"},
		"refused":             {pathTo(nil), "http://" + closed.Addr().String(), lineTCP, "refuses connections"},
		"silent":              {slow, "http://127.0.0.1:9", lineTCP, "did not answer"},
		"http on https":       {pathTo(nil), "https://" + plain.Listener.Addr().String(), lineTLS, "does not speak TLS"},
		"own listener":        {loop, "http://127.0.0.1:4141/v1", lineProxy, "a loop"},
	} {
		t.Run(name, func(t *testing.T) {
			lines, through := walk(t, tc.path, tc.url)
			if through {
				t.Error("a broken path was called open")
			}
			find(t, lines, tc.line).wants(t, NotOK, tc.says)
		})
	}
}

func TestCertificates(t *testing.T) {
	now := time.Now()
	year := now.AddDate(1, 0, 0)
	for name, tc := range map[string]struct {
		from, to time.Time
		names    []string
		trusted  bool
		line     string
		state    State
		says     string
	}{
		"good":             {now.Add(-time.Hour), year, []string{"127.0.0.1"}, true, lineChain, OK, "issued by Corp Root, trusted through Corp Root"},
		"good name":        {now.Add(-time.Hour), year, []string{"127.0.0.1"}, true, lineName, OK, "covers 127.0.0.1"},
		"good dates":       {now.Add(-time.Hour), year, []string{"127.0.0.1"}, true, lineDates, OK, "valid until"},
		"untrusted":        {now.Add(-time.Hour), year, []string{"127.0.0.1"}, false, lineChain, NotOK, "--upstream-ca"},
		"wrong name":       {now.Add(-time.Hour), year, []string{"other.example"}, true, lineName, NotOK, "127.0.0.1"},
		"name, not chain":  {now.Add(-time.Hour), year, []string{"other.example"}, true, lineChain, OK, ""},
		"expired":          {now.AddDate(-1, 0, 0), now.Add(-time.Hour), []string{"127.0.0.1"}, true, lineDates, NotOK, "expired"},
		"dates, not chain": {now.AddDate(-1, 0, 0), now.Add(-time.Hour), []string{"127.0.0.1"}, true, lineChain, OK, ""},
		"expires soon":     {now.Add(-time.Hour), now.AddDate(0, 0, 5), []string{"127.0.0.1"}, true, lineDates, OK, "expires in 4 days"},
		"not yet":          {now.AddDate(0, 0, 5), year, []string{"127.0.0.1"}, true, lineDates, NotOK, "not valid before"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, pool := issued(t, tc.from, tc.to, tc.names...)
			p := pathTo(nil)
			p.Roots = x509.NewCertPool()
			if tc.trusted {
				p.Roots = pool
			}
			lines, through := walk(t, p, "https://"+secured(t, cert)+"/v1")
			find(t, lines, tc.line).wants(t, tc.state, tc.says)
			if through && tc.state == NotOK {
				t.Error("a key would be sent there")
			}
		})
	}
}

func TestProxies(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		state  State
		says   string
	}{
		"asks for a password": {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", NotOK, "407"},
		"forbids":             {"HTTP/1.1 403 Blocked by policy\r\n\r\n", NotOK, "403 Blocked by policy"},
		"is none":             {"", NotOK, "no answer to CONNECT"},
		"talks too much":      {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20<<10), NotOK, "too long"},
		"opens":               {"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", OK, "opened a tunnel"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pathTo(nil)
			p.Proxy = Proxy{URL: &url.URL{Scheme: "http", Host: proxyThat(t, tc.answer), User: url.UserPassword("me", "canary-password")}, From: "HTTPS_PROXY"}
			lines, through := walk(t, p, "https://llm.example/v1")
			find(t, lines, lineDNS).wants(t, Unknown, "the proxy looks llm.example up")
			find(t, lines, lineProxy).wants(t, tc.state, tc.says, "(HTTPS_PROXY)")
			if through {
				t.Error("there is no service behind it")
			}
			for _, l := range lines {
				if strings.Contains(l.Reason+l.Fix, "canary") {
					t.Errorf("the password is shown: %+v", l)
				}
			}
		})
	}
}

func TestProxyThatIsNotRunning(t *testing.T) {
	p := pathTo(nil)
	p.Proxy = Proxy{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, From: "https_proxy"}
	lines, _ := walk(t, p, "https://llm.example/v1")
	find(t, lines, lineTCP).wants(t, NotOK, "proxy (https_proxy)")
}

// TestProxyByTLS: a connection to such a proxy is not taken for one to the
// service.
func TestProxyByTLS(t *testing.T) {
	cert, _ := issued(t, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0), "proxy.example")
	p := pathTo(nil)
	p.Proxy = Proxy{URL: &url.URL{Scheme: "https", Host: secured(t, cert)}, From: "HTTPS_PROXY"}
	lines, through := walk(t, p, "https://llm.example/v1")
	find(t, lines, lineProxy).wants(t, Unknown, "reached by TLS")
	find(t, lines, lineTLS).wants(t, Unknown, "the calls below")
	if !through || len(lines) != 4 {
		t.Errorf("%v %v", through, lines)
	}
}

func TestProxyThatIsLeftOut(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	p := pathTo(nil)
	p.Proxy = Proxy{From: "NO_PROXY names 127.0.0.1"}
	lines, through := walk(t, p, s.URL)
	find(t, lines, lineProxy).wants(t, OK, "NO_PROXY names 127.0.0.1")
	if !through {
		t.Error("the path is open, and was called broken")
	}
}

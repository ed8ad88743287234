//go:build e2e

package e2e

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// peerConnect opens a tunnel through the agent: the bytes after the 200.
func peerConnect(proxy, target string) (net.Conn, error) {
	u, err := url.Parse(proxy)
	if err != nil {
		return nil, err
	}
	c, err := net.DialTimeout("tcp", u.Host, 5*time.Second)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	// One byte at a time: what follows the head belongs to the tunnel.
	resp, err := http.ReadResponse(bufio.NewReaderSize(&peerSlow{c}, 16), nil)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("CONNECT %s: %s", target, resp.Status), c.Close())
	}
	return c, nil
}

// peerSlow reads one byte per call.
type peerSlow struct{ r io.Reader }

func (s *peerSlow) Read(p []byte) (int, error) { return s.r.Read(p[:1]) }

// peerShim lets a program that knows no proxy reach target through the agent;
// it returns its port.
func peerShim(t testing.TB, proxy, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	half := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.(*net.TCPConn).CloseWrite()
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				up, err := peerConnect(proxy, target)
				if err != nil {
					return
				}
				defer func() { _ = up.Close() }()
				done := make(chan struct{})
				go func() { defer close(done); half(up, c) }()
				half(c, up)
				<-done
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// peerH2spec runs the suite against localhost:port and returns the cases that
// failed, and how many there were.
func peerH2spec(t testing.TB, port string) (failed map[string]string, cases int) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.xml")
	// The path reads the request's body before it answers, else the answer and
	// the service's complaint about the body race. The timeout is above the
	// second that a Go server waits between GOAWAY and the end.
	p := peerRun(t, nil, peerProgram(t, "h2spec"), "-t", "-k", "-h", "localhost", "-p", port, "-P", "/v1/chat/completions", "-o", "2", "-j", report)
	p.exit(t, 2*time.Minute)
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("h2spec wrote no report: %v\n%s", err, p.out.String())
	}
	var out struct {
		Suites []struct {
			Cases []struct {
				Package string  `xml:"package,attr"`
				Title   string  `xml:"classname,attr"`
				Failure *string `xml:"failure"`
				Error   *string `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b, &out); err != nil {
		t.Fatalf("h2spec's report: %v", err)
	}
	failed = map[string]string{}
	for _, s := range out.Suites {
		for _, c := range s.Cases {
			cases++
			for _, why := range []*string{c.Failure, c.Error} {
				if why != nil {
					failed[c.Package+" "+c.Title] = strings.Join(strings.Fields(*why), " ")
				}
			}
		}
	}
	return failed, cases
}

// TestH2spec runs the HTTP/2 conformance suite against the same service
// directly and through the agent: the relay copies frames, so it must fail
// nothing that the service itself passes. A difference has to show twice,
// because some cases depend on who closes first.
func TestH2spec(t *testing.T) {
	t.Parallel()
	peerProgram(t, "h2spec")
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{up: up})
	shim := peerShim(t, a.info.Proxy, up.addr())
	var worse map[string]string
	for range 3 {
		direct, cases := peerH2spec(t, up.port)
		relayed, same := peerH2spec(t, shim)
		if cases < 140 || same != cases {
			t.Fatalf("%d cases directly and %d through the agent, want the same and at least 140", cases, same)
		}
		again := map[string]string{}
		for name, why := range relayed {
			_, before := worse[name]
			if _, too := direct[name]; !too && (worse == nil || before) {
				again[name] = why
			}
		}
		t.Logf("h2spec: %d cases; failing directly %d, through the agent %d, there alone %d", cases, len(direct), len(relayed), len(again))
		if worse = again; len(worse) == 0 {
			break
		}
		t.Logf("once more for %v", worse)
	}
	for name, why := range worse {
		t.Errorf("fails through the agent alone: %s: %s", name, why)
	}
	if status, _ := peerSend(t, a.client(true), peerCall{peerDeployment(up.base(), "gpt-4o"), `{` + peerMessages + `}`, nil}); status != http.StatusOK {
		t.Errorf("after the suite a call answers %d", status)
	}
}

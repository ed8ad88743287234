package proof_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
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

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/capture"
	"llmtap/capture/ca"
	"llmtap/capture/relay"
	"llmtap/exporters/prom"
	"llmtap/internal/call"
	"llmtap/internal/client"
	"llmtap/internal/compare"
	"llmtap/internal/diagnose"
	"llmtap/internal/faultllm"
)

// patience bounds every wait.
const patience = 20 * time.Second

// service is the fault service under two names, on loopback.
type service struct {
	port  string
	roots *x509.CertPool
	pem   []byte
}

// The names of the service: story's targets, and where every fault is played.
const (
	hub = "llm.example"
	zoo = "zoo.example"
)

func startService(t testing.TB) *service {
	t.Helper()
	cert, roots, err := faultllm.SelfSigned(hub, zoo)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	svc := faultllm.New(faultllm.Config{Interval: -1, Chunks: 12})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = svc.Serve(ctx, l, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return &service{port: port, roots: roots, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[1]})}
}

// clock is the time of the story: it moves only when the story says so.
type clock struct{ now time.Time }

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// agent is what `llmtap run` is made of, but for the queue, the store and the
// pages: its parts in the order of its pipeline, at the story's clock.
type agent struct {
	t        testing.TB
	name     string
	clock    *clock
	svc      *service
	proxy    *capture.Proxy
	addr     string
	items    chan item
	join     *compare.Joiner
	window   *compare.Window
	sink     *prom.Sink
	registry *prometheus.Registry
	trust    *x509.CertPool
}

// item is what capture says: that a call began, or how it was.
type item struct {
	record  call.Record
	started bool
}

func startAgent(t testing.TB, name string, svc *service, c *clock) *agent {
	t.Helper()
	a := &agent{
		t: t, name: name, clock: c, svc: svc, items: make(chan item, 64), registry: prometheus.NewRegistry(), join: compare.NewJoiner(compare.Config{}),
		window: compare.NewWindow(compare.WindowConfig{}), trust: svc.roots.Clone(),
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "roots.pem"), svc.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	authority, err := ca.Open(ca.Config{Dir: filepath.Join(dir, "ca"), Names: []string{hub, zoo}, SystemRoots: filepath.Join(dir, "roots.pem")})
	if err != nil {
		t.Fatal(err)
	}
	a.trust.AppendCertsFromPEM(authority.CertPEM())
	hosts := []capture.HostPort{{Host: hub}, {Host: zoo}}
	a.proxy, err = capture.New(capture.Config{
		Policy: capture.Policy{Intercept: hosts, AllowPrivate: hosts}, Authority: authority, Roots: svc.roots, Secret: []byte("secret of the install"),
		Resolver: loopback(t),
		Hooks: capture.Hooks{
			Emit:    func(r *call.Record) { a.items <- item{record: *r} },
			Started: func(r *call.Record) { a.items <- item{record: *r, started: true} },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.sink, err = prom.New(prom.Config{
		Registry: a.registry, Now: func() time.Time { return c.now }, Version: "1.0.0", Revision: "abc", Retries: client.Retries,
		Process: func() prom.Process { return a.process(authority.Info().NotAfter) },
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.addr = l.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() { _ = a.proxy.Serve(l) })
	t.Cleanup(func() { _ = a.proxy.Close(); wg.Wait() })
	return a
}

// process is the snapshot that a scrape shows. No span exporter runs here: its
// counters are those of one that lost a span.
func (a *agent) process(notAfter time.Time) prom.Process {
	snap, rs := a.proxy.Stats()
	lost := map[string]uint64{}
	if a.clock.now.After(epoch().Add(100 * time.Minute)) {
		lost["timeout"] = 1
	}
	over := map[string]prom.Histogram{"handshake": bins(rs.Handshake)}
	for phase, h := range snap.Overhead {
		over[phase] = bins(h)
	}
	return prom.Process{
		Tunnels: prom.Tunnels{
			Accepted: snap.Tunnels, Open: map[string]int64{"relay": rs.OpenRelayed, "blind": rs.OpenBlind},
			Bytes: map[[2]string]uint64{{"relay", "up"}: uint64(rs.Relayed.Up), {"relay", "down"}: uint64(rs.Relayed.Down)},
		},
		Observation: prom.Observation{Stopped: snap.Stopped, Dropped: snap.Dropped, Oversize: snap.Oversize},
		Latency:     prom.Latency{Lag: bins(rs.Lag), Overhead: over},
		Handshakes:  snap.Handshakes, CA: prom.CA{Loaded: true, NotAfter: notAfter}, Reload: prom.Reload{OK: true, At: a.clock.now},
		Spans: prom.Spans{Created: 9, Exported: 8, Failures: lost},
	}
}

func bins(h relay.Histogram) prom.Histogram {
	return prom.Histogram{Counts: h.Counts[:], Sum: h.Sum.Seconds()}
}

// ask is one request of the story.
type ask struct {
	host    string // hub if empty
	model   string // the deployment in the path
	query   string // beside the api-version
	body    string
	headers map[string]string
	// version is what the search for the client's process would find out.
	version string
	// took stretches the call to this duration.
	took time.Duration
	// leave ends the call after the first bytes of its answer.
	leave bool
}

// send makes one request through the agent and hands its record on.
func (a *agent) send(q ask) {
	a.t.Helper()
	host := q.host
	if host == "" {
		host = hub
	}
	base := "https://" + net.JoinHostPort(host, a.svc.port)
	req, err := http.NewRequest(http.MethodPost, base+"/openai/deployments/"+q.model+"/chat/completions?api-version=2024-10-21"+q.query, strings.NewReader(q.body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range q.headers {
		req.Header.Set(k, v)
	}
	tr := &http.Transport{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: a.addr}), TLSClientConfig: &tls.Config{RootCAs: a.trust, MinVersion: tls.VersionTLS12},
		DisableCompression: true, DisableKeepAlives: true,
	}
	defer tr.CloseIdleConnections()
	began := time.Now()
	resp, err := tr.RoundTrip(req)
	if err == nil { // a fault may leave no answer
		if q.leave {
			_, _ = io.ReadFull(resp.Body, make([]byte, 4096))
		} else {
			_, _ = io.Copy(io.Discard, resp.Body)
		}
		_ = resp.Body.Close()
	}
	a.take(q, a.clock.now.Sub(began))
}

// distrust is a client that knows nothing of the agent's authority.
func (a *agent) distrust() {
	a.t.Helper()
	tr := &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: a.addr}),
		TLSClientConfig: &tls.Config{RootCAs: a.svc.roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}
	began := time.Now()
	if resp, err := tr.RoundTrip(must(http.NewRequest(http.MethodGet, "https://"+net.JoinHostPort(zoo, a.svc.port)+"/v1/models", nil))); err == nil {
		_ = resp.Body.Close()
		a.t.Fatal("a client without our certificate was served")
	}
	a.take(ask{}, a.clock.now.Sub(began))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// take brings what capture said up to the next record into the story's time,
// through the pipeline, and into the metrics.
func (a *agent) take(q ask, shift time.Duration) {
	a.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case it := <-a.items:
			r := it.record
			move(&r, shift, q.took)
			if q.version != "" {
				r.Client.Version = q.version
			}
			if it.started {
				a.check(a.sink.Started(a.t.Context(), r))
				continue
			}
			a.pass(r)
			return
		case <-deadline:
			a.t.Fatalf("%s: no record of %+v", a.name, q)
		}
	}
}

// pass is the pipeline: join, classify, compare, count.
func (a *agent) pass(r call.Record) {
	a.t.Helper()
	r = a.join.Join(r)
	r.Diagnosis = diagnose.Classify(r)
	r.Diagnosis.Tags = append(r.Diagnosis.Tags, a.window.Marks(r)...)
	a.count(r)
}

// count hands a diagnosed record on.
func (a *agent) count(r call.Record) {
	a.t.Helper()
	a.check(a.sink.Record(a.t.Context(), r))
	for _, f := range a.window.Observe(r) {
		a.check(a.sink.Finding(a.t.Context(), f))
	}
}

func (a *agent) check(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// move shifts every instant of a record; with took it is as long as that.
func move(r *call.Record, shift, took time.Duration) {
	start, scale := r.Identity.Start, 1.0
	if d := r.Duration(); took > 0 && d > 0 {
		scale = float64(took) / float64(d)
	}
	at := func(t *time.Time) {
		if !t.IsZero() {
			*t = start.Add(shift + time.Duration(scale*float64(t.Sub(start))))
		}
	}
	for _, t := range []*time.Time{
		&r.Timing.Dial, &r.Timing.DNS, &r.Timing.Connect, &r.Timing.TLS, &r.Timing.RequestSent, &r.Timing.Headers, &r.Timing.FirstByte,
		&r.Timing.FirstData, &r.Timing.FirstContent, &r.Timing.LastData, &r.Timing.LastByte, &r.Timing.End,
	} {
		at(t)
	}
	r.Identity.Start = start.Add(shift)
}

// loopback resolves every name to 127.0.0.1: a DNS server of its own.
func loopback(t testing.TB) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 512)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := answerA(buf[:n]); answer != nil {
				_, _ = pc.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() { _ = pc.Close(); wg.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// answerA answers a DNS question of type A with 127.0.0.1, others with nothing.
func answerA(question []byte) []byte {
	if len(question) < 17 {
		return nil
	}
	end := 12
	for end < len(question) && question[end] != 0 {
		end += int(question[end]) + 1
	}
	if end+5 > len(question) {
		return nil
	}
	end += 5
	out := append([]byte{}, question[:end]...)
	out[2], out[3] = 0x85, 0x80                       // answer, authoritative, recursion
	out[6], out[7], out[8], out[9] = 0, 0, 0, 0       // no answers yet, no authorities
	out[10], out[11] = 0, 0                           // no additional records
	if question[end-4] == 0 && question[end-3] == 1 { // type A
		out[7] = 1
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
	}
	return out
}

// String names the agent as its scrape target.
func (a *agent) String() string { return fmt.Sprintf("%s:4142", a.name) }

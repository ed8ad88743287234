package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// directRest is the least rest between two looks; a look that takes long
	// is followed by directShare times as much of it.
	directRest  = 100 * time.Millisecond
	directShare = 20
	// maxDirect bounds what is noticed.
	maxDirect = 32
	// askAgain is how long the addresses of hosts are taken for all there are.
	askAgain = 5 * time.Minute
	askLimit = 2 * time.Second
	// maxAddresses bounds the addresses of one host.
	maxAddresses = 32
)

// directCall is a connection of the command, or of a process that it started,
// to a model host past the proxy and the routes.
type directCall struct {
	Process string `json:"process"`
	PID     int    `json:"pid"`
	// Runtime is node, python, or other.
	Runtime string `json:"runtime"`
	// Host has Address among its own; others may have it too.
	Host    string    `json:"host"`
	Address string    `json:"address"`
	Since   time.Time `json:"since"`
	Text    string    `json:"text"`
	Remedy  string    `json:"remedy"`
}

// connection is one that a process of the command has open.
type connection struct {
	pid     int
	process string // base name of its program
	remote  netip.AddrPort
}

// directWatch looks for connections that go past llmtap while the command
// runs. start and end are called once each, in that order; end without start
// is fine.
type directWatch struct {
	book   *hostBook
	judge  func(c connection, host string) directCall
	notice io.Writer // gets one line when the first one is seen

	seen       []directCall // the goroutine's until done
	stop, done chan struct{}
	started    bool
}

// watchDirect prepares to watch for the services of found and for the public ones.
func (c *execCmd) watchDirect(env environment, found []endpoint, vars []variable) *directWatch {
	noProxy := ""
	for _, v := range vars {
		if v.name == "NO_PROXY" {
			noProxy = v.value
		}
	}
	return &directWatch{
		book: newHostBook(found, net.DefaultResolver.LookupNetIP), notice: env.stderr, stop: make(chan struct{}), done: make(chan struct{}),
		judge: func(conn connection, host string) directCall { return c.judgeDirect(conn, host, noProxy) },
	}
}

func (w *directWatch) start(pid int) {
	w.started = true
	go w.run(pid)
}

// end stops the watch and returns what was noticed, never nil.
func (w *directWatch) end() []directCall {
	if w.started {
		close(w.stop)
		<-w.done
	}
	return append([]directCall{}, w.seen...)
}

func (w *directWatch) run(pid int) {
	defer close(w.done)
	var eyes lookout
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-w.stop:
			return
		case now := <-rest.C:
			for _, conn := range eyes.connections(pid, w.book.wanted) {
				if host, ok := w.book.host(conn.remote, now); ok {
					w.note(conn, host, now)
				}
			}
			rest.Reset(max(directRest, directShare*time.Since(now)))
		}
	}
}

// note keeps each process and host once.
func (w *directWatch) note(conn connection, host string, now time.Time) {
	if len(w.seen) == maxDirect || slices.ContainsFunc(w.seen, func(d directCall) bool { return d.PID == conn.pid && d.Host == host }) {
		return
	}
	d := w.judge(conn, host)
	d.Since = now.UTC()
	w.seen = append(w.seen, d)
	if len(w.seen) == 1 {
		_, _ = fmt.Fprintf(w.notice, "llmtap: %s (pid %d) connects to an address of %s past llmtap; such calls are not seen. More at the end.\n", clean(d.Process), d.PID, clean(host))
	}
}

// judgeDirect says why a connection probably went past llmtap, and what helps.
func (c *execCmd) judgeDirect(conn connection, host, noProxy string) directCall {
	d := directCall{Process: conn.process, PID: conn.pid, Runtime: runtimeOf(conn.process), Host: host, Address: conn.remote.String()}
	exempt := slices.ContainsFunc(strings.Split(noProxy, ","), func(e string) bool { return e != "" && exempts(e, host) })
	why := blockedBy(d.Runtime)
	switch {
	case exempt:
		why = "NO_PROXY exempts it"
	case d.Runtime == "" && conn.remote.Addr().IsLoopback():
		why = "many programs take addresses of this machine past every proxy"
	}
	to := d.Address
	if conn.remote.Addr().String() != host {
		to += ", an address of " + host + ","
	}
	d.Text = fmt.Sprintf("%s (pid %d) connected to %s past llmtap, so that such calls were not seen. Likely cause: %s.", d.Process, d.PID, to, why)
	d.Runtime = or(d.Runtime, "other")
	switch {
	case c.BaseURL:
		d.Remedy = "It has that address elsewhere than in its environment. Set it there to a route of a running agent: llmtap run --route NAME=URL"
	case exempt && !loopback(host):
		d.Remedy = "Take it out of NO_PROXY, or: llmtap exec --base-url -- CMD"
	default:
		d.Remedy = "llmtap exec --base-url -- CMD"
	}
	return d
}

// runtimeOf is the kind of a program whose clients are known by it.
func runtimeOf(program string) string {
	switch name := strings.ToLower(program); {
	case name == "node", name == "nodejs", name == "electron":
		return "node"
	case strings.HasPrefix(name, "python"), strings.HasPrefix(name, "pypy"):
		return "python"
	}
	return ""
}

// goneDirect says what went past llmtap.
func (m summary) goneDirect(s *sheet) {
	for i, d := range m.Direct[:min(maxAdvice, len(m.Direct))] {
		if i == 0 {
			s.print("\n")
		}
		remedy := d.Remedy
		if i+1 < min(maxAdvice, len(m.Direct)) && m.Direct[i+1].Remedy == remedy {
			remedy = "" // said once, below the last of them
		}
		s.advice(d.Text, remedy)
	}
}

// hostBook knows model hosts by their addresses. One goroutine uses it.
type hostBook struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	// named are the services that the environment names, public those that
	// clients know by themselves. Either are looked up only when the command
	// has a connection that could be to one of them.
	named, public           []modelHost
	ports                   map[uint16]bool
	known                   map[netip.AddrPort]string
	askedNamed, askedPublic time.Time
}

// modelHost is a host and port.
type modelHost struct {
	host string
	port uint16
}

func newHostBook(found []endpoint, lookup func(context.Context, string, string) ([]netip.Addr, error)) *hostBook {
	b := &hostBook{lookup: lookup, ports: map[uint16]bool{}, known: map[netip.AddrPort]string{}}
	add := func(to *[]modelHost, e endpoint) {
		port, err := netip.ParseAddrPort("0.0.0.0:" + e.port)
		if err != nil {
			return
		}
		b.ports[port.Port()] = true
		if ip, err := netip.ParseAddr(e.host); err == nil {
			b.known[netip.AddrPortFrom(ip.Unmap().WithZone(""), port.Port())] = e.host
			return
		}
		*to = append(*to, modelHost{e.host, port.Port()})
	}
	for _, e := range found {
		add(&b.named, e)
	}
	for _, v := range endpointVariables() {
		if u, err := url.Parse(v.service); err == nil && u.Host != "" {
			e, _ := v.endpoint(v.service)
			add(&b.public, e)
		}
	}
	return b
}

// wanted reports whether a remote address may be a model host's.
func (b *hostBook) wanted(remote netip.AddrPort) bool { return b.ports[remote.Port()] }

// host names the model host that has the address. For an unknown one the names
// are looked up anew, at most once in askAgain.
func (b *hostBook) host(remote netip.AddrPort, now time.Time) (string, bool) {
	ip := remote.Addr()
	h, ok := b.known[remote]
	if !ok && now.Sub(b.askedNamed) >= askAgain {
		b.askedNamed = now
		b.ask(b.named)
		h, ok = b.known[remote]
	}
	if !ok && now.Sub(b.askedPublic) >= askAgain && !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast() {
		b.askedPublic = now
		b.ask(b.public)
		h, ok = b.known[remote]
	}
	return h, ok
}

// ask looks services up, all at once, and keeps what came in time.
func (b *hostBook) ask(list []modelHost) {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	answers := make([][]netip.Addr, len(list))
	var all sync.WaitGroup
	for i, s := range list {
		all.Go(func() { answers[i], _ = b.lookup(ctx, "ip", s.host) })
	}
	all.Wait()
	for i, s := range list {
		for _, ip := range answers[i][:min(maxAddresses, len(answers[i]))] {
			b.known[netip.AddrPortFrom(ip.Unmap().WithZone(""), s.port)] = s.host
		}
	}
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"llmtap/capture"
	"llmtap/capture/ca"
	"llmtap/exporters"
	"llmtap/exporters/otlp"
	"llmtap/exporters/prom"
	"llmtap/internal/call"
	"llmtap/internal/client"
	"llmtap/internal/client/local"
	"llmtap/internal/hub"
	"llmtap/internal/redact"
	"llmtap/internal/store"
	"llmtap/internal/web"
)

// parts is what a command gives the agent beside its settings.
type parts struct {
	log    *slog.Logger
	getenv func(string) string
	watch  watcher
	// output: there is a command whose output is a log to be read (exec).
	output bool
	// shared: another agent may own the state directory (exec beside run).
	shared bool
	// service is the hub whose users may see their calls; nil if there is none.
	service *hub.Config
}

// agent is a running llmtap: started in the order store, sinks, queue, proxy,
// admin, and stopped in reverse.
type agent struct {
	s         settings
	parts     parts
	info      runInfo
	proxy     *capture.Proxy
	authority *ca.Authority
	sinks     sinks
	queue     *exporters.Queue
	clock     *clock
	listeners listeners
	admin     *http.Server
	state     state
	// failed gets the first listener error; capacity for all four.
	failed chan error
}

// state is what changes while an agent runs.
type state struct {
	draining atomic.Bool
	ownsRun  bool
	reloads  reloads
}

type listeners struct {
	proxy, admin, routes net.Listener
	// hub shows the users of a hub their calls; off without one.
	hub hubPages
	// finder looks for the processes behind accepted connections; nil if that
	// is switched off.
	finder *local.Finder
	// logs reads server logs; nil if there are none to read.
	logs *serverLogs
}

type sinks struct {
	store  *store.Store
	prom   *prom.Sink
	otlp   *otlp.Sink
	hub    *web.Hub
	fanout *exporters.Fanout
	lost   *lostCounts
	// kept is the state directory that has this agent's records; empty if none.
	kept string
}

// startAgent brings all parts up or none.
func startAgent(ctx context.Context, s settings, p parts) (_ *agent, err error) {
	a := &agent{s: s, parts: p, failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.abandon(ctx))
		}
	}()
	if err := openStateDir(s.stateDir); err != nil {
		return nil, usageError{err}
	}
	secret, err := installSecret(s.stateDir)
	if err != nil {
		return nil, usageError{err}
	}
	a.s.who.named = namer(s.who.users, secret)
	if err := a.listen(); err != nil {
		return nil, usageError{err}
	}
	// The store's lock comes before the authority: a second agent must not
	// replace the certificate of the one that runs.
	if err := a.openSinks(ctx); err != nil {
		return nil, err
	}
	if err := a.openAuthority(); err != nil {
		return nil, usageError{err}
	}
	if err := a.openServerLogs(); err != nil {
		return nil, usageError{err}
	}
	if err := a.startProxy(secret); err != nil {
		return nil, err
	}
	a.listeners.logs.start()
	if err := a.startAdmin(); err != nil {
		return nil, err
	}
	return a, a.publish(ctx)
}

func (a *agent) openAuthority() error {
	if a.s.policy.TunnelOnly {
		return nil
	}
	c := caConfig(a.s.stateDir, a.s.policy)
	c.Widen = true
	auth, err := ca.Open(c)
	if err != nil {
		return err
	}
	a.authority = auth
	if info := auth.Info(); info.ExpiresSoon {
		a.parts.log.Warn("the authority expires soon", "not_after", info.NotAfter, "remedy", "llmtap ca rotate")
	}
	if auth.Reissued() {
		a.parts.log.Warn(reissueNotice(auth.Info().BundlePath))
	}
	return nil
}

func (a *agent) listen() (err error) {
	l := &a.listeners
	if l.proxy, err = net.Listen("tcp", a.s.listen); err != nil {
		return occupied("listen", a.s.listen, err)
	}
	if l.admin, err = net.Listen("tcp", a.s.adminListen); err != nil {
		return occupied("admin-listen", a.s.adminListen, err)
	}
	if err := a.listeners.hub.listen(a.parts.service, a.s.adminListen, reachable(l.admin)); err != nil {
		return err
	}
	if len(a.s.routes) == 0 {
		return nil
	}
	if l.routes, err = net.Listen("tcp", a.s.routeListen); err != nil {
		return occupied("route-listen", a.s.routeListen, err)
	}
	return nil
}

// occupied says what to do when an address cannot be listened on.
func occupied(flag, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use, perhaps by another llmtap; choose another with --%s, for example 127.0.0.1:0", addr, flag)
	}
	return fmt.Errorf("cannot listen on %s (--%s): %w", addr, flag, err)
}

func (a *agent) startProxy(secret []byte) error {
	cfg := capture.Config{
		Policy: a.s.policy, Roots: a.s.roots, Auth: a.s.who.auth, Secret: secret, UpstreamProxy: a.s.upstreamProxy,
		Routes: a.s.routes, StoreContent: a.s.storeContent, Logger: a.parts.log,
		Hooks: capture.Hooks{
			Emit:    func(r *call.Record) { a.listeners.logs.note(r, true); a.queue.Sealed(r) },
			Started: func(r *call.Record) { a.listeners.logs.note(r, false); a.queue.Started(r) },
			User:    a.s.who.named,
		},
	}
	if a.authority != nil {
		cfg.Authority = a.authority
	}
	if a.s.who.process {
		a.listeners.finder = local.New(local.Config{})
		cfg.Hooks.Process = a.listeners.finder.Start
	}
	p, err := capture.New(cfg)
	if err != nil {
		return err
	}
	a.proxy = p
	p.Refuse(a.listeners.admin.Addr())
	if a.listeners.hub.listener != nil {
		p.Refuse(a.listeners.hub.listener.Addr())
	}
	a.serve(func() error { return p.Serve(a.listeners.proxy) })
	if a.listeners.routes != nil {
		a.serve(func() error { return p.ServeRoutes(a.listeners.routes) })
	}
	return nil
}

// reachable is an address that a client on this machine can dial: a listener
// on all addresses is reached by loopback.
func reachable(l net.Listener) string {
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok || !a.IP.IsUnspecified() {
		return l.Addr().String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
}

// serve runs one listener; the proxy's and server's Close end it.
func (a *agent) serve(run func() error) {
	go func() {
		if err := run(); err != nil {
			a.failed <- err
		}
	}()
}

func (a *agent) startAdmin() error {
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return fmt.Errorf("make admin token: %w", err)
	}
	a.info = runInfo{
		PID: os.Getpid(), Proxy: "http://" + reachable(a.listeners.proxy), Admin: "http://" + reachable(a.listeners.admin),
		Token: hex.EncodeToString(raw[:]),
	}
	if a.listeners.routes != nil {
		a.info.BaseURL = "http://" + reachable(a.listeners.routes)
	}
	cfg := web.Config{
		Token: a.info.Token, Live: a.proxy.Live, Tunnels: a.proxy.Tunnels, Ready: a.ready, Metrics: a.sinks.prom.Handler(),
		Hub: a.sinks.hub, Log: a.parts.log,
		Info: web.Info{Version: version, Proxy: a.info.Proxy, Admin: a.info.Admin, BaseURL: a.info.BaseURL},
	}
	if a.sinks.store != nil {
		cfg.Calls = a.sinks.store
	}
	pages := web.New(cfg)
	admin := pages.Handler()
	if a.listeners.hub.on() {
		admin = a.listeners.hub.start(a, pages)
	}
	a.admin = serveHTTP(a, "admin listener", a.listeners.admin, admin)
	return nil
}

// serveHTTP answers on a listener until the server is closed.
func serveHTTP(a *agent, name string, l net.Listener, h http.Handler) *http.Server {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.parts.log.Handler(), slog.LevelDebug),
	}
	a.serve(func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	return s
}

func (a *agent) ready() error {
	if a.state.draining.Load() {
		return errors.New("draining")
	}
	return nil
}

// publish writes run.json unless a live agent's is there: then exec leaves it,
// and anybody else says so.
func (a *agent) publish(ctx context.Context) error {
	if other, ok := findAgent(ctx, a.s.stateDir); ok {
		_ = other.Close(ctx)
		if a.parts.shared {
			return nil
		}
		a.parts.log.Warn("another agent runs with this state directory; the commands will ask this one", "pid", other.info.PID)
	}
	a.state.ownsRun = true
	return a.info.write(a.s.stateDir)
}

func (a *agent) openSinks(ctx context.Context) (err error) {
	s := &a.sinks
	s.lost, s.hub = &lostCounts{}, web.NewHub()
	if s.store, s.kept, err = openStore(ctx, a.s, a.parts); err != nil {
		return usageError{err}
	}
	s.prom, err = prom.New(prom.Config{
		Compat: a.parts.getenv("LLMTAP_SEMCONV_COMPAT"), Version: version, Revision: revision(), Process: a.process, Retries: client.Retries,
	})
	if err != nil {
		return usageError{err}
	}
	s.otlp, err = otlp.New(ctx, otlp.Config{
		Getenv: a.parts.getenv, Version: version, InstanceID: instance(), Logger: a.parts.log, Redact: func(t string) string { return redact.Text(t, 2000) },
	})
	if err != nil {
		return usageError{err}
	}
	named := []exporters.Named{{Name: "prometheus", Sink: s.prom}, {Name: "otlp", Sink: s.otlp}, {Name: "feed", Sink: s.hub}}
	if s.store != nil {
		named = append(named, exporters.Named{Name: "store", Sink: s.store})
	}
	s.fanout = exporters.NewFanout(named...)
	p, err := newPipeline(a)
	if err != nil {
		return usageError{err}
	}
	if s.store != nil {
		if err := p.restore(ctx, s, time.Now()); err != nil {
			a.parts.log.Warn("verdicts start from nothing", "error", err.Error())
		}
	}
	a.queue = exporters.NewQueue(exporters.Config{Handle: p.handle, Dropped: s.lost.add})
	a.clock = startClock(a.queue)
	if s.store != nil {
		for _, r := range s.store.Interrupted() {
			a.parts.log.Warn("a call was live when the agent was killed", "id", r.Identity.ID, "see", "llmtap show "+r.Identity.ID)
		}
	}
	return nil
}

// instance tells agents behind one collector apart.
func instance() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// openStore opens calls.db, and says in which directory. Beside an agent that
// has it open, exec goes on without a store and without an error.
func openStore(ctx context.Context, set settings, p parts) (*store.Store, string, error) {
	st, err := store.Open(ctx, store.Config{
		Path: filepath.Join(set.stateDir, "calls.db"), MaxAge: set.keep.maxAge, MaxBytes: set.keep.maxBytes, Logger: p.log,
	})
	if p.shared && errors.Is(err, store.ErrInUse) {
		p.log.Warn("another agent has the store of this state directory; the calls of this run are shown, not kept")
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	return st, set.stateDir, nil
}

package faultllm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// connKey finds the raw connection of a request in its context.
type connKey struct{}

// link is one accepted connection: what lies under TLS, and how many requests
// it has brought.
type link struct {
	raw      net.Conn
	requests atomic.Int64
	stop     <-chan struct{} // closed when the service stops
}

// stopping reports whether the service ends the connection and not the client.
func (l *link) stopping() bool {
	if l == nil {
		return false
	}
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// linkOf returns the connection of a request, nil if Serve did not accept it.
func linkOf(r *http.Request) *link {
	l, _ := r.Context().Value(connKey{}).(*link)
	return l
}

// Serve accepts connections on l until ctx is done, then closes everything, l
// included, and returns nil once no connection and no request is left. With a
// TLS configuration it speaks h2 and HTTP/1.1 by ALPN (NextProtos without "h2":
// HTTP/1.1 alone), else HTTP/1.1. A listener that is not on loopback is refused
// unless Config.AnyAddress allows it.
func (s *Service) Serve(ctx context.Context, l net.Listener, tlsConfig *tls.Config) error {
	if err := s.permit(l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	srv := s.server(ctx, tlsConfig)
	defer s.stats.drained()
	stopped := make(chan struct{})
	defer func() { <-stopped }()
	served := make(chan struct{})
	defer close(served)
	go func() {
		defer close(stopped)
		select {
		case <-ctx.Done():
		case <-served:
		}
		_ = srv.Close()
	}()
	var err error
	if tlsConfig != nil {
		err = srv.ServeTLS(l, "", "")
	} else {
		err = srv.Serve(l)
	}
	if ctx.Err() != nil {
		return nil // whatever the listener said when it was closed
	}
	return fmt.Errorf("faultllm: serve %s: %w", l.Addr(), err)
}

// permit refuses addresses that others can reach.
func (s *Service) permit(a net.Addr) error {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() || s.cfg.AnyAddress {
		return nil
	}
	return fmt.Errorf("faultllm: serve %s: not a loopback address; this is a test service, listen on 127.0.0.1", a)
}

func (s *Service) server(ctx context.Context, tlsConfig *tls.Config) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	if tlsConfig != nil {
		tlsConfig = tlsConfig.Clone()
		protocols.SetHTTP2(len(tlsConfig.NextProtos) == 0 || slices.Contains(tlsConfig.NextProtos, "h2"))
	}
	return &http.Server{
		Handler:           s,
		TLSConfig:         tlsConfig,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withLink,
		ConnState:         s.connState,
	}
}

func withLink(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, &link{raw: under(c), stop: ctx.Done()})
}

// under returns the connection that carries c's TLS, or c.
func under(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}

// connState counts the connections net/http owns; a hijacked one belongs to the
// request that took it, which is counted itself.
func (s *Service) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.stats.conns(1)
	case http.StateHijacked, http.StateClosed:
		s.stats.conns(-1)
	}
}

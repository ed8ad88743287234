package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"llmtap/capture"
	"llmtap/internal/call"
	"llmtap/internal/check"
	"llmtap/internal/diagnose"
)

// maxAnswer bounds what is kept of an answer; the rest is read and dropped.
const maxAnswer = 1 << 20

// observedCall makes requests to the host of u through a base-URL route of a
// proxy of its own, one per request: what it brings back is what the agent
// would record and diagnose.
func observedCall(s settings, u, proxy *url.URL) check.Caller {
	return func(ctx context.Context, q check.Request) (a check.Answer, err error) {
		records := make(chan call.Record, 4) // one request: one record
		p, err := checkProxy(s, u, proxy, records)
		if err != nil {
			return a, err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return a, fmt.Errorf("check: listen: %w", err)
		}
		served := make(chan error, 1)
		go func() { served <- p.ServeRoutes(l) }()
		a, err = answerOf(ctx, "http://"+l.Addr().String()+"/check", q)
		drained := p.Drain(ctx) // the record is sealed once nothing is open
		if ended := errors.Join(drained, p.Close(), <-served); err == nil && ctx.Err() == nil {
			err = ended
		}
		select {
		case a.Record = <-records:
			a.Seen, err = true, nil
			a.Record.Diagnosis = diagnose.Classify(a.Record)
		default:
		}
		return a, err
	}
}

// checkProxy is an agent's data path without the rest of an agent. The operator
// named the host, so it may be private.
func checkProxy(s settings, u, proxy *url.URL, records chan<- call.Record) (*capture.Proxy, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("check: make secret: %w", err)
	}
	port, err := strconv.Atoi(or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]))
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	return capture.New(capture.Config{
		Policy: capture.Policy{TunnelOnly: true, AllowPrivate: []capture.HostPort{{Host: capture.Normalise(u.Hostname()), Port: port}}},
		Roots:  s.roots, Secret: secret, UpstreamProxy: proxy, Auth: capture.AuthNone,
		Routes: []capture.Route{{Name: "check", Upstream: &url.URL{Scheme: u.Scheme, Host: u.Host}}},
		Logger: slog.New(slog.DiscardHandler),
		Hooks: capture.Hooks{Emit: func(r *call.Record) {
			select {
			case records <- *r:
			default:
			}
		}},
	})
}

// answerOf sends q to base and reads the whole answer.
func answerOf(ctx context.Context, base string, q check.Request) (a check.Answer, err error) {
	address := base + q.Path
	if q.Query != "" {
		address += "?" + q.Query
	}
	req, err := http.NewRequestWithContext(ctx, q.Method, address, bytes.NewReader(q.Body))
	if err != nil {
		return a, fmt.Errorf("check: make request: %w", err)
	}
	req.Header = q.Header.Clone()
	req.Header.Set("User-Agent", "llmtap-check/"+version)
	t := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req) // no redirect is followed: a key goes to the host that was named
	if err != nil {
		return a, fmt.Errorf("check: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	a.Status = resp.StatusCode
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.Date = date
	}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err != nil {
		return a, fmt.Errorf("check: read the answer: %w", err)
	}
	return a, nil
}

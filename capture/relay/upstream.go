package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

var errClientCertificate = errors.New("relay: answer upstream: it asks for a client certificate")

// dial does the upstream handshake with the client's offers. On an error the
// obstacle is set.
func (h *handshake) dial(hello *tls.ClientHelloInfo) error {
	ctx, cancel := context.WithTimeout(hello.Context(), h.r.cfg.Limits.Handshake)
	defer cancel()
	h.touched = true
	asked := false
	conn := tls.Client(h.upstream, &tls.Config{
		ServerName:         h.t.Host,
		RootCAs:            h.r.cfg.Roots,
		NextProtos:         hello.SupportedProtos,
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: h.r.sessions,
		VerifyConnection:   h.r.verifyResumed,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return nil, errClientCertificate
		},
		// One record in is one record out.
		DynamicRecordSizingDisabled: true,
	})
	h.session.UpstreamStart = time.Now()
	err := conn.HandshakeContext(ctx)
	h.session.UpstreamDone = time.Now()
	switch {
	case asked:
		h.r.learned.clientCertificate(h.t.Host, h.t.Port)
		h.block(ReasonClientCertificate, errClientCertificate)
		return errClientCertificate
	case err != nil:
		if hello.Context().Err() == nil {
			h.r.cfg.HandshakeFailed("upstream", failureOf(err))
		}
		h.block(ReasonUpstreamTLS, err)
		return err
	}
	state := conn.ConnectionState()
	h.upstream.tls = conn
	h.session.ALPN, h.session.UpstreamTLS, h.session.Resumed = state.NegotiatedProtocol, state.Version, state.DidResume
	return nil
}

// verifyResumed verifies a resumed session like a new one: a root may have
// been withdrawn, or a certificate expired, since its ticket was issued.
func (r *Relay) verifyResumed(state tls.ConnectionState) error {
	if !state.DidResume {
		return nil
	}
	if len(state.PeerCertificates) == 0 {
		return errors.New("relay: verify resumed session: no certificate")
	}
	opts := x509.VerifyOptions{Roots: r.cfg.Roots, DNSName: state.ServerName, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := state.PeerCertificates[0].Verify(opts); err != nil {
		return fmt.Errorf("relay: verify resumed session: %w", err)
	}
	return nil
}

// fallBack copies a tunnel blind after all: what the client has sent so far is
// replayed to an upstream that has not yet heard of us.
func (r *Relay) fallBack(ctx context.Context, h *handshake, res Result) Result {
	if h.touched {
		_ = h.upstream.Close()
		if err := h.redial(ctx); err != nil {
			h.client.reset(0)
			res.blame(Failed, ReasonRedial, err)
			return res
		}
	}
	if h.t.Blinded != nil {
		h.t.Blinded(res.Reason, res.Err)
	}
	h.client.rewind()
	return r.blind(ctx, h.t, h.client, h.upstream, res)
}

func (h *handshake) redial(ctx context.Context) error {
	if h.t.Redial == nil {
		return errors.New("relay: redial upstream: not possible")
	}
	ctx, cancel := context.WithTimeout(ctx, h.r.cfg.Limits.Handshake)
	defer cancel()
	c, err := h.t.Redial(ctx)
	if err != nil {
		return fmt.Errorf("relay: redial upstream: %w", err)
	}
	h.upstream = newLeg(c)
	return nil
}

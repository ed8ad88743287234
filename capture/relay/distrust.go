package relay

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// hangup is what Tunnel.Distrusted is told when the client left without a word.
const hangup = "hangup"

// pinTime is how soon after the handshake a client leaves, without having sent
// a byte, that compares the certificate only then.
const pinTime = 2 * time.Second

// trust draws conclusions about whether a tunnel's client accepts our leaf.
type trust struct {
	r   *Relay
	t   *Tunnel
	who subject
}

// trustOf judges the client that said h's ClientHello.
func trustOf(h *handshake) trust { return trust{h.r, h.t, h.who} }

// known says what was learned about the client, empty if it is to be shown our
// leaf. Strict asks it again: refusing would lock out a client that has our
// certificate by now.
func (w trust) known() string {
	if w.r.cfg.Strict {
		return ""
	}
	return w.r.learned.lookup(w.who)
}

// rejected books a client that broke off after our leaf was sent, and returns
// reason and error of the result.
func (w trust) rejected(err error, h *handshake) (string, error) {
	alert, told := alertName(err)
	failure := failureOf(err)
	if !told && !isTransport(err) {
		if alert, told = plainAlert(h.tail); told {
			failure = alertFailure(alert)
			err = fmt.Errorf("relay: shake hands with client: its alert in cleartext: %s", alert)
		}
	}
	w.r.cfg.HandshakeFailed("client", failure)
	switch {
	case told && distrustAlerts[alert]:
		w.distrust(alert)
	case told:
		w.suspect(alert, false)
	case errors.Is(err, os.ErrDeadlineExceeded) || !isTransport(err):
		return ReasonHandshake, err
	default:
		w.suspect(hangup, unanswered(h))
	}
	return ReasonDistrust, err
}

func (w trust) distrust(reason string) {
	w.r.learned.distrust(w.who)
	w.tell(reason)
}

// unanswered tells that the client took our leaf and left without a byte. One
// that accepts it answers in the same breath: a client that is cancelled before
// it reads the leaf shows a reset or leaves some of it unacknowledged.
func unanswered(h *handshake) bool {
	return h.tail == [len(h.tail)]byte{} && h.client.tookAll()
}

// suspect tells nobody about the first hang-up of a client that trusts us.
func (w trust) suspect(reason string, sure bool) {
	if !w.r.learned.suspect(w.who, sure) {
		w.tell(reason)
	}
}

// noting adds to a tap that the first byte of the client is trust.
func (w trust) noting(tap Tap) Tap {
	forwarding, noted := tap.Forwarding, false // noted belongs to the goroutine of Up
	tap.Forwarding = func(d Direction) {
		if d == Up && !noted {
			noted = true
			w.r.learned.trust(w.who)
		}
		if forwarding != nil {
			forwarding(d)
		}
	}
	return tap
}

func (w trust) tell(reason string) {
	if w.t.Distrusted != nil {
		w.t.Distrusted(reason)
	}
}

// learn draws a conclusion from a relayed tunnel. Some clients (Node) finish
// the handshake first and look at the certificate then: they leave at once,
// without a byte. A client that sent one trusts us.
func (w trust) learn(since time.Time, res Result) {
	if res.Up > 0 {
		return // noted when it came
	}
	if res.First != Up || res.End.Kind == Stopped || res.End.At.Sub(since) > pinTime {
		return
	}
	if alert, told := alertName(res.End.Err); told && distrustAlerts[alert] {
		w.r.cfg.HandshakeFailed("client", failureOf(res.End.Err))
		w.distrust(alert)
		return
	}
	w.r.learned.suspect(w.who, false)
}

// failureOf names a handshake error for the counter.
func failureOf(err error) string {
	var (
		invalid  x509.CertificateInvalidError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		verify   *tls.CertificateVerificationError
	)
	if alert, ok := alertName(err); ok {
		return alertFailure(alert)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || isTimeout(err):
		return "timeout"
	case errors.As(err, &unknown):
		return "unknown_ca"
	case errors.As(err, &hostname):
		return "name_mismatch"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired"
	case errors.As(err, &verify) || errors.As(err, &invalid):
		return "bad_certificate"
	case isTransport(err):
		return "closed"
	case err == nil:
		return "other"
	}
	return "protocol"
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

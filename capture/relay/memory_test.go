package relay

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// about is what is learned of one client and one service.
func about(client byte, host string) subject {
	return subject{client: fingerprint{client}, host: host, port: 443}
}

func TestLessonsLastAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.distrust(about(1, "a"))
		m.clientCertificate("b", 443)
		<-time.After(time.Hour - time.Second)
		for _, want := range []struct {
			name   string
			about  subject
			reason string
		}{
			{"that client", about(1, "a"), ReasonDistrust},
			{"another client", about(2, "a"), ""},
			{"another port", subject{fingerprint{1}, "a", 8443}, ""},
			{"another host", about(1, "c"), ""},
			{"every client", about(0, "b"), ReasonClientCertificate},
			{"every client, another port", subject{host: "b", port: 8443}, ""},
		} {
			if got := m.lookup(want.about); got != want.reason {
				t.Errorf("%s: %q, want %q", want.name, got, want.reason)
			}
		}
		<-time.After(time.Second)
		for _, k := range []subject{about(1, "a"), about(0, "b")} {
			if got := m.lookup(k); got != "" {
				t.Errorf("%s is still known: %s", k.host, got)
			}
		}
		if n := len(m.lessons); n != 0 {
			t.Errorf("%d lessons kept", n)
		}
	})
}

func TestSuspicionFades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, k := newMemory(), about(1, "h")
		m.suspect(k, false)
		<-time.After(61 * time.Minute)
		m.suspect(k, false)
		if m.lookup(k) != "" {
			t.Error("two hang-ups an hour apart are no pattern")
		}
		m.trust(k)
		m.suspect(k, false)
		if m.lookup(k) != "" {
			t.Error("a good tunnel between them did not count")
		}
		<-time.After(burst)
		m.suspect(k, false)
		m.trust(k)
		if m.lookup(k) != ReasonDistrust {
			t.Error("what was learned is lost by another run of the program")
		}
	})
}

// TestBurstOfHangUps: a client that trusts us may drop several connections that
// it opened in reserve at once. It still distrusts us if it goes on like that,
// and one that never used a tunnel does at the second.
func TestBurstOfHangUps(t *testing.T) {
	for _, tc := range []struct {
		name  string
		used  bool
		times []time.Duration // since the hang-up before
		want  string
	}{
		{"a pair", true, []time.Duration{0, 11 * time.Millisecond}, ""},
		{"many at once", true, []time.Duration{0, 300 * time.Millisecond, 300 * time.Millisecond, 300 * time.Millisecond}, ""},
		{"a retry after the burst", true, []time.Duration{0, burst}, ReasonDistrust},
		{"retries each within a burst of the one before", true, []time.Duration{0, 600 * time.Millisecond, 600 * time.Millisecond}, ReasonDistrust},
		{"a pair of a client never heard of", false, []time.Duration{0, 11 * time.Millisecond}, ReasonDistrust},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, k := newMemory(), about(1, "h")
				if tc.used {
					m.trust(k)
				}
				for i, after := range tc.times {
					<-time.After(after)
					if known := m.suspect(k, tc.used); known != (tc.used && m.lookup(k) == "") {
						t.Errorf("hang-up %d: known %v, lesson %q", i+1, known, m.lookup(k))
					}
				}
				if got := m.lookup(k); got != tc.want {
					t.Errorf("learned %q, want %q", got, tc.want)
				}
			})
		})
	}
}

func TestLessonsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for i := range maxLessons + 10 {
			m.distrust(about(1, strconv.Itoa(i)))
			<-time.After(time.Millisecond)
		}
		if n := len(m.lessons); n != maxLessons {
			t.Errorf("%d lessons", n)
		}
		for i, want := range map[int]bool{0: false, 9: false, 10: true, maxLessons + 9: true} {
			if ok := m.lookup(about(1, strconv.Itoa(i))) != ""; ok != want {
				t.Errorf("lesson %d known: %v, want %v", i, ok, want)
			}
		}
		<-time.After(time.Hour)
		m.distrust(about(1, "new"))
		if n := len(m.lessons); n != 1 {
			t.Errorf("%d lessons, the old ones should have gone", n)
		}
	})
}

// Every alert that crypto/tls can name is told by its text, and counted under
// a name of the closed list.
func TestAlertNames(t *testing.T) {
	for code, name := range alertNames {
		err := fmt.Errorf("wrapped: %w", &net.OpError{Op: "remote error", Err: code})
		if got, ok := alertName(err); got != name || !ok {
			t.Errorf("alert %d: %q, %v; want %q", code, got, ok, name)
		}
	}
	tests := []struct {
		name  string
		err   error
		alert string
		told  bool
	}{
		{"unknown number", &net.OpError{Op: "remote error", Err: tls.AlertError(200)}, "other", true},
		{"our own alert", &net.OpError{Op: "local error", Err: tls.AlertError(48)}, "", false},
		{"not from the peer", tls.AlertError(48), "", false},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "", false},
		{"empty", &net.OpError{Op: "remote error"}, "", false},
		{"none", nil, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, told := alertName(tt.err); got != tt.alert || told != tt.told {
				t.Errorf("got %q, %v", got, told)
			}
		})
	}
}

// The alerts really come like that from crypto/tls, whose text is all we have.
func TestAlertOfARealHandshake(t *testing.T) {
	client, server := net.Pipe()
	go func() {
		_, _ = io.ReadFull(server, make([]byte, 5))
		go func() { _, _ = io.Copy(io.Discard, server) }()
		_, _ = server.Write([]byte{recordAlert, 3, 3, 0, 2, 2, 48})
	}()
	err := tls.Client(client, &tls.Config{ServerName: "a"}).Handshake()
	if got, told := alertName(err); got != "unknown_ca" || !told {
		t.Errorf("got %q, %v of %v", got, told, err)
	}
	_, _ = client.Close(), server.Close()
}

func TestFailureNames(t *testing.T) {
	remote := func(a tls.AlertError) error { return &net.OpError{Op: "remote error", Err: a} }
	verify := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"alert unknown_ca", remote(48), "unknown_ca"},
		{"alert bad_certificate", remote(42), "bad_certificate"},
		{"alert certificate_unknown", remote(46), "bad_certificate"},
		{"alert certificate_expired", remote(45), "expired"},
		{"alert unrecognized_name", remote(112), "name_mismatch"},
		{"alert protocol_version", remote(70), "protocol"},
		{"alert handshake_failure", remote(40), "protocol"},
		{"alert internal_error", remote(80), "other"},
		{"alert nobody knows", remote(201), "other"},
		{"unknown authority", verify(x509.UnknownAuthorityError{}), "unknown_ca"},
		{"wrong host", verify(x509.HostnameError{Certificate: &x509.Certificate{}}), "name_mismatch"},
		{"expired", verify(x509.CertificateInvalidError{Reason: x509.Expired}), "expired"},
		{"not a CA", verify(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), "bad_certificate"},
		{"other verification", verify(errors.New("odd")), "bad_certificate"},
		{"deadline", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "timeout"},
		{"context", fmt.Errorf("x: %w", os.ErrDeadlineExceeded), "timeout"},
		{"EOF", io.EOF, "closed"},
		{"EOF inside", io.ErrUnexpectedEOF, "closed"},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "closed"},
		{"our alert", &net.OpError{Op: "local error", Err: tls.AlertError(10)}, "protocol"},
		{"no TLS", tls.RecordHeaderError{Msg: "x"}, "protocol"},
		{"none", nil, "other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := failureOf(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// crypto/tls does not verify a resumed session against today's roots on every
// platform; we do.
func TestResumedSessionIsVerifiedAgain(t *testing.T) {
	r := New(Config{Roots: x509.NewCertPool()})
	stranger := &x509.Certificate{DNSNames: []string{"a"}, NotAfter: time.Now().Add(time.Hour)}
	for _, tt := range []struct {
		name  string
		state tls.ConnectionState
		ok    bool
	}{
		{"full handshake", tls.ConnectionState{}, true},
		{"root gone", tls.ConnectionState{DidResume: true, ServerName: "a", PeerCertificates: []*x509.Certificate{stranger, stranger}}, false},
		{"no certificate", tls.ConnectionState{DidResume: true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := r.verifyResumed(tt.state); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHistogramBuckets(t *testing.T) {
	var h Durations
	for _, d := range []time.Duration{-time.Second, 0, 100 * time.Microsecond, 101 * time.Microsecond, time.Second, time.Minute} {
		h.Observe(d)
	}
	s := h.Snapshot()
	want := [13]uint64{0: 3, 1: 1, 11: 1, 12: 1}
	if s.Counts != want || s.Count() != 6 || s.Sum != 61*time.Second+201*time.Microsecond {
		t.Errorf("got %+v", s)
	}
}

package relay_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"

	"llmtap/capture/relay"
)

// Offers times upstream's choices: what is negotiated, or how it fails, is
// what a direct connection gets.
func TestALPNIsMirrored(t *testing.T) {
	offers := [][]string{nil, {"http/1.1"}, {"h2", "http/1.1"}, {"http/1.1", "h2"}, {"h2"}, {"spdy/9"}}
	choices := [][]string{nil, {"http/1.1"}, {"h2", "http/1.1"}, {"h2"}}
	for _, choice := range choices {
		for _, offer := range offers {
			t.Run(fmt.Sprintf("offer %v, upstream %v", offer, choice), func(t *testing.T) {
				r, cfg := newTLSRig(t, echo)
				cfg.NextProtos = choice
				var session relay.Session
				r.edit = func(tn *relay.Tunnel) {
					tn.Start = func(s relay.Session) relay.Tap { session = s; return relay.Tap{} }
				}
				client := r.client()
				client.NextProtos = offer
				direct, relayed := negotiate(r, false, client), negotiate(r, true, client)
				if direct != relayed {
					t.Errorf("relayed: %s\n direct: %s", relayed, direct)
				}
				res := r.result()
				if want := "negotiated " + session.ALPN; res.View == relay.Relayed && want != direct {
					t.Errorf("session says %q, client %q", want, direct)
				}
				if refused := len(direct) < 10 || direct[:10] != "negotiated"; refused != (res.View == relay.Blinded) {
					t.Errorf("view %v, client %q", res.View, direct)
				}
			})
		}
	}
}

func negotiate(r *rig, relayed bool, cfg *tls.Config) string {
	c := tls.Client(r.dial(relayed), cfg)
	defer c.Close()
	if err := c.Handshake(); err != nil {
		return class(err)
	}
	return "negotiated " + c.ConnectionState().NegotiatedProtocol
}

// echo sends back what it gets and mirrors the end.
func echo(raw *net.TCPConn, c *tls.Conn) {
	defer raw.Close()
	_, _ = io.Copy(c, c)
	_ = c.Close()
}

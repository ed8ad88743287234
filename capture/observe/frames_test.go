package observe_test

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"llmtap/capture/observe"
)

const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// peer writes the frames of one direction with the encoder of x/net.
type peer struct {
	tb  testing.TB
	d   observe.Direction
	out bytes.Buffer
	fr  *http2.Framer
	enc *hpack.Encoder
	hp  bytes.Buffer
}

func newPeer(tb testing.TB, d observe.Direction) *peer {
	p := &peer{tb: tb, d: d}
	p.fr = http2.NewFramer(&p.out, nil)
	p.fr.AllowIllegalWrites = true
	p.enc = hpack.NewEncoder(&p.hp)
	if d == observe.Request {
		p.out.WriteString(clientPreface)
	}
	return p
}

func (p *peer) must(err error) {
	p.tb.Helper()
	if err != nil {
		p.tb.Fatal(err)
	}
}

// take returns what was written since the last take, as a step.
func (p *peer) take() step {
	s := step{do: "push", d: p.d, p: bytes.Clone(p.out.Bytes())}
	p.out.Reset()
	return s
}

// block encodes names and values in turn.
func (p *peer) block(pairs ...string) []byte {
	p.tb.Helper()
	p.hp.Reset()
	for i := 0; i+1 < len(pairs); i += 2 {
		p.must(p.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}))
	}
	return bytes.Clone(p.hp.Bytes())
}

func (p *peer) headers(stream uint32, end bool, pairs ...string) {
	p.tb.Helper()
	p.must(p.fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: p.block(pairs...), EndStream: end, EndHeaders: true,
	}))
}

func (p *peer) data(stream uint32, end bool, body string) {
	p.tb.Helper()
	p.must(p.fr.WriteData(stream, end, []byte(body)))
}

func (p *peer) post(stream uint32, body string) {
	p.tb.Helper()
	p.headers(stream, body == "", ":method", "POST", ":scheme", "https", ":path", "/v1/x", ":authority", "api.example", "accept", "*/*")
	if body != "" {
		p.data(stream, true, body)
	}
}

// closing is the transport end of one direction.
func closing(d observe.Direction, how observe.Closing) step {
	return step{do: "close", d: d, how: how}
}

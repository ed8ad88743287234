package observe_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"llmtap/capture/observe"
)

// h2Model says what a service's frames mean, read by x/net's own Framer, for a
// connection on which the client has sent three whole requests.
type h2Model struct {
	tape  *tape
	begun map[uint32]bool
	open  map[uint32]*taped
}

func newH2Model() *h2Model {
	m := &h2Model{tape: newTape(), begun: map[uint32]bool{}, open: map[uint32]*taped{}}
	for i := range 3 {
		m.open[uint32(2*i+1)] = &taped{m.tape, i + 1}
	}
	return m
}

// read plays data and returns what it told until the Framer objected to a
// frame, or the observer has reason to give up.
func (m *h2Model) read(data []byte) []string {
	fr := http2.NewFramer(nil, bytes.NewReader(data))
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	fr.ReadMetaHeaders.SetAllowedMaxDynamicTableSize(1 << 20)
	fr.MaxHeaderListSize = 256 << 10
	for {
		f, err := fr.ReadFrame()
		if err != nil || !m.frame(f) {
			return m.tape.lines
		}
	}
}

func (m *h2Model) frame(f http2.Frame) bool {
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		return m.headers(f)
	case *http2.PushPromiseFrame:
		return false // the Framer does not decode it, so its table is out of step
	case *http2.DataFrame:
		return m.data(f)
	case *http2.RSTStreamFrame:
		m.end(f.StreamID, observe.End{Kind: observe.EndH2RST, Code: uint32(f.ErrCode), Reason: "service"})
	case *http2.GoAwayFrame:
		for _, id := range []uint32{1, 3, 5} {
			if id > f.LastStreamID {
				m.end(id, observe.End{Kind: observe.EndH2RST, Code: uint32(f.ErrCode), Reason: "goaway"})
			}
		}
	}
	return true
}

func (m *h2Model) data(f *http2.DataFrame) bool {
	x := m.open[f.StreamID]
	if x == nil {
		return true
	}
	if !m.begun[f.StreamID] {
		return len(f.Data()) == 0 && !f.StreamEnded()
	}
	if len(f.Data()) > 0 {
		x.Body(observe.Response, f.Data(), time.Time{})
	}
	if f.StreamEnded() {
		m.end(f.StreamID, observe.End{Kind: observe.EndComplete})
	}
	return true
}

func (m *h2Model) headers(f *http2.MetaHeadersFrame) bool {
	x := m.open[f.StreamID]
	if x == nil {
		return f.StreamID%2 == 0 || f.StreamID <= 5
	}
	head := &observe.Head{
		Direction: observe.Response, Proto: "2", Transfer: "h2", Length: -1, Place: observe.Place{Reused: f.StreamID > 1},
	}
	status, err := strconv.Atoi(f.PseudoValue("status"))
	switch {
	case f.Truncated || strings.Contains(fmt.Sprint(f.Fields), "content-length"):
		return false
	case m.begun[f.StreamID]:
		head.Trailers = true
	case err != nil || len(f.PseudoValue("status")) != 3 || status < 100:
		return false
	default:
		head.Status = status
		head.Interim = status < 200 && !f.StreamEnded()
		m.begun[f.StreamID] = !head.Interim
	}
	for _, h := range f.RegularFields() {
		head.Fields = append(head.Fields, observe.Field{Name: []byte(h.Name), Value: []byte(h.Value)})
	}
	x.Head(head, time.Time{})
	if f.StreamEnded() {
		m.end(f.StreamID, observe.End{Kind: observe.EndComplete})
	}
	return true
}

func (m *h2Model) end(id uint32, e observe.End) {
	if x := m.open[id]; x != nil {
		x.End(observe.Response, e, time.Time{})
		delete(m.open, id)
	}
}

// framesFrom makes valid frames from ops: what to write, to which stream, how much.
func framesFrom(tb testing.TB, ops []byte) []byte {
	s := newPeer(tb, observe.Response)
	for ; len(ops) >= 3; ops = ops[3:] {
		stream, n := uint32(ops[1]%4)*2+1, int(ops[2])
		end := ops[1]&0x80 != 0
		switch ops[0] % 9 {
		case 0:
			s.headers(stream, end, ":status", strconv.Itoa(100+n%200), "x-"+strconv.Itoa(n%5), strings.Repeat("v", n))
		case 1:
			s.headers(stream, end, "trailer", strconv.Itoa(n%7))
		case 2:
			s.data(stream, end, strings.Repeat("d", n))
		case 3:
			s.must(s.fr.WriteDataPadded(stream, end, make([]byte, n), make([]byte, n)))
		case 4:
			b := s.block(":status", "200", "split", strings.Repeat("w", n))
			at := min(n, len(b))
			s.must(s.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b[:at], EndStream: end, PadLength: uint8(n)}))
			s.must(s.fr.WriteContinuation(stream, true, b[at:]))
		case 5:
			s.must(s.fr.WriteRSTStream(stream, http2.ErrCode(n)))
		case 6:
			s.must(s.fr.WriteGoAway(uint32(n), http2.ErrCode(stream), make([]byte, n)))
		case 7:
			s.must(s.fr.WriteRawFrame(http2.FrameType(0x10+ops[1]), 0xff, stream, make([]byte, n)))
		case 8:
			s.enc.SetMaxDynamicTableSize(uint32(n) * 40)
		}
	}
	return s.take().p
}

func FuzzH2Oracle(f *testing.F) {
	f.Add([]byte{0, 0, 105, 4, 1, 9, 2, 0, 40, 3, 0x81, 3, 2, 0x80, 1, 5, 2, 8}, []byte{})
	f.Add([]byte{0, 0, 100, 2, 0, 1, 1, 0x80, 1, 6, 0, 2, 0, 1, 150, 8, 0, 2, 0, 0x81, 150}, []byte("\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"))
	f.Add([]byte{}, []byte("\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x03\x00\x09\x00\x00\x00\x01\x01x\x00"))
	f.Fuzz(func(t *testing.T, ops, raw []byte) {
		if len(ops) > 300 {
			return
		}
		data := append(framesFrom(t, ops), raw...)
		want := newH2Model().read(data)

		c := newPeer(t, observe.Request)
		c.post(1, "")
		c.post(3, "")
		c.post(5, "")
		tp := newTape()
		conn := newConn(tp, observe.Config{H2: true})
		c.take().play(conn, false)
		tp.lines = nil
		push(observe.Response, string(data)).play(conn, false)
		for i, line := range want {
			// The last line may be a body that goes on after the Framer stopped.
			if i >= len(tp.lines) || tp.lines[i] != line && (i < len(want)-1 || !strings.HasPrefix(tp.lines[i], line)) {
				t.Fatalf("got\n%s\nwant\n%s", strings.Join(quoted(tp.lines), "\n"), strings.Join(quoted(want), "\n"))
			}
		}
	})
}

package faultllm

import (
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// piece is one event of a streamed answer.
type piece struct {
	kind kind
	// name is the event's, data the payload of a data field.
	name, data string
	// raw is the whole block, in place of data.
	raw string
	// wait is the pause before it: 0 the pace of the query, else this long,
	// scaled; negative none.
	wait time.Duration
	// ends writes the data anew for another finish reason.
	ends func(finish string) string
	// spoils changes what goes on the wire, framing included.
	spoils func(block string) string
	// hold keeps it in the buffer until a piece that does not hold.
	hold bool
}

// block is what goes on the wire.
func (p piece) block() string {
	if p.raw != "" {
		return p.raw
	}
	if p.name != "" {
		return "event: " + p.name + "\ndata: " + p.data + "\n\n"
	}
	return "data: " + p.data + "\n\n"
}

// pieceSeq is an answer in pieces, made while it is sent.
type pieceSeq = iter.Seq[piece]

// edit changes a sequence of pieces.
type edit func(pieceSeq) pieceSeq

// told is the play of a stream that is the healthy one with edits.
func told(edits ...edit) play { return func(x *exchange) { x.tell(edits...) } }

// tell sends the healthy stream with edits. It is false when the client left.
func (x *exchange) tell(edits ...edit) bool {
	x.own()
	return x.stream(x.ask.mediaType(), edits...)
}

// stream is tell without the service's headers and with a media type.
func (x *exchange) stream(mediaType string, edits ...edit) bool {
	return x.send(x.open(mediaType), spoken(&x.answer, edited(x.pieces(), edits...)))
}

func edited(seq pieceSeq, edits ...edit) pieceSeq {
	for _, e := range edits {
		seq = e(seq)
	}
	return seq
}

// flusher is a body that can be pushed out.
type flusher interface {
	io.Writer
	Flush() error
}

// direct is the body of the response as it is.
type direct struct {
	w       http.ResponseWriter
	control *http.ResponseController
	lost    *bool // set when the client cannot be reached any more
}

// Write hands p to net/http.
func (d direct) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	*d.lost = *d.lost || err != nil
	return n, err
}

// Flush sends what net/http buffers.
func (d direct) Flush() error {
	err := d.control.Flush()
	*d.lost = *d.lost || err != nil
	return err
}

// open sends the head of a streamed answer.
func (x *exchange) open(mediaType string) direct {
	h := x.w.Header()
	setType(h, mediaType)
	if _, set := h["Cache-Control"]; !set {
		h.Set("Cache-Control", "no-cache")
	}
	x.w.WriteHeader(http.StatusOK)
	d := direct{x.w, http.NewResponseController(x.w), &x.lost}
	_ = d.Flush() // remembered in lost
	x.due = time.Now()
	return d
}

// send writes the pieces at their pace. It is false when the client left.
func (x *exchange) send(out flusher, seq pieceSeq) bool {
	var held strings.Builder
	for p := range seq {
		if !x.before(p) {
			return false
		}
		held.WriteString(p.block())
		if p.hold {
			continue
		}
		if !push(out, held.String()) {
			return false
		}
		held.Reset()
	}
	return held.Len() == 0 || push(out, held.String())
}

func push(out flusher, s string) bool {
	if _, err := io.WriteString(out, s); err != nil {
		return false
	}
	return out.Flush() == nil
}

// first keeps everything up to and with the n-th content piece.
func first(n int) edit {
	return func(seq pieceSeq) pieceSeq {
		return func(yield func(piece) bool) {
			left := n
			for p := range seq {
				if p.kind == kindContent {
					left--
				}
				if left < 0 || p.kind > kindContent || !yield(p) {
					return
				}
			}
		}
	}
}

// without drops the kinds.
func without(kinds ...kind) edit {
	return each(func(_ int, p piece) []piece {
		if slices.Contains(kinds, p.kind) {
			return nil
		}
		return []piece{p}
	})
}

// add appends pieces at the end.
func add(more ...piece) edit {
	return func(seq pieceSeq) pieceSeq { return joined(seq, slices.Values(more)) }
}

// joined is one sequence after the other.
func joined(seqs ...pieceSeq) pieceSeq {
	return func(yield func(piece) bool) {
		for _, seq := range seqs {
			for p := range seq {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// each replaces every piece; i counts the pieces of its kind from 0.
func each(f func(i int, p piece) []piece) edit {
	return func(seq pieceSeq) pieceSeq {
		return func(yield func(piece) bool) {
			var seen [kinds]int
			for p := range seq {
				i := seen[p.kind]
				seen[p.kind]++
				for _, q := range f(i, p) {
					if !yield(q) {
						return
					}
				}
			}
		}
	}
}

// ahead puts pieces before the n-th piece of the kind, counted from 0.
func ahead(k kind, n int, more ...piece) edit {
	return each(func(i int, p piece) []piece {
		if p.kind == k && i == n {
			return append(slices.Clone(more), p)
		}
		return []piece{p}
	})
}

// reword replaces text in the pieces of the kind.
func reword(k kind, old, with string) edit {
	return each(func(_ int, p piece) []piece {
		if p.kind == k {
			p.data = strings.ReplaceAll(p.data, old, with)
		}
		return []piece{p}
	})
}

// framed writes every payload by f instead of as a "data: " line.
func framed(f func(data string) string) edit {
	return each(func(_ int, p piece) []piece {
		if p.raw == "" {
			p.raw = f(p.data)
		}
		return []piece{p}
	})
}

// late pauses before the n-th piece of the kind, counted from 0.
func late(k kind, n int, d time.Duration) edit {
	return each(func(i int, p piece) []piece {
		if p.kind == k && i == n {
			p.wait = d
		}
		return []piece{p}
	})
}

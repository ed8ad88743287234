package faultllm

import (
	"strconv"
	"time"
)

// timingRows are streams that come in lumps, stall or hang.
func timingRows() []row {
	return []row{
		onStream("buf-block", "60 events at the end of 16 s", "stream_buffered",
			held(60, 1<<20, 16*time.Second)).because("one_block").lasting(16 * time.Second).also("buffered"),
		onStream("buf-lumps", "64 events every 16.5 s", "stream_buffered",
			held(185, 64, 16500*time.Millisecond)).because("lumpy").lasting(3 * 16500 * time.Millisecond),
		onStream("buf-3", "50 events in 3 lumps 2 s apart", "stream_buffered",
			held(48, 18, 2*time.Second)).because("lumpy").lasting(6 * time.Second),
		onStream("buf-azure", "as buf-3, in Azure's dialect", "stream_buffered",
			held(48, 18, 2*time.Second)).because("lumpy").lasting(6 * time.Second).inAzure(),
		onStream("buf-short", "5 events in one burst", "ok", held(5, 100, 0)),
		onStream("stall-70", "70 s of silence after 3 events, then the rest", "stream_stalled",
			told(late(kindContent, 3, 70*time.Second))).lasting(70 * time.Second).also("stall"),
		onStream("hang-done", "[DONE], then open for 6 s", "hang_after_done",
			lingering(6*time.Second)).lasting(6 * time.Second),
		onBoth("drip", "the answer in slices of 7 bytes (bytes=), a plain one at the pace of the query", "ok", drip),
	}
}

// held sends chunks in lumps of size events, d of silence before each.
func held(chunks, size int, d time.Duration) play {
	return func(x *exchange) {
		x.pace.chunks = x.pace.count(chunks)
		x.tell(lumps(size, d))
	}
}

// lumps holds events back until size of them go out together.
func lumps(size int, d time.Duration) edit {
	return func(seq pieceSeq) pieceSeq {
		return func(yield func(piece) bool) {
			n := 0
			for p := range seq {
				p.wait = -1
				if n%size == 0 && d > 0 {
					p.wait = d
				}
				n++
				p.hold = n%size != 0
				if !yield(p) {
					return
				}
			}
		}
	}
}

// slicer flushes after every few bytes.
type slicer struct {
	direct
	size int
}

// Write sends p slice by slice.
func (s slicer) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		m, err := s.direct.Write(p[n:min(n+s.size, len(p))])
		n += m
		if err == nil {
			err = s.Flush()
		}
		if err != nil {
			return n, err
		}
	}
	return len(p), nil
}

func drip(x *exchange) {
	size := x.pace.bytes
	if size == 0 {
		size = 7
	}
	x.pace.bytes = 0
	x.own()
	if x.ask.streams() {
		x.send(slicer{x.open(x.ask.mediaType()), size}, spoken(&x.answer, x.pieces()))
		return
	}
	body := x.plainBody()
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	out := x.open(typeJSON)
	for n := 0; n < len(body); n += size {
		if !x.tick() || !push(out, body[n:min(n+size, len(body))]) {
			return
		}
	}
}

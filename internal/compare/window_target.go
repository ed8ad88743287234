package compare

import (
	"cmp"
	"slices"
	"time"

	"llmtap/internal/call"
)

// targetKey is what makes two calls calls of one target.
type targetKey struct {
	host           string
	port           int
	prefix         string
	model, version string
	scheme         string
}

func targetKeyOf(t call.Target) targetKey {
	return targetKey{
		host: t.Host, port: t.Port, prefix: t.RoutePrefix, model: cmp.Or(t.Deployment, t.Model),
		version: t.APIVersion, scheme: t.Auth.Scheme,
	}
}

func (k targetKey) less(o targetKey) bool {
	switch {
	case k.host != o.host:
		return k.host < o.host
	case k.port != o.port:
		return k.port < o.port
	case k.prefix != o.prefix:
		return k.prefix < o.prefix
	case k.model != o.model:
		return k.model < o.model
	case k.version != o.version:
		return k.version < o.version
	}
	return k.scheme < o.scheme
}

// host is a service's address and the targets behind it.
type host struct {
	name    string
	port    int
	targets []*target
	faults  faults
	// cuts are by the service's side and by the client's.
	cuts [2]cuts
}

// target holds the newest logical calls of one target, in the order in which
// they ended.
type target struct {
	key     targetKey
	label   call.Target
	host    *host
	ring    ring
	sigs    []*signature // newest last
	habits  habits
	seen    int64 // end of the newest call
	support support
	pace    pace
	// verdicts are the open and the watched ones, oldest first.
	verdicts []*verdict
	closed   [2]closings // of confirmed verdicts on streamed, plain calls
}

// habits are what a target's calls have shown so far.
type habits struct {
	// failing marks, one bit per product, whose failures are in the ring.
	failing uint64
	// azure: its successes carry the headers of Azure's own front.
	azure bool
	// lastOK is the end of the newest success by mode.
	lastOK [3]int64
}

// maxSignatures bounds the ways to fail of one target that share a text.
const maxSignatures = 32

// signature returns the target's signature of r's failure.
func (t *target) signature(r *call.Record) *signature {
	h := signatureHash(r)
	for _, s := range t.sigs {
		if s.hash == h {
			return s
		}
	}
	s := &signature{
		hash: h, class: r.Diagnosis.Class, status: r.Response.Status, text: signatureText(r),
		own: ownWords(r) && (!t.habits.azure || azureMarked(r)),
	}
	if s.class == call.ClassParameterUnsupported {
		s.param = r.Response.Error.Param
	}
	if len(t.sigs) >= maxSignatures {
		t.sigs = append(t.sigs[:0], t.sigs[1:]...)
	}
	t.sigs = append(t.sigs, s)
	return s
}

// ring is a bounded list of entries, oldest first.
type ring struct {
	buf  []entry
	head int
}

func (r *ring) all() []entry { return r.buf[r.head:] }

func (r *ring) len() int { return len(r.buf) - r.head }

// push adds e as the newest; beyond limit the oldest goes, which it reports.
func (r *ring) push(e entry, limit int) (dropped bool) {
	if r.len() >= limit {
		r.drop(1)
		dropped = true
	}
	r.buf = append(r.buf, e)
	return dropped
}

// drop forgets the n oldest. The room is used again, so that a full ring does
// not allocate.
func (r *ring) drop(n int) {
	clear(r.buf[r.head : r.head+n])
	r.head += n
	if r.head < max(64, cap(r.buf)/8) && r.len() > 0 {
		return
	}
	kept := copy(r.buf, r.buf[r.head:])
	clear(r.buf[kept:])
	r.buf, r.head = r.buf[:kept], 0
}

// replace takes out the entry of an earlier attempt of the same logical call.
func (r *ring) replace(logical string) (entry, bool) {
	all := r.all()
	for i, e := range slices.Backward(all) {
		if e.logical == logical {
			copy(all[i:], all[i+1:])
			clear(all[len(all)-1:])
			r.buf = r.buf[:len(r.buf)-1]
			return e, true
		}
	}
	return entry{}, false
}

// expire drops what ended before the given instant.
func (r *ring) expire(before int64) {
	n := 0
	for _, e := range r.all() {
		if e.to >= before {
			break
		}
		n++
	}
	if n > 0 {
		r.drop(n)
	}
}

// clock makes one line of the records' times: a clock that is set back does
// not make the newest call the oldest.
type clock struct{ shift int64 }

// outOfOrder is how far ends may come out of order before the clock is taken
// to have been set back.
const outOfOrder = 5 * time.Minute

func (c clock) of(t time.Time) int64 { return t.UnixNano() + c.shift }

func (c clock) time(ns int64) time.Time { return time.Unix(0, ns-c.shift).UTC() }

// meet moves the line where end lies far before now.
func (c *clock) meet(end time.Time, now int64) {
	if at := c.of(end); now > 0 && at < now-int64(outOfOrder) {
		c.shift += now - at
	}
}

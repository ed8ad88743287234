package compare

import (
	"llmtap/internal/call"
)

// callerKey is what makes two calls calls of one client version.
type callerKey struct{ name, version, sdk, sdkVersion string }

// caller is a client version and how its streams end.
type caller struct {
	key   callerKey
	kind  call.ClientKind
	seen  int64
	abort aborts
	choke chokes
}

// bit is the caller's product in a set of 64.
func (c *caller) bit() uint64 { return 1 << (hashOf(c.key.name) & 63) }

// caller returns the client version of r; beyond the bound the one that was
// away longest goes.
func (s *state) caller(r *call.Record) *caller {
	k := callerKey{r.Client.Name, r.Client.Version, r.Client.SDK, r.Client.SDKVersion}
	c := s.callers[k]
	if c == nil {
		if len(s.callers) >= s.cfg.Clients {
			var oldest *caller
			for _, o := range s.callers {
				if oldest == nil || o.seen < oldest.seen || o.seen == oldest.seen && o.key.less(oldest.key) {
					oldest = o
				}
			}
			delete(s.callers, oldest.key)
			s.lost.EvictedClients++
		}
		c = &caller{key: k}
		s.callers[k] = c
	}
	if r.Client.Kind != call.ClientUnknown {
		c.kind = r.Client.Kind
	}
	c.seen = s.now
	return c
}

func (k callerKey) less(o callerKey) bool {
	if k.name != o.name {
		return k.name < o.name
	}
	if k.version != o.version {
		return k.version < o.version
	}
	if k.sdk != o.sdk {
		return k.sdk < o.sdk
	}
	return k.sdkVersion < o.sdkVersion
}

// Limits of framework_abort: nearly all of enough streams, at one point.
const (
	abortStreams = 10
	abortShare   = 0.9
	abortSpread  = 0.01
	maxAborts    = 32
)

// aborts is a ring of a client version's newest streams.
type aborts struct {
	list [maxAborts]abortPoint
	n    int
}

type abortPoint struct {
	cancelled bool
	events    int32
	elapsed   int64
}

func (a *aborts) add(r *call.Record) {
	p := abortPoint{
		cancelled: r.Diagnosis.Class == call.ClassClientCancelled, events: int32(min(r.Stream.Events, 1<<30)),
		elapsed: int64(elapsedOf(r)),
	}
	if r.Outcome() == call.OutcomeError || p.cancelled && r.Response.Status == 0 {
		return
	}
	a.list[a.n%maxAborts] = p
	a.n++
}

// sure reports whether the client version ends its own streams, and whether it
// ended one like p.
func (a *aborts) sure(p abortPoint) bool {
	n := min(a.n, maxAborts)
	if n < abortStreams || !p.cancelled {
		return false
	}
	byEvent, byTime := 0, 0
	for _, o := range a.list[:n] {
		if !o.cancelled {
			continue
		}
		if o.events == p.events {
			byEvent++
		}
		if d := o.elapsed - p.elapsed; float64(max(d, -d)) <= abortSpread*float64(p.elapsed) {
			byTime++
		}
	}
	return float64(max(byEvent, byTime)) >= abortShare*float64(n)
}

// fragileKinds are the oddities that are legal and still break some client.
var fragileKinds = []string{
	"block_without_data", "choices_empty", "choices_null", "comment", "comment_after_id", "crlf", "data_empty",
	"delta_missing", "encoding_unoffered", "id_empty", "no_charset", "no_space", "split_rune",
}

const (
	fragileCount = 13
	chokeCalls   = 3
)

// chokes counts, by fragile kind, the calls that a client version left right
// after it; survived is when it last got through a stream that had it.
type chokes struct {
	calls    [fragileCount]int
	last     [fragileCount]int64
	survived [fragileCount]int64
}

func (c *chokes) add(r *call.Record, now int64) {
	for i, kind := range fragileKinds {
		switch {
		case chokedOn(r, kind):
			c.calls[i]++
			c.last[i] = now
		case odd(r, kind) && (r.Outcome() == call.OutcomeOK || r.End.Terminal):
			c.survived[i] = now
		}
	}
}

// sure reports whether c proves that the client breaks on what r ended with.
func (c *chokes) sure(r *call.Record, since int64) bool {
	for i, kind := range fragileKinds {
		if c.calls[i] >= chokeCalls && c.last[i] > since && c.survived[i] <= since && chokedOn(r, kind) {
			return true
		}
	}
	return false
}

func chokedOn(r *call.Record, kind string) bool {
	if r.Diagnosis.Class == call.ClassClientChoked {
		return r.Diagnosis.Reason == kind
	}
	const after = "after_fragile:"
	for _, t := range r.Diagnosis.Tags {
		if len(t) == len(after)+len(kind) && t[:len(after)] == after && t[len(after):] == kind {
			return true
		}
	}
	return false
}

func odd(r *call.Record, kind string) bool {
	for _, o := range r.Stream.Oddities {
		if o.Name == kind && o.Count > 0 {
			return true
		}
	}
	return false
}

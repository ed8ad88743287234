package compare

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	"llmtap/internal/call"
)

// Marks are tags that only comparison knows.
const (
	markFallback = "mode_fallback"
	markLumps    = "lumpy_by_design"
	markAbort    = "framework_abort"
	markChoked   = "client_choked_sure"
	markBuffered = "stream_buffered_sure"
)

// fallbackWithin is how soon a client asks again in the other mode.
const fallbackWithin = 5 * time.Second

// Marks returns the tags of r that only comparison knows, in a fixed order:
// mode_fallback, lumpy_by_design, framework_abort, client_choked_sure and
// stream_buffered_sure. Asked after Observe(r), r itself counts; asked before, only
// the calls before it.
func (w *Window) Marks(r call.Record) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, c := w.s.targets[targetKeyOf(r.Target)], w.s.callers[callerKey{r.Client.Name, r.Client.Version, r.Client.SDK, r.Client.SDKVersion}]
	if t == nil || c == nil || r.Identity.Start.IsZero() {
		return nil
	}
	var out []string
	mark := func(is bool, name string) {
		if is {
			out = append(out, name)
		}
	}
	mark(t.fallback(&r, w.s.clock.of(r.Identity.Start)), markFallback)
	if r.Request.Mode != call.ModeStream {
		return out
	}
	buffered := isBuffered(&r)
	lumps := buffered && t.pace.lumpsByDesign() && azureHost(&r)
	mark(lumps, markLumps)
	mark(r.Diagnosis.Class == call.ClassClientCancelled && c.abort.sure(abortPoint{
		cancelled: true, events: int32(min(r.Stream.Events, 1<<30)), elapsed: int64(elapsedOf(&r)),
	}), markAbort)
	mark(c.choke.sure(&r, w.s.now-int64(w.s.cfg.Duration)), markChoked)
	mark(buffered && !lumps && t.pace.held() && smoothElsewhere(&w.s, t, c, w.s.clock.of(r.Identity.Start)), markBuffered)
	return out
}

// fallback reports whether the same user had just failed with the same body in
// the other mode.
func (t *target) fallback(r *call.Record, start int64) bool {
	core, user := hashOf(r.Request.Hints.Core.String()), hashOf(r.Client.User+r.Client.Address)
	if core == 0 || r.Request.Mode == call.ModeUnknown {
		return false
	}
	all := t.ring.all()
	for i := len(all) - 1; i >= 0; i-- {
		e := &all[i]
		gap := start - e.to
		if e.who.core == core && e.who.user == user && e.mode != r.Request.Mode && e.mode != call.ModeUnknown &&
			e.is(failedAny) && gap >= 0 && gap <= int64(fallbackWithin) {
			return true
		}
	}
	return false
}

// Limits of the patterns in the pace of streams.
const (
	paceStreams  = 20
	heldShare    = 0.8
	designShare  = 0.9
	paceEvents   = 10
	paceDuration = 2 * time.Second
	hour         = int64(time.Hour)
)

// pace remembers how a target's newest streams arrived, one bit each, newest
// in bit 0; only streams long enough to tell count.
type pace struct {
	buffered, lumpy uint32
	n               int
	smooth          smoothStream
}

// smoothStream is the newest stream that arrived piece by piece.
type smoothStream struct {
	at     int64
	client *caller
}

func (p *pace) add(r *call.Record, c *caller, at int64) {
	if r.Request.Mode != call.ModeStream || r.Response.Status >= 300 || r.Stream.Events < paceEvents || elapsedOf(r) < paceDuration {
		return
	}
	buffered := isBuffered(r)
	p.buffered, p.lumpy = p.buffered<<1, p.lumpy<<1
	p.n = min(p.n+1, paceStreams)
	if !buffered {
		p.smooth = smoothStream{at, c}
		return
	}
	p.buffered |= 1
	if r.Diagnosis.Reason == "lumpy" {
		p.lumpy |= 1
	}
}

// held reports whether nearly all of the last streams were held back.
func (p *pace) held() bool {
	return p.n == paceStreams && float64(bits.OnesCount32(p.buffered&(1<<paceStreams-1))) >= heldShare*paceStreams
}

// lumpsByDesign reports whether the service always sends lumps.
func (p *pace) lumpsByDesign() bool {
	return p.n == paceStreams && float64(bits.OnesCount32(p.lumpy&(1<<paceStreams-1))) >= designShare*paceStreams
}

// smoothElsewhere reports whether streams of the same model arrive piece by
// piece on another route, with another client or at another hour.
func smoothElsewhere(s *state, t *target, c *caller, at int64) bool {
	since := s.now - int64(s.cfg.Duration)
	for _, o := range s.targets {
		sm := o.pace.smooth
		if sm.client == nil || sm.at < since || o.key.model != t.key.model {
			continue
		}
		if o != t || sm.client.key.name != c.key.name || sm.at <= at-hour {
			return true
		}
	}
	return false
}

func isBuffered(r *call.Record) bool {
	return r.Diagnosis.Class == call.ClassStreamBuffered || slices.Contains(r.Diagnosis.Tags, call.ClassStreamBuffered.String())
}

func azureHost(r *call.Record) bool {
	return strings.HasPrefix(r.Target.Provider, "azure.") || strings.HasSuffix(r.Target.Host, ".azure.com") || azureMarked(r)
}

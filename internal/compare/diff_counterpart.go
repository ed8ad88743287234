package compare

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"llmtap/internal/call"
)

// cmpName is the deployment, else the model, of a call's target.
func cmpName(r *call.Record) string { return cmp.Or(r.Target.Deployment, r.Target.Model) }

// sameTarget: one host and port, one deployment or model. API version, path and
// credential may differ: they are what a comparison is after.
func sameTarget(a, b *call.Record) bool {
	return a.Target.Host != "" && a.Target.Host == b.Target.Host && a.Target.Port == b.Target.Port && cmpName(a) == cmpName(b)
}

// Counterpart returns the call of candidates that explains r best: the same
// target, the opposite outcome, and otherwise as like r as can be. In this
// order it prefers the same request, the same client and credential, the other
// mode, the same body but for its stream keys, the same endpoint, and the
// nearest in time. False: there is none.
func Counterpart(r call.Record, candidates []call.Record) (call.Record, bool) {
	var best *call.Record
	var top likeness
	for i := range candidates {
		c := &candidates[i]
		if c.Identity.ID == r.Identity.ID || !sameTarget(&r, c) || !opposite(&r, c) {
			continue
		}
		if l := likenessOf(&r, c); best == nil || l.compare(top) > 0 {
			best, top = c, l
		}
	}
	if best == nil {
		return call.Record{}, false
	}
	return *best, true
}

func opposite(a, b *call.Record) bool { return opposed(a, b) || opposed(b, a) }

// likeness is how much two calls have in common.
type likeness struct {
	sameRequest bool
	sameClient  bool
	sameKey     bool
	otherMode   bool
	sameCore    bool
	sameAddress bool
	apart       time.Duration
	id          string
}

func likenessOf(a, b *call.Record) likeness {
	x, y := &a.Request, &b.Request
	l := likeness{
		sameClient:  a.Client.Name != "" && a.Client.Name == b.Client.Name && a.Client.SDK == b.Client.SDK,
		sameKey:     a.Target.Auth == b.Target.Auth && (!a.Target.Auth.Digest.IsZero() || a.Target.Auth.Scheme == "none"),
		otherMode:   x.Mode != call.ModeUnknown && y.Mode != call.ModeUnknown && x.Mode != y.Mode,
		sameCore:    !x.Hints.Core.IsZero() && x.Hints.Core == y.Hints.Core,
		sameAddress: x.Path == y.Path && a.Target.APIVersion == b.Target.APIVersion,
		apart:       a.Identity.Start.Sub(b.Identity.Start).Abs(),
		id:          b.Identity.ID,
	}
	l.sameRequest = l.sameAddress && l.sameKey && !x.Hints.Body.IsZero() && x.Hints.Body == y.Hints.Body
	return l
}

// compare is above 0 if l is the better likeness.
func (l likeness) compare(o likeness) int {
	return cmp.Or(
		flag(l.sameRequest)-flag(o.sameRequest),
		flag(l.sameClient)+flag(l.sameKey)-flag(o.sameClient)-flag(o.sameKey),
		flag(l.otherMode)-flag(o.otherMode),
		flag(l.sameCore)-flag(o.sameCore),
		flag(l.sameAddress)-flag(o.sameAddress),
		cmp.Compare(o.apart, l.apart),
		flag(l.sameClient)-flag(o.sameClient),
		strings.Compare(l.id, o.id),
	)
}

// Likeness says in words what two calls have in common: why one is the other's
// counterpart.
func Likeness(r, other call.Record) string {
	l := likenessOf(&r, &other)
	var words []string
	for _, w := range []struct {
		on   bool
		text string
	}{
		{sameTarget(&r, &other), "same target"},
		{l.sameClient, "same client"}, {l.sameKey, "same credential"}, {l.otherMode, "other mode"},
		{l.sameRequest, "same request"}, {l.sameCore && !l.sameRequest, "same body but for its stream keys"},
	} {
		if w.on {
			words = append(words, w.text)
		}
	}
	when := "later"
	if other.Identity.Start.Before(r.Identity.Start) {
		when = "earlier"
	}
	return strings.Join(append(words, fmt.Sprintf("%s %s", l.apart.Round(time.Millisecond), when)), ", ")
}

package compare

import (
	"strconv"
	"strings"

	"llmtap/internal/call"
)

// maxVersions bounds the versions of one product that are compared.
const maxVersions = 16

// release is what one version of a product did at a target.
type release struct {
	client  *caller
	ok, bad int   // successes; failures of the signature in question
	firstTo int64 // end of the failure that ended first
	lastOK  int64
}

// judgeVersions follows version_regression for the product that made e.
func judgeVersions(s *state, t *target, e *entry, out []call.Finding) []call.Finding {
	c := e.client
	if c.key.name == "" || c.key.version == "" {
		return out
	}
	sig := e.sig
	switch {
	case e.is(failedSide):
		t.habits.failing |= c.bit()
	case e.is(worked) && t.habits.failing&c.bit() != 0:
		sig = t.newestFailure(c.key.name)
	default:
		return out
	}
	if sig == nil {
		t.habits.failing &^= c.bit()
		return out
	}
	bad, good := t.regression(c.key.name, sig)
	if bad == nil {
		return out
	}
	q := question{kind: versionRegression, mode: e.mode, client: bad, good: good, sig: sig}
	for _, v := range t.verdicts {
		if v.q.kind == versionRegression && v.q.client.key.name == c.key.name && v.q.sig.hash == sig.hash {
			return out
		}
	}
	ev := q.ask(scopeOf(s, t, &q))
	if ev.fails.n < 2 || ev.alike != 0 || ev.doubts.prior > 0 || ev.doubts.credential || ev.doubts.user && sig.aboutRequest() || t.host.faults.alike(&q, t, ev.fails.firstFrom-int64(aftermath)) {
		return out
	}
	v := &verdict{q: q, target: t}
	t.verdicts = append(t.verdicts, v)
	return settle(s, v, stateConfirmed, ev, out)
}

// newestFailure is how product failed last.
func (t *target) newestFailure(product string) *signature {
	all := t.ring.all()
	for i := len(all) - 1; i >= 0; i-- {
		if e := &all[i]; e.is(failedSide) && e.client.key.name == product {
			return e.sig
		}
	}
	return nil
}

// regression returns the first bad version of product and the last good one
// before it: all that the bad one did failed in one way, while the older one
// always worked, twice at least, and again after the other had begun to fail.
func (t *target) regression(product string, sig *signature) (bad, good *caller) {
	var seen [maxVersions]release
	list := t.releases(product, sig, seen[:0])
	for i := range list {
		y := &list[i]
		if y.ok > 0 || y.bad < 2 || bad != nil && !older(y.client.key.version, bad.key.version) {
			continue
		}
		if x := lastGood(list, y); x != nil {
			bad, good = y.client, x
		}
	}
	return bad, good
}

func lastGood(list []release, y *release) (good *caller) {
	for i := range list {
		x := &list[i]
		if x.bad > 0 || x.ok < 2 || x.lastOK < y.firstTo || !older(x.client.key.version, y.client.key.version) {
			continue
		}
		if good == nil || older(good.key.version, x.client.key.version) {
			good = x.client
		}
	}
	return good
}

func (t *target) releases(product string, sig *signature, list []release) []release {
	all := t.ring.all()
	for i := range all {
		e := &all[i]
		if e.client.key.name != product || e.client.key.version == "" {
			continue
		}
		r := releaseOf(&list, e.client)
		switch {
		case r == nil:
		case e.is(worked):
			r.ok++
			r.lastOK = max(r.lastOK, e.from)
		case e.failed(failedSide, sig.hash):
			if r.bad == 0 || e.to < r.firstTo {
				r.firstTo = e.to
			}
			r.bad++
		}
	}
	return list
}

func releaseOf(list *[]release, c *caller) *release {
	for i := range *list {
		if (*list)[i].client.key.version == c.key.version {
			return &(*list)[i]
		}
	}
	if len(*list) == maxVersions {
		return nil
	}
	*list = append(*list, release{client: c})
	return &(*list)[len(*list)-1]
}

// older compares two versions part by part: numbers as numbers, and what is
// neither equal nor a number as text.
func older(a, b string) bool {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if x == y {
			continue
		}
		m, errX := strconv.Atoi(x)
		n, errY := strconv.Atoi(y)
		if errX == nil && errY == nil {
			return m < n
		}
		return x < y
	}
	return false
}

package compare

import "slices"

// maxEvidence bounds the ids of each side of a finding.
const maxEvidence = 16

// idList holds the newest ids, newest first.
type idList struct {
	ids [maxEvidence]string
	n   int
}

func (l *idList) add(id string) {
	if l.n < maxEvidence {
		l.ids[l.n] = id
		l.n++
	}
}

func (l *idList) list() []string { return append([]string{}, l.ids[:l.n]...) }

// failures are those of the accused since its last success.
type failures struct {
	n, attempts        int   // logical calls, attempts in all
	firstFrom, firstTo int64 // of those that began and ended first
	lastFrom, lastTo   int64
	features           features // in all of them
	credentials, users few
	client             *caller // nil if several
	enclosed           int     // calls between two successes of the control
	enclosedMost       int     // most attempts of one of them
}

// successes are those of the control in the window.
type successes struct {
	n                 int
	between           bool // one lies between two failures
	firstTo, lastFrom int64
	before, after     int64 // end of the last before all failures, start of the first after; 0 = none
	ids, failingIDs   idList
}

// doubts are other explanations.
type doubts struct {
	prior      int // successes of the accused before the first failure
	total, bad int // attempts and failed ones before the first failure
	features   features
	credential bool
	user       bool
	noParam    bool // no success carried the parameter that was refused
}

// few is a set of at most four values.
type few struct {
	v    [4]uint64
	n    int
	many bool // more, or one that is not known
}

func (f *few) add(x uint64) {
	if x == 0 {
		f.many = true
	}
	if f.many || f.has(x) {
		return
	}
	if f.n == len(f.v) {
		f.many = true
		return
	}
	f.v[f.n] = x
	f.n++
}

func (f *few) has(x uint64) bool {
	return slices.Contains(f.v[:f.n], x)
}

// count adds a success of the control and where it lies to the failures.
func (w *successes) count(e *entry, f *failures) {
	if w.n == 0 {
		w.firstTo, w.lastFrom = e.to, e.from
	}
	w.n++
	w.firstTo, w.lastFrom = min(w.firstTo, e.to), max(w.lastFrom, e.from)
	if e.to <= f.firstFrom {
		w.before = max(w.before, e.to)
	}
	if e.from >= f.lastTo && (w.after == 0 || e.from < w.after) {
		w.after = e.from
	}
	w.between = w.between || e.from >= f.firstTo && e.to <= f.lastFrom
	w.ids.add(e.id)
}

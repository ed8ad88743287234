// Package diagnose names what went wrong in one call. Classify is pure and
// total: it reads a sealed record, tries an ordered table of rules and takes
// the first that matches; the order is the precedence.
//
//	no answer          → noAnswerRules  who refused, left or never got through
//	status 300 and up  → statusRules    what the answer says, words before numbers
//	2xx                → bodyRules      what kind of body came, how the stream ended
//
// A rule that lacks a fact does not match. Nothing is guessed, and nothing here
// looks at a second call: that is package compare's work.
package diagnose

import (
	"slices"

	"llmtap/internal/call"
)

// Row describes one class for people: documentation, alerts and help pages are
// made from it.
type Row struct {
	Class    call.Class
	Severity call.Severity
	Fault    call.Fault
	// Sentence tells the user what happened; {names} are filled from the call,
	// a part in [brackets] is left out when its value is not known.
	Sentence string
	// Remedies are ids of Remedy.
	Remedies []string
	// Reasons is the closed list of reasons; empty if the class has none, "*"
	// if they are somebody else's words.
	Reasons []string
}

// Table returns one row for every class, by family. The slices inside are
// shared and must not be changed.
func Table() []Row {
	return slices.Concat(okRows, noAnswerRows, statusRows, bodyRows, streamRows, paceRows)
}

// rule is one row of the precedence.
type rule struct {
	// id names the rule in records; it begins with its class's name.
	id    string
	class call.Class
	match func(*facts) (finding, bool)
}

// finding is what a rule found out. Zero severity and fault mean those of the
// class's row.
type finding struct {
	reason   string
	severity call.Severity
	fault    call.Fault
	// seconds fills {s}, what the class's own placeholder ({hop}, {kind} …).
	seconds float64
	what    string
	// sentence and remedies, if set, stand for those of the class.
	sentence string
	remedies []string
}

// yes makes a finding of a bare reason.
func yes(reason string) (finding, bool) { return finding{reason: reason}, true }

// no is the answer of a rule that does not match.
func no() (finding, bool) { return finding{}, false }

// Classify returns what r means. The primary class is the first rule that
// matches; the classes of later matches become tags, beside those facts that
// are worth a mark but no failure. An attempt about which too little is known
// stays ClassUnknown.
func Classify(r call.Record) call.Diagnosis { return new(Classifier).Classify(r) }

// Classifier classifies one record after the other in the same memory. It is for
// one goroutine; its zero value is ready.
type Classifier struct {
	rec call.Record
	f   facts
}

// Classify does what the function of that name does.
func (c *Classifier) Classify(r call.Record) call.Diagnosis {
	c.rec = r
	c.f.read(&c.rec)
	d := classify(&c.f)
	c.rec, c.f = call.Record{}, facts{} // nothing of a call is kept
	return d
}

func classify(f *facts) call.Diagnosis {
	r, d := f.r, call.Diagnosis{}
	var later []string
	for _, rule := range rulesFor(f) {
		if rule.class == call.ClassRequestRejected && d.Class != call.ClassUnknown {
			continue // "other" means that nothing else matched
		}
		found, ok := rule.match(f)
		switch {
		case !ok:
		case d.Class == call.ClassUnknown:
			d = describe(f, rule, found)
		case rule.class != d.Class && !slices.Contains(later, rule.class.String()):
			later = append(later, rule.class.String())
		}
	}
	if d.Class == call.ClassUnknown && r.Response.Status != 0 {
		d = describe(f, rule{id: "ok", class: call.ClassOK}, finding{})
	}
	d.Tags = append(later, tagsOf(f, d)...)
	return d
}

// rulesFor picks the rules of the record's stage.
func rulesFor(f *facts) []rule {
	switch status := f.r.Response.Status; {
	case status == 0, f.r.Response.Origin == "agent", f.byAgent():
		return noAnswerRules
	case status >= 300:
		return statusRules
	case status >= 200:
		return bodyRules
	}
	return nil // an upgrade: what follows is not HTTP
}

func describe(f *facts, r rule, found finding) call.Diagnosis {
	row := rowOf(r.class)
	d := call.Diagnosis{
		Class: r.class, Rule: r.id, Reason: found.reason, Severity: row.Severity, Fault: row.Fault,
	}
	sentence, remedies := row.Sentence, row.Remedies
	if found.sentence != "" {
		sentence, remedies = found.sentence, found.remedies
	}
	d.Text, d.Remedy = fill(sentence, f, found), Advise(remedies, caseOf(f.r))
	if found.severity != call.SeverityNone {
		d.Severity = found.severity
	}
	if found.fault != call.FaultUnknown {
		d.Fault = found.fault
	}
	return d
}

func rowOf(c call.Class) Row {
	for _, rows := range [][]Row{okRows, noAnswerRows, statusRows, bodyRows, streamRows, paceRows} {
		for _, r := range rows {
			if r.Class == c {
				return r
			}
		}
	}
	return Row{}
}

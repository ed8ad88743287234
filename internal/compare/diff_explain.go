package compare

import (
	"fmt"
	"strings"

	"llmtap/internal/call"
)

// Comparison is what two calls differ in and what that explains: the answer of
// the API and of `llmtap diff --json`.
type Comparison struct {
	// Failing and Working are the ids of the two calls. Of two calls of one
	// outcome the first one given stands under Failing.
	Failing string   `json:"failing"`
	Working string   `json:"working"`
	Changes []Ranked `json:"changes"`
	// Explains is one sentence: which smallest difference separates the two, or
	// that none does, or that it is not known.
	Explains string `json:"explains"`
	// Smallest is that difference; nil if none explains.
	Smallest *call.Change `json:"smallest,omitempty"`
}

// Compare compares two calls over a window of others, in whichever order they
// are given.
func Compare(a, b call.Record, window []call.Record) Comparison {
	if badness(&b) > badness(&a) {
		a, b = b, a
	}
	c := Comparison{Failing: a.Identity.ID, Working: b.Identity.ID, Changes: Rank(a, b, window)}
	c.Explains, c.Smallest = Explains(a, b, c.Changes)
	return c
}

// badness orders outcomes: what is worse takes the failing side.
func badness(r *call.Record) int {
	switch r.Outcome() {
	case call.OutcomeError:
		return 3
	case call.OutcomeCancelled:
		return 2
	case call.OutcomeUnknown:
		return 1
	}
	return 0
}

// opposed reports whether one call came to a bad end and the other worked.
func opposed(failing, working *call.Record) bool {
	return badness(failing) >= 2 && badness(working) == 0
}

// Explains says in one sentence which difference of the ranked ones separates
// the failing from the working call; smallest is nil where none does. What came
// back never explains.
func Explains(failing, working call.Record, ranked []Ranked) (sentence string, smallest *call.Change) {
	var causes, open []Ranked
	for _, r := range ranked {
		switch {
		case r.Role != RoleCause:
		case r.Unclear:
			open = append(open, r)
		default:
			causes = append(causes, r)
		}
	}
	switch {
	case !opposed(&failing, &working):
		return unopposed(&failing, &working, causes), nil
	case len(causes) == 0:
		return unexplained(&failing, &working, open), nil
	}
	first := causes[0]
	c := first.Counts
	switch {
	case c.OfFailing+c.OfWorking <= 2:
		sentence = fmt.Sprintf("The smallest difference is %s; the working call has %s%s.", phrase(first.Change), other(first.Change), beside(causes, open))
	case c.Separates():
		sentence = fmt.Sprintf("The smallest difference is %s: in %s%s.", phrase(first.Change), tally(c), beside(causes, open))
	default:
		return apart(&failing, &working, fmt.Sprintf("No single difference separates failing from working calls; the closest is %s, in %s.",
			phrase(first.Change), tally(c))), nil
	}
	return apart(&failing, &working, sentence), &first.Change
}

// tally says the counts.
func tally(c Counts) string {
	return fmt.Sprintf("%d of %d failing, %d of %d working calls", c.Failing, c.OfFailing, c.Working, c.OfWorking)
}

// beside says what keeps the first cause from being the only explanation: other
// differences that separate as well, and a smaller one that was not seen.
func beside(causes, open []Ranked) string {
	n := 0
	for _, r := range causes[1:] {
		if r.score == causes[0].score {
			n++
		}
	}
	var words []string
	switch n {
	case 0:
	case 1:
		words = append(words, causes[1].Path+" separates them as well")
	default:
		words = append(words, fmt.Sprintf("%d others separate them as well", n))
	}
	if len(open) > 0 && open[0].family < causes[0].family {
		words = append(words, open[0].Path+" was not seen in both")
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, "; ") + ")"
}

// apart says before a sentence that the calls had different targets.
func apart(a, b *call.Record, sentence string) string {
	if sameTarget(a, b) {
		return sentence
	}
	return fmt.Sprintf("The calls went to different targets, %s and %s; %s%s", targetName(a), targetName(b), strings.ToLower(sentence[:1]), sentence[1:])
}

func targetName(r *call.Record) string {
	what, host := shorten(cmpName(r)), shorten(r.Target.Host)
	switch {
	case what == "" && host == "":
		return "one not known"
	case what == "":
		return host
	}
	return what + " at " + host
}

func unopposed(a, b *call.Record, causes []Ranked) string {
	what := "The two calls ended alike"
	switch x, y := badness(a), badness(b); {
	case x == 0:
		what = "Both calls worked"
	case y == 1:
		what = "How one of the calls ended is not known"
	case x >= 2:
		what = "Neither call worked"
	}
	switch len(causes) {
	case 0:
		what += ", and what was asked differs in nothing that was recorded."
	case 1:
		what += fmt.Sprintf("; what was asked differs in %s alone.", causes[0].Path)
	default:
		what += fmt.Sprintf("; what was asked differs in %d things, first %s.", len(causes), causes[0].Path)
	}
	return apart(a, b, what)
}

func unexplained(a, b *call.Record, open []Ranked) string {
	x, y := a.Request.Hints.Body, b.Request.Hints.Body
	switch {
	case len(open) > 0:
		names := make([]string, 0, 3)
		for _, r := range open[:min(len(open), 3)] {
			names = append(names, r.Path)
		}
		more := ""
		if n := len(open) - len(names); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		return apart(a, b, fmt.Sprintf("What explains it is not known: one side of %s%s was not seen.", strings.Join(names, ", "), more))
	case !x.IsZero() && x == y:
		return apart(a, b, "Nothing in the request explains it: the same body, byte for byte, failed once and worked once.")
	}
	return apart(a, b, "Nothing that was recorded of the requests differs: look at the time, the network and the service.")
}

// phrase names a property with the failing call's value.
func phrase(c call.Change) string { return say(c.Path, c.Failing) }

// other names the working call's value.
func other(c call.Change) string {
	if c.Working == Different {
		return "another"
	}
	return say(c.Path, c.Working)
}

// say writes "name: value" for members of the body, "name=value" for the query
// and "path value" for the rest.
func say(path, value string) string {
	if path == "body.messages" {
		if value == Different {
			return "the content of the messages"
		}
		return value
	}
	name, assign := path, " "
	if rest, ok := strings.CutPrefix(path, "body."); ok {
		name, assign = rest, ": "
	} else if rest, ok := strings.CutPrefix(path, "query."); ok {
		name, assign = rest, "="
	}
	switch value {
	case Absent:
		return "no `" + name + "`"
	case Present, Different:
		return "`" + name + "`"
	}
	return "`" + name + assign + value + "`"
}

package report

import (
	"cmp"
	"maps"
	"slices"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// failures counts logical calls by how they failed, most frequent first.
type failures struct {
	Rows []failure
	More string
}

type failure struct {
	Class, Fault string
	Count        string
	Newest, ID   string
	Text         []span // what happened in the newest of them
}

func failuresOf(m *material) failures {
	newest, n := map[call.Class]*call.Record{}, map[call.Class]int{}
	for _, l := range m.calls {
		r := l.last()
		if r.Outcome() != call.OutcomeError {
			continue
		}
		c := r.Diagnosis.Class
		if n[c]++; newest[c] == nil {
			newest[c] = r
		}
	}
	classes := slices.SortedFunc(maps.Keys(n), func(a, b call.Class) int { return cmp.Or(n[b]-n[a], int(a)-int(b)) })
	var out failures
	for _, c := range classes[:min(len(classes), maxClasses)] {
		r := newest[c]
		out.Rows = append(out.Rows, failure{
			Class: c.String(), Fault: faultWord(r.Diagnosis.Fault), Count: number(n[c]), Newest: moment(r.Identity.Start),
			ID: cut(shortID(r.Identity.ID), maxName), Text: prose(cut(explain.Headline(*r), maxText/2)),
		})
	}
	out.More = more(len(classes)-len(out.Rows), "class")
	return out
}

func faultWord(f call.Fault) string {
	if f == call.FaultUnknown {
		return "not known"
	}
	return f.String()
}

// callList is the newest attempts, one row each.
type callList struct {
	Rows []entry
	More string
}

type entry struct {
	Start, ID, Client, Kind, Target, Mode, Try string
	Status, Took, Class, State                 string
}

func callsOf(m *material) callList {
	var out callList
	for i := range m.seen[:min(m.counted, maxCalls)] {
		r := &m.seen[i]
		var t tally
		t.add(r)
		e := entry{
			Start: moment(r.Identity.Start), ID: cut(shortID(r.Identity.ID), maxName), Client: cut(joined(" ", cmp.Or(r.Client.Name, "not known"), r.Client.Version), maxName),
			Kind: r.Client.Kind.String(), Target: keyOf(r.Target).title(), Mode: modeOf(r).String(),
			Status: statusOf(r), Took: lasting(r.Duration()), Class: classOf(r), State: t.state(),
		}
		if r.Identity.Attempt > 0 {
			e.Try = number(r.Identity.Attempt)
		}
		out.Rows = append(out.Rows, e)
	}
	out.More = more(m.counted-len(out.Rows), "attempt")
	return out
}

package report

import (
	"cmp"
	"slices"

	"llmtap/internal/call"
	"llmtap/internal/compare"
	"llmtap/internal/explain"
)

// exhibit is one proof: a failing call beside a working one.
type exhibit struct {
	ID       string
	Mark     *mark // the verdict it proves, if any
	Title    []span
	Explains []span
	Fall     fall
	Calls    []witness
	Changes  []change
	More     string
	Curl     []command
	Ask      asking
}

// witness is one call of an exhibit in words.
type witness struct {
	Title, State, Client, Asked, ID string
	Moments                         []moments
	Facts                           []explain.Fact
}

// asking is what people can do about it.
type asking struct {
	Seen     string
	Remedies []remedy
	Quote    []span
}

// command is a curl call to paste; Missing says why there is none.
type command struct {
	Title, Text, Missing string
	LeftOut              []string
}

// pair is a choice of calls, by their place among the records; -1 is none.
type pair struct {
	failing, working int
	finding          int
}

// exhibitsOf shows the best evidence of each open verdict, then the newest
// failure of each sort that no verdict explains.
func exhibitsOf(m *material) []exhibit {
	var out []exhibit
	for i, p := range pairsOf(m) {
		e := exhibitOf(m, p)
		e.ID = "e" + number(i+1)
		out = append(out, e)
	}
	return out
}

func pairsOf(m *material) []pair {
	var out []pair
	shown := map[string]bool{}
	take := func(p pair) {
		if r := &m.seen[p.failing]; len(out) < maxExhibits && !shown[sortOf(r)] {
			shown[sortOf(r)] = true
			if p.working < 0 {
				p.working = counterpart(m.raw, p.failing)
			}
			out = append(out, p)
		}
	}
	for i, f := range m.findings {
		if bad := place(m.seen, f.Evidence.Failing); bad >= 0 && f.State != closed {
			take(pair{failing: bad, working: place(m.seen, f.Evidence.Working), finding: i})
		}
	}
	for i := range m.seen[:m.counted] {
		if m.seen[i].Outcome() == call.OutcomeError {
			take(pair{failing: i, working: -1, finding: -1})
		}
	}
	return out
}

// sortOf tells failures apart that need a proof of their own.
func sortOf(r *call.Record) string {
	k := keyOf(r.Target)
	return joined("\n", k.host, number(k.port), k.name, classOf(r), modeOf(r).String())
}

func place(records []call.Record, ids []string) int {
	for _, id := range ids {
		if i := slices.IndexFunc(records, func(r call.Record) bool { return r.Identity.ID == id }); i >= 0 {
			return i
		}
	}
	return -1
}

func counterpart(records []call.Record, failing int) int {
	r, ok := compare.Counterpart(records[failing], records)
	if !ok {
		return -1
	}
	return place(records, []string{r.Identity.ID})
}

func exhibitOf(m *material, p pair) exhibit {
	bad := &m.seen[p.failing]
	e := exhibit{Title: prose(explain.Headline(*bad)), Curl: curlOf(m.raw[p.failing])}
	e.Ask = asking{Seen: explain.Seen(*bad), Quote: prose(explain.Quote(*bad))}
	if p.finding >= 0 {
		v := markOf(p.finding)
		e.Mark = &v
	} else {
		e.Ask.Remedies = remediesOf(explain.Advice(*bad))
	}
	e.Calls = append(e.Calls, witnessOf("The failing call", bad))
	var good *call.Record
	if p.working >= 0 {
		good = &m.seen[p.working]
		e.Calls = append(e.Calls, witnessOf("The working call", good))
		d := compare.Compare(m.raw[p.failing], m.raw[p.working], m.raw)
		e.compared(tidy(d.Explains), d.Changes)
	}
	e.Fall = fallOf(attemptsOf(m.seen, bad), attemptsOf(nil, good))
	return e
}

// compared takes what was asked; what came back explains nothing and stands in
// the two calls.
func (e *exhibit) compared(sentence string, changes []compare.Ranked) {
	e.Explains = prose(sentence)
	n := 0
	for _, r := range changes {
		if r.Role != compare.RoleCause || r.Unclear {
			continue
		}
		if n++; n > maxChanges {
			continue
		}
		c := changeOf(tidy(r.Change))
		if r.Counts.OfFailing+r.Counts.OfWorking > 2 {
			c.Counts = number(r.Counts.Failing) + " of " + number(r.Counts.OfFailing) + " failing, " +
				number(r.Counts.Working) + " of " + number(r.Counts.OfWorking) + " working"
		}
		e.Changes = append(e.Changes, c)
	}
	e.More = more(n-len(e.Changes), "difference")
}

func curlOf(r call.Record) []command {
	p := explain.Curl(r)
	out := []command{commandOf("As it was sent", p.AsSent)}
	if p.Change != "" {
		out = append(out, commandOf("With one change: "+tidy(p.Change), p.Changed))
	}
	return out
}

func commandOf(title string, c explain.Command) command {
	return command{Title: title, Text: lines(c.Text, maxCurl), Missing: tidy(c.Missing), LeftOut: tidy(c.LeftOut)}
}

func witnessOf(title string, r *call.Record) witness {
	var t tally
	t.add(r)
	w := witness{
		Title: title, State: t.state(), Client: clientOf(r.Client), ID: cut(r.Identity.ID, maxName),
		Asked: cut(joined(" ", r.Request.Method, r.Request.Path), maxValue), Moments: momentsOf(r),
	}
	facts := append([]explain.Fact{
		{Name: "started", Text: moment(r.Identity.Start)},
		{Name: "asked for", Text: askedFor(r)},
		{Name: "ended", Text: explain.Ending(*r)},
		{Name: "arrived", Text: paceOf(r)},
	}, explain.Evidence(*r)...)
	for _, f := range facts {
		if f.Text != "" && len(w.Facts) < maxFacts {
			w.Facts = append(w.Facts, explain.Fact{Name: f.Name, Text: cut(f.Text, maxText/2)})
		}
	}
	return w
}

func clientOf(c call.Client) string {
	name := joined(" ", cmp.Or(c.Name, "client not known"), c.Version)
	if c.SDK != "" && c.SDK != c.Name {
		name += " with " + joined(" ", c.SDK, c.SDKVersion)
	} else if c.Version == "" {
		name = joined(" ", name, c.SDKVersion)
	}
	return cut(name, 2*maxName)
}

func askedFor(r *call.Record) string {
	if !r.Request.IsHTTP() {
		return "nothing: no request was sent"
	}
	flag := map[call.StreamFlag]string{
		call.StreamTrue: "“stream” is true", call.StreamFalse: "“stream” is false", call.StreamAbsent: "without “stream”", call.StreamInvalid: "“stream” is no boolean",
	}[r.Request.StreamFlag]
	what := map[call.Mode]string{call.ModeStream: "a stream", call.ModePlain: "one plain answer"}[modeOf(r)]
	return joined(", ", cmp.Or(what, "not known"), flag)
}

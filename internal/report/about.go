package report

import (
	"time"

	"llmtap/internal/explain"
)

// about says where the report comes from and what is not in it.
type about struct {
	Period string
	Made   string
	Tool   string
	Facts  []explain.Fact
}

func aboutOf(m *material, in Input) about {
	out := about{Made: moment(in.Made), Tool: cut(visible(in.Tool), maxName)}
	from, to := bounds(m)
	switch {
	case !in.Since.IsZero():
		out.Period = moment(in.Since) + " to " + moment(in.Made)
	case !from.IsZero():
		out.Period = moment(from) + " to " + moment(to)
	}
	add := func(name, text string) {
		if text != "" {
			out.Facts = append(out.Facts, explain.Fact{Name: name, Text: text})
		}
	}
	add("written by", out.Tool)
	add("written at", out.Made)
	add("period", out.Period)
	if in.Target != "" {
		add("only", "targets that contain “"+cut(visible(in.Target), maxName)+"”")
	}
	if !from.IsZero() {
		add("calls seen", "from "+moment(from)+" to "+moment(to))
	}
	targets, clients := map[targetKey]bool{}, map[versionKey]bool{}
	for _, l := range m.calls {
		c := l.last().Client
		targets[keyOf(l.last().Target)], clients[versionKey{c.Name, c.Version, c.SDK, c.SDKVersion}] = true, true
	}
	add("counted", count(len(m.calls), "logical call")+" in "+count(m.counted, "attempt")+"; "+count(len(targets), "target")+", "+count(len(clients), "client version"))
	if in.Capped {
		add("older calls", "the period holds more attempts than the newest "+number(m.counted)+" that are counted here")
	}
	add("not looked into", unseenText(in))
	return out
}

func unseenText(in Input) string {
	switch {
	case in.TunnelsUnknown:
		return "not known: no agent was running to ask for connections that it did not decrypt"
	case in.Tunnels == 0:
		return ""
	}
	return count(in.Tunnels, "connection") + " that llmtap passed on without decrypting: whether calls in them worked is not known"
}

// bounds are the first and the last start of what is counted.
func bounds(m *material) (from, to time.Time) {
	a, ok := axisOf(m.calls)
	if !ok {
		return from, to
	}
	return a.from, a.from.Add(a.span)
}

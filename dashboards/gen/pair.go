package gen

import (
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// pair shows two traces beside each other.
func pair(o Options) board {
	one := func(name, variable string) panel {
		return panel{
			about: about{"Call " + name, "The trace whose id stands above under " + name + ": every attempt of one call, with what was asked, what came and what it means. " +
				"Only sampled calls have a trace.", "none", "no trace id given, or the trace is not stored"},
			kind: "traces", queries: traces(oneTrace(o.Tracing, variable)), source: traceSource(o.Tracing), options: map[string]any{},
		}
	}
	help := words("How to use this", "Where the trace ids of two calls come from.",
		"Fill **A** and **B** with trace ids: follow a dot in *Failures by class*, a row of *Latest failing calls*, or the trace of `llmtap show ID`. "+
			"What differs between the two, smallest explaining difference first: `llmtap diff A B`. "+
			"Jaeger's own comparison (`/trace/A...B` at its address) counts spans only.")
	return board{
		uid: "llmtap-pair", title: "Two calls side by side", description: "One call that failed and one that worked, as traces.",
		variables: slices.Concat(sources(o), pairVariables()),
		rows:      []row{{"How to", 4, []panel{help}}, {"Calls", 22, []panel{one("A", "traceA"), one("B", "traceB")}}},
	}
}

func pairVariables() []dashboard.VariableModel {
	return []dashboard.VariableModel{
		textbox("traceA", "A", "Trace id, 32 hexadecimal digits."), textbox("traceB", "B", "Trace id, 32 hexadecimal digits."),
	}
}

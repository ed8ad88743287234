package gen

import "slices"

// slo shows the objective of 99 % good calls in 30 days. It needs the recording
// rules and a Prometheus that keeps 30 days.
func slo(o Options) board {
	calls := func(outcome string) string {
		return "sum by (server_address) (increase(" + onAgent(callsTotal, `server_address=~"$target"`, outcome) + "[30d]))"
	}
	return board{
		uid: "llmtap-slo", title: "Objectives",
		description: "Objective: 99 of 100 logical calls end ok over 30 days, per target. With little traffic these numbers mean little.",
		variables:   slices.Concat(sources(o), agents(), targets()[:1]), annotations: marks()[2:],
		rows: []row{
			{"Budget", 8, []panel{gauges(about{"Error budget left, 30 days", "What is left of the 1 % of calls that may fail in 30 days: 100 % untouched, 0 % used up, below overdrawn. " +
				"Needs a Prometheus that keeps 30 days.", "percentunit", "no calls in 30 days"},
				now("1 - ("+calls(errOnly)+" / "+calls(judged)+") / 0.01", "{{server_address}}")).
				steps(colourBad, step{0, colourWarn}, step{0.25, colourGood})}},
			{"Burn", 8, []panel{lines(about{"Burn rate, 1 hour", "How many times faster than allowed errors use the budget up: at 1 it lasts 30 days, at 14.4 two. " +
				"Over all agents; needs the recording rules of dashboards/rules.", "short", "no calls, or no recording rules"},
				over(`server:llmtap_call_errors:ratio_rate1h{server_address=~"$target"} / 0.01`, "{{server_address}}")).
				from(0).steps(colourGood, step{1, colourWarn}, step{14.4, colourBad})}},
		},
	}
}

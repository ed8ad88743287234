package gen

import (
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// versionTable joins instant queries by client and version. Query A is the
// number of calls, B the share that ended ok, C the versions that broke; D may
// be the share that streamed and E when a version was first seen.
func versionTable(a about, queries ...prometheus.Dataquery) panel {
	return list(a, queries...).
		then("merge", map[string]any{}).
		then("organize", map[string]any{
			"excludeByName": map[string]bool{"Time": true},
			"renameByName": map[string]string{
				"client_name": "Client", "client_version": "Version", "Value #A": "Calls", "Value #B": "Ended ok", "Value #C": "Broke here",
				"Value #D": "Streamed", "Value #E": "First seen",
			},
		}).
		with(
			named("Calls", property("decimals", 0)),
			named("Ended ok", property("unit", "percentunit"), property("thresholds", goodness()), coloured()),
			named("Streamed", property("unit", "percentunit"), property("max", 1)),
			named("Broke here", property("mappings", []dashboard.ValueMapping{says("1", "broke with this version", colourBad)}),
				property("custom.cellOptions", map[string]string{"type": "color-text"}), links(runbookLink("LLMClientVersionRegression"))),
			named("First seen", property("unit", "dateTimeFromNow")),
			named("Client", links(link{Title: "Only this client", URL: "/d/llmtap-versions?${__url_time_range}&var-client=${__value.raw}"})),
		)
}

// goodness are the thresholds of a share of good calls.
func goodness() *dashboard.ThresholdsConfig {
	return panel{}.steps(colourBad, step{0.5, colourWarn}, step{0.95, colourGood}).look.thresholds
}

// versions shows what a new client version changed.
func versions(o Options) board {
	const by = "client_name, client_version"
	streamed := "(sum by (" + by + ") (" + Delta(onTarget(callsTotal, byClient, `gen_ai_request_stream="true"`), rangeWindow) + ")" +
		" or 0 * sum by (" + by + ") (" + onTarget(callsTotal, byClient) + "))" +
		" / (sum by (" + by + ") (" + Delta(onTarget(callsTotal, byClient), rangeWindow) + ") > 0)"
	calls := "sum by (" + by + ") (" + Delta(onTarget(callsTotal, byClient), rangeWindow) + ")"
	first := "min by (" + by + ") (" + onAgent(firstSeen, byClient) + ") * 1000"
	legend := "{{client_name}} {{client_version}}"
	return board{
		uid: "llmtap-versions", title: "Client versions",
		description: "Which client versions call, how much of it is streamed, and whether it works: did an upgrade change it?",
		variables:   slices.Concat(sources(o), agents(), targets(), clients()), annotations: marks(),
		rows: []row{
			{"Share", 8, []panel{
				gauges(about{"Streamed, by version", "Share of a client version's logical calls that asked for a stream, over the whole range. " +
					"A version whose share differs from the one before asks in another way.", "percentunit", "no calls in this time"}, now(streamed, legend)).between(0, 1),
				gauges(about{"Ended ok, by version", "Share of a client version's logical calls that ended ok, over the whole range; cancelled ones are not in it. " +
					"How many calls that is stands in the table below.", "percentunit", "no calls in this time"}, now(success(by, byClient), legend)).
					between(0, 1).steps(colourBad, step{0.5, colourWarn}, step{0.95, colourGood}),
			}},
			{"Success", 9, []panel{versionTable(about{"Versions", "Every client version with the number of its calls, the share that ended ok, the share that streamed, " +
				"and when it was first seen. Broke here: the agent's verdict that it worked up to the version before.", "short", "no client seen"},
				instant(calls), instant(success(by, byClient)), instant(marked()), instant(streamed), instant(first)).
				then("sortBy", map[string]any{"fields": map[string]any{}, "sort": []map[string]any{{"field": "First seen", "desc": true}}})}},
			{"Status history", 9, []panel{history(about{"Outcome per version", "Share of calls that ended ok per step and client version. Grey or empty: no judged call in that step.", "percentunit", "no calls in this time"},
				over(inSteps(success(by, byClient)), legend)).least("5m").between(0, 1).
				steps(colourBad, step{0.5, colourWarn}, step{0.95, colourGood}).mapped(never())}},
		},
	}
}

package gen

import (
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// joined makes the two labels by which the matrix is laid out.
func joined(expr string) string {
	return `label_join(label_join(` + expr + `, "cell", " stream=", "client_kind", "gen_ai_request_stream"), "row", " / ", "server_address", "gen_ai_request_model")`
}

// cells are the dimensions of the matrix.
const cells = tm + ", client_kind, gen_ai_request_stream"

// why is the landing dashboard.
func why(o Options) board {
	return board{
		uid: "llmtap-why", title: "Why does it fail?",
		description: "Do streamed and plain, framework and direct calls work on each target; since when not, why, and what to do.",
		variables:   slices.Concat(sources(o), agents(), targets(), clients()), annotations: marks(),
		rows: []row{
			{"What is wrong now", 7, []panel{openVerdicts().wide(4), wrongNow()}},
			{"Who works, who fails", 9, []panel{matrix().wide(14), matrixCounts()}},
			{"Since when, and why", 8, []panel{support().wide(10), byClass()}},
			{"Which version, and what else was noticed", 8, []panel{versionsShort().wide(12), findings()}},
			{"See it", 8, []panel{failing(o)}},
			{"What the names mean", 12, []panel{words("Verdicts and failure classes",
				"What each verdict and failure class means, who can do something, and its runbook. Made from the agent's own tables.", glossary(o.Runbooks))}},
		},
	}
}

func openVerdicts() panel {
	open := "sum(max by (verdict, " + tm + ") (" + onAgent(verdictGauge, `server_address=~"$target"`) + ")) or 0 * sum(" + onAgent("up") + " == 1)"
	return numbers(about{"Open verdicts", "How many verdicts are open on the chosen targets, over all agents; each counts once. " +
		"Zero is shown only while an agent can be scraped.", "short", "agent not scraped"}, now(open, "open")).
		whole().steps(colourGood, step{1, colourBad}).
		mapped(says("0", "none open", colourGood))
}

// wrongNow shows open verdicts. Some are about a host, not a model: an empty
// model passes the model filter too.
func wrongNow() panel {
	expr := onAgent(verdictGauge, `server_address=~"$target"`, `gen_ai_request_model=~"$model|"`) + " == 1"
	compareURL := "/d/llmtap-compare?${__url_time_range}&var-target=${__data.fields.Target}&var-model=${__data.fields.Model}"
	return list(about{"What is wrong now", "Open verdicts, each with what it means. suspected: likely, the text of `llmtap verdicts` says what is missing; " +
		"confirmed: shown by calls that worked and failed in turn. An empty model or client means that it does not matter.", "short", "nothing is known to be wrong"},
		instant(expr)).
		then("organize", map[string]any{
			"excludeByName": map[string]bool{"Time": true, "Value": true, "__name__": true, "job": true, "instance": true},
			"indexByName": map[string]int{
				"verdict": 0, "state": 1, "server_address": 2, "gen_ai_request_model": 3, "client_name": 4, "client_version": 5,
			},
			"renameByName": map[string]string{
				"verdict": "Verdict", "state": "State", "server_address": "Target", "gen_ai_request_model": "Model",
				"client_name": "Client", "client_version": "Version",
			},
		}).
		with(
			named("Verdict", property("mappings", verdictMappings()), property("custom.cellOptions", map[string]string{"type": "color-text"}),
				property("custom.width", 260), links(verdictLinks()...)),
			named("State", property("mappings", []dashboard.ValueMapping{says("confirmed", "confirmed", colourBad), says("suspected", "suspected", colourWarn)}),
				property("custom.cellOptions", map[string]string{"type": "color-text"})),
			named("Target", links(
				link{Title: "Compare plain (A) with streamed (B)", URL: compareURL + "&var-a_stream=false&var-b_stream=true&var-a_kind=$__all&var-b_kind=$__all"},
				link{Title: "Compare direct (A) with framework (B)", URL: compareURL + "&var-a_kind=direct&var-b_kind=framework"},
			)),
		)
}

// verdictLinks lead from the one cell to every runbook: a link cannot depend on
// the value it is on.
func verdictLinks() []link {
	var out []link
	for _, v := range Verdicts() {
		if l := runbookLink(v.Runbook); !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// toMatrix lays one frame out as target by (kind, stream). Cells without a value
// stay empty.
func toMatrix(p panel) panel {
	return p.then("groupingToMatrix", map[string]any{"rowField": "row", "columnField": "cell", "valueField": "Value"})
}

// toCompare leads to the comparison with what is chosen here.
func toCompare() dashboard.DynamicConfigValue {
	return links(link{Title: "Compare", URL: "/d/llmtap-compare?${__url_time_range}&${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${target:queryparam}&${model:queryparam}"})
}

func matrix() panel {
	p := list(about{"Works or fails", "Share of logical calls that ended ok, per target and (kind of client, streamed or plain). Cancelled calls are not in it. " +
		"An empty cell was never seen: that is not 0 %. How many calls stand behind a share is in the same cell of the table beside.", "percentunit", "no calls in this time"},
		instant(joined(success(cells))))
	return toMatrix(p).between(0, 1).steps(colourBad, step{0.5, colourWarn}, step{0.95, colourGood}).mapped(never()).
		with(like(".* stream=.*", coloured(), toCompare()), like("^row", property("custom.width", 260)))
}

func matrixCounts() panel {
	n := "sum by (" + cells + ") (" + Delta(onTarget(callsTotal, judged), rangeWindow) + ") > 0"
	p := list(about{"Out of how many calls", "Logical calls behind each share of the table beside: 1 of 1 and 500 of 500 are both 100 %. " +
		"Retries of one request are one call. Numbers may read a little high at the edge of the range; " +
		"a client first seen within it counts from the agent's last restart.", "short", "no calls in this time"}, instant(joined(n)))
	return toMatrix(p).whole().mapped(never()).with(like("^row", property("custom.width", 260)))
}

func support() panel {
	return states(about{"Streaming support", "Does streaming work at a target: as the agents last saw it. It is unknown until a streamed call was made.", "none", "no target seen"},
		over("max by ("+tm+") ("+onTarget("llmtap_stream_support")+")", "{{server_address}} / {{gen_ai_request_model}}")).
		steps(colourUnknown, step{1, colourGood}, step{2, colourWarn}, step{3, colourBad}).
		mapped(says("0", "unknown", colourUnknown), says("1", "works", colourGood), says("2", "only streams fail", colourWarn), says("3", "refused", colourBad))
}

func byClass() panel {
	return bars(about{"Failures by class", "Logical calls that failed, by what happened; in brackets and by colour whose turn it is. " +
		"Bars with overlapping windows count approximately. The dots are single calls: follow one to its trace.", "short", "no failures in this time"},
		over("sum by (failure_class) ("+Delta(onTarget(failuresTotal), rateWindow)+")", "{{failure_class}}"),
		withExemplars(over("sum by (failure_class) (rate("+onTarget(failuresTotal)+"["+rateWindow+"]))", "{{failure_class}}"))).
		with(classSeries()...).with(ofQuery("B", unseen()))
}

// marked is 1 for client versions that a verdict says broke.
func marked() string {
	return `max by (client_name, client_version) (` + onTarget(verdictGauge, `verdict="version_regression"`) + `) == 1`
}

func versionsShort() panel {
	return versionTable(about{"Client versions", "Which client versions called, how many of their calls ended ok, and from which one on it broke. " +
		"A version that made no judged call has no share.", "short", "no client seen"},
		instant("sum by (client_name, client_version) ("+Delta(onTarget(callsTotal, byClient), rangeWindow)+")"),
		instant(success("client_name, client_version", byClient)), instant(marked()))
}

func findings() panel {
	return bars(about{"Noticed, though the call did not fail", "Warnings and notes on calls, such as late or lumpy streams, by class. A call can have several. " +
		"The metric knows no client.", "short", "nothing noticed in this time"},
		over("sum by (failure_class) ("+Delta(onTarget("llmtap_call_findings_total"), rateWindow)+")", "{{failure_class}}")).
		with(classSeries()...)
}

func failing(o Options) panel {
	p := list(about{"Latest failing calls", "The newest traces with a failed attempt. Sampled calls only; times are those of the trace store. " +
		"Follow a trace id to see the call as A or B beside another.", "short", "no failing trace found"})
	p.queries, p.source = traces(failingTraces(o.Tracing)), traceSource(o.Tracing)
	pairLink := func(s string) link {
		return link{Title: "See as " + s, URL: "/d/llmtap-pair?${__url_time_range}&${tracing:queryparam}&var-trace" + s + "=${__value.raw}"}
	}
	return p.with(like("(?i)^trace ?id$", links(pairLink("A"), pairLink("B"))))
}

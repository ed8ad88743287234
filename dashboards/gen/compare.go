package gen

import (
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

const duration = "gen_ai_client_inference_duration_seconds_bucket"

// ratio is the share of good calls of one side; no judged call at all is empty.
func ratio(s string) string {
	sum := func(outcome string) string {
		return "sum(" + Delta(onTarget(callsTotal, append(side(s), outcome)...), rangeWindow) + ")"
	}
	return "(" + sum(okOnly) + " or vector(0)) / (" + sum(judged) + " > 0)"
}

func counted(s string) string {
	return "sum(" + Delta(onTarget(callsTotal, append(side(s), judged)...), rangeWindow) + ") > 0"
}

// quantile is that of one side's durations. The histogram knows no client name.
func quantile(q, s string) string {
	return "histogram_quantile(" + q + ", sum by (le) (rate(" +
		onTarget(duration, `client_kind=~"$`+s+`_kind"`, `gen_ai_request_stream=~"$`+s+`_stream"`) + "[" + rateWindow + "])))"
}

// compareBoard puts two sets of calls side by side: A is what to compare with,
// B what is suspected, the third column B - A.
func compareBoard(o Options) board {
	return board{
		uid: "llmtap-compare", title: "Direct vs framework, stream vs plain",
		description: "Two sets of calls to the same targets, side by side: A, to compare with, and B, the suspect. Choose both above.",
		variables: slices.Concat(sources(o), agents(), targets(),
			sideVariables("a", "A", "direct"), sideVariables("b", "B", "framework")),
		annotations: marks(),
		rows: []row{
			{"Do they work", 5, []panel{successOf("a"), successOf("b"), successDifference()}},
			{"How long do they take", 8, []panel{durationOf("a"), durationOf("b"), durationDifference()}},
			{"How do they fail", 9, []panel{classesOf("a"), classesOf("b"), words("What differs",
				"What PromQL cannot compare: the requests themselves.",
				"Take one call of each side, from a dot in *Failures by class* or from `llmtap calls`, and ask\n\n```\nllmtap diff ID_OF_A ID_OF_B\n```\n\n"+
					"It names the smallest difference that explains the outcome: the `stream` flag, a key, a header, the path, a version. "+
					"`llmtap diff ID` alone looks for the best counterpart. Both as traces: [Two calls side by side](/d/llmtap-pair).")}},
		},
	}
}

func upper(s string) string { return strings.ToUpper(s) }

func successOf(s string) panel {
	return numbers(about{upper(s) + ": ended ok", "Share of side " + upper(s) + "'s logical calls that ended ok over the whole range, and how many calls that is. " +
		"Cancelled calls are not in it.", "percentunit", "no calls"},
		now(ratio(s), "ended ok"), now(counted(s), "calls")).
		between(0, 1).steps(colourBad, step{0.5, colourWarn}, step{0.95, colourGood}).
		with(ofQuery("B", property("unit", "short"), property("decimals", 0), property("max", nil), fixed(colourNeutral)))
}

func successDifference() panel {
	return numbers(about{"B - A: ended ok", "How much better (+) or worse (-) side B does than side A, as a difference of shares. Empty unless both have calls.",
		"percentunit", "one side has no calls"},
		now("("+ratio("b")+") - ("+ratio("a")+")", "difference")).
		between(-1, 1).steps(colourBad, step{-0.05, colourGood})
}

func durationOf(s string) panel {
	queries := []prometheus.Dataquery{over(quantile("0.5", s), "p50"), withExemplars(over(quantile("0.95", s), "p95"))}
	return lines(about{upper(s) + ": duration", "Half and 95 of 100 attempts were shorter, the whole stream included. By kind of client and stream only: " +
		"the histogram has no client name. The first attempt of a new label set may be missing.", "s", "no calls"}, queries...).
		from(0).with(quantiles()...)
}

// quantiles draw p50 thin and dashed, p95 solid.
func quantiles() []override {
	return []override{
		named("p50", fixed(colourNeutral), dashed()), named("p90", fixed(colourNeutral), solid()), named("p95", fixed(colourNeutral), solid()),
	}
}

func durationDifference() panel {
	return lines(about{"B - A: duration p95", "How much longer (+) or shorter (-) the slow attempts of side B are. Empty where one side has none.", "s", "one side has no calls"},
		over("("+quantile("0.95", "b")+") - ("+quantile("0.95", "a")+")", "B - A")).with(named("B - A", fixed(colourNeutral)))
}

func classesOf(s string) panel {
	return gauges(about{upper(s) + ": failure classes", "The five most frequent failure classes of side " + upper(s) + ", in logical calls. In brackets and by colour whose turn it is.",
		"short", "no failures"},
		now("topk(5, sum by (failure_class) ("+Delta(onTarget(failuresTotal, side(s)...), rangeWindow)+"))", "{{failure_class}}")).
		whole().from(0).with(classSeries()...)
}

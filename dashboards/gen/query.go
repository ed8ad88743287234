package gen

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// tm are the labels that name a target.
const tm = "server_address, gen_ai_request_model"

// Windows that Grafana fills in.
const (
	rangeWindow = "$__range"
	rateWindow  = "$__rate_interval"
)

// Label matchers that several queries share. Cancelled calls are in no ratio.
const (
	okOnly   = `outcome="ok"`
	errOnly  = `outcome="error"`
	judged   = `outcome=~"ok|error"`
	byClient = `client_name=~"$client"`
)

// onAgent selects a metric of the chosen agents.
func onAgent(metric string, more ...string) string {
	return metric + "{" + strings.Join(append([]string{`job=~"$job"`, `instance=~"$instance"`}, more...), ", ") + "}"
}

// onTarget selects a metric of the chosen targets on the chosen agents.
func onTarget(metric string, more ...string) string {
	return onAgent(metric, append([]string{`server_address=~"$target"`, `gen_ai_request_model=~"$model"`}, more...)...)
}

// side matches the calls of one side of a comparison, "a" or "b".
func side(s string) []string {
	return []string{`client_kind=~"$` + s + `_kind"`, `client_name=~"$` + s + `_client"`, `gen_ai_request_stream=~"$` + s + `_stream"`}
}

// success is the share of good calls by labels. Without the zero term a series
// that only failed would have no numerator and vanish; the lower bound of the
// denominator keeps idle series empty.
func success(by string, more ...string) string {
	calls := func(outcome string) string { return onTarget(callsTotal, append(more, outcome)...) }
	return "(sum by (" + by + ") (" + Delta(calls(okOnly), rangeWindow) + ") or 0 * sum by (" + by + ") (" + calls(errOnly) + "))" +
		" / (sum by (" + by + ") (" + Delta(calls(judged), rangeWindow) + ") > 0)"
}

// Metrics that several dashboards query.
const (
	callsTotal    = "llmtap_calls_total"
	failuresTotal = "llmtap_call_failures_total"
	verdictGauge  = "llmtap_verdict"
	firstSeen     = "llmtap_client_first_seen_timestamp_seconds"
	firstChunk    = "gen_ai_client_inference_time_to_first_chunk_seconds"
)

// instant is a query for one value per series at the end of the range; as a
// table its labels are columns.
func instant(expr string) prometheus.Dataquery {
	q := base(expr)
	q.Instant, q.Range, q.Format = new(true), new(false), new(prometheus.PromQueryFormatTable)
	return q
}

// now is instant for panels that show one number per legend entry.
func now(expr, legend string) prometheus.Dataquery {
	q := instant(expr)
	q.Format, q.LegendFormat = new(prometheus.PromQueryFormatTimeSeries), new(legend)
	return q
}

// over is a query for values over time.
func over(expr, legend string) prometheus.Dataquery {
	q := base(expr)
	q.Range, q.Instant, q.LegendFormat = new(true), new(false), new(legend)
	return q
}

// buckets is a query for a heatmap of classic histogram buckets.
func buckets(metric string) prometheus.Dataquery {
	q := over("sum by (le) (increase("+onTarget(metric+"_bucket")+"["+rateWindow+"]))", "{{le}}")
	q.Format = new(prometheus.PromQueryFormatHeatmap)
	return withExemplars(q)
}

func base(expr string) prometheus.Dataquery {
	return prometheus.Dataquery{
		Datasource: metricsSource(), Expr: expr, Exemplar: new(false), EditorMode: new(prometheus.QueryEditorModeCode),
	}
}

// withExemplars makes the one query of its panel that brings trace ids.
func withExemplars(q prometheus.Dataquery) prometheus.Dataquery {
	q.Exemplar = new(true)
	return q
}

// referenced numbers queries A, B, C ….
func referenced(list []prometheus.Dataquery) []variants.Dataquery {
	out := make([]variants.Dataquery, len(list))
	for i, q := range list {
		q.RefId = new(string(rune('A' + i)))
		out[i] = q
	}
	return out
}

// inSteps asks a query of the whole range anew for each step.
func inSteps(expr string) string { return strings.ReplaceAll(expr, rangeWindow, rateWindow) }

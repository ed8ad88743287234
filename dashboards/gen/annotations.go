package gen

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// marks are the annotations of every dashboard about calls.
func marks() []dashboard.AnnotationQuery {
	seen := mark("New client version", colourNeutral, "min by (client_name, client_version) ("+onAgent(firstSeen)+") * 1000",
		"{{client_name}} {{client_version}} first seen")
	seen.UseValueForTime = new(true) // its value is the instant
	changes := "sum by (" + tm + ") (" + Delta(onAgent("llmtap_stream_support_changes_total"), "$__interval") + ") > 0"
	return []dashboard.AnnotationQuery{
		seen,
		mark("Streaming support changed", colourWarn, changes, "streaming at {{server_address}} {{gen_ai_request_model}} changed"),
		mark("Firing alerts", colourBad, `ALERTS{alertstate="firing", alertname=~"LLM.*"}`, "{{alertname}} {{server_address}} {{gen_ai_request_model}}"),
	}
}

func mark(name, colour, expr, title string) dashboard.AnnotationQuery {
	return dashboard.AnnotationQuery{
		Name: name, Datasource: metricsSource(), Enable: true, IconColor: colour, Expr: new(expr),
		TitleFormat: new(title), Step: new("60s"),
	}
}

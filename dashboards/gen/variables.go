package gen

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// sources are the data sources that the reader may choose.
func sources(o Options) []dashboard.VariableModel {
	return []dashboard.VariableModel{
		source("datasource", "Data Source", "prometheus"),
		source("tracing", "Traces", o.Tracing),
		{
			Type: dashboard.VariableTypeConstant, Name: "runbooks", Label: new("Runbooks at"),
			Description: new("Address under which docs/runbooks is published."), Hide: new(dashboard.VariableHideHideVariable),
			Query: &dashboard.StringOrMap{String: new(o.Runbooks)}, Current: option(o.Runbooks, o.Runbooks),
		},
	}
}

// agents choose the agents by scrape job and instance.
func agents() []dashboard.VariableModel {
	return []dashboard.VariableModel{
		labels("job", "Job", "label_values(llmtap_build_info, job)"),
		labels("instance", "Instance", `label_values(llmtap_build_info{job=~"$job"}, instance)`),
	}
}

// targets choose the service and its model or deployment.
func targets() []dashboard.VariableModel {
	return []dashboard.VariableModel{
		labels("target", "Target", "label_values("+onAgent(callsTotal)+", server_address)"),
		labels("model", "Model", "label_values("+onAgent(callsTotal, `server_address=~"$target"`)+", gen_ai_request_model)"),
	}
}

// clients choose the client program.
func clients() []dashboard.VariableModel {
	return []dashboard.VariableModel{labels("client", "Client", "label_values("+onAgent(firstSeen)+", client_name)")}
}

// sideVariables choose the calls of one side of a comparison; kind is what it
// shows at first.
func sideVariables(s, title, kind string) []dashboard.VariableModel {
	values := func(label string) string { return "label_values(" + onTarget(callsTotal) + ", " + label + ")" }
	out := []dashboard.VariableModel{
		labels(s+"_kind", title+": kind", values("client_kind")),
		labels(s+"_client", title+": client", values("client_name")),
		labels(s+"_stream", title+": stream", values("gen_ai_request_stream")),
	}
	out[0].Current = option(kind, kind)
	return out
}

// textbox is a variable that the reader types or a link fills.
func textbox(name, label, what string) dashboard.VariableModel {
	return dashboard.VariableModel{
		Type: dashboard.VariableTypeTextbox, Name: name, Label: new(label), Description: new(what),
		Query: &dashboard.StringOrMap{String: new("")}, Current: option("", ""),
	}
}

func source(name, label, plugin string) dashboard.VariableModel {
	return dashboard.VariableModel{
		Type: dashboard.VariableTypeDatasource, Name: name, Label: new(label), Query: &dashboard.StringOrMap{String: new(plugin)},
		Refresh: new(dashboard.VariableRefreshOnDashboardLoad), Hide: new(dashboard.VariableHideDontHide),
	}
}

// labels is a choice among the values of a label, all at first.
func labels(name, label, query string) dashboard.VariableModel {
	return dashboard.VariableModel{
		Type: dashboard.VariableTypeQuery, Name: name, Label: new(label), Datasource: metricsSource(),
		Query: &dashboard.StringOrMap{String: new(query)}, Definition: new(query),
		Multi: new(true), IncludeAll: new(true), AllValue: new(".+"), Current: option("All", "$__all"),
		Refresh: new(dashboard.VariableRefreshOnTimeRangeChanged), Sort: new(dashboard.VariableSortAlphabeticalAsc),
	}
}

func option(name, value string) *dashboard.VariableOption {
	return &dashboard.VariableOption{
		Selected: new(true), Text: dashboard.StringOrArrayOfString{String: new(name)}, Value: dashboard.StringOrArrayOfString{String: new(value)},
	}
}

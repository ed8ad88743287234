package gen

import (
	"reflect"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
)

// traceQuery asks a trace data source. The SDK knows no query for Jaeger; this
// one serves Jaeger and Tempo, whose members do not collide.
type traceQuery struct {
	RefID      string                `json:"refId"`
	Datasource *common.DataSourceRef `json:"datasource"`
	// QueryType is search (Jaeger) or traceql (Tempo); empty looks one trace
	// up in Jaeger.
	QueryType string `json:"queryType,omitempty"`
	// Query is a trace id or TraceQL.
	Query   string `json:"query,omitempty"`
	Service string `json:"service,omitempty"`
	Tags    string `json:"tags,omitempty"`
	Limit   int    `json:"limit,omitempty"`
	// TableType is how Tempo shows what it found.
	TableType string `json:"tableType,omitempty"`
}

var _ variants.Dataquery = traceQuery{}

// ImplementsDataqueryVariant makes it a query of the SDK.
func (traceQuery) ImplementsDataqueryVariant() {}

// DataqueryType is the SDK's name for it.
func (traceQuery) DataqueryType() string { return "llmtap-trace" }

// Validate accepts every value that this package makes.
func (traceQuery) Validate() error { return nil }

// Equals compares by value.
func (q traceQuery) Equals(other variants.Dataquery) bool { return reflect.DeepEqual(q, other) }

// failingTraces lists the newest traces with a failed attempt.
func failingTraces(tracing string) traceQuery {
	q := traceQuery{RefID: "A", Datasource: traceSource(tracing), Limit: 20}
	if tracing == TracingTempo {
		q.QueryType, q.TableType = "traceql", "traces"
		q.Query = "{ status = error && span.gen_ai.operation.name != nil }"
		return q
	}
	q.QueryType, q.Service, q.Tags = "search", "llmtap", "error=true"
	return q
}

// oneTrace is the trace whose id a variable holds.
func oneTrace(tracing, variable string) traceQuery {
	q := traceQuery{RefID: "A", Datasource: traceSource(tracing), Query: "${" + variable + "}"}
	if tracing == TracingTempo {
		q.QueryType = "traceql"
	}
	return q
}

func traces(q traceQuery) []variants.Dataquery { return []variants.Dataquery{q} }

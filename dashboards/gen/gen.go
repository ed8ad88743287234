// Package gen makes the Grafana dashboards of llmtap from Go code: one file per
// dashboard, names and sentences from the tables that the agent itself uses.
//
//	tables of the agent ─► queries, panels, rows ─► dashboard.Dashboard ─► json/*.json
//
// The model is Grafana's classic one: files of it are provisioned by Grafana 10
// to 13. Every small count is written with Delta.
package gen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Options are what an installation may choose; the zero value is what the
// committed files have.
type Options struct {
	// Tracing is the type of the trace data source: TracingJaeger (the
	// default) or TracingTempo.
	Tracing string
	// Runbooks is the address under which docs/runbooks is published; empty
	// is the path in the repository.
	Runbooks string
}

// Values of Options.Tracing.
const (
	TracingJaeger = "jaeger"
	TracingTempo  = "tempo"
)

// Board is one dashboard; its file is UID.json.
type Board struct {
	UID       string
	Dashboard dashboard.Dashboard
}

// All returns the dashboards, the landing one first. The error names the panel
// that says too little of itself, or the option that is wrong.
func All(o Options) ([]Board, error) {
	switch o.Tracing {
	case "":
		o.Tracing = TracingJaeger
	case TracingJaeger, TracingTempo:
	default:
		return nil, fmt.Errorf("gen: tracing %q: use jaeger or tempo", o.Tracing)
	}
	if o.Runbooks == "" {
		o.Runbooks = "docs/runbooks"
	}
	var out []Board
	var errs []error
	for _, b := range []board{why(o), compareBoard(o), versions(o), streams(o), pair(o), agent(o), slo(o)} {
		d, err := b.build()
		errs = append(errs, err)
		out = append(out, Board{UID: b.uid, Dashboard: d})
	}
	return out, errors.Join(errs...)
}

// JSON is the file of a dashboard, indented, with a line end.
func (b Board) JSON() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(b.Dashboard); err != nil {
		return nil, fmt.Errorf("gen: encode %s: %w", b.UID, err)
	}
	// The SDK's own encoders escape for HTML all the same.
	return []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(out.String())), nil
}

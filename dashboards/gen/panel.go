package gen

import (
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// about is what every panel says of itself; none of it may be empty.
type about struct {
	title string
	// what it shows, its unit, and what it cannot see.
	what string
	unit string
	// empty stands where there is no data: unknown is not zero.
	empty string
}

// panel is one panel without a place.
type panel struct {
	about
	kind    string
	width   uint32 // grid columns; 0 shares the rest of the row
	queries []variants.Dataquery
	source  *common.DataSourceRef
	options any
	look    look
	// interval is the least step of its queries, and transformations work on
	// their results.
	interval        string
	transformations []dashboard.DataTransformerConfig
}

// look is how values are drawn.
type look struct {
	decimals   *float64
	min, max   *float64
	thresholds *dashboard.ThresholdsConfig
	mappings   []dashboard.ValueMapping
	custom     any
	overrides  []dashboard.DashboardFieldConfigSourceOverrides
}

// metricPanel is a panel of the given kind over Prometheus queries.
func metricPanel(kind string, a about, options any, queries ...prometheus.Dataquery) panel {
	return panel{about: a, kind: kind, queries: referenced(queries), source: metricsSource(), options: options}
}

// build makes the panel of the SDK.
func (p panel) build(id uint32) (dashboard.Panel, error) {
	var errs []error
	for name, v := range map[string]string{"title": p.title, "description": p.what, "unit": p.unit, "no-data text": p.empty} {
		if v == "" {
			errs = append(errs, fmt.Errorf("gen: build panel %q: no %s", p.title, name))
		}
	}
	out := dashboard.Panel{
		Type: p.kind, Id: new(id), Title: new(p.title), Description: new(p.what),
		Targets: p.queries, Datasource: p.source, Options: p.options, Transformations: p.transformations,
		FieldConfig: &dashboard.FieldConfigSource{
			Defaults: dashboard.FieldConfig{
				Unit: new(p.unit), NoValue: new(p.empty), Decimals: p.look.decimals, Min: p.look.min, Max: p.look.max,
				Mappings: p.look.mappings, Thresholds: p.look.thresholds, Custom: p.look.custom,
				Color: &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds},
			},
			Overrides: append([]dashboard.DashboardFieldConfigSourceOverrides{}, p.look.overrides...),
		},
	}
	if p.interval != "" {
		out.Interval = new(p.interval)
	}
	if p.look.thresholds == nil {
		// One colour for all that has no meaning of its own: never the order.
		out.FieldConfig.Defaults.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdFixed, FixedColor: new(colourNeutral)}
	}
	return out, errors.Join(errs...)
}

// wide sets the panel's width in grid columns.
func (p panel) wide(columns uint32) panel {
	p.width = columns
	return p
}

// whole shows integers: Delta extrapolates a little.
func (p panel) whole() panel {
	p.look.decimals = new(0.0)
	return p
}

// between fixes the axis, so that neighbours can be compared by eye.
func (p panel) between(low, high float64) panel {
	p.look.min, p.look.max = new(low), new(high)
	return p
}

// from fixes the axis's lower end.
func (p panel) from(low float64) panel {
	p.look.min = new(low)
	return p
}

// least sets the smallest step of the panel's queries.
func (p panel) least(interval string) panel {
	p.interval = interval
	return p
}

// steps colours values by thresholds: pairs of a lower bound and a colour; the
// first colour is for everything below.
func (p panel) steps(below string, more ...step) panel {
	t := dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: []dashboard.Threshold{{Color: below}}}
	for _, s := range more {
		t.Steps = append(t.Steps, dashboard.Threshold{Value: new(s.from), Color: s.colour})
	}
	p.look.thresholds = &t
	return p
}

// step is a threshold: from this value on this colour.
type step struct {
	from   float64
	colour string
}

// mapped shows texts for values.
func (p panel) mapped(list ...dashboard.ValueMapping) panel {
	p.look.mappings = append(p.look.mappings, list...)
	return p
}

// with overrides how single fields look.
func (p panel) with(list ...dashboard.DashboardFieldConfigSourceOverrides) panel {
	p.look.overrides = append(p.look.overrides, list...)
	return p
}

// then transforms what the queries found.
func (p panel) then(id string, options map[string]any) panel {
	p.transformations = append(p.transformations, dashboard.DataTransformerConfig{Id: id, Options: options})
	return p
}

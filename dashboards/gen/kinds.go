package gen

import (
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/statushistory"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/text"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func legend() common.VizLegendOptions {
	return common.VizLegendOptions{
		DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, ShowLegend: true, Calcs: []string{},
	}
}

func tooltip() common.VizTooltipOptions {
	return common.VizTooltipOptions{Mode: common.TooltipDisplayModeMulti, Sort: common.SortOrderDescending}
}

// lastValue takes the last value of each series.
func lastValue() common.ReduceDataOptions {
	return common.ReduceDataOptions{Values: new(false), Calcs: []string{"lastNotNull"}}
}

// numbers is a stat: the last value of each query, in its colour.
func numbers(a about, queries ...prometheus.Dataquery) panel {
	return metricPanel("stat", a, stat.Options{
		GraphMode: common.BigValueGraphModeNone, ColorMode: common.BigValueColorModeBackground, JustifyMode: common.BigValueJustifyModeAuto,
		TextMode: common.BigValueTextModeValueAndName, WideLayout: true, ReduceOptions: lastValue(),
		PercentChangeColorMode: common.PercentChangeColorModeStandard, Orientation: common.VizOrientationAuto,
	}, queries...)
}

// list is a table.
func list(a about, queries ...prometheus.Dataquery) panel {
	p := metricPanel("table", a, tableOptions(), queries...)
	p.look.custom = map[string]any{"filterable": true, "align": "auto", "inspect": false}
	return p
}

func tableOptions() table.Options {
	return table.Options{
		ShowHeader: true, CellHeight: new(common.TableCellHeightSm),
		Footer: &common.TableFooterOptions{Reducer: []string{"sum"}},
	}
}

// lines are values over time.
func lines(a about, queries ...prometheus.Dataquery) panel {
	p := metricPanel("timeseries", a, timeseries.Options{Legend: legend(), Tooltip: tooltip()}, queries...)
	p.look.custom = common.GraphFieldConfig{
		DrawStyle: new(common.GraphDrawStyleLine), LineWidth: new(2.0), FillOpacity: new(0.0),
		ShowPoints: new(common.VisibilityModeAuto), PointSize: new(6.0),
	}
	return p
}

// bars are counts per step, stacked. Their windows overlap at short steps: the
// step has a floor.
func bars(a about, queries ...prometheus.Dataquery) panel {
	p := lines(a, queries...).whole().from(0).least("1m")
	p.look.custom = common.GraphFieldConfig{
		DrawStyle: new(common.GraphDrawStyleBars), LineWidth: new(1.0), FillOpacity: new(85.0),
		Stacking: &common.StackingConfig{Mode: new(common.StackingModeNormal), Group: new("A")},
	}
	return p
}

// gauges are one bar per series.
func gauges(a about, queries ...prometheus.Dataquery) panel {
	return metricPanel("bargauge", a, bargauge.Options{
		DisplayMode: common.BarGaugeDisplayModeBasic, ValueMode: common.BarGaugeValueModeText,
		NamePlacement: common.BarGaugeNamePlacementLeft, ShowUnfilled: false, Sizing: common.BarGaugeSizingAuto,
		MinVizWidth: 8, MinVizHeight: 16, MaxVizHeight: 40, Legend: legend(), ReduceOptions: lastValue(), Orientation: common.VizOrientationHorizontal,
	}, queries...)
}

// heat is a heatmap of a histogram's classic buckets, with exemplars.
func heat(a about, metric string) panel {
	return metricPanel("heatmap", a, heatmap.Options{
		Calculate: new(false), CellGap: new(uint8(1)), ShowValue: common.VisibilityModeNever,
		Color: heatmap.HeatmapColorOptions{
			Mode: new(heatmap.HeatmapColorModeScheme), Scheme: "Blues", Fill: colourNeutral, Exponent: 0.5, Steps: 64,
			Scale: new(heatmap.HeatmapColorScaleExponential),
		},
		FilterValues: &heatmap.FilterValueRange{Le: new(float32(1e-9))},
		YAxis:        heatmap.YAxisConfig{Unit: new(a.unit), AxisPlacement: new(common.AxisPlacementLeft)},
		Legend:       heatmap.HeatmapLegend{Show: true}, Exemplars: heatmap.ExemplarConfig{Color: colourBad},
		Tooltip: heatmap.HeatmapTooltip{Mode: common.TooltipDisplayModeSingle, YHistogram: new(true)},
	}, buckets(metric)).least("1m")
}

// states are mapped values over time, one line per series.
func states(a about, queries ...prometheus.Dataquery) panel {
	p := metricPanel("state-timeline", a, statetimeline.Options{
		ShowValue: common.VisibilityModeAuto, RowHeight: 0.9, MergeValues: new(true),
		AlignValue: new(common.TimelineValueAlignmentLeft), Legend: legend(), Tooltip: tooltip(),
	}, queries...)
	p.look.custom = statetimeline.FieldConfig{LineWidth: new(uint32(0)), FillOpacity: new(uint32(80))}
	return p
}

// history is a coloured cell per series and step.
func history(a about, queries ...prometheus.Dataquery) panel {
	p := metricPanel("status-history", a, statushistory.Options{
		RowHeight: 0.9, ColWidth: new(0.9), ShowValue: common.VisibilityModeAuto, Legend: legend(), Tooltip: tooltip(),
	}, queries...)
	p.look.custom = statushistory.FieldConfig{LineWidth: new(uint32(1)), FillOpacity: new(uint32(80))}
	return p
}

// words is a text panel in Markdown.
func words(title, what, content string) panel {
	return panel{
		about: about{title: title, what: what, unit: "string", empty: "-"}, kind: "text", source: metricsSource(),
		options: text.Options{Mode: text.TextModeMarkdown, Content: content},
	}
}

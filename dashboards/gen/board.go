package gen

import (
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// board is a dashboard before its panels have places.
type board struct {
	uid, title, description string
	variables               []dashboard.VariableModel
	annotations             []dashboard.AnnotationQuery
	rows                    []row
}

// row is a titled line of panels, height grid units high. Panels of width 0
// share what the others leave of the 24 columns.
type row struct {
	title  string
	height uint32
	panels []panel
}

// columns is the width of Grafana's grid.
const columns = 24

// build places every panel below and beside the one before, and gives it an id.
func (b board) build() (dashboard.Dashboard, error) {
	d := *dashboard.NewDashboard()
	d.Uid, d.Title, d.Description = new(b.uid), new(b.title), new(b.description)
	d.Tags, d.Links = []string{"llmtap", "jupyterhub"}, []dashboard.DashboardLink{neighbours()}
	d.Editable, d.GraphTooltip = new(false), new(dashboard.DashboardCursorSyncCrosshair)
	d.Refresh = new("30s")
	d.Time = &dashboard.DashboardDashboardTime{From: "now-6h", To: "now"}
	d.Templating.List, d.Annotations.List = b.variables, b.annotations
	var errs []error
	var id, y uint32
	for _, r := range b.rows {
		id++
		d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{RowPanel: &dashboard.RowPanel{
			Type: "row", Title: new(r.title), Id: id, Panels: []dashboard.Panel{},
			GridPos: &dashboard.GridPos{H: 1, W: columns, X: 0, Y: y},
		}})
		y++
		var x uint32
		for i, p := range r.panels {
			id++
			w := r.width(i)
			if x+w > columns {
				errs = append(errs, fmt.Errorf("gen: place %s in %s: its row is wider than %d", p.about.title, b.uid, columns))
			}
			made, err := p.build(id)
			errs = append(errs, err)
			made.GridPos = &dashboard.GridPos{H: r.height, W: w, X: x, Y: y}
			d.Panels = append(d.Panels, dashboard.PanelOrRowPanel{Panel: &made})
			x += w
		}
		y += r.height
	}
	return d, errors.Join(errs...)
}

// width is that of panel i of the row.
func (r row) width(i int) uint32 {
	if r.panels[i].width > 0 {
		return r.panels[i].width
	}
	left, free := uint32(columns), uint32(0)
	for _, p := range r.panels {
		left -= min(left, p.width)
		if p.width == 0 {
			free++
		}
	}
	return left / free
}

// neighbours links the dashboards of one tag, keeping time and variables.
func neighbours() dashboard.DashboardLink {
	return dashboard.DashboardLink{
		Title: "LLM calls", Type: dashboard.DashboardLinkTypeDashboards, Icon: "external link", Tags: []string{"llmtap"},
		IncludeVars: true, KeepTime: true,
	}
}

// metricsSource is the Prometheus that the reader chose.
func metricsSource() *common.DataSourceRef {
	return &common.DataSourceRef{Type: new("prometheus"), Uid: new("$datasource")}
}

// traceSource is the trace store that the reader chose.
func traceSource(tracing string) *common.DataSourceRef {
	return &common.DataSourceRef{Type: new(tracing), Uid: new("$tracing")}
}

package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"llmtap/internal/call"
)

// callsView is the first page.
type callsView struct {
	table
	Verdicts []verdictView
	Filter   filterView
	Count    string
	Live     int
	Problem  string
	// Nobody: the viewer sees own calls only, and records name no user.
	Nobody bool
}

// filterView is the form above the table.
type filterView struct {
	Target                  string
	Outcomes, Since, Limits []option
	On                      bool
}

type option struct {
	Value, Text string
	Chosen      bool
}

// index lists the newest calls, readable without any script.
func (p pages) index(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r.URL.Query(), p.cfg.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	mine := p.shelf(r)
	list, err := mine.Calls(ctx, q)
	var open []call.Finding
	if err == nil {
		open, err = mine.Findings(ctx, false)
	}
	view := callsView{
		table:    table{head: p.head(r, callsTitle(open), ""), Rows: rowsOf(list), Users: mine.v.All && anyUser(list)},
		Verdicts: verdictViews(open, ""), Filter: filterOf(r.URL.Query()),
		Count: plural(len(list), "call"), Live: len(mine.v.mine(p.cfg.Live())), Nobody: !mine.v.All && mine.v.User == "",
	}
	if err != nil {
		view.Problem = err.Error()
	}
	render(w, http.StatusOK, "calls", view)
}

// callsTitle names the state, for whoever has the page in a tab.
func callsTitle(open []call.Finding) string {
	if len(open) == 0 {
		return "Calls"
	}
	return plural(len(open), "open verdict")
}

func anyUser(list []call.Record) bool {
	for i := range list {
		if list[i].Client.User != "" {
			return true
		}
	}
	return false
}

func filterOf(v url.Values) filterView {
	choices := func(name, none string, values ...string) []option {
		given := v.Get(name)
		out := []option{{"", none, given == ""}}
		known := given == ""
		if none == "" {
			out, given = nil, or(given, values[0])
		}
		for _, value := range values {
			known = known || value == given
			out = append(out, option{value, strings.TrimSuffix(value, "h") + map[bool]string{true: " h"}[strings.HasSuffix(value, "h")], value == given})
		}
		if !known {
			out = append(out, option{given, given, true})
		}
		return out
	}
	return filterView{
		Target: v.Get("target"), Outcomes: choices("outcome", "any", "ok", "error", "cancelled"),
		Since: choices("since", "ever", "1h", "24h", "168h"), Limits: choices("limit", "", "100", "500", "1000"),
		On: v.Get("target")+v.Get("outcome")+v.Get("since")+v.Get("class")+v.Get("logical") != "",
	}
}

package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"llmtap/internal/call"
)

// traceView is the attempts that share a trace.
type traceView struct {
	table
	ID, Count string
}

// tracePage lists the attempts of a trace, oldest first; one alone is shown. It
// looks among the newest calls: a link is followed while its call is new.
func (p pages) tracePage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	list, err := p.shelf(r).Calls(ctx, call.Query{Limit: maxLimit})
	list = slices.DeleteFunc(list, func(c call.Record) bool { return c.Identity.Span.Trace != id })
	if err == nil && (!isTraceID(id) || len(list) == 0) {
		err = call.ErrNotFound
	}
	switch {
	case err != nil:
		p.noPage(w, r, err, "../")
	case len(list) == 1:
		w.Header().Set("Location", "../call/"+url.PathEscape(list[0].Identity.ID))
		w.WriteHeader(http.StatusFound)
	default:
		slices.Reverse(list)
		render(w, http.StatusOK, "trace", traceView{
			table: table{head: p.head(r, "Trace", "../"), Rows: rowsOf(list)}, ID: id, Count: plural(len(list), "attempt"),
		})
	}
}

func isTraceID(id string) bool {
	return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

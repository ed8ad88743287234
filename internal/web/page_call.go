package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// callView is the page of one call: its explanation, with what is around it.
type callView struct {
	head
	told
	Row             row
	Timeline        string
	Asked, Answered []explain.Fact
	Evidence        []explain.Fact
	Verdicts        []verdictView
	Attempts        *table
	Alike           []string
	Curls           []curlView
	HasContent      bool
}

// told is what happened, what the user saw of it, and what to do about it.
type told struct {
	Headline, Seen string
	Steps          []explain.Step
	Quote          string
}

// curlView is one way to ask again by hand.
type curlView struct {
	Title string
	explain.Command
}

// callPage explains one call.
func (p pages) callPage(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	mine := p.shelf(r)
	whole, err := mine.whole(ctx, r.PathValue("id"))
	if err != nil {
		p.noPage(w, r, err, "../")
		return
	}
	rec := public(whole)
	view := callView{
		head: p.head(r, "Call "+short(rec.Identity.ID), "../"), Row: rowOf(&rec),
		told: told{explain.Headline(rec), explain.Seen(rec), explain.Advice(rec), explain.Quote(rec)}, Timeline: strings.Join(explain.Timeline(rec), "\n"),
		Asked: explain.Asked(rec), Answered: explain.Answered(rec), Evidence: explain.Evidence(rec),
		Curls: curls(rec), HasContent: whole.Content.Request+whole.Content.Response != "",
	}
	around(ctx, mine, &rec, &view)
	render(w, http.StatusOK, "call", view)
}

// noPage says that a page cannot be shown.
func (p pages) noPage(w http.ResponseWriter, r *http.Request, err error, base string) {
	status, text := http.StatusInternalServerError, err.Error()
	switch {
	case errors.Is(err, call.ErrNotFound):
		status, text = http.StatusNotFound, "No call that you may see has this id, or it is not kept any more."
	case errors.Is(err, call.ErrAmbiguous):
		status = http.StatusConflict
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		status, text = http.StatusServiceUnavailable, "The records did not come in time. Try again."
	}
	h := p.head(r, http.StatusText(status), base)
	render(w, status, "notice", notice{h, text})
}

// around adds what is known beside the call; what cannot be read is left out,
// and the call is explained without it.
func around(ctx context.Context, mine shelf, rec *call.Record, p *callView) {
	if open, err := mine.Findings(ctx, false); err == nil {
		open = slices.DeleteFunc(open, func(f call.Finding) bool {
			return !slices.Contains(f.Evidence.Failing, rec.Identity.ID) && !slices.Contains(f.Evidence.Working, rec.Identity.ID)
		})
		p.Verdicts = verdictViews(open, p.Base)
		if len(open) > 0 && rec.Outcome() == call.OutcomeError {
			p.Steps = nil // the verdict knows more than one call does
		}
	}
	if rec.Identity.Logical != "" {
		list, err := mine.Calls(ctx, call.Query{Logical: rec.Identity.Logical, Limit: maxAttempts})
		if err == nil && len(list) > 1 {
			slices.Reverse(list) // the first attempt first
			p.Attempts = &table{head: p.head, Rows: rowsOf(list)}
		}
	}
	if rec.Target.Host == "" {
		return
	}
	q := call.Query{Since: rec.Identity.Start.Add(-explain.LikenessSpan), Target: or(rec.Target.Deployment, or(rec.Target.Model, rec.Target.Host)), Limit: maxLimit}
	if others, err := mine.Calls(ctx, q); err == nil {
		p.Alike = explain.Likeness(*rec, others)
	}
}

// maxAttempts bounds the attempts of one call on a page.
const maxAttempts = 100

// contentPage shows what was sent and answered, where that was kept, and writes
// down who saw whose.
func (p pages) contentPage(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	mine := p.shelf(r)
	rec, err := mine.whole(ctx, r.PathValue("id"))
	if err == nil && rec.Content.Request+rec.Content.Response == "" {
		err = call.ErrNotFound
	}
	if err != nil {
		p.noPage(w, r, err, "../../")
		return
	}
	p.cfg.Log.Warn("audit: content shown", "viewer", mine.v.Name, "call", rec.Identity.ID, "user", rec.Client.User)
	render(w, http.StatusOK, "content", struct {
		head
		ID      string
		Content call.Content
	}{p.head(r, "Content", "../../"), rec.Identity.ID, rec.Content})
}

// curls are the call as it was sent, and with one change.
func curls(r call.Record) []curlView {
	pair := explain.Curl(r)
	out := []curlView{{"As it was sent", pair.AsSent}}
	if pair.Change != "" {
		out = append(out, curlView{"The same, " + pair.Change, pair.Changed})
	}
	return out
}

package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"llmtap/internal/call"
)

// patience is how long a query may take.
const patience = 2 * time.Second

func alive(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

// ready answers 503 with the reason while the agent should get no traffic.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.cfg.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error()+"\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a reader who left needs no answer
}

// api answers in JSON.
type api struct{ desk }

type callList struct {
	Calls []call.Record `json:"calls"`
}

func (a api) calls(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r.URL.Query(), a.cfg.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	list, err := a.shelf(r).Calls(ctx, q)
	if err != nil {
		failFrom(w, err)
		return
	}
	write(w, http.StatusOK, callList{orEmpty(list)})
}

func (a api) call(w http.ResponseWriter, r *http.Request) {
	if err := only(r.URL.Query()); err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	rec, err := a.shelf(r).Call(ctx, r.PathValue("id"))
	if err != nil {
		failFrom(w, err)
		return
	}
	write(w, http.StatusOK, rec)
}

// findings reads the verdicts that a request asks for, and whether that is all of
// them. What went wrong is answered, and ok is false.
func findings(w http.ResponseWriter, r *http.Request, from shelf) (list []call.Finding, all, ok bool) {
	all, err := readFlag(r.URL.Query(), "all")
	if err == nil {
		err = only(r.URL.Query(), "all")
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return nil, all, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if list, err = from.Findings(ctx, all); err != nil {
		failFrom(w, err)
		return nil, all, false
	}
	return list, all, true
}

func (a api) verdicts(w http.ResponseWriter, r *http.Request) {
	list, _, ok := findings(w, r, a.shelf(r))
	if !ok {
		return
	}
	write(w, http.StatusOK, struct {
		Verdicts []call.Finding `json:"verdicts"`
	}{orEmpty(list)})
}

// tunnelsOf returns the tunnels for a viewer: nothing tells whose they are, so
// they are for those who see all.
func (a api) tunnelsOf(v Viewer) []call.Tunnel {
	if !v.All {
		return nil
	}
	return a.cfg.Tunnels()
}

// tunnels lists, last used first, what was not looked into.
func (a api) tunnels(w http.ResponseWriter, r *http.Request) {
	err := only(r.URL.Query(), "limit")
	limit, limitErr := readLimit(r.URL.Query())
	if err == nil {
		err = limitErr
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return
	}
	list := slices.Clone(a.tunnelsOf(viewerOf(r)))
	slices.SortStableFunc(list, func(a, b call.Tunnel) int { return b.Last.Compare(a.Last) })
	write(w, http.StatusOK, struct {
		Tunnels []call.Tunnel `json:"tunnels"`
	}{orEmpty(list[:min(len(list), limit)])})
}

// live lists the calls in flight, newest first, or follows what happens.
func (a api) live(w http.ResponseWriter, r *http.Request) {
	if err := only(r.URL.Query()); err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return
	}
	if wantsFeed(r) {
		a.feed(w, r)
		return
	}
	list := viewerOf(r).mine(a.cfg.Live())
	slices.SortStableFunc(list, func(a, b call.Record) int { return b.Identity.Start.Compare(a.Identity.Start) })
	write(w, http.StatusOK, callList{list})
}

func (a api) info(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, a.cfg.Info) }

func missing(w http.ResponseWriter, r *http.Request) {
	fail(w, http.StatusNotFound, "not_found", "nothing is at "+r.URL.Path+": the API has /api/v1/calls, calls/{id}, diff, verdicts, tunnels, live and info")
}

// orEmpty makes an absent list an empty one in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

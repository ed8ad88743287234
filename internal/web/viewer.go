package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"llmtap/internal/call"
)

// Viewer is on whose behalf a request asks. The zero Viewer sees nothing.
type Viewer struct {
	// Name is who it is, for the page and the audit.
	Name string
	// User is how records name the viewer; empty if none is the viewer's own.
	User string
	// All sees the calls of everybody, and what has no user.
	All bool
	// Hub says that a JupyterHub let the viewer in: there is a way out.
	Hub bool
}

type viewerKey struct{}

// as is r on behalf of v.
func as(r *http.Request, v Viewer) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), viewerKey{}, v))
}

// viewerOf returns on whose behalf a request asks: nobody's unless it came
// through a door.
func viewerOf(r *http.Request) Viewer {
	v, _ := r.Context().Value(viewerKey{}).(Viewer)
	return v
}

// sees says whether r is the viewer's to see.
func (v Viewer) sees(r *call.Record) bool { return v.All || v.User != "" && r.Client.User == v.User }

// mine returns those of list that the viewer may see, as they may be shown.
func (v Viewer) mine(list []call.Record) []call.Record {
	out := make([]call.Record, 0, len(list))
	for i := range list {
		if v.sees(&list[i]) {
			out = append(out, public(list[i]))
		}
	}
	return out
}

// shelf is a place of calls as one viewer may see it. Every list and page reads
// through it, so that none can forget to.
type shelf struct {
	calls Calls
	v     Viewer
}

// desk is what handlers work from.
type desk struct{ cfg Config }

func (d desk) shelf(r *http.Request) shelf { return shelf{d.cfg.Calls, viewerOf(r)} }

// Calls returns the viewer's records, newest first.
func (s shelf) Calls(ctx context.Context, q call.Query) ([]call.Record, error) {
	if !s.v.All {
		if s.v.User == "" {
			return nil, nil
		}
		q.User = s.v.User
	}
	list, err := s.calls.Calls(ctx, q)
	return s.v.mine(list), err
}

// Call returns the viewer's record with an id. Another's is not there, and a
// prefix that others' ids share finds nothing: the error would name them.
func (s shelf) Call(ctx context.Context, id string) (call.Record, error) {
	r, err := s.whole(ctx, id)
	return public(r), err
}

// whole is Call with the record's content.
func (s shelf) whole(ctx context.Context, id string) (call.Record, error) {
	r, err := s.calls.Call(ctx, id)
	switch {
	case s.v.All, err == nil && s.v.sees(&r):
		return r, err
	case ctx.Err() != nil:
		return call.Record{}, ctx.Err()
	}
	return call.Record{}, fmt.Errorf("call %q: %w: give the whole id of a call of yours", id, call.ErrNotFound)
}

// Findings returns the verdicts on services that the viewer calls, with the
// viewer's own calls as evidence.
func (s shelf) Findings(ctx context.Context, all bool) ([]call.Finding, error) {
	list, err := s.calls.Findings(ctx, all)
	if err != nil || s.v.All {
		return list, err
	}
	calls := map[string]bool{} // whether the viewer calls a host
	var out []call.Finding
	for _, f := range list {
		if own, ok := s.own(ctx, f, calls); ok {
			out = append(out, own)
		}
	}
	return out, ctx.Err()
}

// own is a finding as the viewer may see it; ok is false if it is about a
// service that the viewer does not call.
func (s shelf) own(ctx context.Context, f call.Finding, calls map[string]bool) (_ call.Finding, ok bool) {
	if s.v.All {
		return f, true
	}
	f.Target.Auth = call.Auth{} // somebody's key
	f.Evidence = call.Evidence{Failing: s.ownIDs(ctx, f.Evidence.Failing), Working: s.ownIDs(ctx, f.Evidence.Working)}
	if len(f.Evidence.Failing)+len(f.Evidence.Working) > 0 {
		return f, true
	}
	host := f.Target.Host
	known, asked := calls[host]
	if !asked && host != "" {
		list, err := s.Calls(ctx, call.Query{Target: host, Limit: maxLimit})
		known = err == nil && slices.ContainsFunc(list, func(r call.Record) bool { return r.Target.Host == host })
		calls[host] = known
	}
	return f, known
}

// ownIDs returns those ids that are of the viewer's calls.
func (s shelf) ownIDs(ctx context.Context, ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if r, err := s.Call(ctx, id); err == nil && r.Identity.ID == id {
			out = append(out, id)
		}
	}
	return out
}

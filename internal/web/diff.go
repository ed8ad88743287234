package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// diff compares the calls a and b over the calls around them. Which of the two
// is the failing one their outcomes say, not their order.
func (a api) diff(w http.ResponseWriter, r *http.Request) {
	one, other, err := readPair(r.URL.Query())
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	mine := a.shelf(r)
	first, err := mine.Call(ctx, one)
	if err != nil {
		failFrom(w, err)
		return
	}
	second, err := mine.Call(ctx, other)
	if err != nil {
		failFrom(w, err)
		return
	}
	if first.Identity.ID == second.Identity.ID {
		fail(w, http.StatusBadRequest, "invalid_parameter", fmt.Sprintf("a %q and b %q are one call: name two", one, other))
		return
	}
	window, err := mine.around(ctx, first, second)
	if err != nil {
		failFrom(w, err)
		return
	}
	write(w, http.StatusOK, compare.Compare(first, second, window))
}

func readPair(v url.Values) (a, b string, err error) {
	if err := only(v, "a", "b"); err != nil {
		return "", "", err
	}
	for _, name := range []string{"a", "b"} {
		if v.Get(name) == "" {
			return "", "", fmt.Errorf("parameter %q is missing: it is the id of a call, as in /api/v1/diff?a=ID&b=ID", name)
		}
	}
	return v.Get("a"), v.Get("b"), nil
}

// around collects the calls that two are compared over.
func (s shelf) around(ctx context.Context, a, b call.Record) (window []call.Record, err error) {
	for _, q := range compare.Around(a, b) {
		list, err := s.Calls(ctx, q)
		if err != nil {
			return nil, err
		}
		window = append(window, list...)
	}
	return window, nil
}

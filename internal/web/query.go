package web

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

// maxLimit bounds a list; beyond it ?since= walks on.
const maxLimit = 1000

// readQuery turns the filters of a list into a call.Query. What it does not
// know is an error: a misspelt filter that is ignored shows too much.
func readQuery(v url.Values, now time.Time) (q call.Query, err error) {
	if err := only(v, "limit", "since", "target", "class", "outcome", "logical"); err != nil {
		return q, err
	}
	if q.Limit, err = readLimit(v); err != nil {
		return q, err
	}
	if q.Since, err = readSince(v.Get("since"), now); err != nil {
		return q, err
	}
	if q.Class = v.Get("class"); q.Class != "" && !slices.ContainsFunc(call.Classes(), func(c call.Class) bool { return c.String() == q.Class }) {
		return q, fmt.Errorf("class %q is none of the contract's classes", q.Class)
	}
	if o := v.Get("outcome"); o != "" {
		if q.Outcome.UnmarshalText([]byte(o)) != nil || q.Outcome == call.OutcomeUnknown {
			return q, fmt.Errorf("outcome %q is not ok, error or cancelled", o)
		}
	}
	q.Target, q.Logical = v.Get("target"), v.Get("logical")
	return q, nil
}

// only refuses parameters that are not known, or given twice.
func only(v url.Values, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if !slices.Contains(known, name) {
			if len(known) == 0 {
				return fmt.Errorf("parameter %q is not known: none is taken here", name)
			}
			return fmt.Errorf("parameter %q is not known; known are %s", name, strings.Join(known, ", "))
		}
		if len(v[name]) > 1 {
			return fmt.Errorf("parameter %q is given %d times", name, len(v[name]))
		}
	}
	return nil
}

func readLimit(v url.Values) (int, error) {
	if !v.Has("limit") {
		return 100, nil
	}
	n, err := strconv.Atoi(v.Get("limit"))
	if err != nil || n < 1 || n > maxLimit {
		return 0, fmt.Errorf("limit %q is not a number from 1 to %d", v.Get("limit"), maxLimit)
	}
	return n, nil
}

// readSince takes an instant (RFC 3339) or a length of time back from now (90s,
// 15m, 12h, 7d).
func readSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	d, err := readDuration(s)
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("since %q is neither an RFC 3339 time nor a duration like 15m, 12h or 7d", s)
	}
	return now.Add(-d), nil
}

func readDuration(s string) (time.Duration, error) {
	days, ok := strings.CutSuffix(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 15)
	if err != nil {
		return 0, errors.New("not a number of days")
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

// readFlag takes 1, true, 0 and false.
func readFlag(v url.Values, name string) (bool, error) {
	if !v.Has(name) {
		return false, nil
	}
	on, err := strconv.ParseBool(v.Get(name))
	if err != nil {
		return false, fmt.Errorf("%s %q is not 1 or 0", name, v.Get(name))
	}
	return on, nil
}

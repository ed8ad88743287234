package compare

import (
	"cmp"
	"strconv"
	"time"

	"llmtap/internal/call"
)

// The retry window: the largest of three times, at most windowMax.
const (
	windowMin    = 10 * time.Second
	windowMax    = 120 * time.Second
	windowGrowth = 4 // times the previous gap: back-off grows
	retryGrace   = 2 * time.Second
)

// httpDate is the one form in which services send dates.
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// key is what all attempts of one logical call have in common. Of the client it
// holds only what was on the wire: what its process tells may be known for one
// attempt and not for the next.
type key struct {
	caller string // user, else address
	client string // the fingerprint that matched, else the name
	agent  string // User-Agent
	sdk    string // the SDK's version
	method string
	host   string
	port   int
	path   string
	body   call.Digest
}

func keyOf(r call.Record) key {
	caller := "user " + r.Client.User
	if r.Client.User == "" {
		caller = "address " + r.Client.Address
	}
	return key{
		caller: caller, client: cmp.Or(r.Client.Rule, r.Client.Name), agent: r.Client.UserAgent, sdk: r.Client.SDKVersion, method: r.Request.Method,
		host: r.Target.Host, port: r.Target.Port, path: r.Request.Path, body: r.Request.Hints.Body,
	}
}

// joinable reports whether enough is known to recognise a second attempt: a
// connection that never brought a request, or a body that was not read, equals
// nothing.
func (k key) joinable() bool { return k.method != "" && !k.body.IsZero() }

// attempt is what the next attempt of a chain is judged by.
type attempt struct {
	retryable  bool
	end        time.Time     // when it was over
	earliest   time.Time     // no attempt that began before continues this one
	gap        time.Duration // between the attempt before it and this one
	retryAfter time.Duration
	count      int // x-stainless-retry-count, -1 if absent
	invocation string
}

func lastOf(r call.Record, before attempt) attempt {
	a := attempt{
		retryable: r.Retryable(), end: endOf(r),
		count: countOf(r), invocation: r.Request.Hints.InvocationID,
	}
	a.earliest = a.end
	if r.End.Side == call.SideClient {
		// When the client gave up is not known, only that it did: its next
		// attempt may begin before the leg to the service is over.
		a.earliest = r.Identity.Start
		if !r.Timing.Headers.IsZero() {
			a.earliest = r.Timing.Headers
		}
	}
	if !before.end.IsZero() {
		a.gap = max(0, r.Identity.Start.Sub(before.end))
	}
	a.retryAfter = retryAfter(r.Response, a.end)
	return a
}

// endOf is when the client could know the outcome: the last byte, else the end.
func endOf(r call.Record) time.Time {
	t := r.Timing
	for _, at := range []time.Time{t.LastByte, t.End, t.Headers} {
		if !at.IsZero() {
			return at
		}
	}
	return r.Identity.Start
}

// retryAfter reads the service's wish: milliseconds, seconds or a date.
func retryAfter(r call.Response, now time.Time) time.Duration {
	if v := r.Header("retry-after-ms"); v != "" {
		if ms, err := strconv.ParseFloat(v, 64); err == nil && ms > 0 {
			return bounded(ms / 1000)
		}
	}
	v := r.Header("retry-after")
	if v == "" {
		return 0 // most answers: an error of parsing is memory
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return bounded(s)
	}
	if at, err := time.Parse(httpDate, v); err == nil {
		return min(max(0, at.Sub(now)), windowMax)
	}
	return 0
}

// bounded keeps absurd waits from overflowing; the window cuts them anyway.
func bounded(seconds float64) time.Duration {
	return time.Duration(min(seconds, windowMax.Seconds()) * float64(time.Second))
}

// window is how long after the end of a the next attempt may begin.
func (a attempt) window(h hint) time.Duration {
	if h == confirmed {
		return windowMax
	}
	w := max(windowMin, windowGrowth*a.gap)
	if a.retryAfter > 0 {
		w = max(w, a.retryAfter+retryGrace)
	}
	return min(w, windowMax)
}

// continues says whether the attempt that next begins with is the one after a,
// and whether the client said so itself.
func (a attempt) continues(next attempt, start time.Time) (ok bool, h hint) {
	h = hintOf(a, next)
	switch {
	case h == refused, !a.retryable && h != confirmed, start.Before(a.earliest):
		return false, h
	}
	return start.Sub(a.end) <= a.window(h), h
}

// hint is what a client says itself about two attempts. Counters lie: a 0, a
// restart or a missing one says nothing.
type hint uint8

const (
	silent    hint = iota
	confirmed      // the count is one higher, or one invocation id
	refused        // two invocation ids
)

func hintOf(a, next attempt) hint {
	if next.invocation != "" && a.invocation != "" {
		if next.invocation == a.invocation {
			return confirmed
		}
		return refused
	}
	if a.count >= 0 && next.count == a.count+1 {
		return confirmed
	}
	return silent
}

// hopeless reports whether no attempt can continue a: its end was final and it
// said nothing that a later one could confirm.
func (a attempt) hopeless() bool { return !a.retryable && a.count < 0 && a.invocation == "" }

func countOf(r call.Record) int {
	if r.Request.Hints.RetryCount == "" {
		return -1
	}
	n, err := strconv.Atoi(r.Request.Hints.RetryCount)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

func number(n int) string { return strconv.Itoa(n) }

// seconds writes a duration as every part of an explanation does.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// count is "1 event", "2 events".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

// utc is an instant as the owner of a service finds it in a log.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// Headline says in one sentence what happened.
func Headline(r call.Record) string {
	if r.Diagnosis.Text != "" {
		return clip(r.Diagnosis.Text)
	}
	took := seconds(r.Duration())
	switch r.Outcome() {
	case call.OutcomeOK:
		if r.Response.Status == 0 || r.Response.Status >= 300 {
			return "It ended after " + took + " with status " + number(r.Response.Status) + "."
		}
		if first, ok := r.TimeToFirstChunk(); ok {
			return "It worked: a stream whose first content came after " + seconds(first) + ", complete after " + took + "."
		}
		if r.StreamBody() {
			return "It worked: a stream without content, complete after " + took + "."
		}
		return "It worked: one answer, complete after " + took + "."
	case call.OutcomeCancelled:
		return "The client left after " + took + ", before the answer was complete."
	case call.OutcomeError:
		return "It failed after " + took + ", and why is not known."
	}
	return "How it ended is not known."
}

// Ending says who ended the call and how.
func Ending(r call.Record) string {
	e := r.End
	text := ending(e)
	switch {
	case e.Side == call.SideUnknown:
		return text
	case r.Response.Status == 0:
	case e.Terminal:
		text += "; the answer was complete"
	default:
		text += "; the answer was not complete"
	}
	if e.Reason != "" && e.Side != call.SideAgent {
		text += " (" + clip(e.Reason) + ")"
	}
	return text
}

func ending(e call.End) string {
	for _, x := range endings {
		if x.side == e.Side && x.kind == e.Kind {
			return strings.ReplaceAll(x.text, "{code}", strconv.FormatUint(uint64(e.H2Code), 10))
		}
	}
	how := ""
	if e.Kind != call.EndUnknown {
		how = " (" + e.Kind.String() + ")"
	}
	switch e.Side {
	case call.SideUpstream:
		return "the service ended it" + how
	case call.SideClient:
		return "the client ended it" + how
	case call.SideAgent:
		if e.Reason != "" {
			return "llmtap ended it (" + clip(e.Reason) + ")"
		}
		return "llmtap ended it" + how
	}
	return "who ended it is not known"
}

// endings are the ends that have a name of their own.
var endings = []struct {
	side call.Side
	kind call.EndKind
	text string
}{
	{call.SideUpstream, call.EndEOF, "the service ended its message"},
	{call.SideUpstream, call.EndShort, "the service closed the connection in mid-message"},
	{call.SideUpstream, call.EndReset, "the service, or something on the way, reset the connection"},
	{call.SideUpstream, call.EndH2RST, "the service, or something on the way, reset the stream (code {code})"},
	{call.SideUpstream, call.EndClosed, "the service closed the connection without an answer"},
	{call.SideUpstream, call.EndRefused, "no connection: the service refused it"},
	{call.SideUpstream, call.EndDNS, "no connection: the name of the service was not found"},
	{call.SideUpstream, call.EndTimeout, "no connection: the service did not answer in time"},
	{call.SideUpstream, call.EndTLS, "no connection: the certificate or TLS version of the service was not accepted"},
	{call.SideUpstream, call.EndPolicy, "no connection: a proxy on the way refused it"},
	{call.SideClient, call.EndClosed, "the client closed its connection"},
	{call.SideClient, call.EndEOF, "the client closed its connection"},
	{call.SideClient, call.EndReset, "the client reset its connection"},
	{call.SideClient, call.EndH2RST, "the client cancelled the stream (code {code})"},
	{call.SideClient, call.EndTLS, "the client did not accept llmtap's certificate"},
}

package diagnose

import (
	"slices"

	"llmtap/internal/call"
)

// noAnswerRules judge calls without an answer of the service: no complete
// head, an answer that llmtap wrote, or an end that llmtap brought about.
var noAnswerRules = []rule{
	{"failed_before_call", call.ClassFailedBeforeCall, failedBeforeCall},
	{"agent_induced", call.ClassAgentInduced, agentInduced},
	{"tls_untrusted", call.ClassTLSUntrusted, tlsUntrusted},
	{"framing_invalid.head", call.ClassFramingInvalid, framingInvalid},
	{"upstream_unreachable", call.ClassUpstreamUnreachable, upstreamUnreachable},
	{"stale_connection", call.ClassStaleConnection, staleConnection},
	{"first_byte_timeout", call.ClassFirstByteTimeout, firstByteTimeout},
	{"client_cancelled.early", call.ClassClientCancelled, clientCancelled},
}

func agentInduced(f *facts) (finding, bool) {
	if f.r.End.Side != call.SideAgent {
		return no()
	}
	if f.r.End.Reason != "" {
		return yes(f.r.End.Reason)
	}
	return yes(f.r.End.Kind.String())
}

// tlsUntrusted: the client refused our certificate, so there is no request.
func tlsUntrusted(f *facts) (finding, bool) {
	if !f.end(call.SideClient, call.EndTLS) || f.r.Response.Status != 0 {
		return no()
	}
	return yes("")
}

// unreachable maps an end of the service's side before any head to a reason.
var unreachable = map[call.EndKind]string{
	call.EndDNS: "dns", call.EndRefused: "refused", call.EndTimeout: "timeout", call.EndTLS: "tls",
	call.EndPolicy: "upstream_proxy", call.EndClosed: "reset", call.EndShort: "reset", call.EndReset: "reset",
	call.EndH2RST: "reset", call.EndEOF: "reset",
}

func upstreamUnreachable(f *facts) (finding, bool) {
	reason := unreachable[f.r.End.Kind]
	switch {
	case f.r.End.Side != call.SideUpstream, reason == "", reason == "reset" && f.r.Request.Hints.ReusedConn:
		return no()
	case reason == "upstream_proxy":
		return finding{reason: reason, fault: call.FaultConfig}, true
	}
	return yes(reason)
}

func staleConnection(f *facts) (finding, bool) {
	if f.r.End.Side != call.SideUpstream || unreachable[f.r.End.Kind] != "reset" || !f.r.Request.Hints.ReusedConn {
		return no()
	}
	return yes("")
}

func firstByteTimeout(f *facts) (finding, bool) {
	waited := f.since(f.left)
	if !f.end(call.SideClient) || waited < firstByteAfter && !f.atClientDeadline(waited) {
		return no()
	}
	return finding{seconds: waited.Seconds()}, true
}

// clientCancelled is a client that asked and then left; one that did not accept
// our certificate never asked.
func clientCancelled(f *facts) (finding, bool) {
	if !f.abandoned() || f.r.End.Kind == call.EndTLS {
		return no()
	}
	return yes("")
}

// malformed are the words in which a broken HTTP message is reported.
var malformed = []string{
	"status line", "header", "space in header name", "content-length", "transfer-encoding",
	"content-length with transfer-encoding", "framing", "chunk size", "chunk end", "trailer", "malformed",
}

func framingInvalid(f *facts) (finding, bool) {
	switch {
	case f.odd("eventstream_crc") > 0:
		return yes("eventstream_crc")
	case f.r.End.Side == call.SideUpstream && slices.Contains(malformed, f.r.End.Reason):
		return yes(f.r.End.Reason)
	}
	return no()
}

package diagnose

import "llmtap/internal/call"

// Remedy is one piece of advice; Who is user, admin (of the hub or host) or
// owner (of the API).
type Remedy struct {
	ID   string
	Who  string
	Text string
}

// Remedies returns all advice that rows refer to. The slice is the caller's.
func Remedies() []Remedy { return append([]Remedy(nil), advice...) }

const (
	user  = "user"
	admin = "admin"
	owner = "owner"
)

var advice = []Remedy{
	{"u.off", user, "Turn streaming off for this model."},
	{"u.plain", user, "Until it is mended use `/generate` or `%%ai`, or a direct call without `stream`: they ask for one plain answer."},
	{"u.flag", user, "Send `stream` as the JSON value true or false, and send it explicitly."},
	{"u.stream", user, "Ask for a stream: long plain answers die at the deadlines of gateways."},
	{"u.usage", user, "Do not send `stream_options` (LangChain `stream_usage=False`, AI SDK `includeUsage: false`)."},
	{"u.apiver", user, "Use a newer Azure api-version: 2024-08-01-preview or later for `stream_options`, else the one that the feature needs."},
	{"u.param", user, "Rename or drop the parameter: `max_tokens` is now `max_completion_tokens`, and some models take the default temperature only."},
	{"u.path", user, "Check the address: base URL without suffix, the name of the deployment (not of the model), the right api-version."},
	{"u.key", user, "Check the key, its rights and the billing of the account."},
	{"u.retry", user, "Try again later, not before the time that Retry-After names."},
	{"u.short", user, "Shorten or rephrase the input."},
	{"u.none", user, "Nothing needs to be done."},
	{"u.timeout", user, "Give the client an idle timeout instead of a total one, with a limit of its own for the first token."},
	{"u.upgrade", user, "Upgrade the client; own code must accept empty `choices`, a missing `delta` and empty `data`."},
	{"u.seen", user, "Find out which way it takes: `llmtap tunnels` lists what is not looked into, `llmtap env` prints the variables that the server needs " +
		"when it starts, and hosts in NO_PROXY are not seen."},
	{"u.ca", user, "Give the program one file with the system's authorities and llmtap's in SSL_CERT_FILE, REQUESTS_CA_BUNDLE, " +
		"CURL_CA_BUNDLE and AWS_CA_BUNDLE (each replaces the trust store); NODE_EXTRA_CA_CERTS adds to it and Node also needs " +
		"NODE_USE_ENV_PROXY=1. `llmtap env` prints them all; no single variable covers all clients."},
	{"a.off", admin, "Set `disable_streaming` for all users; on a gateway of your own let it answer streams for this model, real or made from the plain answer."},
	{"a.on", admin, "Let clients stream this model (LangChain `streaming=True`), or let a gateway of your own collect the stream and answer plain calls from it."},
	{"a.net", admin, "Check DNS, the company proxy, its allow-list, the authority of the service's certificate, and that connections are kept " +
		"shorter than the server's idle limit; compare once without llmtap."},
	{"a.buf", admin, "Raise the idle limit of the gateway and do not buffer or compress text/event-stream (nginx: `proxy_buffering off`, `proxy_http_version 1.1`)."},
	{"a.ask", admin, "Send the owner of the service a pair of curl calls, the time and the request id or activity id."},
	{"a.bug", admin, "Report it to llmtap with this call's record."},
	{"a.pin", admin, "Pin the last good version of the client and report the changed request to its project."},
	{"o.apim", owner, "API Management: `forward-request buffer-response=\"false\"`, no body logging in diagnostics, no `validate-content`; `set-body` and " +
		"policies that read JSON or usage for plain requests only; not the Consumption tier; under 4 minutes idle."},
	{"o.refuse", owner, "If streaming cannot work answer 400 with `param: \"stream\"`; else grant it (verify the organisation, IAM action bedrock:InvokeModelWithResponseStream)."},
	{"o.strip", owner, "Do not inject or retype keys; drop those that the backend refuses."},
	{"o.label", owner, "Honour `stream`, label SSE as text/event-stream, compare labels without parameters, send one of Content-Length and chunked."},
	{"o.err", owner, "Validate before the headers go out; report errors as documented events, then end; no empty `data:` and no id-only blocks."},
	{"o.term", owner, "Always send the finish reason and the terminator, then close; on failure reset the connection, never end it cleanly."},
	{"o.keepalive", owner, "Send a comment line every 15 to 30 s before the first token, and allow longer silence."},
	{"o.buf", owner, "Send `X-Accel-Buffering: no` and `no-transform`, no gzip on SSE, no inspection of response bodies by a firewall."},
}

// Who advice is for stands in front of its text where that is not the user;
// package explain reads it back.
const (
	forAdmin = "Admin: "
	forOwner = "API owner: "
)

// Case is what advice is fitted to; what is not known fits no better than the
// catalogue.
type Case struct {
	Client call.Client
	Target call.Target
	// Mode is what was asked for: who asked for one answer is not told to.
	Mode call.Mode
	// Failure is the text of the framework's own exception, if it is known.
	Failure string
}

// Advise returns the texts of the remedies with these ids, in their order,
// fitted to the case: the exact setting for the client and its version, with
// the deployment's name filled in. What an administrator or the API's owner is
// to do says so. Unknown ids are left out.
func Advise(ids []string, c Case) []string {
	if len(ids) == 0 {
		return nil
	}
	out := make([]string, 0, len(ids)+3) // u.off may need several
	for _, id := range ids {
		for i := range advice {
			if advice[i].ID == id {
				out = fitted(out, i, c)
			}
		}
	}
	return out
}

// fitted appends one remedy in the words of the case.
func fitted(out []string, i int, c Case) []string {
	a := &advice[i]
	if c.Mode == call.ModePlain && (a.ID == "u.off" || a.ID == "u.plain") {
		return out
	}
	switch a.ID {
	case "u.off":
		return append(out, offTexts(a.Text, c)...)
	case "u.plain":
		return append(out, untilThen(a.Text, c.Client))
	case "a.off":
		if streamsAlways(c.Client) {
			return append(out, offGateway)
		}
	case "u.upgrade":
		if known, ok := knownFailure(c.Failure, c.Client.Version); ok {
			return append(out, known.remedy)
		}
	}
	return append(out, told[i])
}

// told are the texts of advice that say whom they are for.
var told = addressed(advice)

func addressed(list []Remedy) []string {
	to := map[string]string{admin: forAdmin, owner: forOwner}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = to[a.Who] + a.Text
	}
	return out
}

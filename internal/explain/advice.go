package explain

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// Who is to act on advice. In the texts of a record, package diagnose writes it
// and a colon before what is not the user's to do.
type Who string

// Values of Who.
const (
	User  Who = "User"
	Admin Who = "Admin"
	Owner Who = "API owner"
)

// Step is one thing to do, and who can.
type Step struct {
	Who  Who
	Text string
}

// maxSteps bounds the advice about one call or verdict.
const maxSteps = 12

// Advice returns what to do about a call, most practical first: what its user
// can do, then the administrator, then the owner of the API.
func Advice(r call.Record) []Step { return steps(r.Diagnosis.Remedy) }

// AdviceFor returns what to do about a verdict, in the same order.
func AdviceFor(f call.Finding) []Step { return steps(f.Remedy) }

// steps reads whom the texts of a record or finding name and orders them; those
// for one reader keep their order.
func steps(remedies []string) []Step {
	var out []Step
	for _, text := range remedies {
		s := Step{Who: User, Text: text}
		for _, who := range []Who{Admin, Owner} {
			if rest, ok := strings.CutPrefix(text, string(who)+": "); ok {
				s = Step{Who: who, Text: rest}
			}
		}
		if s.Text = cut(s.Text, maxStep); strings.TrimSpace(s.Text) != "" {
			out = append(out, s)
		}
		if len(out) == maxSteps {
			break
		}
	}
	rank := []Who{User, Admin, Owner}
	slices.SortStableFunc(out, func(a, b Step) int { return slices.Index(rank, a.Who) - slices.Index(rank, b.Who) })
	return out
}

// maxStep bounds one piece of advice, in runes.
const maxStep = 800

// question is what the owner of a service can answer about a class.
type question struct {
	class call.Class
	text  string
}

var questions = []question{
	{call.ClassGatewayErrorOpaque, "which policy or hop wrote this {status}, and does it pass streamed answers on"},
	{call.ClassStreamUnsupported, "can streaming be allowed here"},
	{call.ClassPlainUnsupported, "can this model answer without a stream"},
	{call.ClassGatewayTimeout, "which hop gave up, and at which limit"},
	{call.ClassProviderError, "what failed behind this {status}"},
	{call.ClassRequestRejected, "what in the request is refused, and by which hop"},
	{call.ClassNonAPIResponse, "which proxy answered with a page"},
	{call.ClassFramingInvalid, "which hop wrote this malformed message"},
	{call.ClassErrorInBody, "why is an error sent with status {status}"},
	{call.ClassStreamDowngraded, "which hop turned the stream into one answer"},
	{call.ClassStreamUnrequested, "which hop turned the answer into a stream"},
	{call.ClassErrorInStream, "what failed after the answer had begun"},
	{call.ClassStreamTruncated, "which hop cut the answer"},
	{call.ClassStreamIncomplete, "why did the answer end without its end mark"},
	{call.ClassEmptyStream, "why was the answer empty"},
	{call.ClassSSEMalformed, "which hop changed the events"},
	{call.ClassStreamBuffered, "which hop holds the stream back"},
	{call.ClassStreamStalled, "what was silent for so long"},
	{call.ClassUncleanClose, "which hop breaks the connection after the answer"},
	{call.ClassPlainBodyInvalid, "which hop damaged the body"},
	{call.ClassAuthRejected, "which right or payment is missing"},
}

// Quote is what to send to the owner of the service: the question, the ids by
// which the call is found in a log, its time and its address. It is empty for
// calls about which the owner knows nothing.
func Quote(r call.Record) string {
	i := slices.IndexFunc(questions, func(q question) bool { return q.class == r.Diagnosis.Class })
	if i < 0 || !r.Request.IsHTTP() || r.Response.Status == 0 || r.Response.Origin == "agent" {
		return ""
	}
	asked := strings.ReplaceAll(questions[i].text, "{status}", number(r.Response.Status))
	text := "Ask the owner of " + clip(r.Target.Host) + ": " + asked + "? Quote "
	if ids := list(IDs(r), 4); ids != "" {
		text += ids + ", "
	}
	if !r.Identity.Start.IsZero() {
		text += utc(r.Identity.Start) + ", "
	}
	return text + clip(r.Request.Method) + " " + clip(r.Request.Path) + ", " + asMode(&r) + ", status " + number(r.Response.Status) + "."
}

func asMode(r *call.Record) string {
	switch r.Request.Mode {
	case call.ModeStream:
		return "as a stream"
	case call.ModePlain:
		return "as one answer"
	}
	return "mode not known"
}

// idHeaders are the headers by which services and gateways find a call.
var idHeaders = []string{
	"apim-request-id", "x-request-id", "x-ms-request-id", "request-id", "x-ms-client-request-id", "x-amzn-requestid", "x-goog-request-id",
	"x-kong-request-id", "x-debug-trace-id", "x-litellm-call-id", "cf-ray",
}

// IDs are the names and values by which the service's owner finds the call.
func IDs(r call.Record) []string {
	var out []string
	if id := r.Response.Error.RequestID; id != "" {
		name := "request id"
		if r.Response.Error.Shape == call.ShapeAPIM {
			name = "activityId"
		}
		out = append(out, name+" "+clip(id))
	}
	for _, h := range idHeaders {
		if v := r.Response.Header(h); v != "" {
			out = append(out, h+" "+clip(v))
		}
	}
	return out
}

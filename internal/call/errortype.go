package call

import "slices"

// ErrorTypeOther is the error.type of a class this build does not know.
const ErrorTypeOther = "_OTHER"

// ErrorType is the error.type of spans and metrics: one closed vocabulary for
// both, empty unless the outcome is error. The first matching row of the
// telemetry contract §4 wins: the agent's own doing, an unreachable upstream by
// its reason, a provider's code from an allow-list, then the class.
func (r *Record) ErrorType() string {
	if r.Outcome() != OutcomeError {
		return ""
	}
	d := r.Diagnosis
	switch {
	case d.Class == ClassAgentInduced || r.End.Side == SideAgent:
		if r.End.Kind == EndPolicy {
			return "agent_policy"
		}
		return "agent_induced"
	case d.Class == ClassUpstreamUnreachable:
		return unreachable(r)
	}
	if slices.Contains(codedClasses, d.Class) {
		for _, code := range []string{r.Response.Error.Code, r.Response.Error.Type} {
			if slices.Contains(knownCodes, code) {
				return code
			}
		}
	}
	if slices.Contains(classErrorTypes, d.Class) {
		return d.Class.String()
	}
	return ErrorTypeOther
}

// unreachable names why no connection came about.
func unreachable(r *Record) string {
	reason := r.Diagnosis.Reason
	if reason == "" {
		reason = r.End.Kind.String()
	}
	for _, u := range unreachableTypes {
		if u.reason == reason {
			return u.value
		}
	}
	return ClassUpstreamUnreachable.String()
}

var unreachableTypes = []struct{ reason, value string }{
	{"dns", "dns_error"},
	{"refused", "connection_refused"},
	{"timeout", "connect_timeout"},
	{"tls", "tls_error"},
	{"reset", "connection_reset"},
}

// codedClasses are the classes whose provider code says more than the class.
var codedClasses = []Class{
	ClassContentFiltered, ClassParameterUnsupported, ClassEndpointNotFound, ClassAuthRejected, ClassRateLimited,
	ClassProviderError, ClassRequestRejected, ClassErrorInBody, ClassErrorInStream,
}

// knownCodes are the provider codes that may become an error.type.
var knownCodes = []string{
	"content_filter", "rate_limit_exceeded", "rate_limit_error", "insufficient_quota", "context_length_exceeded",
	"model_not_found", "DeploymentNotFound", "invalid_api_key", "unsupported_parameter", "unsupported_value",
	"unknown_parameter", "OperationParameterInvalid", "overloaded_error", "server_error",
}

// classErrorTypes are the classes that are an error.type by their own name.
var classErrorTypes = []Class{
	ClassTLSUntrusted, ClassUpstreamUnreachable, ClassStaleConnection, ClassFirstByteTimeout, ClassNonAPIResponse,
	ClassStreamFlagInvalid, ClassStreamOptionRejected, ClassStreamUnsupported, ClassPlainUnsupported,
	ClassContentFiltered, ClassParameterUnsupported, ClassAPIVersionIncompatible, ClassEndpointNotFound,
	ClassAuthRejected, ClassRateLimited, ClassGatewayTimeout, ClassGatewayErrorOpaque, ClassProviderError,
	ClassRequestRejected, ClassFramingInvalid, ClassErrorInBody, ClassStreamUnrequested, ClassStreamDowngraded,
	ClassPlainBodyInvalid, ClassContentTypeMismatch, ClassErrorInStream, ClassStreamTruncated, ClassEmptyStream,
	ClassStreamIncomplete, ClassClientChoked, ClassClientTimeout, ClassSSEMalformed, ClassFailedBeforeCall,
}

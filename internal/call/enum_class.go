package call

// Class is the primary failure class of one attempt (failure catalogue §2).
type Class uint8

// Values of Class, append-only. ClassUnknown means not yet classified.
const (
	ClassUnknown Class = iota
	ClassOK
	ClassAgentInduced
	ClassTLSUntrusted
	ClassUpstreamUnreachable
	ClassStaleConnection
	ClassFirstByteTimeout
	ClassNonAPIResponse
	ClassStreamFlagInvalid
	ClassStreamOptionRejected
	ClassStreamUnsupported
	ClassPlainUnsupported
	ClassContentFiltered
	ClassParameterUnsupported
	ClassAPIVersionIncompatible
	ClassEndpointNotFound
	ClassAuthRejected
	ClassRateLimited
	ClassGatewayTimeout
	ClassGatewayErrorOpaque
	ClassProviderError
	ClassRequestRejected
	ClassFramingInvalid
	ClassErrorInBody
	ClassStreamUnrequested
	ClassStreamDowngraded
	ClassPlainBodyInvalid
	ClassContentTypeMismatch
	ClassErrorInStream
	ClassStreamTruncated
	ClassEmptyStream
	ClassStreamIncomplete
	ClassClientChoked
	ClassClientTimeout
	ClassClientCancelled
	ClassSSEMalformed
	ClassUncleanClose
	ClassToolDeltaMalformed
	ClassStreamBuffered
	ClassStreamStalled
	ClassHangAfterDone
	ClassDuplicateOutput
	ClassFailedBeforeCall
)

var classNames = []string{
	"unknown", "ok", "agent_induced", "tls_untrusted", "upstream_unreachable", "stale_connection",
	"first_byte_timeout", "non_api_response", "stream_flag_invalid", "stream_option_rejected",
	"stream_unsupported", "plain_unsupported", "content_filtered", "parameter_unsupported",
	"api_version_incompatible", "endpoint_not_found", "auth_rejected", "rate_limited", "gateway_timeout",
	"gateway_error_opaque", "provider_error", "request_rejected", "framing_invalid", "error_in_body",
	"stream_unrequested", "stream_downgraded", "plain_body_invalid", "content_type_mismatch",
	"error_in_stream", "stream_truncated", "empty_stream", "stream_incomplete", "client_choked",
	"client_timeout", "client_cancelled", "sse_malformed", "unclean_close", "tool_delta_malformed",
	"stream_buffered", "stream_stalled", "hang_after_done", "duplicate_output", "failed_before_call",
}

// Classes returns every class but unknown, in the order of the contract.
func Classes() []Class {
	out := make([]Class, 0, len(classNames)-1)
	for i := 1; i < len(classNames); i++ {
		out = append(out, Class(i))
	}
	return out
}

// String returns the label value.
func (c Class) String() string { return text(classNames, c) }

// MarshalText encodes the label value.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (c *Class) UnmarshalText(b []byte) (err error) {
	*c, err = parse[Class]("class", classNames, b)
	return err
}

// Severity grades a class.
type Severity uint8

// Values of Severity, append-only; the zero value reads "none".
const (
	SeverityNone Severity = iota
	SeverityInfo
	SeverityWarn
	SeverityError
)

var severityNames = []string{"none", "info", "warn", "error"}

// String returns the label value.
func (s Severity) String() string { return text(severityNames, s) }

// MarshalText encodes the label value.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (s *Severity) UnmarshalText(b []byte) (err error) {
	*s, err = parse[Severity]("severity", severityNames, b)
	return err
}

// Fault is whose turn it is to mend a failure.
type Fault uint8

// Values of Fault, append-only.
const (
	FaultUnknown Fault = iota
	FaultClient
	FaultNetwork
	FaultProvider
	FaultConfig
	FaultAgent
	FaultUser
)

var faultNames = []string{"unknown", "client", "network", "provider", "config", "agent", "user"}

// String returns the label value.
func (f Fault) String() string { return text(faultNames, f) }

// MarshalText encodes the label value.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (f *Fault) UnmarshalText(b []byte) (err error) {
	*f, err = parse[Fault]("fault", faultNames, b)
	return err
}

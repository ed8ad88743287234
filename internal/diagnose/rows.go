package diagnose

import "llmtap/internal/call"

const (
	fail = call.SeverityError
	warn = call.SeverityWarn
	info = call.SeverityInfo
)

var okRows = []Row{{Class: call.ClassOK}}

// noAnswerRows are the classes of calls that got no HTTP answer.
var noAnswerRows = []Row{
	{
		Class: call.ClassAgentInduced, Severity: fail, Fault: call.FaultAgent,
		Sentence: "llmtap itself ended or delayed this call ({reason}); the service is not to blame.",
		Remedies: []string{"a.bug", "a.net"},
		Reasons:  []string{"limit", "timeout", "shutdown", "crash", "policy", "auth", "panic", "lag", "closed", "*"},
	},
	{
		Class: call.ClassTLSUntrusted, Severity: fail, Fault: call.FaultAgent,
		Sentence: "The program does not trust llmtap's certificate; no request was sent.",
		Remedies: []string{"u.ca"},
	},
	{
		Class: call.ClassUpstreamUnreachable, Severity: fail, Fault: call.FaultNetwork,
		Sentence: "{host} could not be reached: {reason}.",
		Remedies: []string{"a.net"},
		Reasons:  []string{"dns", "refused", "timeout", "tls", "upstream_proxy", "reset"},
	},
	{
		Class: call.ClassStaleConnection, Severity: info, Fault: call.FaultNetwork,
		Sentence: "An idle connection was already closed; clients normally just retry.",
		Remedies: []string{"u.none", "a.net"},
	},
	{
		Class: call.ClassFailedBeforeCall, Severity: fail, Fault: call.FaultClient,
		Sentence: "{framework}[ {version}] failed before it sent anything: {exception}.",
		Remedies: []string{"u.upgrade", "u.path"},
		Reasons:  []string{"*"},
	},
	{
		Class: call.ClassFirstByteTimeout, Severity: fail, Fault: call.FaultClient,
		Sentence: "No answer began within {s} s, then the client gave up.",
		Remedies: []string{"u.timeout", "u.stream", "o.buf"},
	},
}

// statusRows are the classes of answers with a status of 300 and more.
var statusRows = []Row{
	{
		Class: call.ClassNonAPIResponse, Severity: fail, Fault: call.FaultNetwork,
		Sentence: "A web page of a proxy answered instead of the API.",
		Remedies: []string{"a.net"},
		Reasons:  []string{"redirect", "proxy_auth", "login_page", "block_page"},
	},
	{
		Class: call.ClassStreamFlagInvalid, Severity: fail, Fault: call.FaultClient,
		Sentence: "`stream` arrived as {type}, not as true/false.",
		Remedies: []string{"u.flag", "o.strip"},
		Reasons:  []string{"client_sent", "changed_by_relay"},
	},
	{
		Class: call.ClassStreamOptionRejected, Severity: fail, Fault: call.FaultClient,
		Sentence: "Streaming works, but the option `stream_options` is refused.",
		Remedies: []string{"u.usage", "u.apiver", "o.strip"},
		Reasons:  []string{"client_sent", "injected"},
	},
	{
		Class: call.ClassStreamUnsupported, Severity: fail, Fault: call.FaultProvider,
		Sentence: "{target} refuses streaming ({reason}).",
		Remedies: []string{"u.off", "u.plain", "a.off", "o.refuse"},
		Reasons:  []string{"account", "combination", "model", "gateway"},
	},
	{
		Class: call.ClassPlainUnsupported, Severity: fail, Fault: call.FaultProvider,
		Sentence: "{target} answers this model only as a stream.",
		Remedies: []string{"u.stream", "a.on"},
	},
	{
		Class: call.ClassContentFiltered, Severity: warn, Fault: call.FaultProvider,
		Sentence: "The provider's content filter stopped the {prompt/answer}.",
		Remedies: []string{"u.short"},
	},
	{
		Class: call.ClassParameterUnsupported, Severity: fail, Fault: call.FaultClient,
		Sentence: "The model refuses {param}; not a streaming problem.",
		Remedies: []string{"u.param"},
	},
	{
		Class: call.ClassAPIVersionIncompatible, Severity: fail, Fault: call.FaultConfig,
		Sentence: "api-version {v} does not know {param}.",
		Remedies: []string{"u.apiver"},
	},
	{
		Class: call.ClassEndpointNotFound, Severity: fail, Fault: call.FaultConfig,
		Sentence: "Nothing answers at {path} ({reason})[; expected {pattern}].",
		Remedies: []string{"u.path"},
		Reasons: []string{
			"doubled_path", "missing_deployments_segment", "deployment_unknown", "model_unknown", "api_version_bad",
			"html_404", "other",
		},
	},
	{
		Class: call.ClassAuthRejected, Severity: fail, Fault: call.FaultConfig,
		Sentence: "Key or account was refused ({status}).",
		Remedies: []string{"u.key", "o.refuse"},
		Reasons:  []string{"key", "billing", "permission", "stream_permission"},
	},
	{
		Class: call.ClassRateLimited, Severity: warn, Fault: call.FaultProvider,
		Sentence: "Too many requests or quota used up[; retry after {s} s].",
		Remedies: []string{"u.retry"},
		Reasons:  []string{"quota", "rate"},
	},
	{
		Class: call.ClassGatewayTimeout, Severity: fail, Fault: call.FaultNetwork,
		Sentence: "{hop} gave up[ after {s} s], before the model answered.",
		Remedies: []string{"u.stream", "a.buf", "o.keepalive"},
	},
	{
		Class: call.ClassGatewayErrorOpaque, Severity: fail, Fault: call.FaultNetwork,
		Sentence: "This {status} was written by a gateway, not by the model service[; quote {id}].",
		Remedies: []string{"u.plain", "a.ask", "o.apim"},
	},
	{
		Class: call.ClassProviderError, Severity: fail, Fault: call.FaultProvider,
		Sentence: "The service failed with {status}[ {code}].",
		Remedies: []string{"u.retry", "a.ask"},
		Reasons:  []string{"overloaded", "timeout", "internal"},
	},
	{
		Class: call.ClassRequestRejected, Severity: fail, Fault: call.FaultConfig,
		Sentence: "The service refused the request[: {message}].",
		Remedies: []string{"u.short", "a.ask"},
		Reasons:  []string{"context_length", "too_large", "invalid"},
	},
}

package gen

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// Class is a failure class as people meet it on a dashboard. Severity, fault,
// sentence and remedies are the agent's own table (diagnose.Table).
type Class struct {
	Name     string
	Severity call.Severity
	Fault    call.Fault
	// Sentence says what happened; what differs from call to call is in ‹ ›.
	Sentence string
	Remedies []string
	// Runbook is the alert whose page in docs/runbooks treats the class.
	Runbook string
}

// Verdict is a verdict as people meet it on a dashboard.
type Verdict struct {
	Name string
	// Sentence is what a table shows instead of the name.
	Sentence string
	Remedies []string
	// Runbook is the alert whose page in docs/runbooks explains it.
	Runbook string
}

// Classes returns every class but ok, in the order of the agent's table.
func Classes() []Class {
	var out []Class
	for _, r := range diagnose.Table() {
		if r.Class == call.ClassOK {
			continue
		}
		out = append(out, Class{
			Name: r.Class.String(), Severity: r.Severity, Fault: r.Fault, Sentence: plain(r.Sentence),
			Remedies: diagnose.Advise(r.Remedies, diagnose.Case{}), Runbook: runbookOf[r.Class],
		})
	}
	return out
}

// plain takes the optional parts out of a sentence and marks what is filled in.
func plain(sentence string) string {
	for {
		before, rest, ok := strings.Cut(sentence, "[")
		if !ok {
			break
		}
		_, after, _ := strings.Cut(rest, "]")
		sentence = before + after
	}
	return strings.NewReplacer("{", "‹", "}", "›").Replace(sentence)
}

// runbookOf names for each class the page that treats it.
var runbookOf = map[call.Class]string{
	call.ClassAgentInduced:           "LLMAgentAddsLatency",
	call.ClassTLSUntrusted:           "LLMAgentClientsDistrustCA",
	call.ClassUpstreamUnreachable:    "LLMErrorBudgetBurn",
	call.ClassStaleConnection:        "LLMErrorBudgetBurn",
	call.ClassFirstByteTimeout:       "LLMHopDeadline",
	call.ClassNonAPIResponse:         "LLMErrorBudgetBurn",
	call.ClassStreamFlagInvalid:      "LLMFrameworkOnlyFailure",
	call.ClassStreamOptionRejected:   "LLMStreamOptionRejected",
	call.ClassStreamUnsupported:      "LLMStreamingRefused",
	call.ClassPlainUnsupported:       "LLMPlainCallsFail",
	call.ClassContentFiltered:        "LLMErrorBudgetBurn",
	call.ClassParameterUnsupported:   "LLMFrameworkOnlyFailure",
	call.ClassAPIVersionIncompatible: "LLMStreamOptionRejected",
	call.ClassEndpointNotFound:       "LLMFrameworkOnlyFailure",
	call.ClassAuthRejected:           "LLMErrorBudgetBurn",
	call.ClassRateLimited:            "LLMProviderThrottling",
	call.ClassGatewayTimeout:         "LLMHopDeadline",
	call.ClassGatewayErrorOpaque:     "LLMStreamingIncompatibilitySuspected",
	call.ClassProviderError:          "LLMErrorBudgetBurn",
	call.ClassRequestRejected:        "LLMErrorBudgetBurn",
	call.ClassFramingInvalid:         "LLMStreamsCut",
	call.ClassErrorInBody:            "LLMErrorBudgetBurn",
	call.ClassStreamUnrequested:      "LLMPlainCallsFail",
	call.ClassStreamDowngraded:       "LLMStreamingIncompatibilitySuspected",
	call.ClassPlainBodyInvalid:       "LLMPlainCallsFail",
	call.ClassContentTypeMismatch:    "LLMStreamingIncompatibilitySuspected",
	call.ClassErrorInStream:          "LLMStreamsCut",
	call.ClassStreamTruncated:        "LLMStreamsCut",
	call.ClassEmptyStream:            "LLMStreamingIncompatibilitySuspected",
	call.ClassStreamIncomplete:       "LLMStreamsCut",
	call.ClassClientChoked:           "LLMFrameworkOnlyFailure",
	call.ClassClientTimeout:          "LLMHopDeadline",
	call.ClassClientCancelled:        "LLMStreamsCut",
	call.ClassSSEMalformed:           "LLMFrameworkOnlyFailure",
	call.ClassUncleanClose:           "LLMStreamsCut",
	call.ClassToolDeltaMalformed:     "LLMFrameworkOnlyFailure",
	call.ClassStreamBuffered:         "LLMStreamsBuffered",
	call.ClassStreamStalled:          "LLMStreamsBuffered",
	call.ClassHangAfterDone:          "LLMStreamsCut",
	call.ClassDuplicateOutput:        "LLMFrameworkOnlyFailure",
	call.ClassFailedBeforeCall:       "LLMClientVersionRegression",
}

// Verdicts returns every verdict of the contract, most telling first.
func Verdicts() []Verdict {
	advised := func(name, sentence, runbook string, remedies ...string) Verdict {
		return Verdict{Name: name, Sentence: sentence, Runbook: runbook, Remedies: diagnose.Advise(remedies, diagnose.Case{})}
	}
	return []Verdict{
		advised("stream_only_failure", "Only streamed requests fail here", "LLMStreamingIncompatibilitySuspected", "u.off", "u.plain", "a.off", "a.ask", "o.apim"),
		advised("plain_only_failure", "Only plain requests fail here", "LLMPlainCallsFail", "u.stream", "a.on", "a.ask"),
		advised("framework_only_failure", "Only this framework fails here", "LLMFrameworkOnlyFailure", "u.upgrade", "u.path"),
		advised("version_regression", "Broke with this client version", "LLMClientVersionRegression", "a.pin", "u.off"),
		advised("model_or_deployment_specific", "Only this deployment fails", "LLMErrorBudgetBurn", "u.path", "a.ask"),
		advised("network_path_specific", "Only this network path fails", "LLMErrorBudgetBurn", "a.net"),
		advised("hop_deadline", "Cut at the same second every time", "LLMHopDeadline", "u.timeout", "a.buf", "o.keepalive"),
		advised("framework_abort", "This client cancels its own calls", "LLMFrameworkOnlyFailure", "u.upgrade"),
	}
}

// runbookLink leads to a page of docs/runbooks.
func runbookLink(alert string) link {
	return link{Title: "Runbook " + alert, URL: "${runbooks}/" + alert + ".md", TargetBlank: true}
}

// verdictMappings show sentences for the names of verdicts.
func verdictMappings() []dashboard.ValueMapping {
	var out []dashboard.ValueMapping
	for _, v := range Verdicts() {
		out = append(out, says(v.Name, v.Sentence, colourBad))
	}
	return out
}

// faultColours say whose turn it is to mend a failure; each class's name says
// it in words as well.
var faultColours = map[call.Fault]string{
	call.FaultClient: "#B877D9", call.FaultNetwork: "#56A64B", call.FaultProvider: colourBad,
	call.FaultConfig: colourWarn, call.FaultAgent: "#1F1F9E", call.FaultUser: colourUnknown, call.FaultUnknown: colourUnknown,
}

// classSeries name, colour and link the series of each failure class.
func classSeries() []override {
	var out []override
	for _, c := range Classes() {
		out = append(out, named(c.Name,
			property("displayName", fmt.Sprintf("%s (%s)", c.Name, c.Fault)), fixed(faultColours[c.Fault]), links(runbookLink(c.Runbook))))
	}
	return out
}

// glossary explains every verdict and class, with who can do what.
func glossary(runbooks string) string {
	var b strings.Builder
	b.WriteString("**Verdicts** come from comparing calls: they open, are confirmed and close by themselves. `llmtap verdicts` shows their evidence.\n\n")
	for _, v := range Verdicts() {
		fmt.Fprintf(&b, "- `%s`: %s. %s [%s](%s/%s.md)\n", v.Name, v.Sentence, strings.Join(v.Remedies, " "), v.Runbook, runbooks, v.Runbook)
	}
	b.WriteString("\n**Classes** say what happened in one call, and whose turn it is (client, network, provider, config, agent, user).\n\n")
	for _, c := range Classes() {
		fmt.Fprintf(&b, "- `%s` (%s, %s): %s %s [%s](%s/%s.md)\n",
			c.Name, c.Severity, c.Fault, c.Sentence, strings.Join(c.Remedies, " "), c.Runbook, runbooks, c.Runbook)
	}
	return b.String()
}

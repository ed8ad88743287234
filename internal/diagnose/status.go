package diagnose

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

// statusRules judge answers with a status of 300 and more. Words come before
// numbers: a 403 can be a refused stream, a 500 a refused parameter.
var statusRules = []rule{
	{"non_api_response", call.ClassNonAPIResponse, nonAPI},
	{"stream_flag_invalid", call.ClassStreamFlagInvalid, flagInvalid},
	{"stream_option_rejected", call.ClassStreamOptionRejected, optionRejected},
	{"stream_unsupported.param", call.ClassStreamUnsupported, streamRefusedByParam},
	{"stream_unsupported.code", call.ClassStreamUnsupported, streamRefusedByCode},
	{"stream_unsupported.text", call.ClassStreamUnsupported, streamRefusedByText},
	{"plain_unsupported", call.ClassPlainUnsupported, plainRefused},
	{"content_filtered", call.ClassContentFiltered, promptFiltered},
	{"parameter_unsupported", call.ClassParameterUnsupported, parameterUnsupported},
	{"api_version_incompatible", call.ClassAPIVersionIncompatible, apiVersion},
	{"endpoint_not_found", call.ClassEndpointNotFound, notFound},
	{"auth_rejected", call.ClassAuthRejected, authRejected},
	{"rate_limited", call.ClassRateLimited, rateLimited},
	{"gateway_timeout", call.ClassGatewayTimeout, gatewayTimeout},
	{"gateway_error_opaque", call.ClassGatewayErrorOpaque, gatewayError},
	{"provider_error", call.ClassProviderError, providerError},
	{"request_rejected", call.ClassRequestRejected, requestRejected},
}

func nonAPI(f *facts) (finding, bool) {
	status, html := f.r.Response.Status, f.framing(call.FramingHTML)
	switch {
	case status == 407:
		return yes("proxy_auth")
	case status == 511:
		return yes("login_page")
	case status >= 300 && status < 400:
		return yes("redirect")
	case html && status < 300, html && status == 401:
		return yes("login_page")
	case html && status < 500 && status != 404:
		return yes("block_page")
	}
	return no()
}

func promptFiltered(f *facts) (finding, bool) {
	if f.r.Response.Status != 400 || !filterWords.MatchString(f.text.code) {
		return no()
	}
	return finding{what: "prompt"}, true
}

var (
	filterWords = regexp.MustCompile(`content filter|content policy|responsible ai ?policy|data inspection`)
	paramWords  = regexp.MustCompile(`unsupported (parameter|value)|unknown parameter|extra inputs are not permitted|` +
		`parameters? (is|are) not (available|supported|permitted|allowed)|not supported with this model|` +
		`only the default \(\S+\) value is supported|does not support \S+ with this model|` +
		`must be verified to (generate|use)\b`)
	versionWords = regexp.MustCompile(`unrecognized request arguments?|not supported for this api version|` +
		`'dict' object has no attribute 'lower'`)
	paramCodes = []string{"unsupported_parameter", "unsupported_value", "unknown_parameter"}
	quotedName = regexp.MustCompile("['\"`/]([a-z_][a-z0-9_.]*)['\"`:]")
)

// azureVersioned reports whether the call names an Azure api-version.
func azureVersioned(f *facts) bool {
	return f.r.Target.APIVersion != "" && (f.api("azure.") || strings.HasPrefix(f.r.Target.Provider, "azure."))
}

func parameterUnsupported(f *facts) (finding, bool) {
	status, e := f.r.Response.Status, f.r.Response.Error
	if status != 400 && status != 422 {
		return no()
	}
	byCode := slices.Contains(paramCodes, e.Code) || slices.Contains(paramCodes, e.Type)
	byText := paramWords.MatchString(f.text.all) || !azureVersioned(f) && versionWords.MatchString(f.text.all)
	if !byCode && !byText {
		return no()
	}
	return finding{what: refusedParam(f)}, true
}

func apiVersion(f *facts) (finding, bool) {
	if f.r.Response.Status < 400 || !azureVersioned(f) || !versionWords.MatchString(f.text.all) {
		return no()
	}
	return finding{what: refusedParam(f)}, true
}

// refusedParam names the parameter that an error is about: the error's own
// word, a key of the request in its text, or a quoted name.
func refusedParam(f *facts) string {
	name, at := f.r.Response.Error.Param, len(f.text.all)
	if name == "" {
		for _, key := range f.r.Request.Keys {
			if i := wordIndex(f.text.all, strings.ToLower(key)); i >= 0 && i < at && key != "model" && key != "messages" {
				name, at = key, i
			}
		}
	}
	if m := quotedName.FindStringSubmatch(f.text.all); name == "" && m != nil {
		name = m[1]
	}
	if name == "" {
		return "a parameter"
	}
	return "`" + name + "`"
}

// wordIndex finds word in s where no letter, digit or underscore touches it.
func wordIndex(s, word string) int {
	for from := 0; from < len(s); {
		i := strings.Index(s[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		before, after := i == 0 || !wordByte(s[i-1]), i+len(word) >= len(s) || !wordByte(s[i+len(word)])
		if before && after {
			return i
		}
		from = i + 1
	}
	return -1
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z'
}

func authRejected(f *facts) (finding, bool) {
	switch f.r.Response.Status {
	case 401, 498:
		return yes("key")
	case 402:
		return yes("billing")
	case 403:
		if strings.Contains(strings.ToLower(f.r.Response.Error.Message), "invokemodelwithresponsestream") {
			return yes("stream_permission")
		}
		return yes("permission")
	}
	return no()
}

func rateLimited(f *facts) (finding, bool) {
	if f.r.Response.Status != 429 {
		return no()
	}
	found := finding{reason: "rate"}
	if strings.Contains(f.text.code, "insufficient quota") || strings.Contains(f.text.all, "exceeded your current quota") {
		found = finding{reason: "quota", fault: call.FaultConfig}
	}
	if s, err := strconv.ParseFloat(f.r.Response.Header("retry-after"), 64); err == nil && s > 0 {
		found.seconds = s
	} else if ms, err := strconv.ParseFloat(f.r.Response.Header("retry-after-ms"), 64); err == nil && ms > 0 {
		found.seconds = ms / 1000
	}
	if math.IsInf(found.seconds, 0) {
		found.seconds = 0
	}
	return found, true
}

func gatewayTimeout(f *facts) (finding, bool) {
	status, waited := f.r.Response.Status, f.since(f.r.Timing.Headers)
	if f.own || f.r.Stream.Events > 0 {
		return no()
	}
	switch status {
	case 408, 504, 522, 524:
	case 502, 503, 520, 521, 523:
		if !atDeadline(waited, hopDeadlines, 0.03) {
			return no()
		}
	default:
		return no()
	}
	return finding{seconds: waited.Round(100 * time.Millisecond).Seconds(), what: hopOf(status, waited)}, true
}

func gatewayError(f *facts) (finding, bool) {
	if f.r.Response.Status < 500 || f.own {
		return no()
	}
	return yes("")
}

func providerError(f *facts) (finding, bool) {
	status := f.r.Response.Status
	switch {
	case !f.own, status < 500 && status != 408:
		return no()
	case status == 503, status == 529:
		return yes("overloaded")
	case status == 408, status == 504:
		return yes("timeout")
	}
	return yes("internal")
}

var contextWords = regexp.MustCompile(`context.?(length|window)|maximum context|too many tokens|(prompt|input) (is )?too long`)

// requestRejected takes the 4xx that nothing above it took: its rule is tried
// only then.
func requestRejected(f *facts) (finding, bool) {
	switch {
	case contextWords.MatchString(f.text.code + "\n" + f.text.all):
		return finding{reason: "context_length", fault: call.FaultClient}, true
	case f.r.Response.Status == 413:
		return finding{reason: "too_large", fault: call.FaultClient}, true
	}
	return yes("invalid")
}

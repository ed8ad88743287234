package diagnose

import (
	"math"
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
	status, html := f.r.Response.Status, webPage(f)
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

// webPage reports whether the body is one; XML is data, whatever it begins with.
func webPage(f *facts) bool {
	mt := f.r.Response.Body.ContentType
	xml := strings.HasSuffix(mt, "/xml") || strings.HasSuffix(mt, "+xml") && mt != "application/xhtml+xml"
	return f.framing(call.FramingHTML) && (!xml || f.r.Response.Status < 300)
}

func promptFiltered(f *facts) (finding, bool) {
	if f.r.Response.Status != 400 || !hasAny(f.text.code, filterWords...) {
		return no()
	}
	return finding{what: "prompt"}, true
}

// filterWords are codes of content filters.
var filterWords = []string{
	"content filter", "contentfilter", "content policy", "responsible ai policy", "responsible aipolicy", "responsibleaipolicy", "data inspection", "content management policy",
}

// azureVersioned reports whether the call names an Azure api-version.
func azureVersioned(f *facts) bool {
	return f.r.Target.APIVersion != "" && (f.api("azure.") || strings.HasPrefix(f.r.Target.Provider, "azure."))
}

// paramCodes are codes that say that a parameter is refused, as words.
var paramCodes = []string{"unsupported parameter", "unsupported value", "unknown parameter", "unsupported params", "extra forbidden"}

func parameterUnsupported(f *facts) (finding, bool) {
	status := f.r.Response.Status
	byCode := hasAny(f.text.code, paramCodes...)
	byText := !byCode && refusesParameter(f) && !(azureVersioned(f) && versionRefused(f))
	if status != 400 && status != 422 || !byCode && !byText {
		return no()
	}
	return finding{what: refusedParam(f)}, true
}

// refusesParameter reports whether the words refuse a parameter.
func refusesParameter(f *facts) bool {
	s := &f.text.said
	named := s.has(isKnown) && s.refused(isKnown) || refusesParameters(s)
	return named && !f.text.nested && !hasAny(f.text.code, causes...) || s.has(isUnfit) ||
		hasAny(f.text.all, "not supported with this model", "must be verified to generate", "must be verified to use") ||
		strings.Contains(f.text.all, "does not support") && strings.Contains(f.text.all, " with this model") ||
		strings.Contains(f.text.all, "only the default (") && strings.Contains(f.text.all, "value is supported")
}

func apiVersion(f *facts) (finding, bool) {
	status := f.r.Response.Status
	if status < 400 || !azureVersioned(f) || !versionRefused(f) || missing(status) && deniesVersion(&f.text.said) {
		return no()
	}
	return finding{what: refusedParam(f)}, true
}

// versionRefused reports whether the words blame the api-version.
func versionRefused(f *facts) bool {
	return hasAny(f.text.all, "unrecognized request argument", "'dict' object has no attribute 'lower'") ||
		refusesVersion(&f.text.said)
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
	if name == "" {
		name = quotedName(f.text.all)
	}
	if name == "" {
		return "a parameter"
	}
	return "`" + name + "`"
}

// quotedName returns the first quoted name of a text, empty if there is none.
func quotedName(s string) string {
	for i := 0; i < len(s); i++ {
		j := strings.IndexAny(s[i:], "'\"`/")
		if j < 0 {
			return ""
		}
		i += j
		end := i + 1
		for end < len(s) && (wordByte(s[end]) || s[end] == '.') {
			end++
		}
		if end > i+1 && end < len(s) && strings.IndexByte("'\"`:", s[end]) >= 0 && s[i+1] > '9' {
			return s[i+1 : end]
		}
	}
	return ""
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

// contextExceeded reports whether the input was too long for the model.
func contextExceeded(f *facts) bool {
	return hasAny(f.text.code, "context length", "context window", "contextlength", "contextwindow", "string above max") ||
		hasAny(f.text.all, "context length", "context window", "context_length", "maximum context", "too many tokens", "prompt is too long",
			"input is too long", "prompt too long", "input too long", "context size", "maximum prompt length", "input length",
			"input token count", "inputs` must have less than", "inputs` tokens + `max_new_tokens`",
			"上下文长度", "コンテキスト長", "kontextlange", "longueur de contexte", "longitud de contexto", "longitud maxima") ||
		hasAny(f.text.all, "input", "prompt", "context") && strings.Contains(f.text.all, "token") && hasAny(f.text.all, "exceed", "must be <=", "longer than", "over the limit", "limited to")
}

// requestRejected takes the 4xx that nothing above it took: its rule is tried
// only then.
func requestRejected(f *facts) (finding, bool) {
	switch {
	case contextExceeded(f):
		return finding{reason: "context_length", fault: call.FaultClient}, true
	case f.r.Response.Status == 413:
		return finding{reason: "too_large", fault: call.FaultClient}, true
	}
	return yes("invalid")
}

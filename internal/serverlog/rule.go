package serverlog

import "strings"

// Rule is a failure that is known to happen before any request. What it comes
// from and what mends it is in package diagnose, which knows it by its words.
type Rule struct {
	// Name names the rule; a record's client.rule is "log-" and the name.
	Name string
	// Words must all be in the text of the exception.
	Words []string
	// Class is the exception's class: logs of Jupyter AI 2 have the text alone.
	Class string
	// Versions of Jupyter AI that were seen to fail so.
	Versions string
}

// rules are tried in order; each has a recorded log in testdata.
var rules = []Rule{
	{"httpx-proxies", []string{"Client.__init__() got an unexpected keyword argument 'proxies'"}, "ValidationError", "2.12 and earlier"},
	{"endpoint-name", []string{"Azure endpoints should be specified via", "azure_endpoint"}, "ValidationError", "2.13"},
	{"key-name", []string{"Missing credentials", "AZURE_OPENAI_API_KEY"}, "OpenAIError", "2.14 to 2.16"},
	{"key-argument", []string{"got an unexpected keyword argument 'azure_openai_api_key'"}, "TypeError", "2.14 to 2.16"},
	{"api-version", []string{"Must provide either the", "OPENAI_API_VERSION"}, "ValidationError", "2.15.0 to 2.28.2"},
	{"disable-streaming", []string{"got an unexpected keyword argument 'disable_streaming'"}, "TypeError", "2.19 with langchain-core before 0.2.29"},
	{"cacheable-result", []string{"cannot import name 'CacheableResult'"}, "ImportError", "3.2.0 with litellm 1.100 and later"},
}

// Rules returns the known failures, in order. The slice is the caller's.
func Rules() []Rule { return append([]Rule(nil), rules...) }

// ruleOf finds the first rule whose words are in text.
func ruleOf(text string) (Rule, bool) {
	for _, r := range rules {
		if r.matches(text) {
			return r, true
		}
	}
	return Rule{}, false
}

func (r Rule) matches(text string) bool {
	for _, w := range r.Words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// tried are the words and classes of exceptions that come from a request: it
// was answered, or was on its way.
var tried = []string{
	"Error code:", "status code", "statuscode", "Connection error", "connection attempts failed", "timed out", "Timeout", "peer closed", "HTTP",
	"incomplete chunked read", "No generation chunks", "No generations found", "Rate limit", "quota", "server had an error",
	"APIError", "APIStatusError", "InternalServerError", "BadRequestError", "AuthenticationError", "PermissionDeniedError", "NotFoundError",
	"ConflictError", "UnprocessableEntityError", "RateLimitError", "ServiceUnavailableError", "ConnectionError", "ConnectionRefusedError",
	"ConnectError", "ConnectorError", "ReadError", "ProtocolError", "MidStreamFallbackError", "certificate verify failed", "Cannot connect to host",
}

// triedToCall reports whether a failure speaks of a request. A failure without
// any words may be of either kind.
func triedToCall(class, text string) bool {
	if text == "" {
		return true
	}
	for _, w := range tried {
		if strings.Contains(text, w) || strings.Contains(class, w) {
			return true
		}
	}
	return false
}

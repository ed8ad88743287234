package diagnose

import (
	"cmp"
	"strconv"
	"strings"

	"llmtap/internal/call"
)

// noCallSeen is the reason of a record of a log that tells of a message and not
// of a failure that is known to come first: its call may have gone by a way on
// which nobody looks.
const noCallSeen = "no_call_seen"

// failedBeforeCall: somebody else, who reads the framework's log, reports a
// failure to which no connection belongs. Its exception is the reason.
func failedBeforeCall(f *facts) (finding, bool) {
	r := f.r
	if r.Request.Method != "" || r.Target.Host != "" || !r.Timing.Dial.IsZero() || r.End.Reason == "" ||
		r.End.Side == call.SideAgent || r.Client.Name == "" {
		return no()
	}
	if r.End.Reason == noCallSeen {
		return finding{
			reason: noCallSeen, severity: warn, what: strings.TrimRight(r.End.Detail, "."), remedies: []string{"u.seen"},
			sentence: "{framework}[ {version}] handled a message, and no call of it was seen[; its log says: {exception}].",
		}, true
	}
	what := cmp.Or(strings.TrimRight(r.End.Detail, "."), r.End.Reason)
	if known, ok := knownFailure(r.End.Detail, r.Client.Version); ok {
		what += ". " + known.cause
	}
	return finding{reason: r.End.Reason, what: what}, true
}

// failure is what frameworks were seen to die of before any request, why, and
// what mended it.
type failure struct {
	words string
	// from and before bound the versions of Jupyter AI whose fault it is; empty
	// is no bound. In others the same words have another cause.
	from, before  string
	cause, remedy string
}

var failures = []failure{
	{
		words: "'proxies'", cause: "The openai package is too old for the httpx beside it",
		remedy: "The openai package is too old for the httpx beside it: `pip install \"httpx<0.28\"`, or openai 1.55.3 or later.",
	},
	{
		words: "CacheableResult", cause: "LiteLLM does not fit the mcp package beside it",
		remedy: "LiteLLM does not fit the mcp package beside it: `pip install \"litellm<1.100\"`.",
	},
	{
		words: "'disable_streaming'", cause: "The setting needs langchain-core 0.2.29 or later",
		remedy: "`disable_streaming` needs langchain-core 0.2.29 or later, and Jupyter AI 2.29 or later to show the answer: upgrade Jupyter AI.",
	},
	{
		words: "OPENAI_API_VERSION", from: "2.15.0", before: "2.28.3",
		cause: "Jupyter AI 2.15.0 to 2.28.2 loses what the settings panel says",
		remedy: "Jupyter AI 2.15 to 2.28.2 loses what the settings panel says: upgrade to 2.28.3 or later, or set AZURE_OPENAI_ENDPOINT and " +
			"OPENAI_API_VERSION in the server's environment, or `c.AiExtension.model_parameters = {\"azure-chat-openai:<deployment>\": " +
			"{\"azure_endpoint\": \"https://...\", \"api_version\": \"...\"}}` in jupyter_jupyter_ai_config.py.",
	},
	{
		words: "azure_openai_api_key", cause: keyName + " hands the key on under a wrong name",
		remedy: keyName + " hands the key on under a wrong name: upgrade to 2.17 or later.",
	},
	{
		words: "AZURE_OPENAI_API_KEY", from: "2.14.0", before: "2.17.0", cause: keyName + " hands the key on under a wrong name",
		remedy: keyName + " hands the key on under a wrong name: upgrade to 2.17 or later.",
	},
	{
		words: "azure_endpoint", cause: "Jupyter AI 2.13 gives the endpoint under a name that langchain-openai no longer takes",
		remedy: "Jupyter AI 2.13 gives the endpoint under a name that langchain-openai no longer takes: upgrade to 2.17 or later.",
	},
}

const keyName = "Jupyter AI 2.14 to 2.16"

// knownFailure finds the failure of these words, if this version of Jupyter AI
// has it; an unknown version may.
func knownFailure(text, version string) (failure, bool) {
	for _, f := range failures {
		if strings.Contains(text, f.words) {
			return f, version == "" || (f.from == "" || !older(version, f.from)) && (f.before == "" || older(version, f.before))
		}
	}
	return failure{}, false
}

// older compares releases by their numbers. What follows them (rc1, .dev0) is
// not looked at.
func older(a, b string) bool {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, _ := strconv.Atoi(leadingDigits(x))
		n, _ := strconv.Atoi(leadingDigits(y))
		if m != n {
			return m < n
		}
	}
	return false
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

package diagnose

import (
	"strconv"
	"strings"

	"llmtap/internal/call"
)

// caseOf takes from a record what advice depends on.
func caseOf(r *call.Record) Case {
	c := Case{Client: r.Client, Target: r.Target, Mode: r.Request.Mode}
	if r.Request.Method == "" && r.Target.Host == "" { // a framework that failed before it called
		c.Failure = r.End.Reason + " " + r.End.Detail
	}
	return c
}

// offTexts is how the client at hand stops streaming; without a known client
// every way is named.
func offTexts(general string, c Case) []string {
	switch c.Client.Name {
	case "jupyter-ai":
		return prefixed(general, offJupyter(c))
	case "langchain":
		return prefixed(general, []string{offLangChain})
	case "langchain-js":
		return prefixed(general, []string{"LangChain JS: `disableStreaming: true` on the model."})
	case "litellm":
		return prefixed(general, []string{"LiteLLM: `stream=False`. If this is Jupyternaut: " + off3(c.Target)})
	case "llama-index":
		return prefixed(general, []string{"LlamaIndex: `chat` or `complete` instead of `stream_chat` and `stream_complete`."})
	case "vercel-ai":
		return prefixed(general, []string{"AI SDK: `generateText` instead of `streamText`."})
	}
	if c.Client.Kind == call.ClientDirect {
		return prefixed(general, []string{offSDK})
	}
	return prefixed(general, append([]string{offLangChain}, append(offJupyter(Case{Target: c.Target}), offSDK)...))
}

// prefixed puts the general advice before the first special one, so that each
// can be read alone.
func prefixed(general string, special []string) []string {
	special[0] = general + " " + special[0]
	return special
}

const (
	offLangChain = "LangChain: `disable_streaming=True` on the model (langchain-core 0.2.29 or later)."
	// offGateway is a.off for clients that no setting stops from streaming.
	offGateway = forAdmin + "On a gateway of your own let it answer streams for this model, real or made from the plain answer."
	offSDK     = "SDK or own code: `stream=False`, or leave `stream` out."
)

// offJupyter is measured per version (2.19, 2.29, 2.31 and 3.2); the version
// decides only which text is shown, never what went wrong.
func offJupyter(c Case) []string {
	major, minor, known := release(c.Client.Version)
	name := "Jupyter AI " + c.Client.Version
	switch {
	case known && major >= 3:
		return []string{name + ": " + off3(c.Target)}
	case known && major == 2 && minor >= 29:
		return append([]string{name + ": " + off229(c.Target)}, offConfigFile(c.Target))
	case known && major == 2 && minor >= 19:
		return []string{
			name + ": upgrade to 2.29 or later first; with this version `disable_streaming` leads to an empty answer in the chat.",
			"Jupyter AI 2.29 to 2.31, after the upgrade: " + off229(c.Target),
		}
	case known:
		return []string{
			name + " itself does not ask for streams in the chat; find out what else does.",
			"Jupyter AI 2.29 to 2.31: " + off229(c.Target),
		}
	case strings.HasSuffix(c.Client.Rule, "-chat-3"):
		return []string{"Jupyter AI 3, told from its prompt: " + off3(c.Target)}
	case strings.HasSuffix(c.Client.Rule, "-chat-2"):
		return []string{"Jupyter AI 2.29 to 2.31: " + off229(c.Target), before229}
	}
	return []string{
		"Jupyter AI 2.29 to 2.31: " + off229(c.Target), before229,
		"Jupyter AI 3.2: " + off3(c.Target),
	}
}

// streamsAlways tells clients that no setting stops from streaming.
func streamsAlways(c call.Client) bool {
	major, _, known := release(c.Version)
	return c.Name == "jupyter-ai" && (known && major >= 3 || !known && c.Rule == "jai-chat-3")
}

const before229 = "Jupyter AI 2.19 to 2.28: upgrade to 2.29 or later first; `disable_streaming` there leads to an empty answer in the chat."

func off229(t call.Target) string {
	return "`c.AiExtension.model_parameters = {\"" + modelID(t) + "\": {\"disable_streaming\": True}}` in jupyter_jupyter_ai_config.py " +
		"(`\"streaming\": False` does not help)."
}

func offConfigFile(t call.Target) string {
	return "Without access to the server's configuration: `\"disable_streaming\": true` in config.json under `fields[\"" + modelID(t) + "\"]`."
}

func off3(t call.Target) string {
	if t.Provider != "" && !azure(t) {
		return "it always streams, and `disable_streaming` changes nothing; use `%%ai`, which asks for one answer."
	}
	return "it ignores `disable_streaming`; choose the model id `azure/o_series/" + deployment(t) + "`, for which it sends no `stream` " +
		"(the system message then goes out as a user message)."
}

// modelID is the key under which Jupyter AI keeps a model's settings.
func modelID(t call.Target) string {
	switch {
	case azure(t):
		return "azure-chat-openai:" + deployment(t)
	case t.Provider == "openai":
		return "openai-chat:" + plainName(t.Model, "<model>")
	}
	return "<provider>:" + plainName(t.Model, "<model>")
}

func azure(t call.Target) bool {
	return strings.HasPrefix(t.API, "azure.") || t.API == "" && t.Provider == "azure.ai.openai"
}

func deployment(t call.Target) string { return plainName(t.Deployment, "<deployment>") }

// plainName returns s if it can stand in a line of configuration as it is.
func plainName(s, otherwise string) string {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:", r))
	}
	if s == "" || len(s) > 64 || s == "REDACTED" || strings.ContainsFunc(s, odd) {
		return otherwise
	}
	return s
}

// untilThen leaves out the ways that the client does not have.
func untilThen(general string, c call.Client) string {
	switch {
	case streamsAlways(c): // Jupyter AI 3 has no /generate
		return "Until it is mended use `%%ai`: it asks for one plain answer."
	case c.Name == "jupyter-ai":
		return "Until it is mended use `/generate` or `%%ai`: they ask for one plain answer."
	case c.Kind == call.ClientUnknown, c.Kind == call.ClientFramework:
		return general
	}
	return "Until it is mended leave `stream` out: the service may still give one plain answer."
}

// release reads major and minor number; false if it is none.
func release(s string) (major, minor int, ok bool) {
	first, rest, _ := strings.Cut(s, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(second)
	return major, minor, err == nil
}

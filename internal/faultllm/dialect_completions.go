package faultllm

import (
	"strconv"
	"strings"
)

// completions are OpenAI's legacy completions, also of an Azure deployment.
func completions() *dialect {
	return &dialect{
		api: APICompletions, route: deployedAt("/completions"), path: always("/v1/completions"),
		opening: func(*answer) []piece { return nil }, content: completionsContent, closing: completionsClosing,
		plain: completionsPlain, failure: responsesFailure, inside: completionsInside, own: completionsOwn,
		form: dialectForm{
			prompt: `"prompt":"Tell me about owls."`,
			// It has no event before the first token, and no tools.
			lacks: []string{"empty-role", "ok-tools", "refuse-tools"},
		},
	}
}

// embeddings are OpenAI's, also of an Azure deployment. They never stream.
func embeddings() *dialect {
	return &dialect{
		api: APIEmbeddings, route: func(path string) (route, bool) {
			to, ok := deployedAt("/embeddings")(path)
			to.stream = flagFalse
			return to, ok
		}, path: always("/v1/embeddings"),
		plain: embeddingsPlain, failure: responsesFailure, own: completionsOwn,
		form: dialectForm{
			prompt: `"input":"Tell me about owls."`, plainOnly: true,
			// Nothing in it is text, and the stream flag means nothing.
			lacks: []string{"filter-200", "ok-tools", "mode-sse-false", "mode-sse-absent", "ok-flag-invalid", "flag-400"},
		},
	}
}

// deployedAt is the route of a path under /v1 or of an Azure deployment.
func deployedAt(suffix string) func(string) (route, bool) {
	return func(path string) (route, bool) {
		rest, ok := strings.CutSuffix(path, suffix)
		if _, name, azure := strings.Cut(rest, "/openai/deployments/"); ok && azure {
			return route{deployment: name}, name != "" && !strings.Contains(name, "/")
		}
		return route{}, ok && strings.HasSuffix(rest, "/v1")
	}
}

func completionsChunk(a *answer, choices, usage string) string {
	return `{"id":"cmpl-` + a.fingerprint(29) + `","object":"text_completion","created":` + created + `,"choices":[` + choices +
		`],"model":"` + model + `","system_fingerprint":"fp_owl"` + usage + `}`
}

func completionsChoice(text, finish string) string {
	return `{"text":` + quote(text) + `,"index":0,"logprobs":null,"finish_reason":` + orNull(finish) + `}`
}

func completionsContent(a *answer, text string) piece {
	return piece{kind: kindContent, data: completionsChunk(a, completionsChoice(text, ""), "")}
}

func completionsClosing(a *answer, finish string) []piece {
	ends := func(finish string) string { return completionsChunk(a, completionsChoice("", finish), "") }
	out := []piece{{kind: kindFinish, data: ends(finish), ends: ends}}
	if a.ask.usage {
		out = append(out, piece{kind: kindUsage, data: completionsChunk(a, "", `,"usage":`+a.usage())})
	}
	return append(out, terminator())
}

func completionsPlain(a *answer, text, finish string) string {
	return completionsChunk(a, completionsChoice(text, finish), `,"usage":`+a.usage())
}

func completionsInside(_ *answer, f failure) piece {
	return piece{data: openaiError(f.Message, f.Kind, f.Param, f.Code)}
}

// completionsOwn are the headers by path: Azure's front adds its own.
func completionsOwn(x *exchange) {
	if strings.Contains(x.r.URL.Path, "/openai/") {
		x.azureHeaders()
		return
	}
	x.openaiHeaders()
}

func embeddingsPlain(a *answer, _, _ string) string {
	in := strconv.Itoa(a.ask.prompt)
	return `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.011,-0.022,0.033]}],"model":"text-embedding-owl",` +
		`"usage":{"prompt_tokens":` + in + `,"total_tokens":` + in + `}}`
}

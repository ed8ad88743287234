package faultllm

import (
	"slices"
	"strconv"
	"strings"
)

// tgi is the native dialect of Text Generation Inference: a token an event, the
// whole text in the last. The body's model, which it ignores, names the scenario.
func tgi() *dialect {
	return &dialect{
		api: APITGI, route: tgiRoute, path: tgiPath,
		opening: func(*answer) []piece { return nil }, content: tgiContent, closing: tgiClosing,
		plain: tgiPlain, failure: tgiFailure,
		inside: func(_ *answer, f failure) piece {
			return piece{data: `{"error":` + quote(f.Message) + `,"error_type":` + quote(tgiType(f)) + `}`}
		},
		own: func(x *exchange) { x.w.Header()["x-compute-type"] = []string{"1-owl"} },
		form: dialectForm{
			oneEnd: true, prompt: `"inputs":"Tell me about owls.","parameters":{"max_new_tokens":64,"details":true}`,
			frame: func(p piece) string { return "data:" + p.data + "\n\n" },
			lacks: slices.Concat(nativeLacks, []string{"ok-flag-invalid", "ok-null", "ok-case", "flag-400", "flag-relay", "mode-sse-absent", "empty-role"}),
		},
	}
}

// llamacpp is llama.cpp's own completion.
func llamacpp() *dialect {
	return &dialect{
		api: APILlamacpp, route: endsWith("/completion"), path: always("/completion"),
		opening: llamacppOpening, content: llamacppContent, closing: llamacppClosing,
		plain: llamacppPlain, failure: llamacppFailure,
		inside: func(_ *answer, f failure) piece {
			if strings.Contains(f.Code, "rate_limit") {
				return piece{data: llamacppError(429, f)}
			}
			return piece{data: llamacppError(500, f)}
		},
		own:  func(x *exchange) { x.w.Header()["Server"] = []string{"llama.cpp"} },
		form: dialectForm{oneEnd: true, prompt: `"prompt":"Tell me about owls.","n_predict":64`, lacks: nativeLacks},
	}
}

// nativeLacks are scenarios of tools and filters, which neither knows.
var nativeLacks = []string{"ok-tools", "filter-200", "serr-refused", "refuse-tools"}

func tgiRoute(path string) (route, bool) {
	if strings.HasSuffix(path, "/generate_stream") {
		return route{stream: flagTrue}, true
	}
	return route{stream: flagFalse}, strings.HasSuffix(path, "/generate") && !strings.HasSuffix(path, "/api/generate")
}

func tgiPath(_ string, stream bool) string {
	if stream {
		return "/generate_stream"
	}
	return "/generate"
}

func tgiToken(text string, special bool) string {
	return `"token":{"id":7,"text":` + quote(text) + `,"logprob":-0.25,"special":` + strconv.FormatBool(special) + `}`
}

func tgiContent(_ *answer, text string) piece {
	return piece{kind: kindContent, data: `{"index":1,` + tgiToken(text, false) + `,"generated_text":null,"details":null}`}
}

func tgiDetails(a *answer, finish string) string {
	if finish != "length" {
		finish = "eos_token"
	}
	return `"details":{"finish_reason":` + quote(finish) + `,"generated_tokens":` + strconv.Itoa(a.pace.chunks) + `,"seed":null,"input_length":` +
		strconv.Itoa(a.ask.prompt) + `}`
}

func tgiClosing(a *answer, finish string) []piece {
	ends := func(finish string) string {
		return `{"index":1,` + tgiToken("</s>", true) + `,"generated_text":` + quote(a.text()) + `,` + tgiDetails(a, finish) + `}`
	}
	return []piece{{kind: kindDone, data: ends(finish), ends: ends}}
}

func tgiPlain(a *answer, text, finish string) string {
	return `{"generated_text":` + quote(text) + `,` + tgiDetails(a, finish) + `}`
}

// tgiType is the kind of an error.
func tgiType(f failure) string {
	switch {
	case strings.Contains(f.Code, "rate_limit"):
		return "overloaded"
	case f.Kind == "invalid_request_error":
		return "validation"
	}
	return "generation"
}

func tgiFailure(_ *exchange, _ int, f failure) string {
	return `{"error":` + quote(f.Message) + `,"error_type":` + quote(tgiType(f)) + `}`
}

func llamacppEvent(a *answer, text string, stop bool, more string) string {
	return `{"index":0,"content":` + quote(text) + `,"tokens":[],"stop":` + strconv.FormatBool(stop) + `,"id_slot":0,"tokens_predicted":` +
		strconv.Itoa(a.pace.chunks) + `,"tokens_evaluated":` + strconv.Itoa(a.ask.prompt) + more + `}`
}

func llamacppOpening(a *answer) []piece {
	return []piece{{kind: kindRole, data: llamacppEvent(a, "", false, `,"prompt_progress":{"total":9,"cache":0,"processed":9,"time_ms":7}`)}}
}

func llamacppContent(a *answer, text string) piece {
	return piece{kind: kindContent, data: llamacppEvent(a, text, false, "")}
}

func llamacppStop(a *answer, text, finish string) string {
	kind := "eos"
	if finish == "length" {
		kind = "limit"
	}
	return llamacppEvent(a, text, true, `,"model":"owl-7b.gguf","truncated":false,"stop_type":`+quote(kind)+`,"stopping_word":"","timings":{"cache_n":0}`)
}

func llamacppClosing(a *answer, finish string) []piece {
	ends := func(finish string) string { return llamacppStop(a, "", finish) }
	return []piece{{kind: kindDone, data: ends(finish), ends: ends}}
}

func llamacppPlain(a *answer, text, finish string) string { return llamacppStop(a, text, finish) }

func llamacppError(status int, f failure) string {
	kind := f.Kind
	if kind == "" {
		kind = "server_error"
	}
	return `{"error":{"code":` + strconv.Itoa(status) + `,"message":` + quote(f.Message) + `,"type":` + quote(kind) + `}}`
}

func llamacppFailure(_ *exchange, status int, f failure) string { return llamacppError(status, f) }

// nativeRows are the healthy answers of both, and what only they know.
func nativeRows() []row {
	return []row{
		onBoth("ok-tgi", "TGI's tokens, the whole text in the last event", "ok", healthy).of(APITGI),
		onStream("serr-validation", "a request that is refused inside a 200", "error_in_stream",
			told(nothing, add(piece{data: `{"error":"Input validation error: inputs must have less than 4096 tokens. Given: 5000","error_type":"validation"}`}))).
			because("validation").of(APITGI),
		onBoth("ok-llamacpp", "llama.cpp's own events, stop:true last", "ok", healthy).of(APILlamacpp),
		onBoth("llamacpp-loading", "503 while the model is loaded", "provider_error", func(x *exchange) {
			x.own()
			x.reply(503, typeJSON, `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`)
		}).because("overloaded").of(APILlamacpp),
	}
}

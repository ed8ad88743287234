package faultllm

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const geminiModel = "gemini-2.5-flash"

// gemini is streamGenerateContent with alt=sse and generateContent, of the
// Gemini API and of Vertex AI: the last event has the reason, no marker follows.
func gemini() *dialect {
	return &dialect{
		api: APIGemini, route: geminiRoute, path: geminiPath("?alt=sse"),
		opening: func(*answer) []piece { return nil }, content: geminiContent, closing: geminiClosing,
		plain: geminiPlain, tool: geminiTool, failure: geminiFailure,
		inside: func(_ *answer, f failure) piece { return piece{data: googleError(geminiStatus(f), f.Message)} },
		own:    geminiOwn,
		form: dialectForm{
			oneEnd: true, prompt: geminiPrompt, variant: geminiVariant,
			frame: func(p piece) string { return "data: " + p.data + "\r\n\r\n" },
			lacks: append([]string{"unclean-done", "empty-role"}, geminiLacks...),
		},
	}
}

// geminiArray is the same without alt=sse: an array in pieces.
func geminiArray() *dialect {
	d := gemini()
	d.api, d.path = APIGeminiArray, geminiPath("")
	d.opening = func(a *answer) []piece {
		return []piece{{kind: kindRole, data: geminiAnswer(a, geminiText(""), "", 0)}}
	}
	d.closing = func(a *answer, finish string) []piece {
		return append(geminiClosing(a, finish), piece{kind: kindDone, raw: "\r\n]\r\n"})
	}
	d.failure = func(x *exchange, status int, f failure) string {
		if x.ask.streams() {
			return "[" + geminiFailure(x, status, f) + "]\r\n"
		}
		return geminiFailure(x, status, f)
	}
	d.form.media, d.form.oneEnd, d.form.frame = "application/json; charset=UTF-8", false, geminiElement
	d.form.lacks = slices.Concat(geminiLacks, eventsOnly, geminiArrayLacks)
	return d
}

const geminiPrompt = `"contents":[{"role":"user","parts":[{"text":"Tell me about owls."}]}]`

// geminiLacks are scenarios of a stream flag, which Gemini has in its paths.
var geminiLacks = []string{"ok-flag-invalid", "ok-null", "ok-case", "flag-400", "flag-relay", "mode-sse-absent"}

// geminiArrayLacks are those that an array cannot play: without its bracket it
// is cut, and it is labelled as JSON.
var geminiArrayLacks = []string{"ok-finish-only", "inc-eof", "inc-close", "empty-role", "label-json", "serr-first"}

// geminiElement writes an element of the array; the opening is the first.
func geminiElement(p piece) string {
	if p.kind == kindRole {
		return "[" + p.data
	}
	return "\r\n,\r\n" + p.data
}

// geminiVariant tells the two ways of a stream apart.
func geminiVariant(to route, query url.Values) *dialect {
	if to.stream != flagTrue || query.Get("alt") == "sse" {
		return gemini()
	}
	return geminiArray()
}

// geminiRoute reads …/{name}:generateContent and :streamGenerateContent.
func geminiRoute(path string) (route, bool) {
	name, verb, ok := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ":")
	to := route{deployment: name, stream: flagFalse}
	if verb == "streamGenerateContent" {
		to.stream = flagTrue
	}
	return to, ok && name != "" && (verb == "generateContent" || verb == "streamGenerateContent")
}

func geminiPath(query string) func(string, bool) string {
	return func(scenario string, stream bool) string {
		if stream {
			return "/v1beta/models/" + scenario + ":streamGenerateContent" + query
		}
		return "/v1beta/models/" + scenario + ":generateContent"
	}
}

// geminiFinish is a finish reason in Gemini's words. Calls end as texts do.
func geminiFinish(finish string) string {
	switch finish {
	case "length":
		return "MAX_TOKENS"
	case "content_filter":
		return "SAFETY"
	}
	return "STOP"
}

// geminiAnswer is one candidate's parts and reason, with the usage so far.
func geminiAnswer(a *answer, parts, finish string, out int) string {
	reason := ""
	if finish != "" {
		reason = `,"finishReason":` + quote(geminiFinish(finish))
	}
	in := strconv.Itoa(a.ask.prompt)
	usage := `{"promptTokenCount":` + in + `,"totalTokenCount":` + in + `}`
	if finish != "" {
		usage = `{"promptTokenCount":` + in + `,"candidatesTokenCount":` + strconv.Itoa(out) + `,"totalTokenCount":` + strconv.Itoa(a.ask.prompt+out) + `}`
	}
	return `{"candidates":[{"content":{"parts":[` + parts + `],"role":"model"}` + reason + `,"index":0}],"usageMetadata":` + usage +
		`,"modelVersion":"` + geminiModel + `","responseId":"` + a.fingerprint(22) + `"}`
}

func geminiText(text string) string { return `{"text":` + quote(text) + `}` }

func geminiContent(a *answer, text string) piece {
	return piece{kind: kindContent, data: geminiAnswer(a, geminiText(text), "", 0)}
}

func geminiClosing(a *answer, finish string) []piece {
	ends := func(finish string) string { return geminiAnswer(a, geminiText(""), finish, a.pace.chunks) }
	return []piece{{kind: kindFinish, data: ends(finish), ends: ends}}
}

func geminiPlain(a *answer, text, finish string) string {
	return geminiAnswer(a, geminiText(text), finish, a.pace.chunks)
}

// geminiTool is a call in one event, whole: its arguments are an object.
func geminiTool(a *answer, name string, arguments []string) ([]piece, string) {
	part := `{"functionCall":{"name":` + quote(name) + `,"args":` + strings.Join(arguments, "") + `}}`
	d := a.ask.dialect
	pieces := append(d.opening(a), piece{kind: kindContent, data: geminiAnswer(a, part, "", 0)})
	return append(pieces, d.closing(a, "tool_calls")...), geminiAnswer(a, part, "tool_calls", a.pace.chunks)
}

// googleError is an error body of Google's.
func googleError(status int, message string) string {
	names := map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
		503: "UNAVAILABLE", 529: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
	}
	name := names[status]
	switch {
	case name == "" && status < 500:
		name = "FAILED_PRECONDITION"
	case name == "":
		name = "INTERNAL"
	}
	return `{"error":{"code":` + strconv.Itoa(status) + `,"message":` + quote(message) + `,"status":"` + name + `"}}`
}

func geminiFailure(_ *exchange, status int, f failure) string { return googleError(status, f.Message) }

// geminiStatus is the status of an error inside a stream.
func geminiStatus(f failure) int {
	switch {
	case strings.Contains(f.Code, "rate_limit"):
		return 429
	case f.Kind == "invalid_request_error":
		return 400
	}
	return 500
}

func geminiOwn(x *exchange) { x.w.Header()["server-timing"] = []string{"gfet4t7; dur=42"} }

// geminiRows are the scenarios of Gemini alone.
func geminiRows() []row {
	return []row{
		onBoth("ok-gemini-sse", "Gemini with alt=sse: the reason in the last event, no marker", "ok", healthy).of(APIGemini),
		onBoth("ok-gemini-array", "Gemini as an array in pieces, closing bracket last", "ok", healthy).of(APIGeminiArray),
		onStream("serr-bare", "an error between the events without a field name, over several lines", "error_in_stream",
			told(first(3), add(piece{raw: strings.ReplaceAll("{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded.\",\n"+
				"    \"status\": \"UNAVAILABLE\"\n  }\n}\n\n", "\n", "\r\n")}))).of(APIGemini),
		onStream("cut-array", "clean end inside the array", "stream_truncated", told(first(4))).of(APIGeminiArray),
		onStream("unclean-array", "all of the answer, but not the closing bracket", "unclean_close", told(without(kindDone))).
			because("after_finish").of(APIGeminiArray),
		onStream("unclean-reason", "the connection breaks after the event with the reason", "unclean_close", thenAbort()).
			because("after_finish").of(APIGemini),
		onBoth("blocked-prompt", "a blocked prompt has no candidate", "content_filtered", blockedPrompt).of(APIGemini),
	}
}

func blockedPrompt(x *exchange) {
	body := `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":` + strconv.Itoa(x.ask.prompt) +
		`},"modelVersion":"` + geminiModel + `"}`
	if x.ask.streams() {
		x.tell(func(pieceSeq) pieceSeq { return pieceOf(piece{data: body}) })
		return
	}
	x.own()
	x.reply(200, typeJSON, body)
}

func pieceOf(p piece) pieceSeq { return func(yield func(piece) bool) { yield(p) } }

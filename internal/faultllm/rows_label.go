package faultllm

import (
	"net/http"
	"strconv"
	"time"
)

// labelRows are answers of status 200 whose kind or label is not what was asked.
func labelRows() []row {
	return []row{
		onStream("mode-json", "one JSON answer to a streamed call", "stream_downgraded",
			plainAnyway).also("json200", "stream_ignored"),
		onPlain("mode-sse-false", `SSE to "stream":false`, "stream_unrequested",
			when(func(x *exchange) bool { return x.ask.stream == flagFalse }, told())).
			because("flag_false").needs(`"stream":false`),
		onPlain("mode-sse-absent", "SSE to a call without the flag", "stream_unrequested",
			when(func(x *exchange) bool { return x.ask.stream == flagAbsent }, told())).because("flag_absent"),
		onPlain("mode-trailing", "JSON answer, then data: [DONE], labelled SSE", "stream_unrequested",
			trailingDone).because("trailing_done"),
		onStream("label-empty", "healthy SSE without a media type", "content_type_mismatch",
			labelled("")).because("missing").also("nocontenttype"),
		onStream("label-json", "healthy SSE as application/json", "content_type_mismatch",
			labelled(typeJSON)).because("wrong").also("ssejsonct"),
		onStream("label-abort", "as label-empty, 2 s of silence before the first token", "content_type_mismatch",
			labelled("", late(kindContent, 0, 2*time.Second))).
			because("missing").leaving("before the first token").lasting(2 * time.Second),
		onStream("label-html", "a web page as text/event-stream", "non_api_response",
			gateway(200, typeSSE, page("Blocked", "This category is blocked by your organisation."))),
		onBoth("body-err", "200 with an error as body", "error_in_body",
			gateway(200, typeJSON, openaiError("Provider disconnected", "server_error", "", "502"))),
		onPlain("body-empty", "200 with an empty body", "plain_body_invalid", gateway(200, typeJSON, "")),
		onPlain("body-text", "200 with a text that is not JSON", "plain_body_invalid",
			gateway(200, typeJSON, "OK\n")),
		onPlain("body-short", "connection closes before Content-Length", "plain_body_invalid", shortBody),
	}
}

func plainAnyway(x *exchange) {
	x.own()
	x.reply(http.StatusOK, typeJSON, x.plainBody())
}

func trailingDone(x *exchange) {
	x.own()
	x.reply(http.StatusOK, typeSSE, x.plainBody()+"\n\ndata: [DONE]\n\n")
}

// labelled is a stream under the given media type.
func labelled(mediaType string, edits ...edit) play {
	return func(x *exchange) {
		x.own()
		x.stream(mediaType, edits...)
	}
}

func shortBody(x *exchange) {
	x.own()
	body := x.plainBody()
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	push(x.open(typeJSON), body[:len(body)/2])
	abort()
}

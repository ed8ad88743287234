package faultllm

// errorRows are errors inside a stream.
func errorRows() []row {
	event := func(data string) piece { return piece{kind: kindError, data: data} }
	return []row{
		onStream("serr-done", "error object, then [DONE]", "error_in_stream",
			told(first(3), add(event(midError), terminator()))).of(APIChat).also("errdone", "sse_error_event"),
		onStream("serr-eof", "error object, then the end", "error_in_stream",
			told(first(3), add(event(midError)))).also("errin"),
		onStream("serr-first", "error object as the only event", "error_in_stream",
			told(nothing, add(event(midError)))),
		onStream("serr-flat", "event: error with a flat object", "error_in_stream",
			told(first(3), add(piece{raw: flatError}))).of(APIChat).also("errevent"),
		onStream("serr-field", "SSE field error:, then [DONE]", "error_in_stream",
			told(first(3), add(piece{raw: fieldError}, terminator()))).of(APIChat).also("errfield"),
		onStream("serr-string", "error that is a string", "error_in_stream",
			told(first(3), add(event(`{"error":"the owl has left"}`)))).of(APIChat).also("errstr"),
		onStream("serr-rate", "rate limit in mid-stream", "error_in_stream",
			told(first(3), add(event(openaiError("Rate limit reached for this model.", "requests", "", "rate_limit_exceeded"))))).
			because("rate_limited"),
		onStream("serr-refused", "error event for tools at 200", "error_in_stream",
			when(carries("tools"), told(first(0), add(event(noToolStream))))).because("stream_refused").of(APIChat).needs(someTools),
	}
}

// cutRows are streams that break off or end unclean.
func cutRows() []row {
	return []row{
		onStream("cut-rst", "TCP reset in mid-answer", "stream_truncated",
			thenReset(first(4))),
		onStream("cut-chunk", "connection closes without the last chunk", "stream_truncated",
			thenAbort(first(4))).also("cut", "sse_truncated"),
		onStream("cut-h2", "RST_STREAM in mid-answer", "stream_truncated",
			thenAbort(first(4))).over("2"),
		onStream("cut-zero", "200, then a reset before the first event", "stream_truncated",
			thenReset(nothing)),
		onStream("inc-eof", "clean end without finish and [DONE]", "stream_incomplete",
			told(first(4))).also("cutclean", "sse_eof"),
		onStream("inc-close", "close-delimited body that ends early", "stream_incomplete",
			untilClose(first(4))),
		onStream("unclean-finish", "TCP reset after the finish reason", "unclean_close",
			thenReset(without(kindUsage, kindDone))).because("after_finish").apart(),
		onStream("unclean-done", "[DONE], but the last chunk is missing", "unclean_close",
			thenAbort()).because("after_marker"),
	}
}

// thenAbort breaks off after the stream.
func thenAbort(edits ...edit) play {
	return func(x *exchange) {
		x.tell(edits...)
		abort()
	}
}

// thenReset resets the connection after the stream.
func thenReset(edits ...edit) play {
	return func(x *exchange) {
		x.tell(edits...)
		x.reset()
	}
}

// untilClose is a stream whose end is the end of the connection.
func untilClose(edits ...edit) play {
	return func(x *exchange) {
		delimitByClose(x)
		x.tell(edits...)
	}
}

// delimitByClose makes net/http send no framing at all over HTTP/1.1.
func delimitByClose(x *exchange) {
	if x.r.ProtoMajor == 1 {
		x.w.Header().Set("Transfer-Encoding", "identity")
	}
}

// nothing is a stream without any piece.
func nothing(pieceSeq) pieceSeq { return func(func(piece) bool) {} }

// emptyRows are streams without content.
func emptyRows() []row {
	return []row{
		onStream("empty-0", "SSE headers, zero bytes", "empty_stream",
			told(nothing)).because("zero_bytes").also("empty200"),
		onStream("empty-role", "role event, then the end", "empty_stream",
			told(first(0))).because("no_terminal"),
		onStream("empty-done", "[DONE] only", "empty_stream",
			told(nothing, add(terminator()))).because("done_only").of(APIChat),
		onStream("empty-stop", "finish=stop without text", "empty_stream",
			told(without(kindContent))).because("no_output_stop"),
	}
}

package faultllm

import (
	"fmt"
	"strconv"
	"strings"
)

// framingRows are malformed HTTP/1.1 messages.
func framingRows() []row {
	return []row{
		onBoth("frame-chunk", "a chunk size that is no number", "framing_invalid", broken("zz\r\n")).over("1.1"),
		onBoth("frame-status", "a second status line where a chunk should begin", "framing_invalid",
			broken("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")).over("1.1"),
		onBoth("frame-cl-te", "Content-Length and Transfer-Encoding: chunked", "framing_invalid", lengthAndChunked).
			over("1.1"),
		onBoth("frame-lengths", "two Content-Length that differ", "framing_invalid", twoLengths).over("1.1"),
		onBoth("frame-head", "a status line that is none", "framing_invalid", saying("owl owl owl\r\n\r\n")).over("1.1"),
	}
}

// saying sends the bytes in place of an answer and closes.
func saying(bytes string) play {
	return func(x *exchange) {
		w := x.hijack()
		defer w.Close()
		w.say(bytes)
	}
}

// whole returns the healthy answer in one piece and its media type.
func whole(x *exchange) (mediaType, body string) {
	if !x.ask.streams() {
		return typeJSON, x.plainBody()
	}
	var b strings.Builder
	for p := range spoken(&x.answer, x.pieces()) {
		b.WriteString(p.block())
	}
	return x.ask.mediaType(), b.String()
}

// chunked is s as one chunk.
func chunked(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

// broken sends half of the answer in a chunk, then what cannot stand there.
func broken(nonsense string) play {
	return func(x *exchange) {
		mediaType, body := whole(x)
		w := x.hijack()
		defer w.Close()
		w.say(head(x, "200 OK", mediaType, "Transfer-Encoding: chunked") + chunked(body[:len(body)/2]))
		w.say(nonsense + body[len(body)/2:])
	}
}

func lengthAndChunked(x *exchange) {
	mediaType, body := whole(x)
	w := x.hijack()
	defer w.Close()
	w.say(head(x, "200 OK", mediaType, "Content-Length: "+strconv.Itoa(len(body)), "Transfer-Encoding: chunked") + chunked(body) + chunked(""))
}

func twoLengths(x *exchange) {
	mediaType, body := whole(x)
	w := x.hijack()
	defer w.Close()
	w.say(head(x, "200 OK", mediaType, "Content-Length: "+strconv.Itoa(len(body)), "Content-Length: "+strconv.Itoa(len(body)/2)) + body)
}

package faultllm

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// httpRows use what HTTP allows, or end before it began.
func httpRows() []row {
	return append(headRows(), []row{
		onBoth("trailers", "trailers after the body", "ok", trailers),
		onBoth("interim-103", "103 Early Hints before the answer", "ok", interim(1)),
		onBoth("flood-1xx", "32 interim answers before the answer", "ok", interim(32)),
		onBoth("early-413", "413 before the request body is read (path or ?scenario= only)", "request_rejected",
			gateway(413, typeJSON, openaiError("Request too large.", "invalid_request_error", "", "request_too_large"))).
			because("too_large").beforeBody(),
		onBoth("expect", "100 Continue to Expect, then the answer", "ok", healthy),
		onBoth("expect-417", "417 before the request body is read (path or ?scenario= only)", "request_rejected",
			gateway(417, typeText, "Expectation Failed\n")).because("invalid").beforeBody(),
		onBoth("until-close", "body delimited by the end of the connection", "ok", closeDelimited),
		onBoth("giant-head", "48 KiB of response headers (bytes=)", "ok", giantHead),
		onBoth("head", "HEAD gets the head of the plain answer; healthy otherwise", "ok", healthy),
		onBoth("status-204", "204 without a body", "empty_stream",
			noContent).because("zero_bytes").plainly("plain_body_invalid"),
		onBoth("half-close", "answers once the client has closed its sending side, or after 5 s (path or ?scenario= only)", "ok",
			halfClose).over("1.1").lasting(5 * time.Second).beforeBody(),
		onBoth("switch-101", "GET with Upgrade: 101, then an echo (path or ?scenario= only)", "ok",
			upgrade).over("1.1").beforeBody(),
	}...)
}

// headRows break the connection before there is a response head.
func headRows() []row {
	return []row{
		onBoth("idle-closed", "closes without an answer on a reused connection; healthy on a fresh one", "stale_connection",
			closeReused).over("1.1"),
		onBoth("head-close", "closes without an answer", "upstream_unreachable", saying("")).because("reset").over("1.1"),
		onBoth("head-reset", "TCP reset without an answer", "upstream_unreachable", (*exchange).reset).
			because("reset").over("1.1"),
		onBoth("head-cut", "closes inside the response head", "upstream_unreachable",
			saying("HTTP/1.1 200 OK\r\nContent-Type: text/ev")).because("reset").over("1.1"),
	}
}

func closeReused(x *exchange) {
	if l := linkOf(x.r); l != nil && l.requests.Load() > 1 {
		_ = x.hijack().Close()
		return
	}
	healthy(x)
}

func trailers(x *exchange) {
	h := x.w.Header()
	h.Set("Trailer", "X-Answer-Tokens, X-Answer-Status")
	x.own()
	if x.ask.streams() {
		x.stream(x.ask.mediaType())
	} else {
		push(x.open(typeJSON), x.plainBody())
	}
	h.Set("X-Answer-Tokens", fmt.Sprint(x.pace.chunks*x.ask.n))
	h.Set("X-Answer-Status", "complete")
}

// interim sends n informational answers first.
func interim(n int) play {
	return func(x *exchange) {
		h := x.w.Header()
		h.Set("Link", "</owl.css>; rel=preload; as=style")
		for range n {
			x.w.WriteHeader(http.StatusEarlyHints)
		}
		h.Del("Link")
		healthy(x)
	}
}

func closeDelimited(x *exchange) {
	delimitByClose(x)
	x.own()
	if x.ask.streams() {
		x.stream(x.ask.mediaType())
		return
	}
	push(x.open(typeJSON), x.plainBody())
}

func giantHead(x *exchange) {
	size := x.pace.bytes
	if size == 0 {
		size = 48 << 10
	}
	x.pace.bytes = 0
	const line = 8 << 10
	for n := 0; n*line < size; n++ {
		x.w.Header()[fmt.Sprintf("x-padding-%04d", n)] = []string{strings.Repeat("o", min(line, size-n*line))}
	}
	healthy(x)
}

func noContent(x *exchange) {
	x.own()
	setType(x.w.Header(), "")
	x.w.WriteHeader(http.StatusNoContent)
}

// halfClose reads the request itself: net/http would take the client's FIN for
// its leaving.
func halfClose(x *exchange) {
	length := min(max(x.r.ContentLength, 0), maxBody)
	w := x.hijack()
	defer w.Close()
	body, _ := io.ReadAll(io.LimitReader(w.in, length))
	_ = w.SetReadDeadline(time.Now().Add(time.Duration(5 * float64(time.Second) * x.pace.scale)))
	_, _ = io.Copy(io.Discard, w.in) // until FIN or the deadline
	if err := x.ask.parse(body); err != nil {
		w.say(head(x, "400 Bad Request", typeText) + err.Error())
		return
	}
	mediaType, answer := whole(x)
	w.say(head(x, "200 OK", mediaType) + answer)
}

// upgrade switches protocols and echoes, at most 1 MiB.
func upgrade(x *exchange) {
	protocol := x.r.Header.Get("Upgrade")
	if protocol == "" || strings.ContainsAny(protocol, "\r\n") {
		x.w.Header().Set("Upgrade", "websocket")
		x.reply(http.StatusUpgradeRequired, typeText, "Upgrade Required\n")
		return
	}
	w := x.hijack()
	defer w.Close()
	w.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + protocol + "\r\nConnection: Upgrade\r\n\r\n")
	_, _ = io.Copy(w.Conn, io.LimitReader(w.in, 1<<20))
}

package faultllm

import (
	"strings"
	"unicode/utf8"
)

// dialectRows are legal streams of unusual form.
func dialectRows() []row {
	return []row{
		onStream("ok-dialect", "comments, id and retry blocks, CRLF, no space, split runes, gzip", "ok", everyOddity),
		onStream("sse-crlf", "CRLF lines", "ok", told(framed(crlf))).also("crlf"),
		onStream("sse-cr", "CR lines", "ok", told(framed(func(d string) string { return "data: " + d + "\r\r" }))),
		onStream("sse-nospace", "data: without a space", "ok",
			told(framed(func(d string) string { return "data:" + d + "\n\n" }))).also("nospace"),
		onStream("sse-bom", "byte order mark first", "ok", told(bom)),
		onStream("sse-comments", "comment blocks between events", "ok",
			told(ahead(kindContent, 1, block(": keep-alive\n\n")), ahead(kindContent, 2, block(": OWL PROCESSING\n\n")))).
			also("ka"),
		onStream("sse-comment-id", "comment blocks after an id line", "ok",
			told(ahead(kindRole, 0, block("id: 1\n")), ahead(kindContent, 1, block(": keep-alive\n\n")))).also("kaid"),
		onStream("sse-retryline", "block of only retry: first", "ok", told(ahead(kindRole, 0, block("retry: 3000\n\n")))).
			also("retryline"),
		onStream("sse-evping", "block of only event: ping after two events", "ok",
			told(ahead(kindContent, 1, block("event: ping\n\n")))).also("evping"),
		onStream("sse-emptydata", "empty data: field", "ok", told(ahead(kindContent, 1, block("data: \n\n")))),
		onStream("sse-multidata", "one event in several data: lines", "ok", told(framed(twoLines))),
		onStream("split-rune", "writes end in the middle of a rune", "ok", splitRunes),
		onStream("big-line", "one event of 2 MiB (bytes=)", "ok", bigLine),
	}
}

func crlf(data string) string { return "data: " + data + "\r\n\r\n" }

// block is a piece that is not an event with data.
func block(raw string) piece { return piece{raw: raw} }

// bom puts the byte order mark before the first piece.
func bom(seq pieceSeq) pieceSeq {
	return func(yield func(piece) bool) {
		begun := false
		for p := range seq {
			if !begun {
				p.raw = "\ufeff" + p.block()
			}
			begun = true
			if !yield(p) {
				return
			}
		}
	}
}

// twoLines breaks the payload after its first comma; JSON allows a line end there.
func twoLines(data string) string {
	a, b, ok := strings.Cut(data, ",")
	if !ok {
		return "data: " + data + "\n\n"
	}
	return "data: " + a + ",\ndata: " + b + "\n\n"
}

// splitRune makes two pieces of one, cut inside its first rune of several bytes.
func splitRune(_ int, p piece) []piece {
	block := p.block()
	for i, r := range block {
		if n := utf8.RuneLen(r); n > 1 {
			head, tail := p, p
			head.raw, tail.raw = block[:i+n-1], block[i+n-1:]
			return []piece{head, tail}
		}
	}
	return []piece{p}
}

// foreign replaces the text by words that need several bytes a rune.
func foreign(x *exchange) edit {
	texts := []string{"Die Eule fl\u00f6g. ", "\u30d5\u30af\u30ed\u30a6 ", "\U0001f989 "}
	return each(func(i int, p piece) []piece {
		if p.kind != kindContent {
			return []piece{p}
		}
		return []piece{x.content(0, texts[i%len(texts)])}
	})
}

func splitRunes(x *exchange) {
	x.ask.n = 1
	x.tell(foreign(x), each(splitRune))
}

func everyOddity(x *exchange) {
	x.ask.n = 1
	x.own()
	streamCoded(x, "gzip",
		foreign(x),
		framed(func(d string) string { return "data:" + d + "\r\n\r\n" }),
		ahead(kindRole, 0, block(": ping\r\n\r\n"), block("retry: 3000\r\n\r\n")),
		ahead(kindContent, 2, block("id: 4\r\n\r\n"), block(": ping\r\n\r\n")),
		each(splitRune),
	)
}

func bigLine(x *exchange) {
	size := x.pace.bytes
	if size == 0 {
		size = 2 << 20
	}
	x.pace.bytes = 0
	x.tell(ahead(kindContent, 1, x.content(0, word(0, size))))
}

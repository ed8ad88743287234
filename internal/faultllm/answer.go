package faultllm

import (
	"net/http"
	"strconv"
	"strings"
)

// kind tells the pieces of a streamed answer apart.
type kind uint8

const (
	kindOther   kind = iota
	kindFilter       // Azure's first event
	kindRole         // delta with the role alone
	kindContent      // delta with text or tool arguments
	kindFinish       // finish reason
	kindUsage        // usage tail
	kindDone         // [DONE]
	kindError        // error object
	kinds            // how many there are
)

// words is the text of every answer.
var words = strings.Fields(`Owls hunt at night because their ears find a mouse under
	the snow and their wings make no sound at all while they glide over the field .`)

// word returns the text of content chunk i: one word, or size bytes. The filling
// keeps the halves apart, or it would read as doubled output.
func word(i, size int) string {
	w := words[i%len(words)] + " "
	if size <= 0 {
		return w
	}
	return w[:min(len(w), size)] + strings.Repeat("o", max(0, size-len(w)))
}

// answer makes the healthy answer to a request: plain, or as the pieces of a
// stream. It knows nothing of the connection.
type answer struct {
	names
	ask  ask
	pace pacing
}

// text returns the whole answer.
func (a *answer) text() string {
	var b strings.Builder
	for i := range a.pace.chunks {
		b.WriteString(word(i, a.pace.bytes))
	}
	return b.String()
}

// chunk wraps the choices into one event of the stream.
func (a *answer) chunk(choices string) string {
	usage := ""
	if a.ask.usage {
		usage = `,"usage":null`
	}
	return a.event(choices, usage)
}

func (a *answer) event(choices, usage string) string {
	id := `"chatcmpl-` + a.fingerprint(29) + `"`
	if a.ask.azure {
		return `{"choices":[` + choices + `],"created":` + created + `,"id":` + id +
			`,"model":"` + model + `","object":"chat.completion.chunk","system_fingerprint":"fp_owl"` + usage + `}`
	}
	return `{"id":` + id + `,"object":"chat.completion.chunk","created":` + created +
		`,"model":"` + model + `","service_tier":"default","system_fingerprint":"fp_owl","choices":[` + choices + `]` + usage + `}`
}

// choice is one element of choices in a stream; finish "" is null.
func (a *answer) choice(index int, delta, finish string) string {
	s := `{"index":` + strconv.Itoa(index) + `,"delta":` + delta + `,"logprobs":null,"finish_reason":` + orNull(finish)
	if a.ask.azure {
		s += `,"content_filter_results":{}`
	}
	return s + `}`
}

// content is the event of a piece of text.
func (a *answer) content(index int, text string) piece {
	if d := a.ask.dialect; d != nil {
		return d.content(a, text)
	}
	return piece{kind: kindContent, data: a.chunk(a.choice(index, `{"content":`+quote(text)+`}`, ""))}
}

const safe = `{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},` +
	`"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}`

const promptFilter = `"prompt_filter_results":[{"prompt_index":0,"content_filter_results":` + safe + `}]`

// asyncFilter is an event of Azure's asynchronous filter: a choice without delta.
func asyncFilter() piece {
	return piece{kind: kindFilter, data: `{"choices":[{"content_filter_offsets":{"check_offset":44,"start_offset":44,"end_offset":88},` +
		`"content_filter_results":` + safe + `,"finish_reason":null,"index":0}],"created":0,"id":"","model":"","object":""}`}
}

// pieces is the healthy stream.
func (a *answer) pieces() pieceSeq {
	return joined(a.opening(), a.body(), a.closing("stop"))
}

// opening is what comes before the first token.
func (a *answer) opening() pieceSeq {
	return func(yield func(piece) bool) {
		if d := a.ask.dialect; d != nil {
			sendAll(d.opening(a), yield)
			return
		}
		first := piece{kind: kindFilter, data: `{"choices":[],"created":0,"id":"","model":"","object":"",` + promptFilter + `}`}
		if a.ask.azure && !yield(first) {
			return
		}
		for i := range a.ask.n {
			delta := `{"role":"assistant","content":"","refusal":null}`
			if !yield(piece{kind: kindRole, data: a.chunk(a.choice(i, delta, ""))}) {
				return
			}
		}
	}
}

// sendAll yields pieces until one is refused.
func sendAll(pieces []piece, yield func(piece) bool) {
	for _, p := range pieces {
		if !yield(p) {
			return
		}
	}
}

// body is the text, the choices interleaved.
func (a *answer) body() pieceSeq {
	return func(yield func(piece) bool) {
		for c := range a.pace.chunks {
			text := word(c, a.pace.bytes)
			for i := range a.ask.n {
				if !yield(a.content(i, text)) {
					return
				}
			}
		}
	}
}

// closing is the finish of every choice, usage if asked, [DONE].
func (a *answer) closing(finish string) pieceSeq {
	return func(yield func(piece) bool) {
		if d := a.ask.dialect; d != nil {
			sendAll(d.closing(a, finish), yield)
			return
		}
		for i := range a.ask.n {
			if !yield(piece{kind: kindFinish, data: a.chunk(a.choice(i, `{}`, finish))}) {
				return
			}
		}
		tail := piece{kind: kindUsage, data: a.event("", `,"usage":`+a.usage())}
		if a.ask.usage && !yield(tail) {
			return
		}
		yield(terminator())
	}
}

// terminator is the end marker of a stream.
func terminator() piece { return piece{kind: kindDone, data: "[DONE]"} }

func (a *answer) usage() string {
	in, out := a.ask.prompt, a.pace.chunks*a.ask.n
	return `{"prompt_tokens":` + strconv.Itoa(in) + `,"completion_tokens":` + strconv.Itoa(out) +
		`,"total_tokens":` + strconv.Itoa(in+out) + `,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0}` +
		`,"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}`
}

// completion is the healthy plain answer around the given message.
func (a *answer) completion(message, finish string) string {
	choices := make([]string, a.ask.n)
	for i := range choices {
		c := `{"index":` + strconv.Itoa(i) + `,"message":` + message + `,"logprobs":null,"finish_reason":` + quote(finish)
		if a.ask.azure {
			c += `,"content_filter_results":` + safe
		}
		choices[i] = c + `}`
	}
	tail := `}`
	if a.ask.azure {
		tail = `,` + promptFilter + `}`
	}
	return `{"id":"chatcmpl-` + a.fingerprint(29) + `","object":"chat.completion","created":` + created +
		`,"model":"` + model + `","choices":[` + strings.Join(choices, ",") + `],"usage":` + a.usage() +
		`,"service_tier":"default","system_fingerprint":"fp_owl"` + tail
}

// message is the assistant's text in a plain answer.
func message(text string) string {
	return `{"role":"assistant","content":` + quote(text) + `,"refusal":null,"annotations":[]}`
}

// plainBody is the healthy plain answer.
func (a *answer) plainBody() string { return ended(a, "stop") }

// ended is the healthy plain answer with a finish reason.
func ended(a *answer, finish string) string {
	if d := a.ask.dialect; d != nil {
		return d.plain(a, a.text(), finish)
	}
	return a.completion(message(a.text()), finish)
}

// healthy answers as asked.
func healthy(x *exchange) {
	if x.ask.streams() {
		x.tell()
		return
	}
	x.own()
	x.reply(http.StatusOK, typeJSON, x.plainBody())
}

package faultllm

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// dialect is how an API other than OpenAI's chat completions is asked and
// answered. To add one, add a file dialect_NAME.go and a row in dialects.
type dialect struct {
	// api is its name in Scenario.API.
	api string
	// route reads a path, without doubled slashes and one at its end; path
	// writes one that meets a scenario, streamed or plain.
	route func(path string) (route, bool)
	path  func(scenario string, stream bool) string
	// opening is what comes before the first token, content the event of a piece
	// of text, closing what comes after the last, for a finish reason in the
	// words of chat completions.
	opening func(*answer) []piece
	content func(a *answer, text string) piece
	closing func(a *answer, finish string) []piece
	// plain is the whole answer in one piece.
	plain func(a *answer, text, finish string) string
	// tool is a call of one tool: as events, and as a plain answer.
	tool func(a *answer, name string, arguments []string) ([]piece, string)
	// failure is an error body, inside the event of an error.
	failure func(x *exchange, status int, f failure) string
	inside  func(a *answer, f failure) piece
	// own sets the service's own headers.
	own  func(*exchange)
	form dialectForm
}

// dialectForm is what sets a dialect apart in its whole.
type dialectForm struct {
	media     string // type of a streamed answer; "" means server-sent events
	oneEnd    bool   // one event is both finish reason and terminal marker
	streaming bool   // a body without the stream flag asks for a stream
	plainOnly bool   // it never streams
	numbered  bool   // events carry sequence numbers
	// frame writes a piece as it goes on the wire; nil: as a server-sent event.
	frame func(piece) string
	// prompt are the members of a request that ask something.
	prompt string
	// variant, if not nil, is the dialect that the query of a call chooses.
	variant func(to route, query url.Values) *dialect
	// lacks are ids of scenarios that cannot be said in the dialect.
	lacks []string
}

// failure is an error in the terms of OpenAI's error object.
type failure struct {
	Message string `json:"message"`
	Kind    string `json:"type"`
	Param   string `json:"param"`
	Code    string `json:"code"`
}

// dialects are tried in order, after the paths of chat completions.
func dialects() []*dialect {
	return []*dialect{anthropic(), responses(), cohere(), cohereV1(), ollama(), ollamaGenerate(), converse(), invoke(), gemini(), geminiArray(), tgi(), llamacpp(), completions(), embeddings()}
}

// endsWith is the route of a dialect whose paths end in one of the given ways
// and whose bodies name the model.
func endsWith(suffixes ...string) func(string) (route, bool) {
	return func(path string) (route, bool) {
		return route{}, slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(path, s) })
	}
}

// always is the path of a dialect whose bodies name model and mode.
func always(path string) func(string, bool) string {
	return func(string, bool) string { return path }
}

// knows reports whether a scenario exists in the dialect.
func (d *dialect) knows(r *row) bool {
	if d == nil {
		return r.Chat()
	}
	return r.API == d.api || r.API == APIAny && !(r.parted && d.form.oneEnd) && !slices.Contains(d.form.lacks, r.ID)
}

// failureOf reads an error body of OpenAI's or Azure's shape.
func failureOf(body string) failure {
	var e struct {
		Error struct {
			failure
			Code any `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(body), &e) != nil {
		return failure{Message: body}
	}
	f := e.Error.failure
	if code, ok := e.Error.Code.(string); ok {
		f.Code = code
	}
	return f
}

// translated is an error body in the words of the dialect at hand.
func (x *exchange) translated(status int, body string) string {
	if d := x.ask.dialect; d != nil {
		return d.failure(x, status, failureOf(body))
	}
	return body
}

// spoken finishes the events of a stream in the dialect at hand: errors inside
// it are its own, and their numbers are those in which they are sent.
func spoken(a *answer, seq pieceSeq) pieceSeq {
	d := a.ask.dialect
	if d == nil {
		return seq
	}
	n := 0
	return each(func(_ int, p piece) []piece {
		if p.kind == kindError {
			p = d.inside(a, failureOf(p.data))
		}
		if data, ok := strings.CutSuffix(p.data, "}"); ok && d.form.numbered {
			p.data = data + `,"sequence_number":` + strconv.Itoa(n) + "}"
			n++
			if n <= a.ask.after {
				return nil
			}
		}
		if d.form.frame != nil && p.raw == "" {
			p.raw = d.form.frame(p)
		}
		if p.spoils != nil {
			p.raw = p.spoils(p.raw)
		}
		return []piece{p}
	})(seq)
}

// mediaType is that of a streamed answer.
func (a *ask) mediaType() string {
	if d := a.dialect; d != nil && d.form.media != "" {
		return d.form.media
	}
	return typeSSE
}

// otherRows are the healthy answers of further dialects and what only they know.
func otherRows() []row {
	return append(slices.Concat(responsesRows(), framedRows(), geminiRows(), nativeRows()),
		onBoth("ok-anthropic", "healthy Messages with a ping", "ok", healthy).of(APIAnthropic),
		onBoth("ok-cohere", "healthy chat of Cohere: message-end, then [DONE]", "ok", healthy).of(APICohere),
		onBoth("ok-cohere-v1", "Cohere's version 1: lines, stream-end last", "ok", healthy).of(APICohereV1),
	)
}

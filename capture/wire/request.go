package wire

import (
	"hash"

	"llmtap/internal/call"
)

// Request scans one request body. It keeps no content beyond Prompt and is
// used by one goroutine.
type Request struct {
	match Match
	scan  scanner
	core  core
	facts RequestFacts
	turn  turn
	names names
	tools [2]int // elements of tools and functions
	// declared: the tool at hand is a list of functions, each of which counts.
	declared bool
	spec     *requestFormat
	flag     value // form of the last stream member
	root     bool  // the body is an object
	over     bool
}

// RequestFacts are what a request asked for.
type RequestFacts struct {
	Asked
	Shape
	// Keys are the sorted top-level member names, at most 64.
	Keys []string
	// Params are the allow-listed scalars by name, each as JSON text.
	Params []call.Param
	Model  string
	// ModelNull: the body's model is null.
	ModelNull bool
	Prompt    Prompt
	// Valid: the body is one whole JSON object.
	Valid bool
	// Clues are the member names and what was noticed about them, where the path
	// leaves it to the body what is called and the body fits a call.
	Clues []string
}

// Asked tells whether a stream was asked for.
type Asked struct {
	StreamFlag call.StreamFlag
	// StreamType is the JSON type of an invalid stream flag.
	StreamType string
	// Mode follows from path, flag and the dialect's default.
	Mode         call.Mode
	IncludeUsage call.Tristate
}

// Shape counts what the request holds.
type Shape struct {
	Messages int
	Tools    int
	// OutputType is text or json where the request demands one.
	OutputType string
}

// Prompt holds the ends of some messages, at most 512 bytes each, for telling
// clients apart. It must never be stored.
type Prompt struct {
	FirstRole    string
	FirstText    string
	SystemText   string
	LastUserHead string
	LastUserTail string
	UserMessages int
	Stop         []string
}

// NewRequest begins the body of a call. What core, if not nil, is fed with is
// the body without the members stream and stream_options and without blanks
// between tokens.
func NewRequest(m Match, core hash.Hash) *Request {
	r := new(Request)
	r.Reset(m, core)
	return r
}

// Reset makes r as new, for another body. It keeps memory, wiped of what stood
// there; facts that were returned stay as they are.
func (r *Request) Reset(m Match, core hash.Hash) {
	out, key := wiped(r.core.out), wiped(r.core.key)
	head, tail := wiped(r.turn.head), wiped(r.turn.tail)
	buf, end := wiped(r.scan.tok.buf), wiped(r.scan.tok.tail)
	*r = Request{} // in place: a literal with values would be made on the stack first
	r.match, r.spec = m, requestOf(m.decoder)
	if m.unsure(nil) {
		r.spec = &anyRequest
	}
	r.core.hash, r.core.out, r.core.key = core, out, key
	r.turn.head, r.turn.tail = head, tail
	r.scan.tok.buf, r.scan.tok.tail = buf, end
	r.scan.root, r.scan.sink = r.spec.tree, r
	r.scan.reset()
}

// wiped empties b for the next use: texts must not outlive their call.
func wiped(b []byte) []byte {
	clear(b[:cap(b)])
	return b[:0]
}

// Push takes the next bytes of the body, content coding removed.
func (r *Request) Push(p []byte) {
	if r.over {
		return
	}
	r.core.push(p)
	if r.scan.push(p) < len(p) {
		r.scan.phase = broken
	}
}

// Close ends the body and returns what it asked for; a second call returns the
// same.
func (r *Request) Close() RequestFacts {
	if r.over {
		return r.facts
	}
	r.over = true
	r.core.flushName()
	r.core.flush()
	f := &r.facts
	f.Valid = r.scan.finish() && r.root
	f.Keys = keysOf(r.names.keys)
	f.Params = r.names.sorted()
	f.Tools = max(r.tools[0], r.tools[1])
	if r.spec == &anyRequest {
		r.guess()
	}
	r.streaming()
	return *f
}

// streaming settles flag and mode.
func (r *Request) streaming() {
	f := &r.facts
	if f.StreamFlag == call.StreamUnknown && f.Valid {
		f.StreamFlag = call.StreamAbsent
	}
	switch f.StreamFlag {
	case call.StreamTrue:
		f.Mode = call.ModeStream
	case call.StreamFalse:
		f.Mode = call.ModePlain
	case call.StreamAbsent:
		f.Mode = r.askedMode()
	case call.StreamInvalid:
		f.Mode = call.ModePlain
		if r.flag.truthy() {
			f.Mode = call.ModeStream
		}
	}
	if r.match.PathMode != call.ModeUnknown {
		f.Mode = r.match.PathMode
	}
}

// value takes what the scanner selected.
func (r *Request) value(at slot, v *value) {
	switch at {
	case reqDoc:
		r.root = r.root || v.form == formOpen && !v.array
	case reqKey:
		r.names.key(v.text)
	case reqModel:
		r.model(v)
	case reqStream:
		r.stream(v)
	case reqIncludeUsage:
		if v.form == formTrue || v.form == formFalse {
			r.facts.IncludeUsage = call.Tri(v.form == formTrue)
		}
	case reqFormat:
		r.facts.OutputType = outputType(string(v.text))
	case reqParts, reqInputText, reqInputItem, reqPrompt, reqInputs, reqMessageText, reqTitan:
		r.names.clue(at, v)
	case reqTools, reqFunctions, reqTool, reqFunction, reqDeclaration:
		r.tool(at, v)
	default:
		if at >= reqParam {
			r.names.param(r.spec.params[at-reqParam].name, v)
			return
		}
		r.turn.value(at, v, &r.facts)
	}
}

func (r *Request) model(v *value) {
	r.facts.Model, r.facts.ModelNull = "", v.form == formNull
	first(&r.facts.Model, v)
}

// stream takes the flag; the last one counts.
func (r *Request) stream(v *value) {
	f := &r.facts
	f.StreamType = ""
	r.flag = value{form: v.form, some: v.some}
	switch v.form {
	case formTrue:
		f.StreamFlag = call.StreamTrue
	case formFalse:
		f.StreamFlag = call.StreamFalse
	case formNull:
		f.StreamFlag = call.StreamAbsent
	default:
		f.StreamFlag = call.StreamInvalid
		f.StreamType = typeName(v)
		if v.form == formNumber {
			r.flag.form, r.flag.some = formString, v.truthy()
		}
	}
}

func typeName(v *value) string {
	switch {
	case v.form == formNumber:
		return "number"
	case v.form == formString:
		return "string"
	case v.array:
		return "array"
	}
	return "object"
}

func (r *Request) tool(at slot, v *value) {
	n := &r.tools[0]
	if at == reqFunctions || at == reqFunction {
		n = &r.tools[1]
	}
	switch {
	case (at == reqTools || at == reqFunctions) && v.form == formOpen:
		*n = 0
	case at == reqTool && v.form == formOpen:
		r.declared = false
	case at == reqDeclaration && v.form == formClose:
		r.declared = true
		*n++
	case (at == reqTool && !r.declared || at == reqFunction) && v.form == formClose:
		*n++
	}
}

// outputType maps response formats to the neutral names.
func outputType(format string) string {
	switch format {
	case "text", "text/plain":
		return "text"
	case "json_object", "json_schema", "json", "application/json":
		return "json"
	}
	return ""
}

package wire

import "strings"

// probeDocuments is how many documents of an answer are looked at until one
// tells its dialect, probeCap how many bytes of each, probeStep how many at once.
const (
	probeDocuments = 8
	probeCap       = 4096
	probeStep      = 256
)

// Slots of the probe.
const (
	prObject slot = firstOwn + iota
	prType
	prKey
	prError
	prChunk // a chat's choice
	prText  // a completion's choice
	prVector
	prOutput // Converse's message
)

// probeTree selects what tells a dialect, whichever it is.
var probeTree = probing(compile([]path{
	{path: "object", slot: prObject},
	{path: "type", slot: prType},
	{path: "error", slot: prError, keep: keepNone},
	{path: "choices[].delta", slot: prChunk, keep: keepNone},
	{path: "choices[].message", slot: prChunk, keep: keepNone},
	{path: "choices[].text", slot: prText, keep: keepNone},
	{path: "data[].embedding", slot: prVector, keep: keepNone},
	{path: "output.message", slot: prOutput, keep: keepNone},
}))

func probing(root *node) *node {
	root.keys = prKey
	root.elem = root
	return root
}

// mark is a member of a document that takes part in telling a dialect.
type mark uint32

const (
	markCandidates mark = 1 << iota
	markCohere
	markGenerated
	markModel
	markOllama
	markSpoken // message or response
	markMessage
	markFinish
	markContent
	markStop
	markRole
	markPlainMessage // type is message
	markChunk
	markText
	markVector
	markOutput
	markError
)

// probeMarks are the member names that count.
var probeMarks = map[string]mark{
	"candidates": markCandidates, "promptFeedback": markCandidates, "prompt_feedback": markCandidates,
	"usageMetadata": markCandidates, "usage_metadata": markCandidates,
	"generation_id": markCohere, "event_type": markCohere, "generated_text": markGenerated,
	"model": markModel, "created_at": markOllama, "done": markOllama,
	"message": markSpoken | markMessage, "response": markSpoken, "finish_reason": markFinish,
	"content": markContent, "stop": markStop, "role": markRole,
}

// probe looks at the first documents of an answer before its dialect reads
// them: gateways answer in other dialects than the path promised.
type probe struct {
	left int  // documents that may still be looked at
	open bool // the one at hand is one of them
	doc  []byte
	said string // the dialect that object or type name
	mark mark
}

// begin prepares for a document.
func (p *probe) begin() {
	p.open, p.doc, p.said, p.mark = p.left > 0, p.doc[:0], "", 0
}

func (p *probe) value(at slot, v *value) {
	switch at {
	case prKey:
		p.mark |= probeMarks[string(v.text)]
	case prError:
		if v.form != formOpen && v.truthy() {
			p.mark |= markError
		}
	case prChunk:
		if v.form == formOpen && !v.array {
			p.mark |= markChunk
		}
	case prText:
		if v.form == formString {
			p.mark |= markText
		}
	case prVector:
		p.mark |= markVector
	case prOutput:
		p.mark |= markOutput
	default:
		if v.form == formString {
			p.named(at, string(v.text))
		}
	}
}

// named takes what a document calls itself; the first name counts.
func (p *probe) named(at slot, name string) {
	if p.said != "" {
		return
	}
	if at == prObject {
		switch name {
		case "chat.completion", "chat.completion.chunk":
			p.said = openaiChat
		case "text_completion":
			p.said = openaiCompletions
		case "response", "response.compaction":
			p.said = openaiResponses
		}
		return
	}
	switch {
	case name == "error":
		p.mark |= markError
	case name == "message":
		p.mark |= markPlainMessage
	case strings.HasPrefix(name, "response."):
		p.said = openaiResponses
	case strings.HasPrefix(name, "content_block_"), name == "message_start", name == "message_delta", name == "message_stop":
		p.said = "anthropic"
	case cohereTypeOf([]byte(name)) != cohereOther, name == "message-start", name == "content-end":
		p.said = "cohere"
	}
}

// dialect is the decoder that the document at hand belongs to, empty if it
// might be several ones' or none's.
func (p *probe) dialect() string {
	has := func(all mark) bool { return p.mark&all == all }
	switch {
	case p.said != "":
		return p.said
	case has(markChunk):
		return openaiChat
	case has(markText), has(markVector):
		return openaiCompletions
	case has(markCandidates):
		return "gemini"
	case has(markCohere), has(markMessage | markFinish):
		return "cohere"
	case has(markGenerated):
		return "tgi"
	case has(markModel | markOllama | markSpoken):
		return "ollama"
	case has(markOutput):
		return "bedrock.converse"
	case has(markPlainMessage | markRole | markContent):
		return "anthropic"
	case has(markContent | markStop):
		return "llamacpp"
	}
	return ""
}

// look makes the decoder look at the first documents. It does so for answers
// that are none of an error's.
func (d *decoder) look() {
	if d.status >= 300 || d.blind {
		return
	}
	d.probe.left = probeDocuments
	d.begin()
}

// probed feeds a document that is looked at first, in steps that do not depend
// on how it is cut into pushes.
func (d *decoder) probed(p []byte) int {
	b := &d.probe
	n := 0
	for n < len(p) && d.scan.phase != ended {
		if at := len(b.doc); at == probeCap || at%probeStep == 0 && b.clear() {
			d.identify()
			return n + d.scan.push(p[n:])
		}
		step := p[n:min(len(p), n+probeStep-len(b.doc)%probeStep)]
		used := d.scan.push(step)
		b.doc = append(b.doc, step[:used]...)
		if n += used; used < len(step) {
			break
		}
	}
	if d.scan.phase == ended {
		n += d.scan.push(p[n:]) // blanks
	}
	return n
}

// clear reports whether nothing that follows can change what the document is.
func (p *probe) clear() bool { return p.said != "" || p.mark&(markChunk|markCandidates) != 0 }

// identify ends the look at the document at hand, which its dialect then reads
// from the beginning.
func (d *decoder) identify() {
	p := &d.probe
	if !p.open {
		return
	}
	p.open = false
	p.left--
	name := ""
	if d.scan.phase != broken {
		name = p.dialect()
	}
	switch {
	case name != "":
		p.left, d.Format, d.Alien = 0, name, false
		d.become(name)
	case d.scan.phase == ended && p.mark&markError == 0:
		d.Alien = true
	}
	d.scan.root = d.format.tree
	d.scan.reset()
	d.scan.push(p.doc)
}

// become makes the decoder one of another dialect, unless it knows that one.
func (d *decoder) become(name string) {
	if d.format.knows(name) {
		return
	}
	if d.promised {
		d.note(foreignDialect)
	}
	d.format = formatOf(name)
	d.dialect, d.marked = d.format.open(), d.format.marked
}

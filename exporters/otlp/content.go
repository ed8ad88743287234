package otlp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"

	"llmtap/internal/call"
)

// message is one entry of gen_ai.input.messages and gen_ai.output.messages.
type message struct {
	Role   string `json:"role"`
	Parts  []part `json:"parts"`
	Name   string `json:"name,omitempty"`
	Finish string `json:"finish_reason,omitempty"`
}

// part is one piece of a message; which fields are set depends on its type.
type part struct {
	Type      string          `json:"type"`
	Content   string          `json:"content,omitempty"`
	Name      string          `json:"name,omitempty"`
	ID        string          `json:"id,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Response  string          `json:"response,omitempty"`
	Modality  string          `json:"modality,omitempty"`
	URI       string          `json:"uri,omitempty"`
}

// contents writes the messages of a record whose contents were captured: the
// record holds them redacted already.
func contents(a *attrs, r *call.Record, limit int) {
	if r.Content == (call.Content{}) {
		return
	}
	in := readRequest(r.Content.Request)
	out := readResponse(r.Content.Response)
	for _, x := range []struct {
		key      attribute.Key
		messages []message
	}{{genInputMessages, in.messages}, {genOutputMessages, out}} {
		if len(x.messages) > 0 {
			*a = append(*a, x.key.String(encodeMessages(x.messages, limit)))
		}
	}
	if len(in.system) > 0 {
		// An array of parts: encoded as the one message it would be.
		text := encodeMessages([]message{{Role: "system", Parts: in.system}}, limit)
		var one []struct{ Parts json.RawMessage }
		if json.Unmarshal([]byte(text), &one) == nil && len(one) == 1 {
			*a = append(*a, genSystem.String(string(one[0].Parts)))
		}
	}
	if len(in.tools) > 0 && len(in.tools) <= limit {
		*a = append(*a, genTools.String(fit(string(in.tools), limit)))
	}
}

// encodeMessages writes messages as JSON of at most limit bytes (as far as
// their frame allows): middle messages go first, then the longest text is cut.
func encodeMessages(list []message, limit int) string {
	list = append([]message(nil), list...)
	out := encode(list)
	for len(out) > limit && len(list) > 2 {
		mid := len(list) / 2
		list = append(list[:mid:mid], list[mid+1:]...)
		out = encode(list)
	}
	for range 64 {
		if len(out) <= limit {
			break
		}
		p := longest(list)
		if p == nil || !shorten(p, len(out)-limit) {
			return "[]"
		}
		out = encode(list)
	}
	if len(out) > limit {
		return "[]"
	}
	return out
}

func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "[]"
	}
	return strings.ToValidUTF8(strings.TrimSuffix(b.String(), "\n"), "\uFFFD")
}

// longest returns the longest text of the messages, nil if none is left. The
// parts are copied before they change: records are shared.
func longest(list []message) *string {
	var best *string
	for i := range list {
		list[i].Parts = append([]part(nil), list[i].Parts...)
		for j := range list[i].Parts {
			p := &list[i].Parts[j]
			for _, s := range []*string{&p.Content, &p.Response, &p.URI} {
				if *s != "" && (best == nil || len(*s) > len(*best)) {
					best = s
				}
			}
		}
	}
	return best
}

// shorten cuts at least excess bytes and says so in the text.
func shorten(s *string, excess int) bool {
	const note = 40 // room for the note itself
	keep := max(0, len(*s)-excess-note)
	for keep > 0 && !utf8.RuneStart((*s)[keep]) {
		keep--
	}
	if keep == 0 && len(*s) <= note {
		return false
	}
	*s = fmt.Sprintf("%s…[truncated %d bytes]", (*s)[:keep], len(*s)-keep)
	return true
}

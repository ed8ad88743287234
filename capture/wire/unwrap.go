package wire

import (
	"bytes"
	"strings"

	"llmtap/internal/call"
)

// unwrap replaces the texts of an error by those of the error it embeds: JSON
// in error.metadata.raw, JSON or a Python dict inside the message. One level;
// the shape stays that of the outer one.
func unwrap(e *errorFacts, out call.Error) call.Error {
	for _, text := range []string{e.pick(textCap, errRaw), out.Message} {
		inner, ok := embedded(text)
		if !ok {
			continue
		}
		out.Message = inner.Message
		for _, f := range []struct{ to, from *string }{
			{&out.Code, &inner.Code}, {&out.Type, &inner.Type}, {&out.Param, &inner.Param}, {&out.RequestID, &inner.RequestID},
		} {
			if *f.from != "" {
				*f.to = *f.from
			}
		}
		break
	}
	return out
}

// embedded reads the error document that a text ends with or begins with.
func embedded(text string) (call.Error, bool) {
	i := strings.IndexByte(text, '{')
	if i < 0 {
		return call.Error{}, false
	}
	for _, doc := range [][]byte{[]byte(text[i:]), fromPython(text[i:])} {
		e := &errorFacts{}
		s := &scanner{root: errorTree, sink: e}
		s.reset()
		s.push(doc)
		if !s.finish() {
			continue
		}
		inner := e.describe(s.members, "")
		return inner, inner.Message != ""
	}
	return call.Error{}, false
}

// fromPython rewrites a Python dict literal as JSON; what it does not
// understand it copies.
func fromPython(text string) []byte {
	var out bytes.Buffer
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\'' || c == '"':
			i = pythonString(&out, text, i)
		case strings.HasPrefix(text[i:], "None"):
			out.WriteString("null")
			i += 4
		case strings.HasPrefix(text[i:], "True"):
			out.WriteString("true")
			i += 4
		case strings.HasPrefix(text[i:], "False"):
			out.WriteString("false")
			i += 5
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.Bytes()
}

// pythonString copies one quoted string as a JSON string and returns the index
// behind it.
func pythonString(out *bytes.Buffer, text string, i int) int {
	quote := text[i]
	out.WriteByte('"')
	for i++; i < len(text) && text[i] != quote; i++ {
		switch c := text[i]; {
		case c == '"':
			out.WriteString(`\"`)
		case c == '\\' && i+1 < len(text):
			i = pythonEscape(out, text, i)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return i + 1
}

// pythonEscape copies the escape at text[i] and returns the index of its last byte.
func pythonEscape(out *bytes.Buffer, text string, i int) int {
	switch c := text[i+1]; c {
	case '\'':
		out.WriteByte('\'')
	case 'x':
		out.WriteString(`\u00`)
	case '"', '\\', 'b', 'f', 'n', 'r', 't', 'u':
		out.WriteByte('\\')
		out.WriteByte(c)
	default:
		out.WriteString(`\\`)
		out.WriteByte(c)
	}
	return i + 1
}

package wire

import (
	"bytes"

	"llmtap/internal/call"
)

// textBody keeps the beginning of a body that is no data format, since a
// gateway's page or plain sentence is the error message.
type textBody struct {
	dec  *decoder
	head []byte
}

func (b *textBody) push(p []byte, _ func(Kind)) {
	if b.dec.Framing == call.FramingOther {
		return
	}
	b.head = append(b.head, p[:min(len(p), textCap-len(b.head))]...)
}

func (b *textBody) end(bool) bool {
	if b.dec.status >= 400 {
		b.dec.failed(b.error(), false)
	}
	return true
}

func (b *textBody) error() call.Error {
	switch b.dec.Framing {
	case call.FramingHTML:
		return call.Error{Shape: call.ShapeHTML, Message: keepString(pageText(b.head), textCap)}
	case call.FramingText:
		return call.Error{Shape: call.ShapeText, Message: keepString(bytes.TrimSpace(b.head), textCap)}
	case call.FramingEmpty:
		return call.Error{Shape: call.ShapeEmpty}
	}
	return call.Error{Shape: call.ShapeOther}
}

// pageText is what a page says: its title and, where that says more, its
// heading; all of the text of an XML document.
func pageText(page []byte) []byte {
	if bytes.HasPrefix(page, []byte("<?xml")) && !bytes.Contains(page, []byte("<html")) {
		return visible(page)
	}
	text, heading := element(page, "title"), element(page, "h1")
	if len(heading) > 0 && !bytes.Equal(text, heading) {
		text = bytes.TrimPrefix(append(append(text, ": "...), heading...), []byte(": "))
	}
	return text
}

// visible returns the text between tags, blanks joined.
func visible(page []byte) []byte {
	var out []byte
	for len(page) > 0 {
		i := bytes.IndexByte(page, '<')
		if i < 0 {
			i = len(page)
		}
		out = append(append(out, page[:i]...), ' ')
		end := bytes.IndexByte(page[i:], '>')
		if end < 0 {
			break
		}
		page = page[i+end+1:]
	}
	return bytes.Join(bytes.Fields(out), []byte(" "))
}

// element returns the text of the first HTML element of a name.
func element(page []byte, name string) []byte {
	lower := bytes.ToLower(page)
	i := bytes.Index(lower, []byte("<"+name))
	if i < 0 || len(lower) != len(page) {
		return nil
	}
	begin := bytes.IndexByte(lower[i:], '>')
	if begin < 0 {
		return nil
	}
	begin += i + 1
	end := bytes.Index(lower[begin:], []byte("</"+name))
	if end < 0 {
		return nil
	}
	return visible(page[begin : begin+end])
}

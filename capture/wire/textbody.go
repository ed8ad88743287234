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
		return call.Error{Shape: call.ShapeHTML, Message: keepString(title(b.head), textCap)}
	case call.FramingText:
		return call.Error{Shape: call.ShapeText, Message: keepString(bytes.TrimSpace(b.head), textCap)}
	case call.FramingEmpty:
		return call.Error{Shape: call.ShapeEmpty}
	}
	return call.Error{Shape: call.ShapeOther}
}

// title returns the text of an HTML title element, blanks joined.
func title(page []byte) []byte {
	lower := bytes.ToLower(page)
	i := bytes.Index(lower, []byte("<title"))
	if i < 0 {
		return nil
	}
	begin := bytes.IndexByte(lower[i:], '>')
	if begin < 0 {
		return nil
	}
	begin += i + 1
	end := bytes.Index(lower[begin:], []byte("</title"))
	if end < 0 || len(lower) != len(page) {
		return nil
	}
	return bytes.Join(bytes.Fields(page[begin:begin+end]), []byte(" "))
}

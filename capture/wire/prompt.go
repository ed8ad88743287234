package wire

// promptCap bounds each kept piece of a prompt.
const promptCap = 512

// maxStops bounds the stop sequences kept, stopCap each.
const (
	maxStops = 8
	stopCap  = 64
)

// turn is the message at hand. Its text may come before its role.
type turn struct {
	role string
	head []byte
	tail []byte
	// system is a system prompt that stands apart from the messages.
	system string
}

// value takes messages and stop sequences.
func (t *turn) value(at slot, v *value, f *RequestFacts) {
	switch at {
	case reqMessages:
		t.again(v, f)
	case reqMessage:
		t.message(v, f)
	case reqRole:
		t.role = ""
		first(&t.role, v)
	case reqText:
		t.text(v)
	case reqInput:
		t.again(v, f)
		t.input(v, f)
	case reqSystem:
		if t.system == "" && v.form == formString {
			t.system = keepString(v.text, promptCap)
			f.Prompt.SystemText = t.system
		}
	case reqStop:
		if v.form != formClose {
			f.Prompt.Stop = nil
		}
		stop(v, f)
	case reqStopItem:
		stop(v, f)
	}
}

// again begins a list of messages; a repeated key replaces the earlier list.
func (t *turn) again(v *value, f *RequestFacts) {
	if v.form == formOpen {
		f.Messages = 0
		f.Prompt = Prompt{Stop: f.Prompt.Stop, SystemText: t.system}
	}
}

// input takes a prompt that is a single string: it is the user's last word.
func (t *turn) input(v *value, f *RequestFacts) {
	if v.form != formString {
		return
	}
	t.message(&value{form: formOpen}, f)
	t.role = "user"
	t.text(v)
	t.message(&value{form: formClose}, f)
}

// message begins or ends one.
func (t *turn) message(v *value, f *RequestFacts) {
	if v.form == formOpen {
		t.role, t.head, t.tail = "", t.head[:0], t.tail[:0]
		return
	}
	if v.form != formClose {
		return // no message: a string among them
	}
	f.Messages++
	p, head := &f.Prompt, keepString(t.head, promptCap)
	if f.Messages == 1 {
		p.FirstRole, p.FirstText = t.role, head
	}
	switch t.role {
	case "user":
		p.UserMessages++
		p.LastUserHead, p.LastUserTail = head, keepString(t.tail, promptCap)
	case "system", "developer":
		if p.SystemText == "" {
			p.SystemText = head
		}
	}
}

// text takes a message's content or one part of it.
func (t *turn) text(v *value) {
	if v.form != formString {
		return
	}
	room := promptCap - len(t.head)
	t.head = append(t.head, v.text[:min(len(v.text), room)]...)
	t.end(v.text)
	t.end(v.tail)
}

// end appends to the tail and drops what is no longer its end.
func (t *turn) end(b []byte) {
	t.tail = append(t.tail, b[max(0, len(b)-promptCap):]...)
	if over := len(t.tail) - promptCap; over > 0 {
		t.tail = t.tail[:copy(t.tail, t.tail[over:])]
	}
}

func stop(v *value, f *RequestFacts) {
	if v.form == formString && len(f.Prompt.Stop) < maxStops {
		f.Prompt.Stop = append(f.Prompt.Stop, keepString(v.text, stopCap))
	}
}

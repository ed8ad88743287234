package wire

// Kind is one of the neutral events that every dialect is decoded into.
// Nothing downstream of this package knows a provider.
type Kind uint8

// Kinds of an event (wire-format rules §1).
const (
	KindOther     Kind = iota
	KindContent        // non-empty answer text, refusal, audio, image
	KindReasoning      // non-empty reasoning text
	KindTool           // tool name or arguments
	KindUsage          // token usage only
	KindFinish         // a finish reason without content
	KindError          // in-band error
	KindDone           // terminal marker
	KindKeepalive      // comment or ping
)

// Content reports whether the event carries model output.
func (k Kind) Content() bool { return k == KindContent || k == KindReasoning || k == KindTool }

// Data reports whether the event counts as a data event.
func (k Kind) Data() bool { return k != KindKeepalive }

package call

// Framing is what the response body turned out to be, sniffed from its bytes,
// whatever its Content-Type says.
type Framing uint8

// Values of Framing, append-only.
const (
	FramingUnknown Framing = iota
	FramingJSON
	FramingSSE
	FramingNDJSON
	FramingEventStream
	FramingJSONArray
	FramingHTML
	FramingText
	FramingEmpty
	FramingOther
)

var framingNames = []string{"unknown", "json", "sse", "ndjson", "eventstream", "json_array", "html", "text", "empty", "other"}

// String returns the label value.
func (f Framing) String() string { return text(framingNames, f) }

// MarshalText encodes the label value.
func (f Framing) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (f *Framing) UnmarshalText(b []byte) (err error) {
	*f, err = parse[Framing]("framing", framingNames, b)
	return err
}

// Transfer is how the response body was delimited on the wire.
type Transfer uint8

// Values of Transfer, append-only.
const (
	TransferUnknown Transfer = iota
	TransferLength
	TransferChunked
	TransferClose
	TransferH2
)

var transferNames = []string{"unknown", "length", "chunked", "close", "h2"}

// String returns the label value.
func (t Transfer) String() string { return text(transferNames, t) }

// MarshalText encodes the label value.
func (t Transfer) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (t *Transfer) UnmarshalText(b []byte) (err error) {
	*t, err = parse[Transfer]("transfer", transferNames, b)
	return err
}

// ErrorShape is the form of an error body; the closed list is failures.md §1.2
// of the contract, tests in its order.
type ErrorShape uint8

// Values of ErrorShape, append-only.
const (
	ShapeUnknown ErrorShape = iota
	ShapeOpenAI
	ShapeAzure
	ShapeAzureValidate
	ShapeAPIM
	ShapeBare
	ShapeFastAPI
	ShapeDatabricks
	ShapeGoogle
	ShapeAnthropic
	ShapeAWS
	ShapeFlat
	ShapeList
	ShapeString
	ShapeHTML
	ShapeText
	ShapeEmpty
	ShapeOther
)

var errorShapeNames = []string{
	"unknown", "openai", "azure", "azure_validate", "apim", "bare", "fastapi", "databricks", "google",
	"anthropic", "aws", "flat", "list", "string", "html", "text", "empty", "other",
}

// String returns the label value.
func (s ErrorShape) String() string { return text(errorShapeNames, s) }

// MarshalText encodes the label value.
func (s ErrorShape) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (s *ErrorShape) UnmarshalText(b []byte) (err error) {
	*s, err = parse[ErrorShape]("error shape", errorShapeNames, b)
	return err
}

// Side is who ended a call.
type Side uint8

// Values of Side, append-only.
const (
	SideUnknown Side = iota
	SideUpstream
	SideClient
	SideAgent
)

var sideNames = []string{"unknown", "upstream", "client", "agent"}

// String returns the label value.
func (s Side) String() string { return text(sideNames, s) }

// MarshalText encodes the label value.
func (s Side) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (s *Side) UnmarshalText(b []byte) (err error) {
	*s, err = parse[Side]("end side", sideNames, b)
	return err
}

// EndKind is how the transport of a call ended; which kinds a side can show is
// tabled in the contract.
type EndKind uint8

// Values of EndKind, append-only.
const (
	EndUnknown EndKind = iota
	EndEOF
	EndShort
	EndReset
	EndH2RST
	EndTimeout
	EndClosed
	EndRefused
	EndDNS
	EndTLS
	EndPolicy
)

var endKindNames = []string{"unknown", "eof", "short", "reset", "h2_rst", "timeout", "closed", "refused", "dns", "tls", "policy"}

// String returns the label value.
func (k EndKind) String() string { return text(endKindNames, k) }

// MarshalText encodes the label value.
func (k EndKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (k *EndKind) UnmarshalText(b []byte) (err error) {
	*k, err = parse[EndKind]("end kind", endKindNames, b)
	return err
}

// View tells whether the bytes of a call could be read: opaque means relayed,
// yet not understood.
type View uint8

// Values of View, append-only.
const (
	ViewUnknown View = iota
	ViewFull
	ViewOpaque
)

var viewNames = []string{"unknown", "full", "opaque"}

// String returns the label value.
func (v View) String() string { return text(viewNames, v) }

// MarshalText encodes the label value.
func (v View) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (v *View) UnmarshalText(b []byte) (err error) {
	*v, err = parse[View]("view", viewNames, b)
	return err
}

// CaptureState tells what happened to the stored copy of a call's content.
type CaptureState uint8

// Values of CaptureState, append-only.
const (
	CaptureUnknown CaptureState = iota
	CaptureFull
	CaptureTruncated
	CaptureOff
)

var captureNames = []string{"unknown", "full", "truncated", "off"}

// String returns the label value.
func (c CaptureState) String() string { return text(captureNames, c) }

// MarshalText encodes the label value.
func (c CaptureState) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (c *CaptureState) UnmarshalText(b []byte) (err error) {
	*c, err = parse[CaptureState]("capture", captureNames, b)
	return err
}

// CaptureMode is the way a call came through the agent.
type CaptureMode uint8

// Values of CaptureMode, append-only.
const (
	CaptureModeUnknown CaptureMode = iota
	CaptureMITM
	CaptureReverse
	CapturePlain
	// CaptureLog is no call: a program's log said that one failed before it
	// left. Whoever writes the log can write that.
	CaptureLog
)

var captureModeNames = []string{"unknown", "mitm", "reverse", "plain", "log"}

// String returns the label value.
func (m CaptureMode) String() string { return text(captureModeNames, m) }

// MarshalText encodes the label value.
func (m CaptureMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (m *CaptureMode) UnmarshalText(b []byte) (err error) {
	*m, err = parse[CaptureMode]("capture mode", captureModeNames, b)
	return err
}

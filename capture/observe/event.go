package observe

import "time"

// Direction is the half of a connection that bytes belong to.
type Direction uint8

// The two directions.
const (
	Request  Direction = iota // client to service
	Response                  // service to client
)

// Exchange receives what one HTTP exchange shows, in order per direction. The
// connection's lock is held during a call: no call may block, and none may
// keep a slice it was given.
type Exchange interface {
	// Head is called for the request head (once, first), every interim
	// response head, the final response head, and trailers.
	Head(h *Head, at time.Time)
	// Body gets body bytes without chunk or frame overhead, as they arrive.
	Body(d Direction, p []byte, at time.Time)
	// End is called once per direction that began, and once with Response if
	// nothing ever came back. After both, the exchange is over.
	End(d Direction, e End, at time.Time)
}

// Head is a request or response head. Its slices are valid during the call only.
type Head struct {
	Direction Direction
	Method    string // requests
	Target    string // requests: as sent (origin-form, absolute-form …), :path in h2
	Authority string // requests: Host or :authority
	Status    int    // responses
	Proto     string // "1.0", "1.1", "2"
	Fields    []Field
	// Transfer is how the body is delimited: length, chunked, close, h2, none.
	Transfer string
	// Length is Content-Length, -1 if absent.
	Length int64
	// Interim marks a 1xx head, Trailers a trailer section.
	Interim  bool
	Trailers bool
	Place
}

// Place is where an exchange stands on its connection.
type Place struct {
	// Unasked marks a response without a request (408 to an idle connection).
	Unasked bool
	// Reused is true from the second exchange of a connection on.
	Reused bool
}

// Field is one header line as it was sent; Name keeps its case.
type Field struct{ Name, Value []byte }

// End is how one direction of an exchange ended.
type End struct {
	Kind EndKind
	// Code is the RST_STREAM or GOAWAY code of EndH2RST.
	Code uint32
	// Reason refines Kind, from fixed words: what was malformed; why observation
	// stopped; who reset an h2 stream (client, service, goaway); who closed
	// (receiver, agent); expect for a body that was never sent; unasked for the
	// request that an unasked answer lacks.
	Reason string
	// Moved are the bytes of each direction before another protocol began, of
	// EndOpaque by an upgrade.
	Moved [2]int64
}

// EndKind is how one direction of an exchange ended, as far as HTTP can tell.
type EndKind uint8

// Kinds of End.
const (
	EndUnknown   EndKind = iota
	EndComplete          // the message is whole
	EndUntilEOF          // close-delimited body and an orderly end: looks whole
	EndShort             // an orderly transport end inside the message
	EndReset             // a transport reset inside the message
	EndClosed            // the connection closed before any byte of the message, or Reason closed it
	EndH2RST             // RST_STREAM, or a GOAWAY that covers the stream
	EndMalformed         // not HTTP any more; Reason says what
	EndOpaque            // observation stopped (upgrade, budget …); Reason says why
)

// Closing is how a connection's direction ended, told by the relay.
type Closing uint8

// Kinds of Closing.
const (
	ClosedOrderly Closing = iota // close_notify or FIN
	ClosedReset                  // RST, broken record, FIN inside a record
	ClosedByPeer                 // our write failed: the receiver is gone
	ClosedByAgent                // shutdown, idle limit
)

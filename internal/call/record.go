package call

import (
	"strings"
	"time"
)

// Record is one wire attempt: one HTTP request and what became of it. It is
// assembled by one goroutine, sealed once and read-only afterwards.
type Record struct {
	Identity  Identity
	Target    Target
	Client    Client
	Request   Request
	Response  Response
	Timing    Timing
	Stream    Stream
	Usage     Usage
	End       End
	Agent     Agent
	Content   Content
	Diagnosis Diagnosis
}

// Identity answers "which attempt is this, and what does it belong to".
type Identity struct {
	// ID names the attempt; unique per install, sortable by start time.
	ID string
	// Start is when the request head was complete.
	Start time.Time
	// Span is the attempt's own trace identity.
	Span SpanContext
	// Remote is the traceparent that the request carried; zero if none.
	Remote SpanContext
	// Parent is the span that ours hangs under; zero makes it a root.
	Parent SpanContext
	// First is the first attempt's span when Attempt > 1.
	First SpanContext
	// Logical names the logical call; equal for the attempts of one retry chain.
	Logical string
	// Attempt counts from 1 within the logical call; 0 = not joined yet.
	Attempt int
}

// SpanContext is a W3C trace identity in lower-case hex; the zero value is none.
type SpanContext struct {
	Trace   string // 32 hex digits
	Span    string // 16 hex digits
	Sampled bool
}

// Valid reports whether both ids are present.
func (c SpanContext) Valid() bool { return c.Trace != "" && c.Span != "" }

// Digest is a keyed hash in hex. It is made by a Hasher only, so that a raw
// secret cannot be put where a digest belongs.
type Digest struct{ hex string }

// String returns the hex digits, empty for none.
func (d Digest) String() string { return d.hex }

// IsZero reports whether there is no digest.
func (d Digest) IsZero() bool { return d.hex == "" }

// MarshalText encodes the hex digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.hex), nil }

// UnmarshalText takes hex digits as they were marshalled.
func (d *Digest) UnmarshalText(b []byte) error {
	d.hex = string(b)
	return nil
}

// Target answers "what was called".
type Target struct {
	Scheme string
	Host   string // CONNECT name or URL host, lower case, no port
	Port   int
	// Provider is a gen_ai.provider.name value.
	Provider string
	// API names the endpoint (openai.chat, azure.openai.chat …); empty if not recognised.
	API string
	// Operation is a gen_ai.operation.name value.
	Operation string
	// Format is the decoder that read the body (llmtap.wire.format).
	Format     string
	Deployment string
	// Model is gen_ai.request.model: on Azure deployments the deployment.
	Model      string
	APIVersion string
	Auth       Auth
	// RoutePrefix is the path before the recognised suffix.
	RoutePrefix string
}

// Auth is how the request authenticated; credentials only as a keyed hash.
type Auth struct {
	Scheme string // api_key, bearer, sigv4, none
	Digest Digest
}

// String returns scheme:digest as in the JSON form.
func (a Auth) String() string {
	if a.Digest.IsZero() {
		return a.Scheme
	}
	return a.Scheme + ":" + a.Digest.String()
}

// MarshalText encodes scheme:digest.
func (a Auth) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText decodes scheme:digest.
func (a *Auth) UnmarshalText(b []byte) error {
	scheme, hex, _ := strings.Cut(string(b), ":")
	*a = Auth{Scheme: scheme, Digest: Digest{hex}}
	return nil
}

// Client answers "who called"; see package client for the rules.
type Client struct {
	Kind ClientKind `json:"kind"`
	// Name is the product, else the framework, else the SDK (closed set).
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	// Framework is the framework found beside a product.
	Framework  string `json:"framework,omitempty"`
	Surface    string `json:"surface,omitempty"`
	SDK        string `json:"sdk,omitempty"`
	SDKVersion string `json:"sdk_version,omitempty"`
	// Rule is the fingerprint rule that matched.
	Rule    string  `json:"rule,omitempty"`
	User    string  `json:"user,omitempty"`
	Process Process `json:"process,omitzero"`
	// Address is the peer's IP without port.
	Address   string `json:"address,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

// Process is the local process behind a connection, where it could be found.
type Process struct {
	PID  int    `json:"pid"`
	Name string `json:"name,omitempty"`
	// Reason says why a local client's process is not known (not_permitted,
	// gone, busy, pending, not_available); empty if it is, or was not asked for.
	Reason string `json:"reason,omitempty"`
}

// Request answers "what was asked".
type Request struct {
	Method string
	// Path is the escaped path, without query.
	Path string
	// URL is the whole URL with secrets REDACTED.
	URL        string
	Mode       Mode
	StreamFlag StreamFlag
	// Keys are the sorted top-level body keys, at most 64.
	Keys []string
	// Params are allow-listed scalar parameters, sorted by name.
	Params   []Param
	Messages int
	Tools    int
	Bytes    int64
	HTTP     string // 1.0, 1.1, 2
	Hints    RequestHints
}

// Param is one request parameter; Value is its JSON text as it was sent.
type Param struct {
	Name  string
	Value string
}

// RequestHints are facts that join and compare calls.
type RequestHints struct {
	// BodyModel is the body's model where it differs from Target.Model.
	BodyModel    string   `json:"body_model,omitempty"`
	IncludeUsage Tristate `json:"include_usage,omitzero"`
	// StreamType is the JSON type of an invalid stream flag.
	StreamType string `json:"stream_type,omitempty"`
	// Body is the keyed hash of the whole body, Core that without stream keys.
	Body Digest `json:"body_hmac,omitzero"`
	Core Digest `json:"core_hmac,omitzero"`
	// RetryCount is x-stainless-retry-count as sent, empty if absent.
	RetryCount   string   `json:"retry_count,omitempty"`
	InvocationID string   `json:"invocation_id,omitempty"`
	ReadTimeout  string   `json:"read_timeout,omitempty"`
	Headers      []Header `json:"-"`
	// ReusedConn says that the upstream connection had served a request before.
	ReusedConn bool `json:"reused_connection,omitempty"`
	// HostMismatch says that the inner Host was not the CONNECT name.
	HostMismatch bool   `json:"host_mismatch,omitempty"`
	OutputType   string `json:"output_type,omitempty"`
}

// Header is one allow-listed header line; Name is lower case.
type Header struct {
	Name  string
	Value string
}

// Response answers "what came back".
type Response struct {
	Status int
	Body   BodyFacts
	HTTP   string
	// Interim counts 1xx answers before the final head.
	Interim int
	// Model and ID are the first non-empty ones of the answer.
	Model         string
	ID            string
	FinishReasons []string
	// ServiceTier and Fingerprint are OpenAI's, as answered.
	ServiceTier string
	Fingerprint string
	Error       Error
	// Headers are allow-listed response headers in wire order.
	Headers []Header
	// Origin is "upstream", or "agent" for an answer the agent wrote itself.
	Origin string
}

// Header returns the first value of the allow-listed header name (lower case).
func (r Response) Header(name string) string { return header(r.Headers, name) }

// Header returns the first value of the allow-listed request header name.
func (h RequestHints) Header(name string) string { return header(h.Headers, name) }

func header(list []Header, name string) string {
	for _, h := range list {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// BodyFacts describe a response body as it was on the wire.
type BodyFacts struct {
	// ContentType is the media type without parameters, lower case.
	ContentType string
	// Encoding is the content coding (gzip, br …), empty for identity.
	Encoding string
	Framing  Framing
	Transfer Transfer
	Bytes    int64
}

// Error is an error body or in-band error, its message redacted and cut to 300
// characters.
type Error struct {
	Shape   ErrorShape `json:"shape,omitzero"`
	Code    string     `json:"code,omitempty"`
	Type    string     `json:"type,omitempty"`
	Param   string     `json:"param,omitempty"`
	Message string     `json:"message,omitempty"`
	// RequestID is an id inside the body (activityId, requestid, request_id).
	RequestID string `json:"request_id,omitempty"`
}

// Usage is the token usage as reported; Input includes cached tokens, Output
// includes reasoning.
type Usage struct {
	Input      Amount
	Output     Amount
	Cached     Amount
	CacheWrite Amount
	Reasoning  Amount
}

// Amount is a count that may be unknown: missing is not zero.
type Amount struct {
	N     int64
	Known bool
}

// Some returns a known amount.
func Some(n int64) Amount { return Amount{N: n, Known: true} }

// End answers "who ended it and how".
type End struct {
	Side Side
	Kind EndKind
	// Terminal: the answer was complete before the end.
	Terminal bool
	// H2Code is the RST_STREAM or GOAWAY code when Kind is EndH2RST.
	H2Code uint32
	// Reason refines an end by the agent (shutdown, crash, limit, auth …) or a
	// transport fact (malformed …).
	Reason string
	// Detail is the redacted error text, at most 300 characters.
	Detail string
}

// Agent answers "what did llmtap add, and what did it miss".
type Agent struct {
	// LagMax is the largest time between a read and the end of its write.
	LagMax time.Duration
	// Overhead is the agent's own time on this attempt.
	Overhead        time.Duration
	BlockedClient   time.Duration
	BlockedUpstream time.Duration
	View            View
	Capture         CaptureState
	Mode            CaptureMode
	// Lost names what could not be observed (decode_limit, oversize, budget …).
	Lost []string
	// Conn names the client connection; attempts of one connection share it.
	Conn string
	// PeerAddress is the upstream's IP and port.
	PeerAddress string
	// Overrun is how long the service was still read after the client had gone.
	Overrun time.Duration
	// Rule is "fingerprint" where the body told what was called, since the path
	// did not; empty where the path did, or nothing.
	Rule string
}

// Content is the redacted, capped copy of both bodies; empty unless content
// capture is switched on.
type Content struct {
	Request   string `json:"request,omitempty"`
	Response  string `json:"response,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
}

// Diagnosis is what the record means; filled by package diagnose.
type Diagnosis struct {
	Class    Class    `json:"class"`
	Reason   string   `json:"reason,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Severity Severity `json:"severity"`
	Fault    Fault    `json:"fault,omitzero"`
	Text     string   `json:"text,omitempty"`
	Remedy   []string `json:"remedy,omitempty"`
	Rule     string   `json:"rule,omitempty"`
}

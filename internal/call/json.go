package call

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Schema is the version of the JSON form.
const Schema = 1

type document struct {
	Schema    int        `json:"schema"`
	ID        string     `json:"id"`
	Start     time.Time  `json:"start"`
	Outcome   Outcome    `json:"outcome,omitzero"`
	Logical   *logical   `json:"logical,omitempty"`
	Trace     *trace     `json:"trace,omitempty"`
	Target    targetDoc  `json:"target"` // not Target: a Marshaler is encoded, then compacted
	Client    Client     `json:"client"`
	Request   request    `json:"request"`
	Response  *response  `json:"response,omitempty"`
	Timing    timing     `json:"timing"`
	Stream    *stream    `json:"stream,omitempty"`
	Usage     *usage     `json:"usage,omitempty"`
	End       end        `json:"end"`
	Agent     agent      `json:"agent"`
	Content   *Content   `json:"content,omitempty"`
	Diagnosis *Diagnosis `json:"diagnosis,omitempty"`
}

type logical struct {
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
}

type trace struct {
	Trace   string       `json:"trace_id"`
	Span    string       `json:"span_id"`
	Sampled bool         `json:"sampled"`
	Parent  *SpanContext `json:"parent,omitempty"`
	Remote  *SpanContext `json:"remote,omitempty"`
	First   *SpanContext `json:"first,omitempty"`
}

type targetDoc struct {
	Scheme      string `json:"scheme,omitempty"`
	Host        string `json:"host"`
	Port        int    `json:"port,omitempty"`
	Provider    string `json:"provider,omitempty"`
	API         string `json:"api,omitempty"`
	Operation   string `json:"operation,omitempty"`
	Format      string `json:"format,omitempty"`
	Deployment  string `json:"deployment,omitempty"`
	Model       string `json:"model,omitempty"`
	APIVersion  string `json:"api_version,omitempty"`
	Auth        Auth   `json:"auth,omitzero"`
	RoutePrefix string `json:"route_prefix,omitempty"`
}

// MarshalJSON writes the contract's target object.
func (t Target) MarshalJSON() ([]byte, error) { return json.Marshal(targetDoc(t)) }

// UnmarshalJSON reads the contract's target object.
func (t *Target) UnmarshalJSON(b []byte) error {
	var d targetDoc
	if err := json.Unmarshal(b, &d); err != nil {
		return fmt.Errorf("call: decode target: %w", err)
	}
	*t = Target(d)
	return nil
}

type request struct {
	Method     string            `json:"method,omitempty"`
	Path       string            `json:"path,omitempty"`
	URL        string            `json:"url,omitempty"`
	Mode       Mode              `json:"mode"`
	StreamFlag StreamFlag        `json:"stream_flag,omitzero"`
	Keys       []string          `json:"keys,omitempty"`
	Params     params            `json:"params,omitempty"`
	Messages   int               `json:"messages"`
	Tools      int               `json:"tools"`
	Bytes      int64             `json:"bytes"`
	HTTP       string            `json:"http,omitempty"`
	Hints      *RequestHints     `json:"hints,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
}

type response struct {
	Status      int               `json:"status,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	Encoding    string            `json:"content_encoding,omitempty"`
	Framing     Framing           `json:"framing,omitzero"`
	Transfer    Transfer          `json:"transfer,omitzero"`
	HTTP        string            `json:"http,omitempty"`
	Bytes       int64             `json:"bytes"`
	Interim     int               `json:"interim,omitempty"`
	Model       string            `json:"model,omitempty"`
	ID          string            `json:"id,omitempty"`
	Finish      []string          `json:"finish_reasons,omitempty"`
	ServiceTier string            `json:"service_tier,omitempty"`
	Fingerprint string            `json:"system_fingerprint,omitempty"`
	Error       *Error            `json:"error,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Origin      string            `json:"origin,omitempty"`
}

type timing struct {
	Dial         float64 `json:"dial,omitempty"`
	DNS          float64 `json:"dns,omitempty"`
	Connect      float64 `json:"connect,omitempty"`
	TLS          float64 `json:"tls,omitempty"`
	RequestSent  float64 `json:"request_sent,omitempty"`
	Headers      float64 `json:"headers,omitempty"`
	FirstByte    float64 `json:"first_byte,omitempty"`
	FirstData    float64 `json:"first_data,omitempty"`
	FirstContent float64 `json:"first_content,omitempty"`
	LastData     float64 `json:"last_data,omitempty"`
	LastByte     float64 `json:"last_byte,omitempty"`
	Total        float64 `json:"total,omitempty"`
}

type stream struct {
	Events        int                `json:"events"`
	ContentEvents int                `json:"content_events"`
	Keepalives    int                `json:"keepalives"`
	Bursts        int                `json:"bursts"`
	LargestBurst  int                `json:"largest_burst"`
	MaxGap        float64            `json:"max_gap"`
	MaxDataGap    float64            `json:"max_data_gap"`
	Done          bool               `json:"done"`
	Finish        bool               `json:"finish"`
	Errored       bool               `json:"error,omitempty"`
	Oddities      []string           `json:"oddities,omitempty"`
	OddityCounts  map[string]int     `json:"oddity_counts,omitempty"`
	OddityLast    map[string]float64 `json:"oddity_last,omitempty"`
	Pace          []pace             `json:"pace,omitempty"`
}

type pace struct {
	Bin   int     `json:"bin"`
	Count int     `json:"count"`
	Sum   float64 `json:"sum"`
}

type usage struct {
	Input      *int64 `json:"input,omitempty"`
	Output     *int64 `json:"output,omitempty"`
	Cached     *int64 `json:"cached,omitempty"`
	CacheWrite *int64 `json:"cache_write,omitempty"`
	Reasoning  *int64 `json:"reasoning,omitempty"`
}

type end struct {
	Side     Side    `json:"side,omitzero"`
	Kind     EndKind `json:"kind,omitzero"`
	Terminal bool    `json:"terminal"`
	H2Code   uint32  `json:"h2_code,omitempty"`
	Reason   string  `json:"reason,omitempty"`
	Detail   string  `json:"detail,omitempty"`
}

type agent struct {
	LagMax          float64      `json:"lag_max"`
	Overhead        float64      `json:"overhead"`
	BlockedClient   float64      `json:"blocked_client,omitempty"`
	BlockedUpstream float64      `json:"blocked_upstream,omitempty"`
	View            View         `json:"view,omitzero"`
	Capture         CaptureState `json:"capture,omitzero"`
	Mode            CaptureMode  `json:"mode,omitzero"`
	Lost            []string     `json:"lost,omitempty"`
	Conn            string       `json:"conn,omitempty"`
	PeerAddress     string       `json:"peer,omitempty"`
	Overrun         float64      `json:"overrun,omitempty"`
	Rule            string       `json:"rule,omitempty"`
}

// seconds rounds to the nanosecond grid that a round trip must keep.
func seconds(d time.Duration) float64 { return d.Seconds() }

func duration(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

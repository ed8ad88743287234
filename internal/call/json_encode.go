package call

import (
	"errors"
	"time"
)

// typical is the room for the JSON form of most records.
const typical = 3 << 10

// MarshalJSON writes schema 1; absent members are not known.
func (r Record) MarshalJSON() ([]byte, error) { return AppendJSON(make([]byte, 0, typical), &r) }

// AppendJSON appends the JSON form of r. It is written by hand because
// every call is stored in this form: encoding/json needs four times as long.
// It fails only for a start that has no RFC 3339 form.
func AppendJSON(b []byte, r *Record) ([]byte, error) {
	start := r.Identity.Start.UTC()
	if y := start.Year(); y < 0 || y > 9999 {
		return b, errors.New("call: encode record: year of the start outside of 0 to 9999")
	}
	o := object{b: append(b, '{')}
	o.number("schema", Schema)
	o.text("id", r.Identity.ID)
	writeQuoted(&o, "start", start.AppendFormat(nil, time.RFC3339Nano))
	o.some("outcome", r.Outcome().String(), r.Outcome() != 0)
	writeIdentity(&o, &r.Identity)
	writeTarget(&o, &r.Target)
	writeClient(&o, &r.Client)
	writeRequest(&o, &r.Request)
	writeResponse(&o, &r.Response)
	writeTiming(&o, r.Identity.Start, &r.Timing)
	writeStream(&o, &r.Stream)
	writeUsage(&o, &r.Usage)
	writeEnd(&o, &r.End)
	writeAgent(&o, &r.Agent)
	if c := &r.Content; *c != (Content{}) {
		o.open("content")
		o.words("request", c.Request)
		o.words("response", c.Response)
		writeFlag(&o, "truncated", c.Truncated)
		o.close()
	}
	writeDiagnosis(&o, &r.Diagnosis)
	return append(o.b, '}'), nil
}

func writeIdentity(o *object, i *Identity) {
	if i.Logical != "" {
		o.open("logical")
		o.text("id", i.Logical)
		o.number("attempt", int64(i.Attempt))
		o.close()
	}
	if !i.Span.Valid() {
		return
	}
	o.open("trace")
	o.text("trace_id", i.Span.Trace)
	o.text("span_id", i.Span.Span)
	o.bool("sampled", i.Span.Sampled)
	writeSpan(o, "parent", i.Parent)
	writeSpan(o, "remote", i.Remote)
	writeSpan(o, "first", i.First)
	o.close()
}

// span writes a reference as encoding/json writes SpanContext.
func writeSpan(o *object, name string, c SpanContext) {
	if !c.Valid() {
		return
	}
	o.open(name)
	o.text("Trace", c.Trace)
	o.text("Span", c.Span)
	o.bool("Sampled", c.Sampled)
	o.close()
}

func writeTarget(o *object, t *Target) {
	o.open("target")
	o.words("scheme", t.Scheme)
	o.text("host", t.Host)
	writeCount(o, "port", int64(t.Port))
	o.words("provider", t.Provider)
	o.words("api", t.API)
	o.words("operation", t.Operation)
	o.words("format", t.Format)
	o.words("deployment", t.Deployment)
	o.words("model", t.Model)
	o.words("api_version", t.APIVersion)
	o.some("auth", t.Auth.String(), t.Auth != (Auth{}))
	o.words("route_prefix", t.RoutePrefix)
	o.close()
}

func writeClient(o *object, c *Client) {
	o.open("client")
	o.text("kind", c.Kind.String())
	o.words("name", c.Name)
	o.words("version", c.Version)
	o.words("framework", c.Framework)
	o.words("surface", c.Surface)
	o.words("sdk", c.SDK)
	o.words("sdk_version", c.SDKVersion)
	o.words("rule", c.Rule)
	o.words("user", c.User)
	if p := c.Process; p != (Process{}) {
		o.open("process")
		o.number("pid", int64(p.PID))
		o.words("name", p.Name)
		o.words("reason", p.Reason)
		o.close()
	}
	o.words("address", c.Address)
	o.words("user_agent", c.UserAgent)
	o.close()
}

package store

import "llmtap/internal/call"

func hasContent(r call.Record) bool { return r.Content.Request != "" || r.Content.Response != "" }

// withoutContent drops both bodies and says so.
func withoutContent(r call.Record) call.Record {
	r.Content = call.Content{Truncated: true}
	return r
}

// longest is what facts leaves of a text.
const longest = 256

// facts returns r without what can be long: lists of headers, keys and
// parameters go, texts are cut. It says so as a loss of kind oversize.
func facts(r call.Record) call.Record {
	t, req, resp := &r.Target, &r.Request, &r.Response
	for _, s := range []*string{
		&r.Identity.ID, &r.Identity.Logical, &t.Scheme, &t.Host, &t.Provider, &t.API, &t.Operation, &t.Format, &t.Deployment,
		&t.Model, &t.APIVersion, &t.Auth.Scheme, &t.RoutePrefix, &req.Method, &req.Path, &req.URL, &resp.Model, &resp.ID,
		&resp.Error.Code, &resp.Error.Type, &resp.Error.Param, &resp.Error.Message, &resp.Error.RequestID,
		&resp.Body.ContentType, &resp.Body.Encoding, &r.End.Reason, &r.End.Detail, &r.Agent.Conn, &r.Agent.PeerAddress,
		&r.Diagnosis.Reason, &r.Diagnosis.Text, &r.Client.Name, &r.Client.Version, &r.Client.SDK, &r.Client.SDKVersion,
		&r.Client.Framework, &r.Client.Surface, &r.Client.Rule, &r.Client.User, &r.Client.Address, &r.Client.UserAgent,
		&r.Client.Process.Name, &r.Client.Process.Reason,
	} {
		*s = cut(*s)
	}
	id := &r.Identity
	for _, c := range []*call.SpanContext{&id.Span, &id.Remote, &id.Parent, &id.First} {
		c.Trace, c.Span = cut(c.Trace), cut(c.Span)
	}
	req.Keys, req.Params, req.Hints = nil, nil, call.RequestHints{Body: req.Hints.Body, Core: req.Hints.Core}
	resp.FinishReasons, resp.Headers, resp.ServiceTier, resp.Fingerprint = nil, nil, "", ""
	r.Stream.Oddities, r.Diagnosis.Tags, r.Diagnosis.Remedy = nil, nil, nil
	r.Agent.Lost = []string{"oversize"}
	return r
}

func cut(s string) string { return s[:min(len(s), longest)] }

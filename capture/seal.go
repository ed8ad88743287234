package capture

import (
	"time"

	"llmtap/capture/observe"
	"llmtap/internal/call"
	"llmtap/internal/redact"
)

// seal completes the record and hands it on, once.
func (x *exchange) seal(at time.Time) {
	if x.sealed {
		return
	}
	x.sealed = true
	r := &x.rec
	if r.Request.Method != "" {
		x.b.stats.end()
	}
	if r.Timing.End.IsZero() {
		r.Timing.End = at
	}
	r.Response.Headers = x.answered.allowed()
	r.Agent.Overhead = x.own.total()
	x.ending()
	x.storeContent()
	x.b.live.remove(r.Identity.ID)
	if r.Request.Method == "" {
		if r.Response.Status != 0 { // else an idle connection ended
			x.b.stats.drop("unasked")
		}
		return
	}
	x.b.stats.spent(&x.own)
	if x.ask.recordable() && x.b.hooks.Emit != nil {
		x.conn.process.Complete(&r.Client)
		x.b.hooks.Emit(r)
	}
}

// abandon forgets an exchange whose observation broke: it is neither sealed nor
// in flight any more.
func (x *exchange) abandon() {
	if x.sealed {
		return
	}
	x.sealed = true
	x.ask.stop()
	if x.resp != nil && x.resp.zip != nil {
		x.resp.zip.stop()
	}
	x.b.live.remove(x.rec.Identity.ID)
	if x.rec.Request.Method != "" {
		x.b.stats.end()
	}
}

// ending decides who ended the call and how. What came first on either leg
// decides; what the other leg shows later is a consequence.
func (x *exchange) ending() {
	r, e := &x.rec, x.respEnd
	first := x.conn.firstEnd.Load()
	end := &r.End
	switch e.Kind {
	case observe.EndComplete, observe.EndUntilEOF:
		end.Side, end.Kind = call.SideUpstream, call.EndEOF
		if e.Kind == observe.EndUntilEOF && first != nil && first.side != call.SideUpstream {
			end.Side, end.Kind, end.Reason = first.side, first.kind, first.why
		}
		return
	case observe.EndOpaque:
		r.Agent.View = call.ViewOpaque
		r.Agent.Lost = append(r.Agent.Lost, e.Reason) // counted once per connection, not as a loss per call
		end.Reason = e.Reason
		if upgraded(x) {
			hungUp(end, first)
		}
		return
	case observe.EndH2RST:
		end.Side, end.Kind, end.H2Code = x.resetSide(), call.EndH2RST, e.Code
		return
	}
	if first == nil {
		first = &firstEnd{side: call.SideUpstream}
	}
	end.Side, end.Kind, end.Reason = first.side, first.kind, first.why
	if first.side == call.SideUpstream {
		end.Kind = upstreamEnd(e.Kind, first.kind)
		end.Reason = e.Reason
	}
	if first.side == call.SideClient && r.Timing.LastByte.After(first.at) && !first.at.IsZero() {
		r.Agent.Overrun = r.Timing.LastByte.Sub(first.at)
	}
	end.Detail = redact.Text(end.Detail, 300)
}

// resetSide tells which peer reset an h2 stream. The request may be long over
// when the client leaves in mid-answer, so only the reason of the end tells.
func (x *exchange) resetSide() call.Side {
	if x.respEnd.Reason == "client" {
		return call.SideClient
	}
	return call.SideUpstream
}

func upstreamEnd(k observe.EndKind, transport call.EndKind) call.EndKind {
	switch k {
	case observe.EndReset:
		if transport == call.EndShort { // FIN inside a TLS record
			return call.EndShort
		}
		return call.EndReset
	case observe.EndClosed:
		switch transport {
		case call.EndReset, call.EndRefused, call.EndDNS, call.EndTimeout, call.EndTLS, call.EndPolicy:
			return transport
		}
		return call.EndClosed
	}
	return call.EndShort
}

func (x *exchange) storeContent() {
	if x.ask.keep == nil {
		return
	}
	limit := int(x.b.content)
	c, cut := &x.rec.Content, false
	text, short := x.ask.keep.text()
	c.Request, cut = redact.Text(text, limit), short
	if x.resp != nil && x.resp.keep != nil {
		text, short = x.resp.keep.text()
		c.Response, cut = redact.Text(text, limit), cut || short
	}
	c.Truncated = cut
	if cut {
		x.rec.Agent.Capture = call.CaptureTruncated
	}
}

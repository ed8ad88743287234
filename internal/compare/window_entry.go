package compare

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// entry is what the window keeps of one logical call: what the comparison
// needs and no more. Times are nanoseconds of the window's own clock.
type entry struct {
	id, logical string
	from, to    int64 // first attempt's start, last attempt's end
	client      *caller
	shape       *shape
	// sig is how it failed; nil if it did not, or if its failure counts nowhere.
	sig      *signature
	who      origin
	did      outcome
	mode     call.Mode
	attempts uint8 // in a row, of this signature; 1 for a success
	surface  uint8 // place in surfaces, from 1; 0 is none of these
}

// origin says whose call it was and which way it went; 0 and "" are not known.
type origin struct {
	credential uint64
	user       uint64
	core       uint64 // the body without its stream members
	egress     string // IP of the hop that was dialled
}

// outcome says for which comparisons a call counts.
type outcome uint8

const (
	worked     outcome = 1 << iota
	failedMode         // counts against its mode
	failedSide         // counts against its client, version or deployment
	failedPath         // counts against its way through the network
)

const failedAny = failedMode | failedSide | failedPath

func (e *entry) is(o outcome) bool { return e.did&o != 0 }

// failed reports whether e is a failure of kind o with the given signature.
func (e *entry) failed(o outcome, sig uint64) bool {
	return e.did&o != 0 && e.sig != nil && e.sig.hash == sig
}

// operations are those that generate an answer.
var operations = []string{"chat", "text_completion", "generate_content"}

// generates reports whether r asked a model for an answer. A record that does
// not say is judged by its body.
func generates(r *call.Record) bool {
	if r.Target.Host == "" || !r.Request.IsHTTP() {
		return false
	}
	if op := r.Target.Operation; op != "" {
		return slices.Contains(operations, op)
	}
	if api := r.Target.API; api != "" {
		return !strings.HasSuffix(api, "embeddings") && !strings.HasSuffix(api, "models")
	}
	return slices.Contains(r.Request.Keys, "messages") || slices.Contains(r.Request.Keys, "prompt") || slices.Contains(r.Request.Keys, "contents")
}

// didOf says what r counts as. A stream that the client closed after content
// shows that streaming works.
func didOf(r *call.Record) outcome {
	if r.Request.Mode == call.ModeStream && r.End.Side == call.SideClient && r.Stream.ContentEvents > 0 {
		return worked | sideOf(r)
	}
	switch r.Outcome() {
	case call.OutcomeOK:
		return worked
	case call.OutcomeError:
		var o outcome
		if countsForMode(r) {
			o |= failedMode
		}
		return o | sideOf(r)
	}
	return 0
}

func sideOf(r *call.Record) outcome {
	var o outcome
	if r.Outcome() != call.OutcomeError {
		return 0
	}
	if countsForSide(r) {
		o |= failedSide
	}
	if countsForPath(r) {
		o |= failedPath
	}
	return o
}

func (s *state) entryOf(r *call.Record, t *target) entry {
	e := entry{
		id: r.Identity.ID, logical: r.Identity.Logical, from: s.clock.of(r.Identity.Start), to: s.clock.of(endOf(*r)),
		client: s.caller(r), shape: s.shapes.of(r), mode: r.Request.Mode, did: didOf(r), attempts: 1,
		surface: surfaceOf(r),
		who: origin{
			credential: hashOf(r.Target.Auth.Digest.String()), user: hashOf(r.Client.User + r.Client.Address),
			core: hashOf(r.Request.Hints.Core.String()), egress: egressOf(r.Agent.PeerAddress),
		},
	}
	e.to = max(e.to, e.from)
	if e.is(failedAny) {
		e.sig = t.signature(r)
	}
	return e
}

// egressOf cuts the port off an address.
func egressOf(peer string) string {
	if i := strings.LastIndexByte(peer, ':'); i >= 0 {
		peer = peer[:i]
	}
	return strings.Trim(peer, "[]")
}

package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"llmtap/internal/call"
)

// maxKeys is how many member names a record keeps.
const maxKeys = 64

// body adds what is known of the request body as JSON paths.
func (p *profile) body(r *call.Record) {
	q := &r.Request
	whole := bodyRead(r)
	p.whole[familyBody], p.whole[familyStreamOptions] = whole, whole
	p.add(familyStream, "body.stream", streamFlag(r))
	p.plain(familyStream, "request.mode", q.Mode.String())
	for _, x := range q.Params {
		switch x.Name {
		case "stream", "model", "messages":
		default:
			p.param(x)
		}
	}
	for _, key := range q.Keys {
		switch {
		case key == "stream", key == "messages":
		case key == "stream_options":
			p.add(familyStreamOptions, "body.stream_options", streamOptions(q))
		case key == "model":
			p.add(familyBody, "body.model", bodyModel(r))
		case key == "tools" && q.Tools > 0:
			p.plain(familyBody, "body.tools", fmt.Sprintf("%d tools", q.Tools))
		default:
			p.add(familyBody, "body."+key, facetValue{known: someValue}) // a parameter of that name came first
		}
	}
	if !slices.Contains(q.Keys, "stream_options") && q.Hints.IncludeUsage != call.Unset {
		p.add(familyStreamOptions, "body.stream_options", streamOptions(q))
	}
	if !slices.Contains(q.Keys, "model") && (q.Hints.BodyModel != "" || q.IsHTTP() && r.Target.Deployment == "" && !modelInPath(r)) {
		p.add(familyBody, "body.model", bodyModel(r))
	}
	p.secret(familyContent, "body.messages", q.Hints.Core.String())
}

// bodyRead reports whether every member name of the body is known. An absent
// stream flag proves it: only a whole, valid body has one.
func bodyRead(r *call.Record) bool {
	q := &r.Request
	switch {
	case len(q.Keys) == 0, len(q.Keys) >= maxKeys, r.Agent.View == call.ViewOpaque, q.StreamFlag == call.StreamUnknown:
		return false
	case q.StreamFlag == call.StreamAbsent:
		return true
	}
	unsent := r.Timing.RequestSent.IsZero() && (!r.Timing.Headers.IsZero() || r.End.Side == call.SideClient)
	return !unsent && r.Agent.Capture != call.CaptureTruncated && len(r.Agent.Lost) == 0
}

// streamFlag tells absent, null, false, true and a wrong type apart.
func streamFlag(r *call.Record) facetValue {
	q := &r.Request
	named := slices.Contains(q.Keys, "stream")
	switch q.StreamFlag {
	case call.StreamTrue, call.StreamFalse:
		return facetValue{plainValue, q.StreamFlag.String()}
	case call.StreamInvalid:
		return invalidFlag(q)
	case call.StreamAbsent:
		switch {
		case named:
			return facetValue{plainValue, "null"}
		case r.Agent.View == call.ViewOpaque:
			return facetValue{}
		case len(q.Keys) == 0, len(q.Keys) >= maxKeys:
			return facetValue{plainValue, absentOrNull}
		}
		return facetValue{known: notThere}
	}
	if named {
		return facetValue{known: someValue}
	}
	return facetValue{}
}

// invalidFlag shows the value where it was kept, else its type.
func invalidFlag(q *call.Request) facetValue {
	for _, x := range q.Params {
		if x.Name == "stream" && showable(x.Value) {
			return facetValue{plainValue, x.Value}
		}
	}
	if q.Hints.StreamType == "" {
		return facetValue{plainValue, "not a boolean"}
	}
	return facetValue{plainValue, "of type " + q.Hints.StreamType}
}

func streamOptions(q *call.Request) facetValue {
	if q.Hints.IncludeUsage == call.Unset {
		return facetValue{known: someValue}
	}
	return facetValue{plainValue, `{"include_usage":` + q.Hints.IncludeUsage.String() + `}`}
}

// bodyModel is the model named in the body. Where the path names the
// deployment, a record keeps it only if it is a different one: null and the
// deployment's own name look the same.
func bodyModel(r *call.Record) facetValue {
	switch model := r.Request.Hints.BodyModel; {
	case model != "":
		return facetValue{plainValue, model}
	case r.Target.Deployment == "" && r.Target.Model != "":
		return facetValue{plainValue, r.Target.Model}
	case slices.Contains(r.Request.Keys, "model"):
		return facetValue{known: someValue}
	}
	return facetValue{}
}

// param adds a parameter by its JSON text. What names a person or a
// conversation, and text that is no plain word, is compared only.
func (p *profile) param(x call.Param) {
	v := facetValue{secretValue, x.Value}
	if showable(x.Value) && !private(x.Name) {
		v.known = plainValue
	}
	f := familyBody
	if strings.HasPrefix(x.Name, "stream_options.") {
		f = familyStreamOptions
	}
	p.add(f, "body."+x.Name, v)
}

func private(name string) bool {
	switch name {
	case "user", "safety_identifier", "prompt_cache_key", "previous_response_id":
		return true
	}
	return strings.HasPrefix(name, "metadata")
}

// showable reports whether JSON text is a number, a literal or a short word.
func showable(text string) bool {
	word, quoted := strings.CutPrefix(text, `"`)
	if !quoted {
		return len(text) <= maxShown && json.Valid([]byte(text)) && !strings.ContainsAny(text, "[{\"")
	}
	word, closed := strings.CutSuffix(word, `"`)
	return closed && len(word) <= 64 && strings.IndexFunc(word, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.:-", r)
	}) < 0
}

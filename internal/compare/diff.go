package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"llmtap/internal/call"
)

// maxChanges bounds a list of differences; records hold fewer.
const maxChanges = 256

// Diff lists what differs between a failing and a working call: first what was
// asked, smallest explaining difference first, then what only one of the two
// is known to have asked, then what came back, last how long it took. It is
// antisymmetric: swapping the calls swaps the values and nothing else. Prompts
// are compared by digest and credentials by keyed hash; neither is shown.
func Diff(failing, working call.Record) []call.Change {
	list := differences(&failing, &working)
	out := make([]call.Change, len(list))
	for i := range list {
		out[i] = list[i].change()
	}
	return out
}

// difference is a Change before it is written out.
type difference struct {
	path    string
	family  family
	a, b    facetValue
	unclear bool
	// blamed: the answer itself names this property.
	blamed bool
	// hidden: neither value is shown, not even whether there is one.
	hidden bool
	// uncounted: the values say nothing about other calls.
	uncounted bool
}

func (d *difference) cause() bool { return d.family < familyAnswer }

func (d *difference) change() call.Change {
	c := call.Change{Path: shorten(d.path)}
	switch {
	case d.hidden && d.unclear:
		c.Failing, c.Working = Unknown, Unknown
	case d.hidden:
		c.Failing, c.Working = Different, Different
	default:
		c.Failing, c.Working = showBoth(d.a, d.b)
	}
	return c
}

func differences(a, b *call.Record) []difference {
	pa, pb := profileOf(a), profileOf(b)
	list := contrasts(&pa, &pb)
	list = slices.DeleteFunc(list, func(d difference) bool { return implied(d.path, list) })
	list = append(list, contents(a, b, list)...)
	list = append(list, timings(a, b)...)
	for i := range list {
		list[i].blamed = list[i].cause() && (blames(a, list[i].path) || blames(b, list[i].path))
	}
	slices.SortStableFunc(list, canonical)
	return list[:min(len(list), maxChanges)]
}

// contrasts walks both sorted profiles at once.
func contrasts(a, b *profile) []difference {
	var out []difference
	for i, j := 0, 0; i < len(a.facets) || j < len(b.facets); {
		var x facet
		switch at := order(a.facets[i:], b.facets[j:]); {
		case at < 0:
			x, i = a.facets[i], i+1
		case at > 0:
			x, j = b.facets[j], j+1
		default:
			x = a.facets[i]
			x.family = min(x.family, b.facets[j].family)
			i, j = i+1, j+1
		}
		if x.family == familyContent {
			continue // compared as a pair
		}
		d := difference{path: x.path, family: x.family, a: a.at(x.path, x.family), b: b.at(x.path, x.family)}
		switch d.a.against(d.b) {
		case unlike:
			out = append(out, d)
		case unclear: // of what came back only what is known is worth a line
			if d.unclear = true; d.cause() {
				out = append(out, d)
			}
		}
	}
	return out
}

// order compares the heads of two sorted lists; an empty one comes last.
func order(a, b []facet) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return strings.Compare(a[0].path, b[0].path)
}

// canonical is the order of differences that separate equally well.
func canonical(a, b difference) int {
	return cmp.Or(
		flag(b.cause() && !b.unclear)-flag(a.cause() && !a.unclear),
		flag(b.blamed)-flag(a.blamed),
		int(a.family)-int(b.family),
		strings.Compare(a.path, b.path),
	)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// implied reports whether a difference only repeats another of the list.
func implied(path string, list []difference) bool {
	var by func(d *difference) bool
	switch path {
	case "request.mode":
		by = func(d *difference) bool { return d.path == "body.stream" }
	case "target.api":
		by = func(d *difference) bool { return d.path == "url.path" || d.path == "url.host" }
	case "client.user_agent":
		by = func(d *difference) bool { return d.family == familyClient && d.path != path }
	default:
		return false
	}
	return slices.ContainsFunc(list, func(d difference) bool { return !d.unclear && by(&d) })
}

// Bodies differ by a lot from this factor and this many bytes on.
const (
	muchMore   = 4
	muchLarger = 64 << 10
)

// contents compares what was said, by count, size and digest.
func contents(a, b *call.Record, others []difference) []difference {
	if !a.Request.IsHTTP() || !b.Request.IsHTTP() {
		return nil
	}
	var out []difference
	if d, ok := messages(a, b, others); ok {
		out = append(out, d)
	}
	x, y := a.Request.Bytes, b.Request.Bytes
	if small, large := min(x, y), max(x, y); small > 0 && large/muchMore >= small && large-small >= muchLarger {
		out = append(out, difference{
			path: "request.bytes", family: familyContent, uncounted: true,
			a: facetValue{plainValue, fmt.Sprint(x)}, b: facetValue{plainValue, fmt.Sprint(y)},
		})
	}
	return out
}

// messages compares the prompts. The digest covers the whole body but for the
// stream keys: it proves them equal; that they differ it proves only where
// nothing else of the body does and one program wrote both.
func messages(a, b *call.Record, others []difference) (difference, bool) {
	x, y := &a.Request, &b.Request
	d := difference{path: "body.messages", family: familyContent}
	d.a, d.b = facetValue{secretValue, x.Hints.Core.String()}, facetValue{secretValue, y.Hints.Core.String()}
	switch {
	case x.Messages > 0 && y.Messages > 0 && x.Messages != y.Messages:
		d.a, d.b, d.uncounted = count(x.Messages), count(y.Messages), true
		return d, true
	case x.Hints.Core == y.Hints.Core, !x.Hints.Body.IsZero() && x.Hints.Body == y.Hints.Body: // equal, or not known of either
		return d, false
	}
	d.hidden = true
	sameWriter := a.Client.SDK != "" && a.Client.SDK == b.Client.SDK && a.Client.SDKVersion == b.Client.SDKVersion &&
		a.Client.Name == b.Client.Name && a.Client.Version == b.Client.Version
	otherwise := slices.ContainsFunc(others, func(d difference) bool { return d.family == familyBody || d.path == "target.api" })
	d.unclear = x.Hints.Core.IsZero() || y.Hints.Core.IsZero() || !sameWriter || otherwise
	return d, true
}

func count(messages int) facetValue {
	if messages == 1 {
		return facetValue{plainValue, "1 message"}
	}
	return facetValue{plainValue, fmt.Sprintf("%d messages", messages)}
}

// blames reports whether the answer to r, or its class, points at the property.
func blames(r *call.Record, path string) bool {
	if param := r.Response.Error.Param; param != "" {
		first, _, _ := strings.Cut(strings.NewReplacer("[", ".", "/", ".").Replace(param), ".")
		if path == "body."+param || path == "body."+first || path == "query."+param {
			return true
		}
	}
	switch r.Diagnosis.Class {
	case call.ClassStreamFlagInvalid, call.ClassStreamUnsupported, call.ClassPlainUnsupported:
		return path == "body.stream" || path == "request.mode"
	case call.ClassStreamOptionRejected:
		return strings.HasPrefix(path, "body.stream_options")
	case call.ClassAPIVersionIncompatible:
		return path == "query.api-version"
	case call.ClassEndpointNotFound:
		return strings.HasPrefix(path, "url.") || strings.HasPrefix(path, "target.")
	case call.ClassAuthRejected:
		return strings.HasPrefix(path, "auth.")
	}
	return false
}

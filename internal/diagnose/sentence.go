package diagnose

import (
	"cmp"
	"strconv"
	"strings"

	"llmtap/internal/call"
)

// fill puts the call's facts into a sentence. An optional part with an unknown
// value goes; elsewhere an unknown value reads "unknown".
func fill(sentence string, f *facts, found finding) string {
	if sentence == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(sentence) + 120)
	for sentence != "" {
		i := strings.IndexByte(sentence, '[')
		if i < 0 {
			i = len(sentence)
		}
		fillPart(&b, sentence[:i], f, found)
		if i == len(sentence) {
			break
		}
		part, rest, _ := strings.Cut(sentence[i+1:], "]")
		if allKnown(part, f, found) {
			fillPart(&b, part, f, found)
		}
		sentence = rest
	}
	return b.String()
}

// fillPart replaces the placeholders of a part without options.
func fillPart(b *strings.Builder, part string, f *facts, found finding) {
	for {
		before, after, ok := strings.Cut(part, "{")
		b.WriteString(before)
		if !ok {
			return
		}
		name, rest, _ := strings.Cut(after, "}")
		v := value(name, f, found)
		if v == "" {
			v = "unknown"
		}
		writeLine(b, v)
		part = rest
	}
}

// writeLine writes s with every run of blanks as one blank.
func writeLine(b *strings.Builder, s string) {
	first := true
	for w := range strings.FieldsSeq(s) {
		if !first {
			b.WriteByte(' ')
		}
		first = false
		b.WriteString(w)
	}
}

// allKnown reports whether every placeholder of a part has a value.
func allKnown(part string, f *facts, found finding) bool {
	for {
		_, after, ok := strings.Cut(part, "{")
		if !ok {
			return true
		}
		name, rest, _ := strings.Cut(after, "}")
		if value(name, f, found) == "" {
			return false
		}
		part = rest
	}
}

// value resolves a placeholder; names that are not listed are the class's own.
func value(name string, f *facts, found finding) string {
	r := f.r
	switch name {
	case "reason":
		return strings.ReplaceAll(found.reason, "_", " ")
	case "s":
		if found.seconds > 0 {
			return secondsText(found.seconds)
		}
		return ""
	case "status":
		return strconv.Itoa(r.Response.Status)
	case "host":
		return r.Target.Host
	case "path":
		return r.Request.Path
	case "target":
		return targetName(r)
	case "framework":
		return r.Client.Name
	case "version":
		return r.Client.Version
	case "n":
		return strconv.Itoa(r.Stream.Events)
	case "v":
		return r.Target.APIVersion
	case "framing":
		return r.Response.Body.Framing.String()
	case "mt":
		return r.Response.Body.ContentType
	}
	if v, ok := errorValue(name, r); ok {
		return v
	}
	return found.what
}

// errorValue resolves placeholders about the error body.
func errorValue(name string, r *call.Record) (string, bool) {
	e := r.Response.Error
	switch name {
	case "code":
		return cmp.Or(e.Code, e.Type, wrongFinish(r)), true
	case "message":
		return e.Message, true
	case "id":
		return requestID(r), true
	}
	return "", false
}

func targetName(r *call.Record) string {
	for _, s := range []string{r.Target.Deployment, r.Target.Model, r.Target.Host} {
		if s != "" {
			return s
		}
	}
	return "The service"
}

// requestID is what the service's owner needs to find the call.
func requestID(r *call.Record) string {
	if r.Response.Error.RequestID != "" {
		return r.Response.Error.RequestID
	}
	for _, h := range []string{"apim-request-id", "x-request-id", "x-ms-request-id", "request-id", "x-amzn-requestid", "cf-ray"} {
		if v := r.Response.Header(h); v != "" {
			return v
		}
	}
	return ""
}

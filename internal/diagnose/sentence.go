package diagnose

import (
	"regexp"
	"strconv"
	"strings"

	"llmtap/internal/call"
)

var (
	optional    = regexp.MustCompile(`\[[^\]]*\]`)
	placeholder = regexp.MustCompile(`\{[^}]+\}`)
)

// fill puts the call's facts into a sentence. An optional part with an unknown
// value goes; elsewhere an unknown value reads "unknown".
func fill(sentence string, f *facts, found finding) string {
	sentence = optional.ReplaceAllStringFunc(sentence, func(part string) string {
		for _, name := range placeholder.FindAllString(part, -1) {
			if value(strings.Trim(name, "{}"), f, found) == "" {
				return ""
			}
		}
		return part[1 : len(part)-1]
	})
	out := placeholder.ReplaceAllStringFunc(sentence, func(name string) string {
		if v := value(strings.Trim(name, "{}"), f, found); v != "" {
			return v
		}
		return "unknown"
	})
	return strings.Join(strings.Fields(out), " ")
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
		if e.Code != "" {
			return e.Code, true
		}
		return e.Type, true
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

package explain

import (
	"strings"

	"llmtap/internal/call"
)

// Command is one curl call for a person to paste into a shell.
type Command struct {
	// Text is the command, of several lines, for any POSIX shell. It is empty
	// if Missing says what is not known.
	Text    string
	Missing string
	// LeftOut names what the recorded request had and the command has not, and
	// what stands in for something that was not recorded.
	LeftOut []string
}

// Pair is a call as it was sent, and the same with one change that may make it
// work. Change says which, in words; it is empty, and Changed too, where no
// single change of the request is known to matter.
type Pair struct {
	AsSent  Command
	Changed Command
	Change  string
}

// Curl rebuilds the request from the recorded facts: path, query, model, stream
// flag and parameters as they were sent, one harmless message for what was
// said, and the key from a variable of the user's shell. No secret and no
// prompt can be in it: neither is in a record.
func Curl(r call.Record) Pair {
	q, missing := rebuild(&r)
	if missing != "" {
		return Pair{AsSent: Command{Missing: missing}}
	}
	p := Pair{AsSent: q.command()}
	if c, ok := changeFor(&r); ok && q.method == "POST" && c.apply(&q) {
		p.Changed, p.Change = q.command(), c.words
	}
	return p
}

// ask is a request that can be written as a curl command.
type ask struct {
	method string
	base   string // scheme, host and port
	path   string
	query  []member
	flags  []string // shell words: credentials and headers
	body   object
	left   []string
}

func (q *ask) lacks(what string) { q.left = append(q.left, what) }

// rebuild makes the request, or says what of it is not known.
func rebuild(r *call.Record) (ask, string) {
	t, sent := r.Target, r.Request
	switch {
	case !sent.IsHTTP():
		return ask{}, "no request was sent, so there is none to repeat"
	case r.Agent.View == call.ViewOpaque:
		return ask{}, "the request could not be read"
	case sent.Method != "POST" && sent.Method != "GET":
		return ask{}, "the method is neither GET nor POST"
	}
	base, ok := origin(t)
	if !ok {
		return ask{}, "the address of the service is not one that curl can be given"
	}
	if !strings.HasPrefix(sent.Path, "/") || strings.Contains(sent.Path, masked) || len(sent.Path) > maxPart {
		return ask{}, "the path was not recorded, or holds a part that was masked"
	}
	q := ask{method: sent.Method, base: base, path: urlPart(sent.Path)}
	q.addQuery(r)
	q.addKey(r)
	if sent.Method == "POST" {
		if !q.addBody(r) {
			return ask{}, "how a request to this API is written is not known"
		}
	}
	return q, ""
}

// masked stands in a record where a secret was.
const masked = "REDACTED"

// maxPart bounds one part of a command; longer ones are hostile or useless.
const maxPart = 512

// origin is scheme, host and port, if they are plain enough for a URL.
func origin(t call.Target) (string, bool) {
	if t.Host == "" || len(t.Host) > 253 || (t.Scheme != "https" && t.Scheme != "http") || t.Port < 0 || t.Port > 65535 {
		return "", false
	}
	host := strings.Trim(t.Host, "[]")
	for _, c := range host {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._:", c)) {
			return "", false
		}
	}
	if strings.HasPrefix(host, "-") || strings.Contains(t.Host, masked) {
		return "", false
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if usual := map[string]int{"https": 443, "http": 80}[t.Scheme]; t.Port != 0 && t.Port != usual {
		host += ":" + number(t.Port)
	}
	return t.Scheme + "://" + host, true
}

// kept are the query parameters that choose what answers; others may be secret.
func kept(name string) bool {
	switch name {
	case "api-version", "alt", "beta", "version":
		return true
	}
	return false
}

func (q *ask) addQuery(r *call.Record) {
	_, query, _ := strings.Cut(r.Request.URL, "?")
	query, _, _ = strings.Cut(query, "#")
	if r.Request.URL == "" && r.Target.APIVersion != "" {
		query = "api-version=" + r.Target.APIVersion
	}
	for i, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case name == "", i >= 16:
		case kept(strings.ToLower(name)) && !strings.Contains(value, masked) && len(value) <= maxPart:
			q.query = append(q.query, member{urlPart(name), urlPart(value)})
		case strings.EqualFold(name, "key"): // Gemini's credential, which goes into a header here
		default:
			q.lacks("the query parameter " + clip(name))
		}
	}
}

package explain

import (
	"slices"
	"strconv"
	"strings"

	"llmtap/internal/call"
)

// Seen says what the user of the client probably saw: what this client, in the
// version that was tried, showed when the same happened to it. It is empty for
// clients and faults that were never tried, and for calls that worked.
func Seen(r call.Record) string {
	for _, s := range screens {
		if s.fits(&r) {
			if text := s.shows.text(&r); text != "" {
				return "Probably " + text + " (so it was with " + s.tried + ")."
			}
			break
		}
	}
	for _, s := range oddScreens {
		if s.fits(&r) {
			return "Probably " + s.text + " (so it was with " + s.tried + ")."
		}
	}
	return ""
}

// shown is what one client shows of each fault of a streamed call; an empty
// text was not tried.
type shown struct {
	failed   string // status 500 and up
	refused  string // status 400
	oneJSON  string // one JSON answer at 200
	cut      string // broken off without the last chunk
	unended  string // clean end without finish or terminator
	errored  string // error event at 200
	nothing  string // zero bytes, HTML or an error as JSON at 200
	badEvent string // an event that is not JSON
}

// text picks the fault that the record shows.
func (s shown) text(r *call.Record) string {
	if r.Request.Mode != call.ModeStream || r.Response.Origin == "agent" {
		return ""
	}
	switch status := r.Response.Status; {
	case status >= 500:
		return s.failed
	case status == 400:
		return s.refused
	case status < 200 || status >= 300:
		return ""
	}
	switch r.Diagnosis.Class {
	case call.ClassStreamDowngraded:
		return s.oneJSON
	case call.ClassStreamTruncated:
		return s.cut
	case call.ClassStreamIncomplete:
		return s.unended
	case call.ClassErrorInStream:
		return s.errored
	case call.ClassErrorInBody, call.ClassNonAPIResponse:
		return s.nothing
	case call.ClassSSEMalformed:
		return s.badEvent
	case call.ClassEmptyStream:
		switch r.Diagnosis.Reason {
		case "zero_bytes":
			return s.nothing
		case "no_terminal":
			return s.unended
		}
	}
	return ""
}

// screen is a row of the table: which client, as it was tried, shows what.
type screen struct {
	tried string
	fits  func(*call.Record) bool
	shows shown
}

// Silence in its two forms: clients that neither raise nor show anything.
const (
	silentEmpty   = "nothing at all: no error, and an empty answer"
	silentPartial = "a partial answer and no error"
	silentStop    = "nothing wrong: LiteLLM ends the answer with a finish reason `stop` of its own"
)

// named is the test of a row: the client's name and, unless from is 0, that its
// version is known and not below it. Newer versions stand first.
func named(name string, from float64) func(*call.Record) bool {
	return func(r *call.Record) bool {
		return r.Client.Name == name && (from == 0 || atLeast(versionOf(r.Client), from))
	}
}

// versionOf is the version that decides: the SDK's for SDKs, else the client's.
func versionOf(c call.Client) string {
	if c.Version == "" && c.SDK == c.Name {
		return c.SDKVersion
	}
	return c.Version
}

// atLeast compares major.minor as major + minor/1000.
func atLeast(version string, from float64) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.ParseUint(first, 10, 16)
	minor, err2 := strconv.ParseUint(second, 10, 16)
	if err != nil || err2 != nil || minor > 999 {
		return false
	}
	return float64(major)+float64(minor)/1000 >= from
}

// chat is the surface of Jupyter AI whose screen was watched.
func chat(r *call.Record) bool {
	return r.Client.Name == "jupyter-ai" && slices.Contains([]string{"chat", "fix"}, r.Client.Surface)
}

// jupyter3 and jupyter2 tell by version, else by the prompt that was recognised.
func jupyter3(r *call.Record) bool {
	return chat(r) && (atLeast(r.Client.Version, 3) || r.Client.Version == "" && r.Client.Rule == "jai-chat-3")
}

func jupyter2(from float64) func(*call.Record) bool {
	return func(r *call.Record) bool { return chat(r) && atLeast(r.Client.Version, from) }
}

func jupyter2Prompt(r *call.Record) bool {
	return chat(r) && r.Client.Version == "" && (r.Client.Rule == "jai-chat-2" || r.Client.Rule == "jai-fix")
}

// anthropicSDK is LangChain on the anthropic SDK, or the SDK alone.
func anthropicSDK(name string) func(*call.Record) bool {
	return func(r *call.Record) bool { return r.Client.Name == name && r.Client.SDK == "anthropic-python" }
}

func responses(r *call.Record) bool { return strings.HasSuffix(apiOf(r), "openai.responses") }

func both(a, b func(*call.Record) bool) func(*call.Record) bool {
	return func(r *call.Record) bool { return a(r) && b(r) }
}

package faultllm_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// The oracle reads the raw bytes of an answer and names its class by the rules
// of the failure catalogue, in as few lines as will do. It is the proof that a
// scenario shows what its row says; it shares no code with the agent.

// message is a response taken apart by hand.
type message struct {
	status    int
	header    map[string]string
	doubled   bool // Content-Length twice, or beside chunked
	body      string
	short     bool // the end came before the framing's
	malformed bool
}

func parseMessage(raw string) (m message, ok bool) {
	for {
		head, rest, whole := strings.Cut(raw, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		f := strings.Fields(lines[0])
		if !whole || len(f) < 2 || !strings.HasPrefix(f[0], "HTTP/1.") {
			return message{malformed: whole}, whole
		}
		m = message{header: map[string]string{}}
		m.status, _ = strconv.Atoi(f[1])
		for _, l := range lines[1:] {
			name, value, _ := strings.Cut(l, ": ")
			name = strings.ToLower(name)
			if _, twice := m.header[name]; twice && name == "content-length" {
				m.doubled = true
			}
			m.header[name] = value
		}
		if raw = rest; m.status >= 200 {
			break
		}
	}
	m.readBody(raw)
	return m, true
}

func (m *message) readBody(raw string) {
	length, sized := m.header["content-length"]
	chunked := m.header["transfer-encoding"] == "chunked"
	m.doubled = m.doubled || (sized && chunked)
	switch {
	case chunked:
		m.readChunks(raw)
	case sized:
		n, _ := strconv.Atoi(length)
		m.short = len(raw) < n
		m.body = raw[:min(n, len(raw))]
	default:
		m.body = raw
	}
}

func (m *message) readChunks(raw string) {
	for {
		line, rest, ok := strings.Cut(raw, "\r\n")
		if !ok {
			m.short = true
			return
		}
		n, err := strconv.ParseUint(line, 16, 32)
		switch {
		case err != nil:
			m.malformed = true
			return
		case n == 0:
			return
		case int(n)+2 > len(rest):
			m.short = true
			return
		}
		m.body += rest[:n]
		raw = rest[n+2:]
	}
}

// facts are what the oracle judges.
type facts struct {
	message
	answered bool
	reset    bool
	stream   bool   // asked for
	flag     string // absent, false, true, invalid
	keys     []string
	path     string
	api      string // "" for chat completions
}

var (
	textOption    = regexp.MustCompile(`stream_?options|include_?usage`)
	textFlag      = regexp.MustCompile(`\bstream\b.{0,80}\bbool|\bbool(ean)?\b.{0,20}\bstream\b`)
	textPlain     = regexp.MustCompile(`only supports? .{0,20}\bstream|\bstream must be (set to )?true`)
	textParam     = regexp.MustCompile(`unsupported parameter|unknown parameter|extra inputs are not permitted|not supported with this model`)
	textVersion   = regexp.MustCompile(`unrecognized request arguments?|not supported for this api version|'dict' object has no attribute 'lower'`)
	textRefuse    = regexp.MustCompile(refuseWords)
	textAccount   = regexp.MustCompile(`must be verified|organization|subscription|entitle`)
	textCombined  = regexp.MustCompile(`tool|function|response_format|json mode|logprobs|structured`)
	textModel     = regexp.MustCompile(`\bmodel\b|unsupported_value`)
	textLogin     = regexp.MustCompile(`sign in|password`)
	refuseWords   = `\bstream(s|ed|ing)?\b` + gap + refuseNegation + `|` + refuseNegation + gap + `\bstream(s|ed|ing)?\b`
	eventFinish   = regexp.MustCompile(`"finish_reason":"(\w+)"`)
	eventContent  = regexp.MustCompile(`"content":"[^"]|"arguments":"[^"]|"function":\{"name":"[^"]`)
	eventTool     = regexp.MustCompile(`"tool_calls":\[\{(?:"index":(\d+),)?(?:"id":"(\w+)",)?`)
	eventArgument = regexp.MustCompile(`"arguments":("(?:[^"\\]|\\.)*")`)
	eventText     = regexp.MustCompile(`"delta":\{"content":("(?:[^"\\]|\\.)*")\}`)
)

const (
	gap            = `[^.;!?\n]{0,40}`
	refuseNegation = `(\bnot (yet |currently |been )*(support|allow|permit|available|enabled|implement)|unsupported|` +
		`\bdo(es)? not (currently |yet )?support|disabled|forbidden|prohibited|must be verified|\bremove\b|values are: false|default \(false\))`
)

// class names the class and, where one is tabled, the reason.
func (f facts) class() (class, reason string) {
	switch {
	case !f.answered:
		return "upstream_unreachable", "reset"
	case f.malformed, f.doubled:
		return "framing_invalid", ""
	case f.status >= 300:
		return f.refusal()
	case strings.HasPrefix(f.header["content-type"], "text/html") || strings.HasPrefix(f.body, "<"):
		if textLogin.MatchString(strings.ToLower(f.body)) {
			return "non_api_response", "login_page"
		}
		return "non_api_response", ""
	}
	if f.stream {
		return f.streamed()
	}
	return f.plain()
}

// refusal judges a status of 300 and above.
func (f facts) refusal() (class, reason string) {
	text := strings.ToLower(f.body[:min(len(f.body), 400)])
	html := strings.HasPrefix(f.header["content-type"], "text/html")
	has := func(key string) bool { return slices.Contains(f.keys, key) }
	switch {
	case f.status < 400:
		return "non_api_response", "redirect"
	case f.status == 407:
		return "non_api_response", "proxy_auth"
	case html && f.status < 500 && f.status != 404:
		return "non_api_response", ""
	case textFlag.MatchString(text) && !textOption.MatchString(text):
		return "stream_flag_invalid", pick(f.flag == "invalid", "client_sent", "changed_by_relay")
	case f.stream && textOption.MatchString(text):
		return "stream_option_rejected", pick(has("stream_options"), "client_sent", "injected")
	case f.stream && f.status != 401 && textRefuse.MatchString(text) && !strings.Contains(text, "reasoning summaries"):
		return "stream_unsupported", refusalReason(text)
	case !f.stream && textPlain.MatchString(text):
		return "plain_unsupported", ""
	case strings.Contains(text, "content_filter") || strings.Contains(f.body, "ResponsibleAIPolicyViolation"):
		return "content_filtered", ""
	case f.status < 500 && (textParam.MatchString(text) || strings.Contains(text, "unsupported value") || strings.Contains(text, "unsupported_value") || strings.Contains(text, "reasoning summaries")):
		return "parameter_unsupported", ""
	case textVersion.MatchString(text):
		return "api_version_incompatible", ""
	}
	return f.byStatus(text, html)
}

func pick(cond bool, a, b string) string {
	if cond {
		return a
	}
	return b
}

func refusalReason(text string) string {
	switch {
	case textAccount.MatchString(text):
		return "account"
	case textCombined.MatchString(text):
		return "combination"
	case textModel.MatchString(text):
		return "model"
	}
	return "gateway"
}

func (f facts) byStatus(text string, html bool) (class, reason string) {
	own := strings.Contains(text, `"error":{`) || strings.HasPrefix(text, `{"requestid"`) && strings.Contains(text, `"code"`)
	own = own || f.api == faultllm.APICohere && strings.HasPrefix(text, `{"id":`)
	if strings.Contains(text, `"statuscode"`) {
		own = f.header["x-ms-region"] != ""
	}
	switch s := f.status; {
	case s == 404 || s == 405:
		return "endpoint_not_found", f.notFound(text, html)
	case s == 401 || s == 402 || s == 403:
		return "auth_rejected", pick(strings.Contains(text, "invokemodelwithresponsestream"), "stream_permission", "key")
	case s == 429:
		return "rate_limited", pick(strings.Contains(text, "insufficient_quota") || strings.Contains(text, "your current quota"), "quota", "rate")
	case s < 500:
		if s == 413 {
			return "request_rejected", "too_large"
		}
		return "request_rejected", pick(strings.Contains(text, "context_length") || strings.Contains(text, "maximum context length"), "context_length", "invalid")
	case !own && slices.Contains([]int{504, 522, 524}, s):
		return "gateway_timeout", ""
	case !own:
		return "gateway_error_opaque", ""
	}
	return "provider_error", pick(f.status == 529 || f.status == 503, "overloaded", "internal")
}

func (f facts) notFound(text string, html bool) string {
	switch {
	case html:
		return "html_404"
	case strings.Contains(text, "deploymentnotfound"):
		return "deployment_unknown"
	case strings.Contains(f.path, "/openai/v1/openai/"):
		return "doubled_path"
	case !strings.Contains(f.path, "/openai/deployments/"):
		return "missing_deployments_segment"
	}
	return "other"
}

// plain judges the answer to a plain call.
func (f facts) plain() (class, reason string) {
	body := strings.TrimSpace(f.decoded())
	var answer struct {
		Error   json.RawMessage
		Choices []struct {
			Finish string `json:"finish_reason"`
		}
	}
	switch {
	case strings.HasPrefix(body, "data:"), strings.HasPrefix(body, "event:"):
		return "stream_unrequested", "flag_" + f.flag
	case strings.HasSuffix(body, "data: [DONE]"):
		return "stream_unrequested", "trailing_done"
	case f.short || json.Unmarshal([]byte(body), &answer) != nil:
		return "plain_body_invalid", ""
	case len(answer.Error) > 0 && string(answer.Error) != "null":
		return "error_in_body", ""
	case len(answer.Choices) > 0 && answer.Choices[0].Finish == "content_filter", f.filtered(body):
		return "content_filtered", ""
	}
	return "ok", ""
}

// decoded undoes gzip, the one coding the oracle knows.
func (f facts) decoded() string {
	if f.header["content-encoding"] != "gzip" {
		return f.body
	}
	r, err := gzip.NewReader(strings.NewReader(f.body))
	if err != nil {
		return ""
	}
	b, _ := io.ReadAll(r)
	return string(b)
}

// tale is what the events of a stream say.
type tale struct {
	events, content, badJSON int
	done, failed             bool
	finish                   string
	tools                    map[string]string // index: id
	arguments                string
	badTool                  bool
	texts                    []string
}

func read(body string) tale {
	t := tale{tools: map[string]string{}}
	normal := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\ufeff", "").Replace(body)
	for block := range strings.SplitSeq(normal, "\n\n") {
		var data []string
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case name == "data":
				data = append(data, value)
			case name == "error", name == "event" && value == "error":
				t.failed = true
			}
		}
		if joined := strings.Join(data, "\n"); joined != "" {
			t.event(joined)
		}
	}
	return t
}

func (t *tale) event(data string) {
	var e struct{ Error json.RawMessage }
	switch {
	case data == "[DONE]":
		t.done = true
		return
	case json.Unmarshal([]byte(data), &e) != nil:
		t.badJSON++
		return
	}
	t.events++
	t.failed = t.failed || e.Error != nil
	if f := eventFinish.FindStringSubmatch(data); f != nil {
		t.finish = f[1]
	}
	if eventContent.MatchString(data) {
		t.content++
	}
	if m := eventText.FindStringSubmatch(data); m != nil {
		text, _ := strconv.Unquote(m[1])
		t.texts = append(t.texts, text)
	}
	if m := eventTool.FindStringSubmatch(data); m != nil {
		t.tool(m[1], m[2])
	}
	if m := eventArgument.FindStringSubmatch(data); m != nil {
		var s string
		_ = json.Unmarshal([]byte(m[1]), &s)
		t.arguments += s
	}
}

func (t *tale) tool(index, id string) {
	if index == "" || (id != "" && t.tools[index] != "") {
		t.badTool = true
	}
	if id != "" {
		t.tools[index] = id
	}
}

// repeats reports whether the texts repeat each other or themselves.
func (t *tale) repeats() bool {
	grown, twice, sofar := 0, 0, ""
	for _, s := range t.texts {
		if sofar != "" && strings.HasPrefix(s, sofar) {
			grown++
		}
		sofar = s
		if half := len(s) / 2; half > 0 && s[:half] == s[half:] {
			twice++
		}
	}
	return max(grown, twice) > len(t.texts)/2
}

// streamed judges the answer to a streamed call.
func (f facts) streamed() (class, reason string) {
	body := f.decoded()
	t := f.read(body)
	cut := f.short || f.reset
	terminal := t.done || t.finish != ""
	switch {
	case strings.HasPrefix(strings.TrimSpace(body), "{"):
		return pick(strings.Contains(body, `{"error":`), "error_in_body", "stream_downgraded"), ""
	case t.failed:
		return "error_in_stream", inStream(body)
	case cut && !terminal:
		return "stream_truncated", ""
	case t.badJSON > 0:
		return "sse_malformed", ""
	case t.content == 0 && slices.Contains([]string{"", "stop"}, t.finish):
		return "empty_stream", t.emptiness(body)
	case !terminal:
		return "stream_incomplete", ""
	case cut:
		return "unclean_close", pick(t.done, "after_marker", "after_finish")
	case t.finish == "content_filter":
		return "content_filtered", ""
	case !strings.HasPrefix(f.header["content-type"], "text/event-stream"):
		return "content_type_mismatch", pick(f.header["content-type"] == "", "missing", "wrong")
	case t.badTool, t.finish == "tool_calls" && !json.Valid([]byte(t.arguments)):
		return "tool_delta_malformed", ""
	case t.repeats():
		return "duplicate_output", ""
	}
	return "ok", ""
}

func (t *tale) emptiness(body string) string {
	switch {
	case body == "":
		return "zero_bytes"
	case t.finish != "":
		return "no_output_stop"
	case t.done:
		return "done_only"
	}
	return "no_terminal"
}

func inStream(body string) string {
	switch {
	case strings.Contains(body, "rate_limit"), strings.Contains(body, "Rate limit reached"):
		return "rate_limited"
	case strings.Contains(body, "not supported in streaming mode"):
		return "stream_refused"
	}
	return ""
}

// ask is what the oracle has to know of the request.
func (f *facts) request(body []byte) {
	var keys map[string]json.RawMessage
	_ = json.Unmarshal(body, &keys)
	for k := range keys {
		f.keys = append(f.keys, k)
	}
	switch v := string(bytes.TrimSpace(keys["stream"])); v {
	case "":
		f.flag = "absent"
	case "null":
		f.flag = "absent"
	case "true", "false":
		f.flag = v
	default:
		f.flag = "invalid"
	}
	f.stream = f.flag == "true" || f.flag == "invalid"
}

// TestOracleReadsMessages keeps the judge honest.
func TestOracleReadsMessages(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		want      message
		ok        bool
	}{
		{"sized", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nowl", message{status: 200, body: "owl"}, true},
		{"short", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nowl", message{status: 200, body: "owl", short: true}, true},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\now\r\n1\r\nl\r\n0\r\n\r\n", message{status: 200, body: "owl"}, true},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nowl\r\n", message{status: 200, body: "owl", short: true}, true},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", message{status: 200, malformed: true}, true},
		{"until close", "HTTP/1.1 500 X\r\n\r\nowl", message{status: 500, body: "owl"}, true},
		{"interim", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", message{status: 204}, true},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nowl", message{status: 200, body: "owl", doubled: true}, true},
		{"no head", "HTTP/1.1 200 OK\r\nConte", message{}, false},
		{"nothing", "", message{}, false},
		{"nonsense", "owl\r\n\r\n", message{malformed: true}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := parseMessage(tc.raw)
			got.header = nil
			if ok != tc.ok || got.status != tc.want.status || got.body != tc.want.body || got.short != tc.want.short ||
				got.doubled != tc.want.doubled || got.malformed != tc.want.malformed {
				t.Errorf("%+v, %v, want %+v, %v", got, ok, tc.want, tc.ok)
			}
		})
	}
}

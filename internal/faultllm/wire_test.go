package faultllm_test

import (
	"slices"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// want is what the wire must show of a scenario; zero fields are not checked.
type want struct {
	status int    // 0 means 200
	media  string // "-" means none
	has    []string
	lacks  []string
	end    string // "" means eof
	h2     string // the end over HTTP/2 where it differs
}

const (
	jsonType = "application/json"
	sseType  = "text/event-stream; charset=utf-8"
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
	doneLine = "data: [DONE]\n\n"
	stopped  = `"finish_reason":"stop"`
)

// streamed is the expectation for each scenario that streamed calls meet.
var streamed = map[string]want{
	"ok-openai": {media: sseType, has: []string{`"content":"Owls "`, stopped, doneLine}},
	"ok-azure":  {media: sseType, has: []string{`"choices":[],`, `"content_filter_offsets"`, `"usage":{"prompt_tokens"`, doneLine}},
	"ok-tools":  {media: sseType, has: []string{`"name":"count_owls"`, `"finish_reason":"tool_calls"`, doneLine}, lacks: []string{"Owls"}},
	"ok-tools-whole": {
		media: sseType, has: []string{`"function":{"name":"count_owls","arguments":"{\"field\":\"north\",\"night\":3}"}`, `"finish_reason":"tool_calls"`, doneLine}, lacks: []string{"Owls"},
	},
	"ok-length-empty": {media: sseType, has: []string{`"role":"assistant"`, `"finish_reason":"length"`, doneLine}, lacks: []string{"Owls"}},
	"ok-flag-invalid": {media: sseType, has: []string{"Owls", doneLine}},
	"ok-done-only":    {media: sseType, has: []string{"Owls", doneLine}, lacks: []string{stopped}},
	"ok-finish-only":  {media: sseType, has: []string{"Owls", stopped}, lacks: []string{"[DONE]"}},
	"ok-close-done":   {media: sseType, has: []string{"Owls", stopped, doneLine}},
	"ok-close-finish": {media: sseType, has: []string{"Owls", stopped, doneLine}},
	"ok-slow-first":   {media: sseType, has: []string{": still thinking\n\n", "Owls", doneLine}},
	"ok-retry":        {status: 429, media: jsonType, has: []string{`"code":"429"`}},

	"ok-dialect":     {media: sseType, lacks: []string{"data"}},
	"sse-crlf":       {media: sseType, has: []string{"data: [DONE]\r\n\r\n"}, lacks: []string{"}\n"}},
	"sse-cr":         {media: sseType, has: []string{"data: [DONE]\r\r"}, lacks: []string{"\n"}},
	"sse-nospace":    {media: sseType, has: []string{"data:[DONE]\n\n", "data:{"}, lacks: []string{"data: "}},
	"sse-bom":        {media: sseType, has: []string{"\ufeffdata: {", doneLine}},
	"sse-comments":   {media: sseType, has: []string{"\n\n: keep-alive\n\ndata", "\n\n: OWL PROCESSING\n\ndata"}},
	"sse-comment-id": {media: sseType, has: []string{"id: 1\ndata: {", "\n\n: keep-alive\n\n"}},
	"sse-retryline":  {media: sseType, has: []string{"retry: 3000\n\ndata"}},
	"sse-evping":     {media: sseType, has: []string{"\n\nevent: ping\n\ndata"}},
	"sse-emptydata":  {media: sseType, has: []string{"\n\ndata: \n\ndata"}},
	"sse-multidata":  {media: sseType, has: []string{",\ndata: ", doneLine}},
	"split-rune":     {media: sseType, has: []string{"flög", "フクロウ", "🦉", doneLine}},
	"big-line":       {media: sseType, has: []string{strings.Repeat("o", 2<<20-5), doneLine}},
	"enc-gzip":       {media: sseType, lacks: []string{"data"}},
	"enc-deflate":    {media: sseType, lacks: []string{"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Owls"}},
	"enc-br":         {media: sseType, has: []string{"\x03"}},
	"enc-zstd":       {media: sseType, has: []string{"\x28\xb5\x2f\xfd"}},
	"bomb":           {media: sseType, lacks: []string{"data"}},

	"refuse-400":     {status: 400, has: []string{`"param":"stream","code":"unsupported_value"`, "'stream' does not support true"}},
	"refuse-403":     {status: 403, has: []string{`{"message":"Streaming requests are not yet allowed."}`}},
	"refuse-422":     {status: 422, has: []string{`{"error":{"code":"OperationParameterInvalid","message":"Streaming responses`}},
	"refuse-key":     {status: 400, has: []string{"please remove 'stream' key value"}},
	"refuse-list":    {status: 400, has: []string{"{\"error\":[\"Error in `stream`:"}},
	"refuse-500":     {status: 500, has: []string{`"param":"stream"`}},
	"refuse-account": {status: 400, has: []string{"must be verified to stream this model"}},
	"refuse-nested":  {status: 400, has: []string{`"metadata":{"raw":"{\"error\":{\"message\":\"Your organization must be verified`}},
	"refuse-tools":   {status: 400, has: []string{"Tool and function calls do not currently support streaming"}},
	"refuse-format":  {status: 400, has: []string{"`response_format` does not support streaming"}},

	"option-400":        {status: 400, has: []string{`"param":"stream_options","code":"unknown_parameter"`}},
	"option-500":        {status: 500, has: []string{"extraneous key [include_usage] is not permitted"}},
	"option-injected":   {status: 400, has: []string{`"param":"stream_options"`}},
	"flag-400":          {status: 400, has: []string{"'true' is not of type 'boolean' - 'stream'"}},
	"flag-relay":        {status: 400, has: []string{"'true' is not of type 'boolean' - 'stream'"}},
	"param-max":         {status: 400, has: []string{`"param":"max_tokens","code":"unsupported_parameter"`}},
	"param-temperature": {status: 400, has: []string{"Only the default (1) value is supported."}},
	"param-verified":    {status: 400, has: []string{`"param":"reasoning.summary"`, "reasoning summaries"}},
	"param-validate":    {status: 400, has: []string{`"requestid":"`, `"code":400`, "Extra inputs are not permitted"}},
	"apiver-old":        {status: 400, has: []string{"Unrecognized request argument supplied: functions"}},
	"apiver-500":        {status: 500, has: []string{`"code":500`, "'dict' object has no attribute 'lower'"}},
	"filter-400":        {status: 400, has: []string{`"code":"content_filter"`, `"code":"ResponsibleAIPolicyViolation"`}},
	"ctx-400":           {status: 400, has: []string{`"code":"context_length_exceeded"`}},

	"nf-resource":   {status: 404, has: []string{`{"error":{"code":"404","message":"Resource not found"}}`}},
	"nf-deployment": {status: 404, has: []string{`"code":"DeploymentNotFound"`}},
	"nf-doubled":    {status: 404, has: []string{`"code":"404"`}},
	"nf-html":       {status: 404, media: htmlType, has: []string{"<!DOCTYPE html>"}},
	"auth-401":      {status: 401, has: []string{`"code":"401"`, "invalid subscription key"}},
	"auth-echo":     {status: 401, has: []string{"dummy-key-of-the-tests-0042"}},
	"auth-iam":      {status: 403, has: []string{"bedrock:InvokeModelWithResponseStream"}},
	"rate-429":      {status: 429, has: []string{`"code":"429"`}},
	"rate-quota":    {status: 429, has: []string{`"code":"insufficient_quota"`}},

	"stream-500-apim":     {status: 500, media: jsonType, has: []string{`{"statusCode":500,"message":"Internal server error","activityId":"`}},
	"stream-500-apim-own": {status: 500, media: jsonType, has: []string{`{"statusCode":500,"message":"Internal server error","activityId":"`}},
	"stream-500-openai":   {status: 500, has: []string{`"type":"server_error","param":null,"code":null`}},
	"stream-500-azure":    {status: 500, has: []string{`{"error":{"code":"InternalServerError","message":"`}},
	"stream-502-decode":   {status: 502, has: []string{`"type":"upstream_decode_error"`}},
	"middleware-400":      {status: 400, has: []string{`"status":"Cannot access a closed Stream."`, `"errortype":`}},
	"e500-apim":           {status: 500, has: []string{`"statusCode":500`}},
	"e500-apim-own":       {status: 500, has: []string{`"statusCode":500`}},
	"e500-openai":         {status: 500, has: []string{`"type":"server_error"`}},
	"flaky-500":           {status: 500, has: []string{`"type":"server_error"`}},
	"e529":                {status: 529, has: []string{`{"type":"error","error":{"type":"overloaded_error"`}},
	"html-login":          {media: htmlType, has: []string{"<!DOCTYPE html>", `type="password"`}},
	"redirect-302":        {status: 302, media: htmlType},
	"proxy-407":           {status: 407, media: htmlType},
	"html-524":            {status: 524, media: htmlType, has: []string{"<!DOCTYPE html>"}},
	"to-504":              {status: 504, media: textType, has: []string{"upstream request timeout"}},
	"to-502-fast":         {status: 502, media: htmlType, has: []string{"<!DOCTYPE html>"}},
	"hdr-timeout":         {media: sseType, has: []string{doneLine}},

	"mode-json":   {media: jsonType, has: []string{`"object":"chat.completion"`}, lacks: []string{"data:"}},
	"label-empty": {media: "-", has: []string{"data: {", doneLine}},
	"label-json":  {media: jsonType, has: []string{"data: {", doneLine}},
	"label-abort": {media: "-", has: []string{"data: {", doneLine}},
	"label-html":  {media: sseType, has: []string{"<!DOCTYPE html>"}, lacks: []string{"data:"}},
	"body-err":    {media: jsonType, has: []string{`{"error":{"message":`}},

	"serr-done":    {media: sseType, has: []string{"Owls ", `data: {"error":{"message"`, doneLine}, lacks: []string{stopped}},
	"serr-eof":     {media: sseType, has: []string{"Owls ", `data: {"error":{"message"`}, lacks: []string{stopped, "[DONE]"}},
	"serr-first":   {media: sseType, has: []string{`data: {"error":{"message"`}, lacks: []string{"choices", "[DONE]"}},
	"serr-flat":    {media: sseType, has: []string{"Owls ", "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\""}, lacks: []string{"[DONE]"}},
	"serr-field":   {media: sseType, has: []string{"Owls ", "\n\nerror: {\"code\":500", doneLine}, lacks: []string{stopped}},
	"serr-string":  {media: sseType, has: []string{"Owls ", `data: {"error":"the owl has left"}`}, lacks: []string{"[DONE]"}},
	"serr-rate":    {media: sseType, has: []string{"Owls ", `"code":"rate_limit_exceeded"`}, lacks: []string{"[DONE]"}},
	"serr-refused": {media: sseType, has: []string{"Tool calling is not supported in streaming mode!"}, lacks: []string{"Owls", "[DONE]"}},

	"cut-rst":        {media: sseType, has: []string{"Owls "}, lacks: []string{stopped, "[DONE]"}, end: "reset", h2: "reset"},
	"cut-chunk":      {media: sseType, has: []string{"Owls "}, lacks: []string{stopped, "[DONE]"}, end: "short", h2: "h2_rst"},
	"cut-h2":         {media: sseType, has: []string{"Owls "}, lacks: []string{stopped, "[DONE]"}, h2: "h2_rst"},
	"cut-zero":       {media: sseType, lacks: []string{"data"}, end: "reset", h2: "reset"},
	"inc-eof":        {media: sseType, has: []string{"Owls "}, lacks: []string{stopped, "[DONE]"}},
	"inc-close":      {media: sseType, has: []string{"Owls "}, lacks: []string{stopped, "[DONE]"}},
	"unclean-finish": {media: sseType, has: []string{"Owls ", stopped}, lacks: []string{"[DONE]"}, end: "reset", h2: "reset"},
	"unclean-done":   {media: sseType, has: []string{"Owls ", stopped, doneLine}, end: "short", h2: "h2_rst"},

	"empty-0":    {media: sseType, lacks: []string{"d"}},
	"empty-role": {media: sseType, has: []string{`"role":"assistant"`}, lacks: []string{"Owls", stopped, "[DONE]"}},
	"empty-done": {media: sseType, has: []string{doneLine}, lacks: []string{"choices"}},
	"empty-stop": {media: sseType, has: []string{`"role":"assistant"`, stopped, doneLine}, lacks: []string{"Owls"}},

	"buf-block": {media: sseType, has: []string{"Owls ", doneLine}},
	"buf-lumps": {media: sseType, has: []string{"Owls ", doneLine}},
	"buf-3":     {media: sseType, has: []string{"Owls ", doneLine}},
	"buf-azure": {media: sseType, has: []string{`"prompt_filter_results"`, "Owls ", doneLine}},
	"buf-short": {media: sseType, has: []string{"Owls ", doneLine}},
	"stall-70":  {media: sseType, has: []string{"Owls ", stopped, doneLine}},
	"hang-done": {media: sseType, has: []string{"Owls ", stopped, doneLine}},
	"drip":      {media: sseType, has: []string{"Owls ", stopped, doneLine}},

	"bad-json":     {media: sseType, has: []string{"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ow\n\n", doneLine}},
	"tool-index":   {media: sseType, has: []string{`"index":0,"id":"call_owl_a"`, `"index":0,"id":"call_owl_b"`}},
	"tool-noindex": {media: sseType, has: []string{`"tool_calls":[{"id":"call_owl_b"`, `"tool_calls":[{"function"`}, lacks: []string{`"tool_calls":[{"index"`}},
	"tool-cut":     {media: sseType, has: []string{`"arguments":"\"nor"`, `"finish_reason":"tool_calls"`}},
	"dup-cumul":    {media: sseType, has: []string{`"content":"Owls "`, `"content":"Owls hunt "`, `"content":"Owls hunt at "`}},
	"dup-double":   {media: sseType, has: []string{`"content":"Owls Owls "`, `"content":"hunt hunt "`}},
	"filter-200":   {media: sseType, has: []string{"Owls ", `"finish_reason":"content_filter"`, doneLine}},

	"idle-closed": {media: sseType, has: []string{doneLine}},
	"head-close":  {end: "closed"},
	"head-reset":  {end: "reset"},
	"head-cut":    {end: "short"},
	"trailers":    {media: sseType, has: []string{doneLine}},
	"interim-103": {media: sseType, has: []string{doneLine}},
	"flood-1xx":   {media: sseType, has: []string{doneLine}},
	"early-413":   {status: 413, has: []string{`"code":"request_too_large"`}},
	"expect":      {media: sseType, has: []string{doneLine}},
	"expect-417":  {status: 417, media: textType},
	"until-close": {media: sseType, has: []string{doneLine}},
	"giant-head":  {media: sseType, has: []string{doneLine}},
	"head":        {media: sseType, has: []string{doneLine}},
	"status-204":  {status: 204, media: "-"},
	"half-close":  {media: sseType, has: []string{doneLine}},
	"switch-101":  {status: 426, media: textType},

	"frame-chunk":   {media: sseType, has: []string{"data: {"}, lacks: []string{"[DONE]"}, end: "malformed"},
	"frame-status":  {media: sseType, has: []string{"data: {"}, lacks: []string{"[DONE]"}, end: "malformed"},
	"frame-cl-te":   {media: sseType, has: []string{"data: {"}},
	"frame-lengths": {end: "malformed"},
	"frame-head":    {end: "malformed"},

	"cl-cancel":       {media: sseType, has: []string{doneLine}},
	"cl-cancel-early": {media: sseType, has: []string{doneLine}},
	"cl-timeout":      {media: sseType, has: []string{doneLine}},
	"cl-choke":        {media: sseType, has: []string{`"choices":[],`, doneLine}},
	"cl-stop-fragile": {media: sseType, has: []string{`"content_filter_offsets"`, doneLine}},
	"cl-abort":        {media: sseType, has: []string{doneLine}},
	"bench":           {media: sseType, has: []string{`"t":`, doneLine}},
}

// plainly is the expectation for plain calls where it is not the streamed one.
var plainly = map[string]want{
	"ok-tools":        {media: jsonType, has: []string{`"tool_calls":[{"id":"call_owl_a"`, `"arguments":"{\"field\":\"north\",\"night\":3}"`, `"finish_reason":"tool_calls"`}},
	"ok-tools-whole":  {media: jsonType, has: []string{`"tool_calls":[{"id":"call_owl_a"`, `"finish_reason":"tool_calls"`}},
	"ok-flag-invalid": {media: sseType, has: []string{doneLine}},
	"refuse-plain":    {status: 400, has: []string{"This model only support stream mode"}},
	"mode-sse-false":  {media: sseType, has: []string{"Owls ", doneLine}},
	"mode-sse-absent": {media: sseType, has: []string{"Owls ", doneLine}},
	"mode-trailing":   {media: sseType, has: []string{`"object":"chat.completion"`, "}\n\ndata: [DONE]\n\n"}},
	"body-empty":      {media: jsonType, lacks: []string{"{"}},
	"body-text":       {media: jsonType, has: []string{"OK\n"}},
	"body-short":      {media: jsonType, has: []string{`"object":"chat.completion"`}, lacks: []string{"usage"}, end: "short", h2: "h2_rst"},
	"filter-200":      {media: jsonType, has: []string{`"finish_reason":"content_filter"`}},
	"enc-gzip":        {media: jsonType, lacks: []string{"chat.completion"}},
	"enc-deflate":     {media: jsonType, lacks: []string{"chat.completion"}},
	"enc-br":          {media: jsonType, has: []string{"chat.completion"}},
	"enc-zstd":        {media: jsonType, has: []string{"\x28\xb5\x2f\xfd"}},
	"bomb":            {media: jsonType, lacks: []string{"chat.completion"}},
	"frame-chunk":     {media: jsonType, has: []string{`{"id":`}, lacks: []string{"system_fingerprint"}, end: "malformed"},
	"frame-status":    {media: jsonType, has: []string{`{"id":`}, lacks: []string{"system_fingerprint"}, end: "malformed"},
	"frame-cl-te":     {media: jsonType, has: []string{`"object":"chat.completion"`}},
	"bench":           {media: jsonType, has: []string{`"content":"Owls."`}},
}

// healthyPlain is the answer to a plain call that no fault concerns.
var healthyPlain = want{media: jsonType, has: []string{
	`"object":"chat.completion"`, `"content":"Owls hunt at night because their ears find a mouse "`, stopped, `"usage":{"prompt_tokens":`,
}}

// healthyStream is the answer to a streamed call that no fault concerns.
var healthyStream = want{media: sseType, has: []string{`"content":"Owls "`, stopped, doneLine}}

// expected returns what the wire must show.
func expected(t *testing.T, s faultllm.Scenario, stream bool) want {
	t.Helper()
	if s.Mode != faultllm.ModeBoth && (s.Mode == faultllm.ModeStream) != stream {
		if stream {
			return healthyStream
		}
		return healthyPlain
	}
	w, ok := streamed[s.ID]
	if !stream {
		if p, its := plainly[s.ID]; its {
			return p
		}
		if w.media == sseType {
			return healthyPlain
		}
		if s.ClassOf(false) == "ok" && w.status == 0 {
			return healthyPlain
		}
	}
	if !ok && s.Mode != faultllm.ModePlain {
		t.Fatalf("no expectation for %s", s.ID)
	}
	return w
}

func TestEveryScenarioOnTheWire(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS, overH2} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := start(t, way)
			for _, sc := range faultllm.Scenarios() {
				if !sc.Chat() {
					continue // dialect_test.go
				}
				for _, stream := range []bool{true, false} {
					s.meets(t, sc, stream)
				}
			}
		})
	}
}

// meets plays a scenario and compares the answer with the expectation.
func (s *server) meets(t *testing.T, sc faultllm.Scenario, stream bool) {
	t.Helper()
	name, query := sc.ID+"/plain", quick(sc.ID)
	if stream {
		name = sc.ID + "/stream"
	}
	if slices.Contains([]string{"flaky-500", "ok-retry", "idle-closed"}, sc.ID) {
		s = start(t, s.way) // of its own: they count calls or connections
	}
	t.Run(name, func(t *testing.T) {
		w := expected(t, sc, stream)
		a := s.post(t, sc.ID, query, string(sc.Body(stream)))
		plays := sc.Mode == faultllm.ModeBoth || (sc.Mode == faultllm.ModeStream) == stream
		if sc.HTTP != "" && plays && (sc.HTTP == "2") != (s.way == overH2) {
			w = want{status: 505, media: jsonType, has: []string{"over HTTP/" + sc.HTTP + " only"}}
		}
		end := w.end
		if s.way == overH2 && w.h2 != "" {
			end = w.h2
		}
		if end == "" {
			end = "eof"
		}
		if got := ending(a.err); got != end {
			t.Errorf("ended by %s (%v), want %s", got, a.err, end)
		}
		if a.header != nil {
			a.shows(t, w)
		}
	})
}

// shows compares head and body.
func (a got) shows(t *testing.T, w want) {
	t.Helper()
	if w.status == 0 {
		w.status = 200
	}
	if a.status != w.status {
		t.Errorf("status %d, want %d", a.status, w.status)
	}
	media, labelled := a.header.Get("Content-Type"), len(a.header["Content-Type"]) > 0
	if w.media == "-" && labelled {
		t.Errorf("labelled %q, want no label", media)
	}
	if w.media != "-" && w.media != "" && media != w.media {
		t.Errorf("labelled %q, want %q", media, w.media)
	}
	body := a.body
	if len(body) > 4000 {
		body = body[:4000] + "…"
	}
	for _, part := range w.has {
		if !strings.Contains(a.body, part) {
			t.Errorf("body lacks %q:\n%s", part, body)
		}
	}
	for _, part := range w.lacks {
		if strings.Contains(a.body, part) {
			t.Errorf("body has %q:\n%s", part, body)
		}
	}
}

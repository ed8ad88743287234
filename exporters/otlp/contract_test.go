package otlp_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"

	"llmtap/exporters/otlp"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// contract are the attributes of the telemetry contract §2 and §3, written
// down a second time on purpose: what is not here must not be on a span.
const contract = `
gen_ai.operation.name gen_ai.provider.name gen_ai.request.model gen_ai.request.stream error.type gen_ai.conversation.id
gen_ai.output.type gen_ai.request.choice.count gen_ai.request.seed gen_ai.request.top_k gen_ai.request.max_tokens
gen_ai.request.temperature gen_ai.request.top_p gen_ai.request.frequency_penalty gen_ai.request.presence_penalty
gen_ai.request.stop_sequences gen_ai.request.encoding_formats gen_ai.request.previous_response.id gen_ai.request.reasoning.level
gen_ai.embeddings.dimension.count gen_ai.response.id gen_ai.response.model gen_ai.response.finish_reasons
gen_ai.response.time_to_first_chunk gen_ai.usage.input_tokens gen_ai.usage.output_tokens gen_ai.usage.cache_read.input_tokens
gen_ai.usage.cache_write.input_tokens gen_ai.usage.reasoning.output_tokens gen_ai.usage.cache_creation.input_tokens
gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.tool.definitions
openai.api.type openai.request.service_tier openai.response.service_tier openai.response.system_fingerprint
azure.resource_provider.namespace azure.service.request.id
http.request.method http.response.status_code http.request.resend_count server.address server.port url.full url.scheme url.path
network.protocol.name network.protocol.version network.peer.address network.peer.port user_agent.original client.address
http.request.body.size http.response.body.size
llmtap.call.id llmtap.attempt.number llmtap.observation.point llmtap.capture.mode llmtap.capture.truncated llmtap.client.kind
llmtap.client.surface llmtap.client.name llmtap.client.version llmtap.client.framework llmtap.client.sdk.name llmtap.client.sdk.version
llmtap.client.async llmtap.client.rule llmtap.jupyterhub.user llmtap.request.stream_flag llmtap.request.include_usage
llmtap.request.keys llmtap.request.body_model llmtap.request.body_hmac llmtap.wire.format llmtap.azure.deployment
llmtap.azure.api_version llmtap.auth.scheme llmtap.auth.hmac llmtap.response.framing llmtap.response.media_type
llmtap.response.content_encoding llmtap.response.transfer llmtap.response.finish llmtap.response.origin llmtap.outcome
llmtap.failure.class llmtap.failure.severity llmtap.failure.fault llmtap.failure.reason llmtap.failure.rule llmtap.failure.secondary
llmtap.error.shape llmtap.error.code llmtap.error.param llmtap.verdict.open
llmtap.stream.headers_s llmtap.stream.first_byte_s llmtap.stream.first_data_s llmtap.stream.first_content_s llmtap.stream.last_data_s
llmtap.stream.events llmtap.stream.content_events llmtap.stream.bytes llmtap.stream.bursts llmtap.stream.largest_burst
llmtap.stream.largest_burst_ratio llmtap.stream.max_gap_s llmtap.stream.max_data_gap_s llmtap.stream.done llmtap.stream.finish
llmtap.stream.error llmtap.stream.oddities llmtap.stream.comment llmtap.stream.bad_json llmtap.stream.data_empty
llmtap.stream.choices_empty llmtap.stream.delta_missing llmtap.stream.oversize llmtap.end.side llmtap.end.kind llmtap.end.terminal
llmtap.end.h2_code llmtap.agent.lag_max_s llmtap.agent.blocked_client_s llmtap.agent.blocked_upstream_s
langfuse.observation.completion_start_time`

// always are the attributes of level A.
const always = `
gen_ai.operation.name gen_ai.provider.name http.request.method server.address server.port url.full url.scheme url.path
http.request.body.size http.response.body.size llmtap.call.id llmtap.attempt.number llmtap.observation.point llmtap.capture.mode
llmtap.client.kind llmtap.client.surface llmtap.client.name llmtap.client.rule llmtap.request.stream_flag llmtap.request.keys
llmtap.request.body_hmac llmtap.wire.format llmtap.outcome llmtap.agent.lag_max_s llmtap.agent.blocked_client_s
llmtap.agent.blocked_upstream_s`

// fullest is a record with every fact that can be on a span.
func fullest() call.Record {
	r := sinktest.Record(1)
	h := call.NewHasher([]byte("k"))
	r.Identity.Attempt = 3
	r.Identity.First = call.SpanContext{Trace: r.Identity.Span.Trace, Span: "00000000000000aa", Sampled: true}
	r.Target.Auth.Digest = h.Secret("key")
	r.Client = call.Client{
		Kind: call.ClientFramework, Name: "jupyter-ai", Version: "2.29.0", Framework: "langchain", Surface: "chat", SDK: "openai-python",
		SDKVersion: "1.58.1", Rule: "r", User: "u-hash", UserAgent: strings.Repeat("u", 999), Address: "127.0.0.1",
	}
	r.Request.URL = "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21"
	r.Request.Params = []call.Param{
		{Name: "n", Value: "2"}, {Name: "seed", Value: "7"}, {Name: "top_k", Value: "3"}, {Name: "max_tokens", Value: "100"}, {Name: "temperature", Value: "0.7"},
		{Name: "top_p", Value: "0.9"}, {Name: "frequency_penalty", Value: "1"}, {Name: "presence_penalty", Value: "-1"}, {Name: "stop", Value: `["a","b"]`},
		{Name: "encoding_format", Value: `"float"`}, {Name: "previous_response_id", Value: `"resp_1"`}, {Name: "reasoning_effort", Value: `"low"`},
		{Name: "dimensions", Value: "256"}, {Name: "service_tier", Value: `"flex"`}, {Name: "conversation", Value: `"conv_1"`},
	}
	r.Request.Hints = call.RequestHints{
		BodyModel: "gpt-4o", IncludeUsage: call.True, Body: h.Secret("b"), OutputType: "json_object",
		Headers: headers("x-stainless-"),
	}
	r.Response.ServiceTier, r.Response.Fingerprint = "default", "fp_1"
	r.Response.Body.Encoding = "gzip"
	r.Response.Error = call.Error{Shape: call.ShapeOpenAI, Code: "server_error", Param: "stream", Message: "no"}
	r.Response.Headers = append(r.Response.Headers, headers("x-ratelimit-")...)
	r.Stream.Keepalives, r.Stream.Errored = 5, true
	for _, o := range []string{"async_filter", "bad_json", "choices_empty", "data_empty", "delta_missing", "oversize"} {
		r.Stream.Oddities = append(r.Stream.Oddities, call.Oddity{Name: o, Count: 2})
	}
	r.Usage = call.Usage{Input: call.Some(1), Output: call.Some(2), Cached: call.Some(1), CacheWrite: call.Some(1), Reasoning: call.Some(1)}
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndH2RST, H2Code: 8}
	r.Agent.PeerAddress, r.Agent.Capture = "[2001:db8::1]:443", call.CaptureTruncated
	r.Content = call.Content{Request: `{"messages":[{"role":"user","content":"hi"}],"tools":[{}],"system":"be kind"}`, Response: `{"choices":[{"message":{"content":"ho"}}]}`}
	r.Diagnosis = call.Diagnosis{
		Class: call.ClassErrorInStream, Severity: call.SeverityError, Fault: call.FaultProvider, Reason: "server_error", Rule: "r", Tags: []string{"stream_stalled"},
	}
	return r
}

func headers(prefix string) (out []call.Header) {
	for _, n := range "abcdefghijklmnopqrstuvwxyz" {
		out = append(out, call.Header{Name: prefix + string(n), Value: "v"})
	}
	return append(out, call.Header{Name: "x-stainless-async", Value: "async:asyncio"})
}

func TestFullestSpanIsTheContract(t *testing.T) {
	m := newMemory(t, func(c *otlp.Config) {
		c.Headers = true
		c.Getenv = env{"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}.get
	})
	f := sinktest.Finding(1, "suspected")
	if err := m.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	m.take(t, fullest())
	spans := m.flushed(t)
	span := spans[len(spans)-1]
	if span.DroppedAttributes > 0 {
		t.Errorf("%d attributes, %d dropped", len(span.Attributes), span.DroppedAttributes)
	}
	got := attrsOf(span)
	for name := range strings.FieldsSeq(contract) {
		if _, ok := got[name]; !ok && name != "llmtap.client.async" {
			t.Errorf("the fullest span lacks %s", name)
		}
	}
	header := regexp.MustCompile(`^http\.(request|response)\.header\.(x-stainless|x-ratelimit)-`)
	for name := range got {
		if !slices.Contains(strings.Fields(contract), name) && !header.MatchString(name) && name != "http.response.header.x-request-id" {
			t.Errorf("%s is not in the contract", name)
		}
	}
	if !slices.Equal(got["llmtap.verdict.open"].AsStringSlice(), []string{"stream_only_failure"}) {
		t.Errorf("open verdicts %v", got["llmtap.verdict.open"].String())
	}
	if n := len(got["user_agent.original"].AsString()); n != 256 {
		t.Errorf("user agent of %d characters, want 256", n)
	}
}

// Contents, headers and what belongs to other endpoints aside, the fullest
// span of one call stays below the limit of the SDK's default.
func TestFullestRealSpanFitsTheDefaultLimit(t *testing.T) {
	r := fullest()
	r.Request.Params = r.Request.Params[:9]
	r.Request.Params = append(r.Request.Params[:2], r.Request.Params[3:]...) // top_k is no OpenAI parameter
	if n := len(only(t, r).Attributes); n > 120 || n < 100 {
		t.Errorf("%d attributes, want ≤ 120, or the test lost its record", n)
	}
}

func TestLevelAAttributesAreAlwaysThere(t *testing.T) {
	for name, records := range fixtures() {
		r := records[0]
		r.Request.URL = "https://x/"
		r.Request.Hints.Body = call.NewHasher(nil).Secret("x")
		got := attrsOf(only(t, r))
		for want := range strings.FieldsSeq(always) {
			if _, ok := got[want]; !ok {
				t.Errorf("%s: lacks %s", name, want)
			}
		}
		for k, v := range got {
			if v.String() == "" {
				t.Errorf("%s: %s is empty, want absent", name, k)
			}
		}
	}
}

func TestAttributeValues(t *testing.T) {
	absent := "(absent)"
	for name, tc := range map[string]struct {
		change     func(*call.Record)
		key, value string
	}{
		"stream only true":          {func(r *call.Record) { r.Request.Mode = call.ModePlain }, "gen_ai.request.stream", absent},
		"stream invalid":            {func(r *call.Record) { r.Request.StreamFlag = call.StreamInvalid }, "gen_ai.request.stream", absent},
		"one choice is the default": {func(r *call.Record) { r.Request.Params = param("n", "1") }, "gen_ai.request.choice.count", absent},
		"newer token limit wins": {func(r *call.Record) {
			r.Request.Params = append(param("max_tokens", "1"), param("max_completion_tokens", "2")...)
		}, "gen_ai.request.max_tokens", "2"},
		"null falls to the next": {func(r *call.Record) {
			r.Request.Params = append(param("max_tokens", "1"), param("max_completion_tokens", "null")...)
		}, "gen_ai.request.max_tokens", "1"},
		"one stop becomes a list":    {func(r *call.Record) { r.Request.Params = param("stop", `"END"`) }, "gen_ai.request.stop_sequences", `["END"]`},
		"stop of nothing":            {func(r *call.Record) { r.Request.Params = param("stop", "[]") }, "gen_ai.request.stop_sequences", absent},
		"temperature null":           {func(r *call.Record) { r.Request.Params = param("temperature", "null") }, "gen_ai.request.temperature", absent},
		"temperature as text":        {func(r *call.Record) { r.Request.Params = param("temperature", `"hot"`) }, "gen_ai.request.temperature", absent},
		"top_logprobs is no top_k":   {func(r *call.Record) { r.Request.Params = param("top_logprobs", "5") }, "gen_ai.request.top_k", absent},
		"service tier auto":          {func(r *call.Record) { r.Request.Params = param("service_tier", `"auto"`) }, "openai.request.service_tier", absent},
		"speech":                     {func(r *call.Record) { r.Request.Hints.OutputType = "audio" }, "gen_ai.output.type", "speech"},
		"output type invented":       {func(r *call.Record) { r.Request.Hints.OutputType = "dance" }, "gen_ai.output.type", absent},
		"cut: due reason is error":   {cut, "gen_ai.response.finish_reasons", `["error"]`},
		"refused: none was due":      {func(r *call.Record) { cut(r); r.Response.Status = 500 }, "gen_ai.response.finish_reasons", absent},
		"zero usage is a value":      {func(r *call.Record) { r.Usage.Cached = call.Some(0) }, "gen_ai.usage.cache_read.input_tokens", "0"},
		"no usage is no value":       {func(r *call.Record) { r.Usage = call.Usage{} }, "gen_ai.usage.input_tokens", absent},
		"responses API":              {func(r *call.Record) { r.Target.Format = "openai.responses" }, "openai.api.type", "responses"},
		"request id of Azure only":   {func(r *call.Record) { r.Target.Provider = "openai" }, "azure.service.request.id", absent},
		"first attempt":              {func(r *call.Record) {}, "http.request.resend_count", absent},
		"second attempt":             {func(r *call.Record) { r.Identity.Attempt = 2 }, "http.request.resend_count", "1"},
		"not joined":                 {func(r *call.Record) { r.Identity.Attempt = 0 }, "llmtap.attempt.number", "1"},
		"no answer":                  {func(r *call.Record) { r.Response.Status = 0 }, "http.response.status_code", absent},
		"peer":                       {func(r *call.Record) { r.Agent.PeerAddress = "192.0.2.1:8443" }, "network.peer.port", "8443"},
		"peer that is none":          {func(r *call.Record) { r.Agent.PeerAddress = "somewhere" }, "network.peer.address", absent},
		"nobody known":               {func(r *call.Record) { r.Client = call.Client{} }, "llmtap.client.name", "unknown"},
		"user unknown":               {func(r *call.Record) { r.Client.User = "unknown" }, "llmtap.jupyterhub.user", absent},
		"sync SDK":                   {func(r *call.Record) { r.Request.Hints.Headers = header("x-stainless-async", "false") }, "llmtap.client.async", "false"},
		"async SDK":                  {func(r *call.Record) { r.Request.Hints.Headers = header("x-stainless-async", "async:asyncio") }, "llmtap.client.async", "true"},
		"usage not wanted":           {func(r *call.Record) { r.Request.Hints.IncludeUsage = call.False }, "llmtap.request.include_usage", "false"},
		"code that is a sentence":    {func(r *call.Record) { r.Response.Error.Code = "my prompt was this" }, "llmtap.error.code", absent},
		"code as number":             {func(r *call.Record) { r.Response.Error.Code = "429" }, "llmtap.error.code", "429"},
		"anthropic end of turn":      {func(r *call.Record) { r.Response.FinishReasons = []string{"end_turn"} }, "llmtap.response.finish", "stop"},
		"gemini safety":              {func(r *call.Record) { r.Response.FinishReasons = []string{"SAFETY"} }, "llmtap.response.finish", "content_filter"},
		"unheard-of finish":          {func(r *call.Record) { r.Response.FinishReasons = []string{"bored"} }, "llmtap.response.finish", "other"},
		"ok has no failure":          {func(r *call.Record) {}, "llmtap.failure.class", absent},
		"only classes are secondary": {func(r *call.Record) { warn(r, "usage_missing", "stream_stalled", "stream_buffered") }, "llmtap.failure.secondary", `["stream_stalled"]`},
		"plain call has headers":     {func(r *call.Record) { *r = plain(1) }, "llmtap.stream.headers_s", "0.7"},
		"plain call has no events":   {func(r *call.Record) { *r = plain(1) }, "llmtap.stream.events", absent},
		"oddity without an attr":     {func(r *call.Record) { r.Stream.Oddities = []call.Oddity{{Name: "crlf", Count: 4}} }, "llmtap.stream.crlf", absent},
		"pings are no comments":      {func(r *call.Record) { r.Target.Format, r.Stream.Keepalives = "anthropic", 4 }, "llmtap.stream.comment", absent},
		"comments":                   {func(r *call.Record) { r.Stream.Keepalives = 4 }, "llmtap.stream.comment", "4"},
		"clean end has no h2 code":   {func(r *call.Record) { r.End.H2Code = 7 }, "llmtap.end.h2_code", absent},
		"no content, no messages":    {func(r *call.Record) { r.Content = call.Content{Request: `{"messages":[]}`} }, "gen_ai.input.messages", absent},
		"headers are opt-in":         {func(r *call.Record) {}, "http.response.header.x-request-id", absent},
	} {
		r := sinktest.Record(1)
		tc.change(&r)
		got := absent
		if v, ok := attrsOf(only(t, r))[tc.key]; ok {
			got = v.String()
		}
		if got != tc.value {
			t.Errorf("%s: %s = %s, want %s", name, tc.key, got, tc.value)
		}
	}
}

func param(name, value string) []call.Param   { return []call.Param{{Name: name, Value: value}} }
func header(name, value string) []call.Header { return []call.Header{{Name: name, Value: value}} }

func cut(r *call.Record) {
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndShort}
	r.Response.FinishReasons = nil
	r.Diagnosis = call.Diagnosis{Class: call.ClassStreamTruncated, Severity: call.SeverityError}
}

func warn(r *call.Record, tags ...string) {
	r.Diagnosis = call.Diagnosis{Class: call.ClassStreamBuffered, Severity: call.SeverityWarn, Tags: tags}
}

// The span's error.type is the record's, which is also the metric's label;
// status is Error exactly then, never Ok.
func TestErrorTypeAndStatusGoTogether(t *testing.T) {
	for _, class := range call.Classes() {
		for _, severity := range []call.Severity{call.SeverityInfo, call.SeverityWarn, call.SeverityError} {
			r := sinktest.Record(1)
			r.Diagnosis = call.Diagnosis{Class: class, Severity: severity}
			span := only(t, r)
			got, ok := attrsOf(span)["error.type"]
			if want := r.ErrorType(); got.AsString() != want && ok || ok != (want != "") {
				t.Errorf("%v, %v: error.type %q, want %q", class, severity, got.AsString(), want)
			}
			if want := map[bool]codes.Code{true: codes.Error, false: codes.Unset}[r.Outcome() == call.OutcomeError]; span.Status.Code != want {
				t.Errorf("%v, %v: status %v, want %v", class, severity, span.Status.Code, want)
			}
			if class == call.ClassClientCancelled && ok {
				t.Error("a cancelled call has an error.type")
			}
		}
	}
}

func TestNames(t *testing.T) {
	for want, change := range map[string]func(*call.Record){
		"chat gpt4": func(*call.Record) {},
		"chat":      func(r *call.Record) { r.Target.Model = "" },
		"POST":      func(r *call.Record) { r.Target.Operation = "" },
	} {
		r := sinktest.Record(1)
		change(&r)
		if got := only(t, r).Name; got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}

func TestHeadersComeFromTheAllowListOnly(t *testing.T) {
	m := newMemory(t, func(c *otlp.Config) { c.Headers = true })
	r := sinktest.Record(1)
	r.Response.Headers = []call.Header{
		{Name: "via", Value: "1.1 a"}, {Name: "via", Value: "1.1 b"}, {Name: "set-cookie", Value: "secret"}, {Name: "x-ratelimit-remaining", Value: "3"},
		{Name: "x-stainless-evil\nname", Value: "secret"},
	}
	r.Request.Hints.Headers = []call.Header{{Name: "authorization", Value: "secret"}, {Name: "api-key", Value: "secret"}, {Name: "x-stainless-lang", Value: "python"}}
	m.take(t, r)
	got := map[string]string{}
	for k, v := range attrsOf(m.flushed(t)[0]) {
		if strings.Contains(k, ".header.") {
			got[k] = v.String()
		}
	}
	want := map[string]string{
		"http.response.header.via": `["1.1 a","1.1 b"]`, "http.response.header.x-ratelimit-remaining": `["3"]`, "http.request.header.x-stainless-lang": `["python"]`,
	}
	if !maps.Equal(got, want) {
		t.Errorf("headers %v, want %v", got, want)
	}
}

// Canary secrets in everything that a span does not show by contract.
func TestCanariesStayOut(t *testing.T) {
	const canary = "CANARY-sk-123"
	m := newMemory(t, func(c *otlp.Config) { c.Headers = true })
	r := attempt(1)
	r.Response.Error = call.Error{Code: canary + " ", Type: canary, Param: canary + " ", Message: canary, RequestID: canary}
	r.Response.Headers = header("set-cookie", canary)
	r.Request.Hints.Headers = header("authorization", canary)
	r.Request.Params = append(param("user", `"`+canary+`"`), param("temperature", `"`+canary+`"`)...)
	r.Content = call.Content{Request: canary, Response: canary}
	r.Diagnosis.Text, r.Diagnosis.Remedy, r.Diagnosis.Tags = canary, []string{canary}, []string{canary}
	r.Diagnosis.Reason = canary + " "
	r.End.Detail, r.End.Reason = canary, canary
	m.take(t, r)
	if text := dump(m.flushed(t)); strings.Contains(text, canary) {
		t.Errorf("the canary is on a span:\n%s", text)
	}
}

func BenchmarkRecord(b *testing.B) {
	m := newMemory(b, nil)
	r := sinktest.Record(1)
	b.ReportAllocs()
	for b.Loop() {
		_ = m.Record(b.Context(), r)
	}
}

package diagnose_test

import (
	"slices"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// Records that two rules match: the earlier one is the class, the later one a
// tag.
func TestPrecedence(t *testing.T) {
	says := func(status int, message, code, param string) option {
		return fails(status, openai(message, code, param))
	}
	with := func(options ...option) []option { return options }
	lag := func(r *call.Record) { r.Agent.LagMax = time.Second }
	burst := func(r *call.Record) { r.Stream.LargestBurst = 40 }
	stall := func(r *call.Record) { r.Stream.MaxGap, r.Stream.MaxDataGap = 90*time.Second, 90*time.Second }
	hang := func(r *call.Record) { r.Timing.End = r.Timing.LastByte.Add(10 * time.Second) }
	filtered := func(r *call.Record) { r.Response.FinishReasons = []string{"content_filter"} }
	unlabelled := framing(call.FramingSSE, "")
	for _, tc := range []struct {
		name    string
		options []option
		first   string
		then    string
	}{
		{
			"the flag before the refused stream",
			with(asked, says(400, "stream must be a boolean; streaming is not supported", "", "stream")),
			"stream_flag_invalid", "stream_unsupported",
		},
		{
			"the option before its parameter",
			with(asked, key("stream_options"), says(400, "Unknown parameter: 'stream_options'.", "unknown_parameter", "stream_options")),
			"stream_option_rejected", "parameter_unsupported",
		},
		{
			"the refused stream before its parameter",
			with(asked, says(400, "Unsupported value: 'stream' does not support true with this model.", "unsupported_value", "stream")),
			"stream_unsupported", "parameter_unsupported",
		},
		{
			"the refused stream before the key",
			with(asked, says(403, "Streaming is not allowed", "", "")),
			"stream_unsupported", "auth_rejected",
		},
		{
			"the refused stream before the service's error",
			with(asked, says(500, "Streaming is not supported by this model", "", "")),
			"stream_unsupported", "provider_error",
		},
		{
			"the refused stream before the path",
			with(asked, says(404, "Streaming is not available for this model", "", "")),
			"stream_unsupported", "endpoint_not_found",
		},
		{
			"the refused plain call before its parameter",
			with(says(400, "This model only supports streaming", "unsupported_value", "stream")),
			"plain_unsupported", "parameter_unsupported",
		},
		{
			"the filter before the parameter",
			with(azure, says(400, "The prompt was filtered: unsupported value", "content_filter", "prompt")),
			"content_filtered", "parameter_unsupported",
		},
		{
			"the parameter before the api-version",
			with(azure, says(400, "Unrecognized request argument supplied: tools", "unknown_parameter", "")),
			"parameter_unsupported", "api_version_incompatible",
		},
		{
			"the api-version before the path",
			with(azure, says(404, "Functions are not supported for this API version", "", "")),
			"api_version_incompatible", "endpoint_not_found",
		},
		{"the page before the key", with(page(403)), "non_api_response", "auth_rejected"},
		{"the page before the rate", with(page(429)), "non_api_response", "rate_limited"},
		{"the deadline before the gateway", with(page(504), after(60)), "gateway_timeout", "gateway_error_opaque"},
		{
			"the page before its label",
			with(page(200), framing(call.FramingHTML, "text/event-stream")),
			"non_api_response", "content_type_mismatch",
		},
		{
			"the error event before the cut",
			with(streamOK, broken, ends(call.SideUpstream, call.EndReset), func(r *call.Record) { r.Stream.Errored = true }),
			"error_in_stream", "stream_truncated",
		},
		{
			"the cut before bad JSON",
			with(streamOK, broken, ends(call.SideUpstream, call.EndReset), oddity("bad_json", 1)),
			"stream_truncated", "sse_malformed",
		},
		{
			"bad JSON before the client's leaving",
			with(streamOK, broken, leaves(9), oddity("bad_json", 1)),
			"sse_malformed", "client_cancelled",
		},
		{
			"bad JSON before the missing end",
			with(streamOK, broken, oddity("bad_json", 1)),
			"sse_malformed", "stream_incomplete",
		},
		{
			"the choked client before its deadline",
			with(streamOK, broken, oddityAt("comment_after_id", 59.98), leaves(60)),
			"client_choked", "client_timeout",
		},
		{"the deadline before the leaving", with(streamOK, broken, leaves(60)), "client_timeout", "client_cancelled"},
		{
			"the unasked stream before its label",
			with(plainOK, framing(call.FramingSSE, "application/json")),
			"stream_unrequested", "content_type_mismatch",
		},
		{
			"the one answer before its label",
			with(plainOK, asked, framing(call.FramingJSON, "text/event-stream")),
			"stream_downgraded", "content_type_mismatch",
		},
		{"the missing end before the label", with(streamOK, broken, unlabelled), "stream_incomplete", "content_type_mismatch"},
		{
			"the unclean close before the filter",
			with(streamOK, ends(call.SideUpstream, call.EndShort), filtered),
			"unclean_close", "content_filtered",
		},
		{"the filter before the label", with(streamOK, filtered, unlabelled), "content_filtered", "content_type_mismatch"},
		{"the label before tool pieces", with(streamOK, unlabelled, oddity("tool_no_index", 1)), "content_type_mismatch", "tool_delta_malformed"},
		{"tool pieces before our lag", with(streamOK, oddity("tool_no_index", 1), lag), "tool_delta_malformed", "agent_induced"},
		{"our lag before the block", with(streamOK, lag, burst), "agent_induced", "stream_buffered"},
		{"the block before the stall", with(streamOK, burst, stall), "stream_buffered", "stream_stalled"},
		{"the stall before the hang", with(streamOK, stall, hang), "stream_stalled", "hang_after_done"},
		{"the hang before repeated text", with(streamOK, hang, oddity("text_doubled", 9)), "hang_after_done", "duplicate_output"},
	} {
		d := diagnose.Classify(record(tc.options...))
		if d.Class.String() != tc.first || !slices.Contains(d.Tags, tc.then) {
			t.Errorf("%s: got %v (%s) with %v, want %s with %s", tc.name, d.Class, d.Reason, d.Tags, tc.first, tc.then)
		}
	}
}

// The agent's own answers are judged by how the call ended, never by status.
func TestAnswersOfTheAgent(t *testing.T) {
	for kind, want := range map[call.EndKind]string{
		call.EndDNS:     "dns",
		call.EndRefused: "refused",
		call.EndTimeout: "timeout",
		call.EndTLS:     "tls",
		call.EndPolicy:  "upstream_proxy",
	} {
		r := record(fails(502, call.Error{Shape: call.ShapeOpenAI, Type: "llmtap_upstream_error"}), ends(call.SideUpstream, kind))
		r.Response.Origin = "agent"
		d := diagnose.Classify(r)
		if d.Class != call.ClassUpstreamUnreachable || d.Reason != want {
			t.Errorf("%v: got %v (%s), want upstream_unreachable (%s)", kind, d.Class, d.Reason, want)
		}
		if want := "svc.example could not be reached: "; len(d.Text) < len(want) || d.Text[:len(want)] != want {
			t.Errorf("%v: %s", kind, d.Text)
		}
	}
}

// Who wrote a 500 follows from the form of its body.
func TestWhoWroteTheError(t *testing.T) {
	const service, gateway = "provider_error", "gateway_error_opaque"
	for _, tc := range []struct {
		name    string
		e       call.Error
		options []option
		want    string
	}{
		{"OpenAI's form", call.Error{Shape: call.ShapeOpenAI}, nil, service},
		{"Azure's form", call.Error{Shape: call.ShapeAzure}, nil, service},
		{"Anthropic's form", call.Error{Shape: call.ShapeAnthropic}, nil, service},
		{"Google's form", call.Error{Shape: call.ShapeGoogle}, nil, service},
		{"AWS's form", call.Error{Shape: call.ShapeAWS}, nil, service},
		{"a flat form", call.Error{Shape: call.ShapeFlat}, nil, service},
		{"a string", call.Error{Shape: call.ShapeString}, nil, service},
		{"a list", call.Error{Shape: call.ShapeList}, nil, service},
		{"API Management's form", call.Error{Shape: call.ShapeAPIM}, nil, gateway},
		{"the same with Azure's region", call.Error{Shape: call.ShapeAPIM}, []option{answered("x-ms-region", "West")}, service},
		{"the same with Azure's id", call.Error{Shape: call.ShapeAPIM}, []option{answered("apim-request-id", "1")}, service},
		{"the same with a session", call.Error{Shape: call.ShapeAPIM}, []option{answered("azureml-model-session", "d1")}, service},
		{"Azure's validation with a number", call.Error{Shape: call.ShapeAzureValidate, Code: "500"}, nil, service},
		{"Azure's validation with a name", call.Error{Shape: call.ShapeAzureValidate, Code: "Middleware Error"}, nil, gateway},
		{"a bare message", call.Error{Shape: call.ShapeBare}, nil, gateway},
		{"a bare message of Cohere", call.Error{Shape: call.ShapeBare}, []option{dialect("cohere.chat", "cohere")}, service},
		{"a detail", call.Error{Shape: call.ShapeFastAPI}, nil, gateway},
		{
			"a detail of Mistral",
			call.Error{Shape: call.ShapeFastAPI},
			[]option{func(r *call.Record) { r.Target.Provider = "mistral_ai" }},
			service,
		},
		{"Databricks' form elsewhere", call.Error{Shape: call.ShapeDatabricks}, nil, gateway},
		{"a page", call.Error{Shape: call.ShapeHTML}, nil, gateway},
		{"text", call.Error{Shape: call.ShapeText}, nil, gateway},
		{"nothing", call.Error{Shape: call.ShapeEmpty}, nil, gateway},
		{"other JSON", call.Error{Shape: call.ShapeOther}, nil, gateway},
		{"not known", call.Error{}, nil, gateway},
	} {
		d := diagnose.Classify(record(append(tc.options, fails(500, tc.e))...))
		if d.Class.String() != tc.want {
			t.Errorf("%s: got %v, want %s", tc.name, d.Class, tc.want)
		}
	}
}

// Deadlines of gateways count within 3 %, those of clients within 1 %.
func TestDeadlines(t *testing.T) {
	for seconds, want := range map[float64]string{
		0.2: "gateway_error_opaque", 14.6: "gateway_timeout", 15.4: "gateway_timeout", 16: "gateway_error_opaque",
		29.2: "gateway_timeout", 31: "gateway_error_opaque", 58.3: "gateway_timeout", 61.7: "gateway_timeout",
		70: "gateway_error_opaque", 239: "gateway_timeout", 345: "gateway_timeout", 400: "gateway_error_opaque",
	} {
		if d := diagnose.Classify(record(page(503), after(seconds))); d.Class.String() != want {
			t.Errorf("503 after %v s: got %v, want %s", seconds, d.Class, want)
		}
	}
	for seconds, want := range map[float64]string{
		3.5: "client_cancelled", 29.5: "client_cancelled", 29.8: "client_timeout", 30.2: "client_timeout",
		35: "client_cancelled", 59.5: "client_timeout", 89.4: "client_timeout", 100: "client_cancelled",
		119: "client_timeout", 302: "client_timeout", 605: "client_timeout", 620: "client_cancelled",
	} {
		r := record(streamOK, broken, leaves(seconds), func(r *call.Record) { r.Timing.LastByte = at(seconds - 2) })
		if d := diagnose.Classify(r); d.Class.String() != want {
			t.Errorf("client left after %v s: got %v, want %s", seconds, d.Class, want)
		}
	}
}

// A reader of metrics sees every fragile kind of a stream, whatever its class.
func TestFragileKindsAreTags(t *testing.T) {
	for _, kind := range []string{
		"choices_empty", "choices_null", "delta_missing", "id_empty", "data_empty", "block_without_data", "comment_after_id",
		"encoding_unoffered", "no_space", "crlf", "split_rune", "no_charset",
	} {
		for name, options := range map[string][]option{
			"healthy": {streamOK, oddity(kind, 1)},
			"cut":     {streamOK, broken, ends(call.SideUpstream, call.EndReset), oddity(kind, 1)},
		} {
			if d := diagnose.Classify(record(options...)); !slices.Contains(d.Tags, "sse_fragile:"+kind) {
				t.Errorf("%s stream with %s: tags %v", name, kind, d.Tags)
			}
		}
	}
	if d := diagnose.Classify(record(streamOK, oddity("unknown_field", 1))); len(d.Tags) != 0 {
		t.Errorf("a harmless oddity became a tag: %v", d.Tags)
	}
}

// Marks that would be wrong or noise.
func TestTagsThatMustNotBe(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options []option
		tag     string
	}{
		{"other means that nothing else matched", []option{fails(401, text("no key"))}, "request_rejected"},
		{
			"Gemini has no marker",
			[]option{streamOK, dialect("gemini.generate", "gemini"), func(r *call.Record) { r.Stream.Done = false }},
			"done_missing",
		},
		{
			"the client did not wait for the marker",
			[]option{streamOK, ends(call.SideClient, call.EndClosed), func(r *call.Record) { r.Stream.Done = false }},
			"done_missing",
		},
		{
			"an error ended it",
			[]option{streamOK, func(r *call.Record) { r.Stream.Finish, r.Stream.Errored = false, true }},
			"finish_missing",
		},
		{"usage came", []option{streamOK}, "usage_missing"},
		{"a first attempt", []option{streamOK}, "retry_burst"},
		{"the service's own refusal", []option{fails(400, text("no"))}, "foreign_4xx"},
		{
			"an invalid flag that was refused",
			[]option{fails(400, text("no")), func(r *call.Record) { r.Request.StreamFlag = call.StreamInvalid }},
			"invalid_flag_accepted",
		},
		{
			"a short rest after the client left",
			[]option{streamOK, broken, leaves(9), func(r *call.Record) { r.Timing.LastByte, r.Agent.Overrun = at(9), time.Second }},
			"upstream_not_cancelled",
		},
	} {
		if d := diagnose.Classify(record(tc.options...)); slices.Contains(d.Tags, tc.tag) {
			t.Errorf("%s: %v has tags %v", tc.name, d.Class, d.Tags)
		}
	}
}

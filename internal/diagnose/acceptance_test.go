package diagnose_test

import (
	"slices"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// outcomes of the acceptance table; the zero value is what the class implies.
const (
	asClass   = call.OutcomeUnknown
	ok        = call.OutcomeOK
	failed    = call.OutcomeError
	cancelled = call.OutcomeCancelled
)

// scenario is one row of the failure catalogue's acceptance table.
type scenario struct {
	id      string
	options []option
	class   string
	reason  string
	outcome call.Outcome
	tags    []string // that must be there, among others
}

func run(t *testing.T, rows []scenario) {
	t.Helper()
	for _, tc := range rows {
		t.Run(tc.id, func(t *testing.T) {
			r := record(tc.options...)
			r.Diagnosis = diagnose.Classify(r)
			d := r.Diagnosis
			if d.Class.String() != tc.class || tc.reason != "" && d.Reason != tc.reason {
				t.Fatalf("got %v (%s) by %s, want %s (%s)", d.Class, d.Reason, d.Rule, tc.class, tc.reason)
			}
			if tc.outcome != asClass && r.Outcome() != tc.outcome {
				t.Errorf("outcome %v, want %v", r.Outcome(), tc.outcome)
			}
			for _, tag := range tc.tags {
				if !slices.Contains(d.Tags, tag) {
					t.Errorf("tags %v lack %s", d.Tags, tag)
				}
			}
		})
	}
}

func TestHealthyCalls(t *testing.T) {
	noMarker := func(r *call.Record) { r.Stream.Done = false }
	run(t, []scenario{
		{"ok-openai", []option{streamOK}, "ok", "", ok, nil},
		{"ok-plain", []option{plainOK}, "ok", "", ok, nil},
		{
			"ok-responses",
			[]option{streamOK, dialect("openai.responses", "openai.responses")},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"ok-anthropic",
			[]option{streamOK, dialect("anthropic.messages", "anthropic")},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"ok-gemini-sse",
			[]option{streamOK, dialect("gemini.generate", "gemini"), noMarker},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"ok-gemini-array",
			[]option{streamOK, dialect("gemini.generate", "gemini"), framing(call.FramingJSONArray, "application/json")},
			"ok", "", ok, nil,
		},
		{
			"ok-bedrock",
			[]option{streamOK, dialect("bedrock.converse_stream", "bedrock.converse"), framing(call.FramingEventStream, "application/vnd.amazon.eventstream")},
			"ok", "", ok, nil,
		},
		{
			"ok-ollama",
			[]option{streamOK, dialect("ollama.chat", "ollama"), framing(call.FramingNDJSON, "application/x-ndjson")},
			"ok", "", ok, nil,
		},
		{
			"ok-ollama-absent",
			[]option{streamOK, dialect("ollama.chat", "ollama"), framing(call.FramingNDJSON, "application/x-ndjson"), func(r *call.Record) {
				r.Request.StreamFlag = call.StreamAbsent
			}},
			"ok", "", ok, nil,
		},
		{
			"ok-ollama-one-line",
			[]option{streamOK, dialect("ollama.chat", "ollama"), framing(call.FramingJSON, "application/x-ndjson")},
			"ok", "", ok, nil,
		},
		{
			"near: one JSON answer of another dialect",
			[]option{streamOK, dialect("ollama.chat", "openai.chat"), framing(call.FramingJSON, "text/plain"), oddity("foreign_dialect", 1)},
			"stream_downgraded", "", failed, nil,
		},
		{"ok-cohere", []option{streamOK, dialect("cohere.chat", "cohere")}, "ok", "", ok, nil},
		{"ok-tgi", []option{streamOK, dialect("tgi.generate", "tgi")}, "ok", "", ok, nil},
		{
			"ok-azure",
			[]option{streamOK, azure, oddity("choices_empty", 2), oddity("delta_missing", 1)},
			"ok", "", ok, []string{"sse_fragile:choices_empty", "sse_fragile:delta_missing"},
		},
		{"ok-close-done", []option{streamOK, ends(call.SideClient, call.EndClosed)}, "ok", "", ok, nil},
		{
			"ok-close-finish",
			[]option{streamOK, noMarker, ends(call.SideClient, call.EndClosed), func(r *call.Record) { r.Usage = call.Usage{} }},
			"ok", "", ok, []string{"usage_missing"},
		},
		{
			"ok-dialect",
			[]option{streamOK, oddity("comment", 3), oddity("block_without_data", 1), oddity("crlf", 40), oddity("no_space", 40), oddity("split_rune", 1)},
			"ok", "", ok, []string{"sse_fragile:block_without_data", "sse_fragile:crlf", "sse_fragile:no_space", "sse_fragile:split_rune"},
		},
		{
			"ok-length-empty",
			[]option{streamOK, func(r *call.Record) {
				r.Stream.ContentEvents, r.Response.FinishReasons = 0, []string{"length"}
			}},
			"ok", "", ok, []string{"output_limit"},
		},
		{
			"ok-flag-invalid",
			[]option{streamOK, func(r *call.Record) { r.Request.StreamFlag = call.StreamInvalid }},
			"ok", "", ok, []string{"invalid_flag_accepted"},
		},
		{
			"ok-null",
			[]option{plainOK, func(r *call.Record) { r.Request.StreamFlag = call.StreamAbsent }},
			"ok",
			"",
			ok,
			nil,
		},
		{
			"ok-done-only",
			[]option{streamOK, func(r *call.Record) { r.Stream.Finish = false }},
			"ok",
			"",
			ok,
			[]string{"finish_missing"},
		},
		{"ok-finish-only", []option{streamOK, noMarker}, "ok", "", ok, []string{"done_missing"}},
		{
			"unclean-finish",
			[]option{streamOK, noMarker, ends(call.SideUpstream, call.EndReset)},
			"unclean_close", "after_finish", ok, []string{"done_missing"},
		},
		{
			"unclean-done",
			[]option{streamOK, ends(call.SideUpstream, call.EndShort)},
			"unclean_close",
			"after_marker",
			ok,
			nil,
		},
		{
			"unclean-array",
			[]option{streamOK, dialect("gemini.generate", "gemini"), framing(call.FramingJSONArray, "application/json"), noMarker},
			"unclean_close", "after_finish", ok, nil,
		},
		{
			"ok-slow-first",
			[]option{streamOK, oddity("comment", 7), func(r *call.Record) {
				r.Timing.FirstData, r.Timing.FirstContent = at(70), at(70.1)
				r.Timing.LastData, r.Timing.LastByte, r.Timing.End = at(75), at(75), at(75)
				r.Stream.MaxGap = 10 * time.Second
			}},
			"ok", "", ok, []string{"slow_first_token"},
		},
		{
			"ok-retry",
			[]option{streamOK, func(r *call.Record) { r.Identity.Attempt = 2 }},
			"ok",
			"",
			ok,
			[]string{"retry_burst"},
		},
		{
			"ok-late-usage",
			[]option{streamOK, oddity("after_terminal", 1), oddity("sequence_gap", 1)},
			"ok", "", ok, []string{"late_events", "sequence_gap"},
		},
		{"ok-upgrade", []option{func(r *call.Record) { r.Response.Status = 101 }}, "ok", "", ok, nil},
		{
			"ok-no-content", // of an operation that need not answer
			[]option{plainOK, bytes(0), framing(call.FramingEmpty, ""), func(r *call.Record) {
				r.Response.Status, r.Target.Operation = 204, ""
			}},
			"ok",
			"",
			ok,
			nil,
		},
	})
}

func TestNoAnswer(t *testing.T) {
	none := func(side call.Side, kind call.EndKind, seconds float64) option {
		return func(r *call.Record) {
			r.End = call.End{Side: side, Kind: kind}
			r.Timing = call.Timing{RequestSent: start, End: at(seconds)}
		}
	}
	reused := func(r *call.Record) { r.Request.Hints.ReusedConn = true }
	agentWrote := func(r *call.Record) { r.Response.Status, r.Response.Origin = 502, "agent" }
	reason := func(s string) option { return func(r *call.Record) { r.End.Reason = s } }
	run(t, []scenario{
		{
			"down-refused",
			[]option{none(call.SideUpstream, call.EndRefused, 0.1)},
			"upstream_unreachable",
			"refused",
			failed,
			nil,
		},
		{
			"down-tls",
			[]option{none(call.SideUpstream, call.EndTLS, 0.1)},
			"upstream_unreachable",
			"tls",
			failed,
			nil,
		},
		{
			"down-dns",
			[]option{none(call.SideUpstream, call.EndDNS, 0.1), agentWrote},
			"upstream_unreachable",
			"dns",
			failed,
			nil,
		},
		{
			"down-timeout",
			[]option{none(call.SideUpstream, call.EndTimeout, 10)},
			"upstream_unreachable",
			"timeout",
			failed,
			nil,
		},
		{
			"down-proxy",
			[]option{none(call.SideUpstream, call.EndPolicy, 0.1)},
			"upstream_unreachable",
			"upstream_proxy",
			failed,
			nil,
		},
		{
			"fresh-closed",
			[]option{none(call.SideUpstream, call.EndClosed, 0.1)},
			"upstream_unreachable",
			"reset",
			failed,
			nil,
		},
		{
			"fresh-short-head",
			[]option{none(call.SideUpstream, call.EndShort, 0.1)},
			"upstream_unreachable",
			"reset",
			failed,
			nil,
		},
		{
			"idle-closed",
			[]option{none(call.SideUpstream, call.EndClosed, 0.01), reused},
			"stale_connection",
			"",
			failed,
			nil,
		},
		{
			"idle-reset",
			[]option{none(call.SideUpstream, call.EndReset, 0.01), reused},
			"stale_connection",
			"",
			failed,
			nil,
		},
		{
			"reused-refused",
			[]option{none(call.SideUpstream, call.EndRefused, 0.01), reused},
			"upstream_unreachable",
			"refused",
			failed,
			nil,
		},
		{
			"bad-status-line",
			[]option{none(call.SideUpstream, call.EndShort, 0.1), reason("status line")},
			"framing_invalid",
			"status line",
			failed,
			nil,
		},
		{
			"hdr-timeout",
			[]option{none(call.SideClient, call.EndClosed, 300)},
			"first_byte_timeout",
			"",
			failed,
			nil,
		},
		{"hdr-timeout-own", []option{none(call.SideClient, call.EndClosed, 8), func(r *call.Record) {
			r.Request.Hints.ReadTimeout = "8"
		}}, "first_byte_timeout", "", failed, nil},
		{
			"cl-cancel-early",
			[]option{none(call.SideClient, call.EndClosed, 4)},
			"client_cancelled",
			"",
			cancelled,
			nil,
		},
		{
			"cl-reset-early",
			[]option{none(call.SideClient, call.EndReset, 4)},
			"client_cancelled",
			"",
			cancelled,
			nil,
		},
		{
			"ag-limit",
			[]option{none(call.SideAgent, call.EndTimeout, 9), reason("limit")},
			"agent_induced",
			"limit",
			failed,
			nil,
		},
		{
			"ag-shutdown-mid",
			[]option{streamOK, broken, ends(call.SideAgent, call.EndClosed), reason("shutdown")},
			"agent_induced",
			"shutdown",
			failed,
			nil,
		},
		{
			"ag-crash",
			[]option{none(call.SideAgent, call.EndClosed, 0), reason("crash")},
			"agent_induced",
			"crash",
			failed,
			nil,
		},
		{"ag-407", []option{none(call.SideAgent, call.EndPolicy, 0), reason("auth"), func(r *call.Record) {
			r.Response.Status, r.Response.Origin = 407, "agent"
		}}, "agent_induced", "auth", failed, nil},
		{
			"ag-no-reason",
			[]option{none(call.SideAgent, call.EndPolicy, 0)},
			"agent_induced",
			"policy",
			failed,
			nil,
		},
		{"ag-after-the-end", []option{streamOK, ends(call.SideAgent, call.EndClosed)}, "ok", "", ok, nil},
		{
			"ag-noca",
			[]option{none(call.SideClient, call.EndTLS, 0.1), func(r *call.Record) { r.Request = call.Request{} }},
			"tls_untrusted",
			"",
			failed,
			nil,
		},
		{"before-call", []option{none(call.SideClient, call.EndUnknown, 0), reason("ValidationError"), func(r *call.Record) {
			r.Request, r.Target = call.Request{}, call.Target{}
			r.Client = call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Version: "2.12.0"}
			r.End.Side = call.SideUnknown
		}}, "failed_before_call", "ValidationError", failed, nil},
		{
			"nothing-known",
			[]option{none(call.SideUnknown, call.EndUnknown, 0)},
			"unknown",
			"",
			asClass,
			nil,
		},
	})
}

func TestStatusByNumber(t *testing.T) {
	internal := call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error"}
	run(t, []scenario{
		{"nf-resource", []option{azure, fails(404, call.Error{Shape: call.ShapeAzure, Code: "404", Message: "Resource not found"}), func(r *call.Record) {
			r.Request.Path = "/chat/completions"
		}}, "endpoint_not_found", "missing_deployments_segment", failed, nil},
		{
			"nf-resource-unknown-host",
			[]option{fails(404, call.Error{Shape: call.ShapeAzure, Code: "404", Message: "Resource not found"})},
			"endpoint_not_found",
			"missing_deployments_segment",
			failed,
			nil,
		},
		{
			"nf-deployment",
			[]option{azure, fails(404, call.Error{Shape: call.ShapeAzure, Code: "DeploymentNotFound", Message: "The API deployment for this resource does not exist."})},
			"endpoint_not_found",
			"deployment_unknown",
			failed,
			nil,
		},
		{"nf-doubled", []option{azure, fails(404, call.Error{Shape: call.ShapeAzure, Code: "404", Message: "Resource not found"}), func(r *call.Record) {
			r.Request.Path = "/openai/v1/openai/deployments/d/chat/completions"
		}}, "endpoint_not_found", "doubled_path", failed, nil},
		{"nf-v1-doubled", []option{fails(404, call.Error{Shape: call.ShapeFastAPI, Message: "Not Found"}), func(r *call.Record) {
			r.Request.Path = "/v1/v1/chat/completions"
		}}, "endpoint_not_found", "doubled_path", failed, nil},
		{"nf-version", []option{azure, fails(404, call.Error{Shape: call.ShapeAzure, Code: "404", Message: "Resource not found"}), func(r *call.Record) {
			r.Target.APIVersion = "gpt-4o-2024-08-06"
		}}, "endpoint_not_found", "api_version_bad", failed, nil},
		{
			"nf-model",
			[]option{fails(404, call.Error{Shape: call.ShapeOpenAI, Code: "model_not_found", Message: "The model `m-9` does not exist or you do not have access to it."})},
			"endpoint_not_found",
			"model_unknown",
			failed,
			nil,
		},
		{"nf-html", []option{page(404)}, "endpoint_not_found", "html_404", failed, nil},
		{
			"nf-method",
			[]option{fails(405, call.Error{Shape: call.ShapeFastAPI, Message: "Method Not Allowed"})},
			"endpoint_not_found",
			"other",
			failed,
			nil,
		},
		{
			"auth-401",
			[]option{fails(401, call.Error{Shape: call.ShapeOpenAI, Code: "invalid_api_key", Message: "Incorrect API key provided"})},
			"auth_rejected",
			"key",
			failed,
			nil,
		},
		{
			"auth-402",
			[]option{fails(402, text("Insufficient balance"))},
			"auth_rejected",
			"billing",
			failed,
			nil,
		},
		{
			"auth-403",
			[]option{fails(403, text("Your account is not authorized for this region"))},
			"auth_rejected",
			"permission",
			failed,
			nil,
		},
		{
			"auth-498",
			[]option{fails(498, call.Error{Shape: call.ShapeText})},
			"auth_rejected",
			"key",
			failed,
			nil,
		},
		{"auth-iam", []option{asked, dialect("bedrock.converse_stream", "bedrock.converse"), fails(403, call.Error{
			Shape: call.ShapeAWS, Code: "AccessDeniedException", Message: "User x is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource y",
		})}, "auth_rejected", "stream_permission", failed, nil},
		{
			"rate-429",
			[]option{fails(429, call.Error{Shape: call.ShapeOpenAI, Code: "rate_limit_exceeded", Message: "Rate limit reached"}), answered("retry-after", "7")},
			"rate_limited",
			"rate",
			failed,
			nil,
		},
		{
			"rate-quota",
			[]option{fails(429, call.Error{Shape: call.ShapeOpenAI, Code: "insufficient_quota", Message: "You exceeded your current quota"})},
			"rate_limited",
			"quota",
			failed,
			nil,
		},
		{
			"filter-400",
			[]option{azure, fails(400, call.Error{Shape: call.ShapeAzure, Code: "content_filter", Type: "ResponsibleAIPolicyViolation", Param: "prompt", Message: "The response was filtered"})},
			"content_filtered",
			"",
			failed,
			nil,
		},
		{
			"filter-inner",
			[]option{azure, fails(400, call.Error{Shape: call.ShapeAzure, Code: "BadRequest", Type: "ResponsibleAIPolicyViolation"})},
			"content_filtered",
			"",
			failed,
			nil,
		},
		{
			"ctx-400",
			[]option{fails(400, call.Error{Shape: call.ShapeOpenAI, Code: "context_length_exceeded", Param: "messages", Message: "This model's maximum context length is 8192 tokens."})},
			"request_rejected",
			"context_length",
			failed,
			nil,
		},
		{
			"too-large",
			[]option{fails(413, call.Error{Shape: call.ShapeText, Message: "Request Entity Too Large"})},
			"request_rejected",
			"too_large",
			failed,
			[]string{"foreign_4xx"},
		},
		{
			"bad-request",
			[]option{fails(400, call.Error{Shape: call.ShapeOpenAI, Message: "messages must not be empty"})},
			"request_rejected",
			"invalid",
			failed,
			nil,
		},
		{"html-login", []option{page(200)}, "non_api_response", "login_page", failed, nil},
		{"html-401", []option{page(401)}, "non_api_response", "login_page", failed, nil},
		{"html-403", []option{page(403)}, "non_api_response", "block_page", failed, nil},
		{"proxy-407", []option{page(407)}, "non_api_response", "proxy_auth", failed, nil},
		{"portal-511", []option{page(511)}, "non_api_response", "login_page", failed, nil},
		{
			"redirect",
			[]option{fails(302, call.Error{Shape: call.ShapeEmpty}), framing(call.FramingEmpty, "")},
			"non_api_response",
			"redirect",
			failed,
			nil,
		},
		{"html-524", []option{page(524), after(125)}, "gateway_timeout", "", failed, nil},
		{
			"to-504",
			[]option{fails(504, call.Error{Shape: call.ShapeText}), framing(call.FramingText, "text/plain"), after(60)},
			"gateway_timeout",
			"",
			failed,
			nil,
		},
		{"to-502-late", []option{page(502), after(60.9)}, "gateway_timeout", "", failed, nil},
		{
			"to-408",
			[]option{fails(408, call.Error{Shape: call.ShapeText}), after(20)},
			"gateway_timeout",
			"",
			failed,
			nil,
		},
		{"to-502-fast", []option{page(502)}, "gateway_error_opaque", "", failed, nil},
		{"to-502-no-deadline", []option{page(502), after(70)}, "gateway_error_opaque", "", failed, nil},
		{
			"to-504-own",
			[]option{fails(504, call.Error{Shape: call.ShapeAzure, Code: "Timeout"}), after(60)},
			"provider_error",
			"timeout",
			failed,
			nil,
		},
		{
			"to-408-own",
			[]option{fails(408, call.Error{Shape: call.ShapeAzure, Code: "Timeout"})},
			"provider_error",
			"timeout",
			failed,
			nil,
		},
		{"e500-apim", []option{azure, fails(500, internal)}, "gateway_error_opaque", "", failed, nil},
		{
			"e500-apim-own",
			[]option{azure, fails(500, internal), answered("x-ms-region", "West")},
			"provider_error",
			"internal",
			failed,
			nil,
		},
		{
			"e500-openai",
			[]option{fails(500, call.Error{Shape: call.ShapeOpenAI, Code: "server_error", Message: "The server had an error processing your request. Sorry about that!"})},
			"provider_error",
			"internal",
			failed,
			nil,
		},
		{
			"to-504-streamed",
			[]option{page(504), after(60), func(r *call.Record) { r.Stream.Events = 1 }},
			"gateway_error_opaque", "", failed, nil,
		},
		{
			"e500-bare",
			[]option{fails(500, call.Error{Shape: call.ShapeBare, Message: "oops"})},
			"gateway_error_opaque",
			"",
			failed,
			nil,
		},
		{
			"e500-bare-cohere",
			[]option{dialect("cohere.chat", "cohere"), fails(500, call.Error{Shape: call.ShapeBare, Message: "oops"})},
			"provider_error",
			"internal",
			failed,
			nil,
		},
		{
			"e503-fastapi",
			[]option{fails(503, call.Error{Shape: call.ShapeFastAPI, Message: "busy"}), func(r *call.Record) { r.Target.Provider = "vllm" }},
			"provider_error",
			"overloaded",
			failed,
			nil,
		},
		{
			"e500-databricks",
			[]option{fails(500, call.Error{Shape: call.ShapeDatabricks, Code: "INTERNAL"}), func(r *call.Record) { r.Target.Host = "adb-1.azuredatabricks.net" }},
			"provider_error",
			"internal",
			failed,
			nil,
		},
		{
			"e529",
			[]option{dialect("anthropic.messages", "anthropic"), fails(529, call.Error{Shape: call.ShapeAnthropic, Code: "overloaded_error", Message: "Overloaded"})},
			"provider_error",
			"overloaded",
			failed,
			nil,
		},
		{"middleware-400", []option{asked, azure, fails(400, call.Error{
			Shape: call.ShapeAzureValidate, Code: "Authorization Middleware Error", Type: "Authorization Middleware Error", Message: "Cannot access a closed Stream.",
		})}, "request_rejected", "invalid", failed, []string{"foreign_4xx"}},
	})
}

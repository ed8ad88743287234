package redact_test

import (
	"testing"

	"llmtap/internal/redact"
)

func TestAllowed(t *testing.T) {
	for _, name := range []string{
		"x-request-id", "X-Request-Id", "apim-request-id", "request-id", "x-ms-region", "x-ms-deployment-name",
		"azureml-model-session", "x-stainless-retry-count", "x-stainless-read-timeout", "retry-after", "retry-after-ms",
		"x-should-retry", "via", "server", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests",
		"openai-processing-ms", "cf-ray", "content-type", "anthropic-ratelimit-input-tokens-limit", "anthropic-version",
		"server-timing", "x-time-per-token", "x-amzn-RequestId", "amz-sdk-invocation-id",
	} {
		if !redact.Allowed(name) {
			t.Errorf("Allowed(%q) = false", name)
		}
	}
}

func TestCredentialsAreNeverAllowed(t *testing.T) {
	for _, name := range []string{
		"authorization", "Authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie",
		"set-cookie", "x-amz-security-token", "ocp-apim-subscription-key", "sec-websocket-protocol", "sec-websocket-key",
		"x-stainless-api-key", "x-stainless-token", "x-ratelimit-secret", "x-stainless-authorization",
		"anthropic-ratelimit-key", "x-forwarded-for", "referer", "location", "x-unknown", "x-stainless-", "",
	} {
		if redact.Allowed(name) {
			t.Errorf("Allowed(%q) = true", name)
		}
	}
}

func TestWhatJoinsAndExplainsIsAllowed(t *testing.T) {
	for use, names := range map[string][]string{
		"ids to quote to support": {
			"apim-request-id", "request-id", "x-request-id", "x-ms-request-id", "x-ms-client-request-id", "x-amzn-requestid",
			"x-kong-request-id", "x-debug-trace-id", "x-generation-id", "x-litellm-call-id",
		},
		"who answered": {
			"server", "via", "x-ms-region", "x-ms-deployment-name", "x-ms-is-spilled-over", "x-groq-region",
			"azureml-model-session", "openai-model", "openai-version", "x-litellm-model-id", "x-cache", "cf-cache-status",
		},
		"how long it took": {
			"openai-processing-ms", "server-timing", "x-envoy-upstream-service-time", "x-kong-upstream-latency",
			"x-kong-proxy-latency", "x-total-time", "x-queue-time", "x-inference-time", "x-compute-time", "x-compute-type",
			"x-litellm-overhead-duration-ms", "x-amzn-bedrock-invocation-latency",
		},
		"what is retried": {
			"retry-after", "retry-after-ms", "x-should-retry", "x-stainless-retry-count", "amz-sdk-request",
			"amz-sdk-invocation-id", "x-litellm-attempted-fallbacks",
		},
		"limits": {
			"x-ratelimit-limit-requests", "x-ratelimit-limit-tokens", "x-ratelimit-reset-tokens",
			"anthropic-ratelimit-requests-reset", "anthropic-ratelimit-output-tokens-remaining",
		},
		"counts": {
			"x-prompt-tokens", "x-generated-tokens", "x-amzn-bedrock-input-token-count", "x-amzn-bedrock-output-token-count",
			"x-amzn-bedrock-cache-read-input-token-count", "x-amzn-bedrock-cache-write-input-token-count",
		},
		"framing": {
			"content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive",
			"x-accel-buffering", "accept", "accept-encoding", "expect", "te", "vary", "x-amzn-bedrock-content-type",
		},
		"dialect": {"anthropic-version", "anthropic-beta", "openai-beta", "x-goog-api-client", "x-server-timeout", "x-amzn-errortype"},
	} {
		for _, name := range names {
			if !redact.Allowed(name) {
				t.Errorf("%s: Allowed(%q) = false", use, name)
			}
		}
	}
}

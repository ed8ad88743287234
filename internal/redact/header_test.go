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

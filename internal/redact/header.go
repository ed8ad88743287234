package redact

import "strings"

// Allowed reports whether the header of that name may be recorded with its
// value, after Text. The list is of what joins, explains or paces a call; a
// header that is not on it is not recorded, and a name that announces a
// credential is refused under every prefix.
func Allowed(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "accept", "accept-encoding", "age", "connection", "content-encoding", "content-length", "content-type", "date",
		"expect", "keep-alive", "retry-after", "retry-after-ms", "server", "server-timing", "te", "transfer-encoding",
		"vary", "via":
		return true
	case "apim-request-id", "azureml-model-session", "amz-sdk-invocation-id", "amz-sdk-request", "anthropic-beta",
		"anthropic-version", "cf-cache-status", "cf-ray", "openai-beta", "openai-model", "openai-processing-ms",
		"openai-version", "request-id":
		return true
	case "x-accel-buffering", "x-api-warning", "x-cache", "x-compute-time", "x-compute-type", "x-debug-trace-id",
		"x-envoy-upstream-service-time", "x-generated-tokens", "x-generation-id", "x-goog-api-client", "x-groq-region",
		"x-inference-time", "x-kong-proxy-latency", "x-kong-request-id", "x-kong-upstream-latency", "x-prompt-tokens",
		"x-queue-time", "x-request-id", "x-server-timeout", "x-should-retry", "x-time-per-token", "x-total-time":
		return true
	case "x-amzn-bedrock-cache-read-input-token-count", "x-amzn-bedrock-cache-write-input-token-count",
		"x-amzn-bedrock-content-type", "x-amzn-bedrock-input-token-count", "x-amzn-bedrock-invocation-latency",
		"x-amzn-bedrock-output-token-count", "x-amzn-errortype", "x-amzn-requestid", "x-litellm-attempted-fallbacks",
		"x-litellm-call-id", "x-litellm-model-id", "x-litellm-model-region", "x-litellm-overhead-duration-ms",
		"x-litellm-response-duration-ms", "x-ms-client-request-id", "x-ms-deployment-name", "x-ms-is-spilled-over",
		"x-ms-region", "x-ms-request-id":
		return true
	}
	for _, prefix := range []string{"x-stainless-", "x-ratelimit-", "anthropic-ratelimit-"} {
		if len(name) > len(prefix) && strings.HasPrefix(name, prefix) {
			return strengthOf(name) == none
		}
	}
	return false
}

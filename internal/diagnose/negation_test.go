package diagnose_test

import "testing"

// Whatever verb it is: who says of streaming that it is not so refuses it.
func TestStreamingIsNotWhatever(t *testing.T) {
	classify(t, said(
		"Streaming isn't plumbed through to this cluster",
		"Streaming responses are not catered for here",
		"Streaming is not a thing on this gateway.",
		"Streaming mode has not landed in this region",
		"AzureProxy: streaming does not exist on this route",
		"`stream` is not honoured by the batch tier",
	), asked)
}

func TestStreamingThatIsNotThis(t *testing.T) {
	notRefused(t,
		"Streaming is not complete",
		"Streaming is not to blame: messages is empty",
		"Streaming responses are not billed separately",
		"The answer was cut. Streaming has not finished",
		"Prompt rejected: streaming does not help",
		"Ask later, streaming sessions opened before that are not kept",
		"This stream is not plumbed through",
	)
	unknown := bare("Streaming isn't plumbed through to this cluster")
	classify(t, []answer{
		{"a request that took too long", 408, unknown, "gateway_timeout", ""},
		{"a request too many", 429, unknown, "rate_limited", ""},
		{"a service that fails", 500, unknown, "gateway_error_opaque", ""},
		{"a service that is away", 503, unknown, "gateway_error_opaque", ""},
	}, asked)
}

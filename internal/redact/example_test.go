package redact_test

import (
	"fmt"

	"llmtap/internal/redact"
)

func ExampleText() {
	fmt.Println(redact.Text("Incorrect API key provided: sk-proj-****abcd. You can find your API key at x.", 300))
	// Output: Incorrect API key provided: REDACTED. You can find your API key at x.
}

func ExampleURL() {
	fmt.Println(redact.URL("/v1beta/models/gemini:streamGenerateContent?alt=sse&key=AIzaSy0123456789abcdefghij"))
	// Output: /v1beta/models/gemini:streamGenerateContent?alt=sse&key=REDACTED
}

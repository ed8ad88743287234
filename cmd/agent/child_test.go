package main

import (
	"testing"

	"llmtap/internal/faultllm"
)

func child(role string) int { return 9 }

// throwAwayCA is the PEM text of a fresh authority.
func throwAwayCA(t *testing.T) string {
	t.Helper()
	cert, _, err := faultllm.SelfSigned("localhost")
	if err != nil {
		t.Fatal(err)
	}
	return string(chainPEM(cert))
}

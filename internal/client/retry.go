package client

import (
	"slices"

	"llmtap/internal/call"
)

// retrying are the SDKs that send a failed request again by themselves, two
// times by default; frameworks above them inherit or repeat that.
var retrying = []string{
	openaiPython, openaiNode, openaiGo, anthropicPython, anthropicNode, coherePython, boto3,
}

// Retries reports whether a retryable failure of c is likely to be followed by
// another attempt without anybody asking for it. Bare HTTP clients, the SDKs
// that were never seen to retry and unknown clients do not.
func Retries(c call.Client) bool {
	return slices.Contains(retrying, c.SDK) || c.Name == vercelAI || c.Framework == vercelAI
}

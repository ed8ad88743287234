package faultllm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// created is the date of every answer: 21 September 2026.
const created = "1790000000"

// model answers every call, whatever name it asked for.
const model = "gpt-4o-2024-08-06"

// names makes the ids of a scenario's answers.
type names struct{ scenario string }

// fingerprint returns n hexadecimal digits (at most 64) that depend on the
// scenario alone, so that the same call is answered with the same ids.
func (i names) fingerprint(n int) string { return i.digest("id")[:n] }

// uuid returns a UUID that depends on the scenario and the purpose.
func (i names) uuid(purpose string) string {
	d := i.digest(purpose)
	return strings.Join([]string{d[:8], d[8:12], "4" + d[13:16], "a" + d[17:20], d[20:32]}, "-")
}

func (i names) digest(purpose string) string {
	sum := sha256.Sum256([]byte("llmtap faultllm " + purpose + " " + i.scenario))
	return hex.EncodeToString(sum[:])
}

// quote returns s as a JSON string.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// orNull quotes s, or is null for an empty one.
func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}

// openaiError is an error body of OpenAI's shape; empty fields are null.
func openaiError(message, kind, param, code string) string {
	return `{"error":{"message":` + quote(message) + `,"type":` + orNull(kind) +
		`,"param":` + orNull(param) + `,"code":` + orNull(code) + `}}`
}

// azureError is an error body of Azure's shape.
func azureError(code, message string) string {
	return `{"error":{"code":` + quote(code) + `,"message":` + quote(message) + `}}`
}

// apimError is the error body of an API gateway.
func apimError(x *exchange, status, message string) string {
	return `{"statusCode":` + status + `,"message":` + quote(message) + `,"activityId":` + quote(x.uuid("activity")) + `}`
}

package redact_test

import (
	"strings"
	"testing"

	"llmtap/internal/redact"
)

func TestKnownMasksKeysInNames(t *testing.T) {
	const digits = "0123456789abcdef0123456789abcdef"
	for _, c := range []struct{ name, in, want string }{
		{"a model that is a key", "sk-proj-" + digits, "REDACTED"},
		{"an older key", "sk-" + digits, "REDACTED"},
		{"Google's", "AIza" + digits, "REDACTED"},
		{"Amazon's", "AKIAIOSFODNN7EXAMPLE", "REDACTED"},
		{"a token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvd2wifQ.c2lnbmF0dXJl", "REDACTED"},
		{"a path", "/openai/deployments/sk-proj-" + digits + "/chat/completions", "/openai/deployments/REDACTED/chat/completions"},
		{"a user agent", "curl/8.5.0 sk-ant-api03-" + digits + " libcurl", "curl/8.5.0 REDACTED libcurl"},
		{"two", "sk-" + digits + "," + "hf_" + digits, "REDACTED,REDACTED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := redact.Known(c.in); got != c.want {
				t.Errorf("Known(%q) = %q, want %q", c.in, got, c.want)
			}
			if again := redact.Known(c.want); again != c.want {
				t.Errorf("Known(%q) = %q: it must be stable", c.want, again)
			}
		})
	}
}

func TestKnownLeavesNamesAlone(t *testing.T) {
	for _, name := range []string{
		"", "gpt-4o", "gpt-4o-2024-11-20", "claude-3-5-sonnet@20240620", "anthropic.claude-3-5-sonnet-20240620-v1:0", "@cf/meta/llama-3.1-8b",
		"ft:gpt-4o-mini-2024-07-18:owls::9ABCdef1", "task-embedding-ada-002-large", "sk-gpt-4o", "disk-sk-4", "2024-10-21", "eyJ",
		"chatcmpl-9nZbQx0dVw3Yt6LkH2sJ8fR1uA5mE", "resp_68a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607",
		"3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/openai/deployments/task-embedding-ada-002/chat/completions", "fp_44709d6fcb",
		"OpenAI/Python 1.60.1", "with control \x01 and \xff bytes", strings.Repeat("modell-", 40),
	} {
		if got := redact.Known(name); got != name {
			t.Errorf("Known(%q) = %q, want it unchanged", name, got)
		}
	}
}

func TestKnownDoesNotAllocateForNames(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { redact.Known("/openai/deployments/gpt-4o/chat/completions") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

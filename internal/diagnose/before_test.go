package diagnose_test

import (
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// before is a record of a framework's log.
func before(version, reason, detail string) call.Record {
	return call.Record{Client: call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Version: version}, End: call.End{Reason: reason, Detail: detail}}
}

// TestCausesFitTheVersion: the same words have another cause in a version that
// does not have the fault.
func TestCausesFitTheVersion(t *testing.T) {
	const (
		apiVersion = "Must provide either the `api_version` argument or the `OPENAI_API_VERSION` environment variable"
		noKey      = "Missing credentials. Please pass one of `api_key` or the `AZURE_OPENAI_API_KEY` environment variables."
	)
	for name, c := range map[string]struct {
		text, version string
		fault         bool
	}{
		"last before the fault": {apiVersion, "2.14.1", false}, "first with it": {apiVersion, "2.15.0", true}, "last with it": {apiVersion, "2.28.2", true},
		"mended": {apiVersion, "2.28.3", false}, "years later": {apiVersion, "3.2.0", false}, "pre-release": {apiVersion, "2.28.3rc1", false},
		"short": {apiVersion, "2.20", true}, "version unknown": {apiVersion, "", true},
		"key, before": {noKey, "2.13.0", false}, "key, with": {noKey, "2.16.0", true}, "key, mended": {noKey, "2.17.0", false},
	} {
		d := diagnose.Classify(before(c.version, "ValidationError", c.text))
		says := strings.Contains(d.Text, "Jupyter AI 2.1")
		advises := strings.Contains(strings.Join(d.Remedy, " "), "or later")
		if d.Class != call.ClassFailedBeforeCall || d.Severity != call.SeverityError || says != c.fault || advises != c.fault {
			t.Errorf("%s: says %q, advises %q", name, d.Text, d.Remedy)
		}
	}
}

// TestTextsOfFailuresBeforeACall: the sentence ends once, with the cause where
// it is known.
func TestTextsOfFailuresBeforeACall(t *testing.T) {
	for _, c := range []struct{ version, reason, detail, want string }{
		{"3.2.0", "ImportError", "cannot import name 'CacheableResult' from 'mcp.types'", "jupyter-ai 3.2.0 failed before it sent anything: cannot import name " +
			"'CacheableResult' from 'mcp.types'. LiteLLM does not fit the mcp package beside it."},
		{"", "KeyError", "'x'", "jupyter-ai failed before it sent anything: 'x'."},
		{"", "KeyError", "", "jupyter-ai failed before it sent anything: KeyError."},
		{"2.31.7", "no_call_seen", "", "jupyter-ai 2.31.7 handled a message, and no call of it was seen."},
		{"2.31.7", "no_call_seen", "Connection error.", "jupyter-ai 2.31.7 handled a message, and no call of it was seen; its log says: Connection error."},
	} {
		if got := diagnose.Classify(before(c.version, c.reason, c.detail)).Text; got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

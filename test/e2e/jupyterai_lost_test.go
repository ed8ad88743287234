//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
)

// TestJupyterAINeverCalls: three failures of jupyter-ai#1208 happen before any
// request. The log of the server is all that there is; the record made of it
// names the exception, its cause in this version, and what helps.
func TestJupyterAINeverCalls(t *testing.T) {
	for _, c := range []struct {
		name   string
		shows  string
		rule   string
		reason string
		cause  string
		remedy string
	}{
		{
			"2.12.0", "unexpected keyword argument 'proxies'", "log-httpx-proxies", "ValidationError",
			"The openai package is too old for the httpx beside it", `pip install "httpx<0.28"`,
		},
		{
			"2.14.0", "Missing credentials", "log-key-name", "OpenAIError",
			"Jupyter AI 2.14 to 2.16 hands the key on under a wrong name", "upgrade to 2.17 or later",
		},
		{
			"3.2.0-misfit", "cannot import name 'CacheableResult'", "log-cacheable-result", "ImportError",
			"LiteLLM does not fit the mcp package beside it", `pip install "litellm<1.100"`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := jupyterOf(t, c.name)
			l := j.lab(t)
			shows(t, l.play(t, "azure/"+j.deployment, step{Do: "configure"}, step{Do: "chat", Text: "Where do owls live?"}), "20", c.shows)
			records := l.stop(t)
			tells(t, j, records, chatLost)
			if t.Failed() {
				return
			}
			r := &records[0]
			if r.Client.Rule != c.rule || r.Diagnosis.Reason != c.reason || !strings.Contains(r.Diagnosis.Text, c.cause) {
				t.Errorf("rule %s, reason %s, text %q; want %s, %s, %q", r.Client.Rule, r.Diagnosis.Reason, r.Diagnosis.Text, c.rule, c.reason, c.cause)
			}
			if s := strings.Join(r.Diagnosis.Remedy, "\n"); !strings.Contains(s, c.remedy) {
				t.Errorf("remedy %q, want %q in it", s, c.remedy)
			}
			if slices.Contains(j.n.asked(), strings.TrimPrefix(aiEndpoint, "https://")+":443") {
				t.Error("there was a connection to the service")
			}
		})
	}
}

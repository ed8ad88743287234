package diagnose

import (
	"regexp"
	"strings"

	"llmtap/internal/call"
)

const azurePattern = "/openai/deployments/<deployment>/chat/completions?api-version=<version>"

var (
	doubled = regexp.MustCompile(`/openai/(.*/)?openai/|/v1/(.*/)?v1/|/deployments/.*/deployments/|/chat/completions/.*chat/completions`)
	version = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-preview)?$|^(preview|latest|v1)$`)
)

// unknownModel reports whether a text says that there is no such model.
func unknownModel(s string) bool {
	if hasAny(s, "unknown model", "no such model") {
		return true
	}
	i := strings.Index(s, "model")
	return i >= 0 && hasAny(s[i:min(len(s), i+80)], "does not exist", "not found", "unknown", "doesn't exist")
}

// missing reports a status that says that nothing answers at the path.
func missing(status int) bool { return status == 404 || status == 405 }

// notFound says why nothing answers at a path, from the path itself first.
func notFound(f *facts) (finding, bool) {
	r := f.r
	if !missing(r.Response.Status) {
		return no()
	}
	azure := strings.HasPrefix(r.Target.Provider, "azure.") || f.api("azure.") || azure404(r.Response.Error)
	code := strings.ReplaceAll(f.text.code, " ", "")
	switch {
	case doubled.MatchString(r.Request.Path):
		return finding{reason: "doubled_path", what: onlyOnce(r)}, true
	case strings.Contains(code, "deploymentnotfound"):
		return finding{reason: "deployment_unknown", what: azurePattern}, true
	case strings.Contains(code, "modelnotfound"), unknownModel(f.text.all), code == "notfound" && strings.HasPrefix(f.text.all, "model"):
		return yes("model_unknown")
	case f.framing(call.FramingHTML):
		return yes("html_404")
	case azure && r.Target.APIVersion != "" && (!version.MatchString(r.Target.APIVersion) || deniesVersion(&f.text.said)):
		return finding{reason: "api_version_bad", what: "api-version=YYYY-MM-DD"}, true
	case azure && !strings.Contains(r.Request.Path, "/deployments/") && !strings.Contains(r.Request.Path, "/openai/v1/"):
		return finding{reason: "missing_deployments_segment", what: azurePattern}, true
	}
	return yes("other")
}

// onlyOnce is the path from the last beginning of an API on.
func onlyOnce(r *call.Record) string {
	for _, start := range []string{"/openai/", "/v1/"} {
		if i := strings.LastIndex(r.Request.Path, start); i > 0 {
			return r.Request.Path[i:]
		}
	}
	return ""
}

// azure404 recognises Azure's answer to a path it does not know, which also
// comes through gateways whose host tells nothing.
func azure404(e call.Error) bool { return e.Code == "404" && e.Message == "Resource not found" }

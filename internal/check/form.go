package check

import (
	"net/netip"
	"regexp"
	"strings"
	"time"
)

var (
	doubled   = regexp.MustCompile(`/openai/(.*/)?openai(/|$)|/v1/(.*/)?v1(/|$)|/deployments/.*/deployments(/|$)|/chat/completions/.*chat/completions`)
	versioned = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})(-preview)?$`)
)

// Form looks at the URL alone: what a client would make of it, and the mistakes
// that are seen without a connection. now dates the api-version.
func (e Endpoint) Form(now time.Time) []Line {
	lines := []Line{e.form(), schemeLine(e)}
	if e.Service == Azure || e.Service == AzureV1 {
		lines = append(lines, versionLine(e, now))
	}
	if e.Service == Azure {
		lines = append(lines, namingLine(e))
	}
	return lines
}

func (e Endpoint) form() Line {
	const name = "endpoint form"
	path := e.URL.Path
	switch {
	case doubled.MatchString(path):
		return notOK(name, "Give the base URL without the part that the SDK adds: "+onlyOnce(e), "%s has a part twice", path)
	case strings.Contains(path, "//"):
		return notOK(name, "Write each / once.", "%s has an empty part", path)
	case e.Service == Azure && strings.HasSuffix(path, "/chat/completions") && !strings.Contains(path, "/deployments/"):
		return notOK(name, "Use "+e.Base()+"/openai/deployments/<deployment>/chat/completions?api-version=<version>, or "+e.Base()+"/openai/v1.",
			"%s lacks the segment /deployments/<deployment>", path)
	case e.Service == Azure && e.Deployment == "" && path != e.prefix:
		return notOK(name, "Give the endpoint without a suffix, "+e.Base()+": the SDK adds /openai itself; name the deployment with --deployment.",
			"the endpoint has the suffix %s", strings.TrimPrefix(path, e.prefix))
	case e.Service == OpenAI && e.URL.Hostname() == "api.openai.com" && e.prefix != "/v1":
		return notOK(name, "Use https://api.openai.com/v1.", "the base URL of OpenAI ends in /v1, this one in %q", e.prefix)
	}
	call, _ := e.chat(false)
	l := ok(name, "%s: calls go to %s", e.Service, call)
	if e.Service == Azure && e.Deployment == "" {
		l = ok(name, "%s: an endpoint without a suffix, as SDKs want it", e.Service)
	}
	switch {
	case e.whole:
		l.Fix = "This is the full address of a call; a client's setting wants only " + e.Base() + "."
	case e.slash:
		l.Fix = "Leave the / at the end away: some clients (LangChain 0.1) then send //."
	}
	return l
}

// onlyOnce is the base URL up to where an API begins for the first time.
func onlyOnce(e Endpoint) string {
	path := e.URL.Path
	for _, start := range []string{"/openai", "/chat/completions"} {
		path, _, _ = strings.Cut(path, start)
	}
	if before, _, found := strings.Cut(path, "/v1"); found {
		path = before + "/v1"
	}
	return e.URL.Scheme + "://" + e.URL.Host + path
}

func schemeLine(e Endpoint) Line {
	const name = "http or https"
	host := e.URL.Hostname()
	ip, err := netip.ParseAddr(host)
	near := host == "localhost" || err == nil && (ip.IsLoopback() || ip.IsPrivate()) || !strings.Contains(host, ".") && err != nil
	switch {
	case e.URL.Scheme == "https":
		return ok(name, "https")
	case near:
		return ok(name, "http, to a host of this machine or network")
	}
	return notOK(name, "Use https://"+e.URL.Host+".", "http: key and prompt would cross the network in the clear")
}

// streamOptions is the first api-version that knows stream_options.
const streamOptions = "2024-08-01"

func versionLine(e Endpoint, now time.Time) Line {
	const name = "api-version form"
	v := e.APIVersion
	if e.Service == AzureV1 {
		if v == "" || v == "preview" || v == "latest" || v == "v1" {
			return ok(name, "the v1 API needs none")
		}
		return notOK(name, "Leave api-version away with /openai/v1.", "the v1 API takes no dated api-version (%s)", v)
	}
	if v == "" {
		return notOK(name, "Add ?api-version=2024-10-21 or --api-version (in clients: OPENAI_API_VERSION).", "calls to deployments need an api-version, and none is given")
	}
	m := versioned.FindStringSubmatch(v)
	if m == nil {
		return notOK(name, "Write it as YYYY-MM-DD or YYYY-MM-DD-preview, for example 2024-10-21.", "%q is no api-version", v)
	}
	day, err := time.Parse(time.DateOnly, m[1])
	switch {
	case err != nil:
		return notOK(name, "Take one that the service documents, for example 2024-10-21.", "%q is no date", v)
	case day.After(now.AddDate(0, 0, 1)):
		return notOK(name, "Take one that the service documents, for example 2024-10-21.", "%s lies in the future", v)
	case m[1] < streamOptions:
		return ok(name, "%s, %d months old; it does not know stream_options, which LangChain and LiteLLM add to streamed calls", v, months(day, now)).
			hint("Take 2024-08-01-preview or later, for example 2024-10-21.")
	case m[2] != "" && months(day, now) > 12:
		return ok(name, "%s, a preview %d months old", v, months(day, now)).hint("Previews are retired; a stable one lasts longer, for example 2024-10-21.")
	}
	return ok(name, "%s, %d months old", v, months(day, now))
}

func months(from, to time.Time) int { return max(0, int(to.Sub(from).Hours()/24/30.44)) }

func namingLine(e Endpoint) Line {
	const name = "deployment name"
	switch {
	case e.Deployment == "":
		return unknown(name, "the URL names no deployment").hint("Name it with --deployment NAME: the name given to the deployment, not the model's.")
	case e.Model != "" && e.Model != e.Deployment:
		return ok(name, "deployment %s for model %s", e.Deployment, e.Model).hint("Clients must send the deployment's name, " + e.Deployment + ".")
	}
	return ok(name, "%s", e.Deployment)
}

package client

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	openaiPython    = "openai-python"
	openaiNode      = "openai-node"
	openaiGo        = "openai-go"
	anthropicPython = "anthropic-python"
	anthropicNode   = "anthropic-node"
	googlePython    = "google-genai-python"
	googleNode      = "google-genai-node"
	mistralPython   = "mistralai-python"
	coherePython    = "cohere-python"
	ollamaPython    = "ollama-python"
	boto3           = "boto3"
	pyRequests      = "python-requests"
	pyHTTPX         = "python-httpx"
	pyAIOHTTP       = "aiohttp"
	curl            = "curl"
	goHTTP          = "go-http"
	nodeFetch       = "node-fetch"

	stainlessLang    = "x-stainless-lang"
	stainlessVersion = "x-stainless-package-version"
)

// sdkRules is the table of SDKs and bare HTTP clients. It is always asked,
// also below a product or framework, and ends with the row that takes all.
var sdkRules = []Rule{
	{
		Name: "ua-openai", Table: TableSDK, Example: "ua-openai",
		Means: "an OpenAI SDK, with its version",
		match: func(v view) (hit, bool) {
			return hit{name: openaiNames[v.openai.lang], version: v.openai.version}, v.openai.lang != ""
		},
	},
	{
		Name: "ua-anthropic", Table: TableSDK, Example: "ua-anthropic",
		Means: "an Anthropic SDK, with its version",
		match: func(v view) (hit, bool) {
			m := anthropicAgent.FindStringSubmatch(v.agent)
			if m == nil {
				return hit{}, false
			}
			return hit{name: anthropicNames[strings.ToLower(m[1])], version: m[2]}, true
		},
	},
	{
		Name: "stainless", Table: TableSDK, Example: "stainless",
		Means: "an OpenAI or Anthropic SDK whose User-Agent a framework replaced",
		match: matchStainless,
	},
	{
		Name: "ua-google", Table: TableSDK, Example: "ua-google",
		Means: "google-genai for Python or Node, with its version",
		match: matchGoogle,
	},
	{
		Name: "ua-mistral", Table: TableSDK, Example: "ua-mistral",
		Means: "mistralai for Python, with its version",
		match: product(mistralPython, "mistral-client-python/"),
	},
	{
		Name: "ua-cohere", Table: TableSDK, Example: "ua-cohere",
		Means: "cohere for Python, with its version",
		match: matchCohere,
	},
	{
		Name: "ua-ollama", Table: TableSDK, Example: "ua-ollama",
		Means: "ollama for Python, with its version; a framework behind it cannot be seen",
		match: product(ollamaPython, "ollama-python/"),
	},
	{
		Name: "ua-boto", Table: TableSDK, Example: "ua-boto",
		Means: "boto3, with its version",
		match: product(boto3, "Boto3/"),
	},
	{
		Name: "ua-http", Table: TableSDK, Example: "ua-http",
		Means: "a bare HTTP client",
		match: matchHTTP,
	},
	{
		Name: ruleNone, Table: TableSDK, Example: "none",
		Means: "nothing known",
		match: always(hit{}, func(view) bool { return true }),
	},
}

var (
	openaiAgent    = regexp.MustCompile(`^(?:Async)?(Azure)?OpenAI/(Python|JS|Go|Java|Ruby) (\S+)`)
	anthropicAgent = regexp.MustCompile(`^(?:Async)?Anthropic/(Python|JS) (\S+)`)
	// generated is the User-Agent form that other vendors' SDKs from the same
	// generator keep, so that they are not taken for OpenAI's.
	generated = regexp.MustCompile(`^\w+/(?:Python|JS|Go|Java|Kotlin|Ruby) \S+`)
)

// openaiNames and anthropicNames are keyed by the lower-case language. Other
// languages have no name in the closed set.
var (
	openaiNames    = map[string]string{"python": openaiPython, "js": openaiNode, "go": openaiGo}
	anthropicNames = map[string]string{"python": anthropicPython, "js": anthropicNode}
)

// openaiSDK are the parts of an OpenAI SDK's own User-Agent; lang is empty if
// it is not one, minor is -1 if the version cannot be read.
type openaiSDK struct {
	azure         bool
	lang, version string
	major, minor  int
}

func parseOpenAI(agent string) openaiSDK {
	m := openaiAgent.FindStringSubmatch(agent)
	if m == nil {
		return openaiSDK{minor: -1}
	}
	u := openaiSDK{azure: m[1] != "", lang: strings.ToLower(m[2]), version: m[3], minor: -1}
	parts := strings.SplitN(m[3], ".", 3)
	if len(parts) < 2 {
		return u
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	if errMajor == nil && errMinor == nil {
		u.major, u.minor = major, minor
	}
	return u
}

func (u openaiSDK) python() bool { return u.lang == "python" }

// since162 and before162 split openai-python where it began to send its read
// timeout. Both are false for a version that cannot be read.
func (u openaiSDK) since162() bool { return u.minor >= 0 && !u.before162() }

func (u openaiSDK) before162() bool {
	return u.minor >= 0 && (u.major < 1 || u.major == 1 && u.minor < 62)
}

func matchStainless(v view) (hit, bool) {
	lang, version := strings.ToLower(v.header(stainlessLang)), v.header(stainlessVersion)
	if lang == "" || version == "" || generated.MatchString(v.agent) {
		return hit{}, false
	}
	if strings.Contains(v.Path, "/v1/messages") || v.Host == "api.anthropic.com" || v.has("anthropic-version") {
		return hit{name: anthropicNames[lang], version: version}, true
	}
	return hit{name: openaiNames[lang], version: version}, true
}

func matchGoogle(v view) (hit, bool) {
	for _, s := range []string{v.agent, v.header("x-goog-api-client")} {
		rest, ok := strings.CutPrefix(s, "google-genai-sdk/")
		if !ok {
			continue
		}
		version, runtime, _ := strings.Cut(rest, " ")
		switch {
		case strings.HasPrefix(runtime, "gl-python/"):
			return hit{name: googlePython, version: version}, true
		case strings.HasPrefix(runtime, "gl-node/"):
			return hit{name: googleNode, version: version}, true
		}
	}
	return hit{}, false
}

func matchCohere(v view) (hit, bool) {
	if !v.has("x-fern-language") {
		return hit{}, false
	}
	return product(coherePython, "cohere/")(v)
}

// httpAgents are the bare clients whose User-Agent begins with their name.
var httpAgents = []struct{ prefix, name string }{
	{"curl/", curl}, {"python-requests/", pyRequests}, {"python-httpx/", pyHTTPX},
}

func matchHTTP(v view) (hit, bool) {
	if v.has(stainlessLang) {
		return hit{}, false
	}
	for _, a := range httpAgents {
		if h, ok := product(a.name, a.prefix)(v); ok {
			return h, true
		}
	}
	switch {
	case strings.HasPrefix(v.agent, "Python/") && strings.Contains(v.agent, " aiohttp/"):
		_, version, _ := strings.Cut(v.agent, " aiohttp/")
		return hit{name: pyAIOHTTP, version: version}, true
	case strings.HasPrefix(v.agent, "Go-http-client/"):
		// What follows is the HTTP version.
		return hit{name: goHTTP}, true
	case v.agent == "node", v.agent == "undici", strings.HasPrefix(v.agent, "undici/"):
		return hit{name: nodeFetch}, true
	}
	return hit{}, false
}

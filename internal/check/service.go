package check

import (
	"net/url"
	"regexp"
	"strings"
)

// Service is a kind of endpoint: it decides paths, headers and bodies.
type Service uint8

// Values of Service.
const (
	OpenAI Service = iota
	Azure
	AzureV1
	Anthropic
	Gemini
	Ollama
)

// service is what the checks must know of one kind of endpoint.
type service struct {
	name string
	// keys are the variables that its SDKs read, in their order; none: it asks
	// for no key.
	keys []string
	// header takes the key after scheme.
	header, scheme string
	// chat is the path of a plain call and models that of the list of models,
	// after the endpoint's own prefix; {dep} and {model} are filled in.
	chat, models string
	// start is where the API begins in a path: the prefix ends before it.
	start *regexp.Regexp
}

func (s Service) row() service {
	return []service{
		OpenAI: {
			"OpenAI", []string{"OPENAI_API_KEY"}, "Authorization", "Bearer ", "/chat/completions", "/models",
			regexp.MustCompile(`/(chat/completions|completions|responses|embeddings|models)$`),
		},
		Azure: {
			"Azure OpenAI, deployments", []string{"AZURE_OPENAI_API_KEY"}, "api-key", "",
			"/openai/deployments/{dep}/chat/completions", "", regexp.MustCompile(`/openai(/.*)?$`),
		},
		AzureV1: {
			"Azure OpenAI, v1", []string{"AZURE_OPENAI_API_KEY"}, "api-key", "",
			"/openai/v1/chat/completions", "/openai/v1/models", regexp.MustCompile(`/openai/v1(/.*)?$`),
		},
		Anthropic: {
			"Anthropic", []string{"ANTHROPIC_API_KEY"}, "x-api-key", "", "/v1/messages", "/v1/models", regexp.MustCompile(`/v1(/messages)?$`),
		},
		Gemini: {
			"Gemini", []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}, "x-goog-api-key", "",
			"/v1beta/models/{model}:generateContent", "/v1beta/models", regexp.MustCompile(`/v1(beta|alpha)?(/models.*)?$`),
		},
		Ollama: {"Ollama", nil, "", "", "/api/chat", "/api/tags", regexp.MustCompile(`/api(/(chat|generate|tags))?$`)},
	}[s]
}

// String returns the service's name for people.
func (s Service) String() string { return s.row().name }

// keyOwners are services that speak OpenAI's dialect with keys of their own: the
// key of OpenAI is never sent to them.
var keyOwners = []struct{ host, variable string }{
	{"api.groq.com", "GROQ_API_KEY"}, {"api.mistral.ai", "MISTRAL_API_KEY"}, {"openrouter.ai", "OPENROUTER_API_KEY"},
	{"api.deepseek.com", "DEEPSEEK_API_KEY"}, {"api.x.ai", "XAI_API_KEY"}, {"api.together.xyz", "TOGETHER_API_KEY"},
	{"generativelanguage.googleapis.com", "GEMINI_API_KEY"},
}

// KeyVariables are the environment variables that hold a key for the service,
// in the order its SDKs read them; none if it asks for no key, or if the key
// would cross a network in the clear.
func (e Endpoint) KeyVariables() []string {
	if schemeLine(e).State == NotOK {
		return nil
	}
	if e.Service == OpenAI {
		for _, o := range keyOwners {
			if h := strings.ToLower(e.URL.Hostname()); h == o.host || strings.HasSuffix(h, "."+o.host) {
				return []string{o.variable}
			}
		}
	}
	return e.Service.row().keys
}

func azureHost(host string) bool {
	for _, domain := range []string{
		".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".azure-api.net", ".openai.azure.us", ".openai.azure.cn",
	} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// recognise tells the kind of service from a URL: the path first, since company
// gateways keep the path and change the host.
func recognise(u *url.URL) Service {
	host, path := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Path
	azure := azureHost(host)
	switch {
	case strings.Contains(path, "/openai/deployments"):
		return Azure
	case azure && strings.Contains(path+"/", "/openai/v1/"):
		return AzureV1
	case azure:
		return Azure
	case host == "api.anthropic.com", strings.HasSuffix(path, "/v1/messages"):
		return Anthropic
	case strings.HasSuffix(path, "/openai"), strings.Contains(path, "/openai/"):
		return OpenAI // the OpenAI form of Gemini, Groq and others
	case host == "generativelanguage.googleapis.com", strings.Contains(path, "/v1beta"), strings.HasSuffix(path, "enerateContent"):
		return Gemini
	case u.Port() == "11434" && !strings.Contains(path+"/", "/v1/"), strings.HasSuffix(path, "/api/chat"), strings.HasSuffix(path, "/api/generate"):
		return Ollama
	}
	return OpenAI
}

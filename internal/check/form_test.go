package check

import (
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// find returns the line of a name.
func find(t *testing.T, lines []Line, name string) Line {
	t.Helper()
	for _, l := range lines {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("no line %q in %v", name, lines)
	return Line{}
}

// wants fails unless the line is in the state and says all texts.
func (l Line) wants(t *testing.T, s State, texts ...string) {
	t.Helper()
	if l.State != s {
		t.Errorf("%s is %s, want %s: %s → %s", l.Name, l.State, s, l.Reason, l.Fix)
	}
	for _, text := range texts {
		if !strings.Contains(l.Reason+" → "+l.Fix, text) {
			t.Errorf("%s does not say %q: %s → %s", l.Name, text, l.Reason, l.Fix)
		}
	}
	if l.State == NotOK && (l.Fix == "" || l.Reason == "") {
		t.Errorf("%s is not ok without a reason or a fix: %+v", l.Name, l)
	}
}

func TestForm(t *testing.T) {
	const azure = "https://contoso.openai.azure.com"
	for name, tc := range map[string]struct {
		url   string
		names Names
		line  string
		state State
		says  []string
	}{
		"openai base":              {"https://api.openai.com/v1", Names{}, "endpoint form", OK, []string{"OpenAI", "/v1/chat/completions"}},
		"openai without v1":        {"https://api.openai.com", Names{}, "endpoint form", NotOK, []string{"https://api.openai.com/v1"}},
		"openai trailing slash":    {"https://api.openai.com/v1/", Names{}, "endpoint form", OK, []string{"Leave the /"}},
		"openai full address":      {"https://api.openai.com/v1/chat/completions", Names{}, "endpoint form", OK, []string{"only https://api.openai.com/v1."}},
		"gateway base":             {"https://llm.corp.example/api/v1", Names{}, "endpoint form", OK, []string{"/api/v1/chat/completions"}},
		"doubled v1":               {"https://llm.corp.example/v1/v1", Names{}, "endpoint form", NotOK, []string{"twice", "https://llm.corp.example/v1"}},
		"doubled chat":             {"https://llm.corp.example/v1/chat/completions/chat/completions", Names{}, "endpoint form", NotOK, []string{"twice"}},
		"empty part":               {"https://llm.corp.example//v1", Names{}, "endpoint form", NotOK, []string{"empty part"}},
		"azure endpoint":           {azure, Names{Deployment: "chat"}, "endpoint form", OK, []string{"/openai/deployments/chat/chat/completions"}},
		"azure without deployment": {azure, Names{}, "deployment name", Unknown, []string{"--deployment"}},
		"azure suffix":             {azure + "/openai", Names{}, "endpoint form", NotOK, []string{"suffix /openai", azure + ":"}},
		"azure missing segment":    {azure + "/openai/chat/completions", Names{}, "endpoint form", NotOK, []string{"lacks the segment", "/openai/v1"}},
		"azure doubled":            {azure + "/openai/deployments/a/openai/deployments/a/chat/completions", Names{}, "endpoint form", NotOK, []string{"twice", "adds: " + azure}},
		"azure through a gateway":  {"https://llm.corp.example/x/openai/deployments/chat", Names{}, "endpoint form", OK, []string{"/x/openai/deployments/chat/chat/completions"}},
		"gateway and --deployment": {"https://llm.corp.example/x", Names{Deployment: "chat"}, "endpoint form", OK, []string{"/x/openai/deployments/chat/chat/completions"}},
		"azure v1":                 {azure + "/openai/v1/", Names{}, "endpoint form", OK, []string{"v1", "/openai/v1/chat/completions"}},
		"azure v1 dated":           {azure + "/openai/v1?api-version=2024-10-21", Names{}, "api-version form", NotOK, []string{"no dated"}},
		"azure v1 preview":         {azure + "/openai/v1?api-version=preview", Names{}, "api-version form", OK, nil},
		"no api-version":           {azure, Names{}, "api-version form", NotOK, []string{"none is given", "--api-version"}},
		"good api-version":         {azure + "?api-version=2024-10-21", Names{}, "api-version form", OK, []string{"25 months"}},
		"api-version by flag wins": {azure + "?api-version=rubbish", Names{APIVersion: "2024-10-21"}, "api-version form", OK, nil},
		"key in another case":      {azure + "?API-Version=2024-10-21", Names{}, "api-version form", OK, nil},
		"old api-version":          {azure + "?api-version=2023-05-15", Names{}, "api-version form", OK, []string{"stream_options", "2024-08-01-preview"}},
		"old preview":              {azure + "?api-version=2024-09-01-preview", Names{}, "api-version form", OK, []string{"retired"}},
		"no date":                  {azure + "?api-version=2024-13-45", Names{}, "api-version form", NotOK, []string{"no date"}},
		"no version":               {azure + "?api-version=v1", Names{}, "api-version form", NotOK, []string{"YYYY-MM-DD"}},
		"future version":           {azure + "?api-version=2031-01-01", Names{}, "api-version form", NotOK, []string{"future"}},
		"deployment and model":     {azure, Names{Deployment: "chat-eu", Model: "gpt-4o"}, "deployment name", OK, []string{"Clients must send", "chat-eu"}},
		"anthropic":                {"https://api.anthropic.com", Names{}, "endpoint form", OK, []string{"Anthropic", "/v1/messages"}},
		"anthropic with v1":        {"https://api.anthropic.com/v1", Names{}, "endpoint form", OK, []string{"calls go to /v1/messages"}},
		"gemini":                   {"https://generativelanguage.googleapis.com", Names{Model: "gemini-x"}, "endpoint form", OK, []string{"/v1beta/models/gemini-x:generateContent"}},
		"gemini by openai":         {"https://generativelanguage.googleapis.com/v1beta/openai/", Names{}, "endpoint form", OK, []string{"OpenAI: calls go to /v1beta/openai/chat/completions"}},
		"ollama":                   {"http://localhost:11434", Names{}, "endpoint form", OK, []string{"Ollama", "/api/chat"}},
		"ollama by openai":         {"http://localhost:11434/v1", Names{}, "endpoint form", OK, []string{"OpenAI"}},
		"http far away":            {"http://api.openai.com/v1", Names{}, "http or https", NotOK, []string{"in the clear"}},
		"http in the cluster":      {"http://vllm:8000/v1", Names{}, "http or https", OK, nil},
		"http, private address":    {"http://10.1.2.3/v1", Names{}, "http or https", OK, nil},
		"http, public address":     {"http://93.184.216.34/v1", Names{}, "http or https", NotOK, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := Parse(tc.url, tc.names)
			if err != nil {
				t.Fatal(err)
			}
			find(t, e.Form(today), tc.line).wants(t, tc.state, tc.says...)
		})
	}
}

// TestBadURLs: errors name what is wrong and never repeat a secret.
func TestBadURLs(t *testing.T) {
	const secret = "sk-canary-0123456789"
	for name, tc := range map[string]struct{ url, want string }{
		"empty":                {"  ", "empty"},
		"no scheme":            {"api.openai.com/v1", "begin it with https://"},
		"host and port":        {"localhost:11434", "begin it with https://"},
		"other scheme":         {"ftp://api.openai.com", `"ftp"`},
		"misspelt scheme":      {"htps://api.openai.com", `"htps"`},
		"no host":              {"https:///v1", "no host"},
		"blank":                {"https://api.openai.com /v1", "blank"},
		"line break":           {"https://api.openai.com/v1\n/x", "line break"},
		"port too large":       {"https://api.openai.com:99999/v1", "99999"},
		"port no number":       {"https://api.openai.com:port/v1", "cannot be read"},
		"bad escape":           {"https://api.openai.com/%zz?key=" + secret, "cannot be read"},
		"password":             {"https://user:" + secret + "@api.openai.com/v1", "before @"},
		"key in the query":     {"https://generativelanguage.googleapis.com/v1beta?key=" + secret, "?key="},
		"sig in the query":     {"https://x.azure-api.net/openai?Subscription-Key=" + secret, "Subscription-Key"},
		"password with a hash": {"https://user:" + secret + "#x@api.openai.com/v1", "malformed"},
		"placeholder":          {"https://contoso.openai.azure.com/openai/deployments/<deployment>", "<deployment>"},
		"placeholder braces":   {"https://contoso.openai.azure.com/openai/deployments/{name}", "{name}"},
		"placeholder host":     {"https://your-resource-name.openai.azure.com", "your-resource-name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(tc.url, Names{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is repeated: %v", err)
			}
		})
	}
}

// TestKeysStayWithTheirOwners: a key is taken by itself only for the service
// that gave it.
func TestKeysStayWithTheirOwners(t *testing.T) {
	for url, want := range map[string]string{
		"https://api.openai.com/v1":                               "OPENAI_API_KEY",
		"https://llm.corp.example/v1":                             "OPENAI_API_KEY",
		"https://api.groq.com/openai/v1":                          "GROQ_API_KEY",
		"https://api.mistral.ai/v1":                               "MISTRAL_API_KEY",
		"https://contoso.openai.azure.com":                        "AZURE_OPENAI_API_KEY",
		"https://api.anthropic.com":                               "ANTHROPIC_API_KEY",
		"http://localhost:11434":                                  "",
		"http://api.openai.com/v1":                                "",
		"http://localhost:8000/v1":                                "OPENAI_API_KEY",
		"https://generativelanguage.googleapis.com/v1beta/openai": "GEMINI_API_KEY",
	} {
		e, err := Parse(url, Names{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if names := e.KeyVariables(); len(names) > 0 {
			got = names[0]
		}
		if got != want {
			t.Errorf("%s takes %q, want %q", url, got, want)
		}
	}
}

func TestTwoDeployments(t *testing.T) {
	const url = "https://x.openai.azure.com/openai/deployments/a"
	if _, err := Parse(url, Names{Deployment: "b"}); err == nil || !strings.Contains(err.Error(), "give one") {
		t.Errorf("got %v", err)
	}
	if e, err := Parse(url, Names{Deployment: "a"}); err != nil || e.Deployment != "a" || e.Base() != "https://x.openai.azure.com" || e.Address() != "x.openai.azure.com:443" {
		t.Errorf("got %+v %v", e, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"https://api.openai.com/v1", "http://[::1]:11434", "https://x.openai.azure.com/openai/deployments/a/chat/completions?api-version=2024-10-21", "%", "//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text, Names{})
		if err != nil {
			return
		}
		for _, l := range e.Form(today) {
			if l.Reason == "" || l.State == NotOK && l.Fix == "" {
				t.Errorf("%q: %+v says too little", text, l)
			}
		}
		if path, _ := e.chat(true); !strings.HasPrefix(path, "/") {
			t.Errorf("%q: calls would go to %q", text, path)
		}
	})
}

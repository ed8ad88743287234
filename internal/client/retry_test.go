package client_test

import (
	"testing"

	"llmtap/internal/client"
)

func TestRetries(t *testing.T) {
	for name, want := range map[string]bool{
		"ua-openai": true, "ua-openai-old": true, "ua-openai-node": true, "ua-openai-go": true,
		"ua-anthropic": true, "ua-anthropic-node": true, "ua-cohere": true, "ua-boto": true,
		"ua-vercel": true, "ua-lc-js": true, "ua-lc-azure": true, "sdk-litellm": true, "sdk-llamaindex": true,
		"jai-chat-2": true, "jai-chat-3": true, "ua-lc-anthropic": true,
		"ua-litellm": false, "ua-google": false, "ua-google-node": false, "ua-mistral": false,
		"ua-ollama": false, "ua-http": false, "ua-http-requests": false,
	} {
		if got := client.Retries(client.Identify(load(t, name))); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if client.Retries(client.Identify(client.Facts{})) {
		t.Error("an unknown client is not expected to retry")
	}
}

func TestBareClients(t *testing.T) {
	for ua, want := range map[string][2]string{
		"python-httpx/0.28.1":            {"python-httpx", "0.28.1"},
		"Python/3.11 aiohttp/3.14.5":     {"aiohttp", "3.14.5"},
		"Go-http-client/1.1":             {"go-http", ""},
		"node":                           {"node-fetch", ""},
		"undici":                         {"node-fetch", ""},
		"OpenAI/Java 4.1.0":              {"unknown", "4.1.0"},
		"OpenAI/Ruby 0.30.0":             {"unknown", "0.30.0"},
		"AsyncAnthropic/Python 2.12.0":   {"anthropic-python", "2.12.0"},
		"AsyncAzureOpenAI/Python 1.36.1": {"openai-python", "1.36.1"},
	} {
		got := client.Identify(client.Facts{Header: agent(ua)})
		if got.Kind != direct || got.Name != want[0] || got.SDKVersion != want[1] {
			t.Errorf("%s: got %v %s %s, want direct %v", ua, got.Kind, got.Name, got.SDKVersion, want)
		}
	}
}

func TestStainlessBelowAReplacedAgent(t *testing.T) {
	for name, tc := range map[string]struct{ path, lang, sdk string }{
		"OpenAI path":      {"/v1/chat/completions", "python", "openai-python"},
		"Anthropic path":   {"/v1/messages", "python", "anthropic-python"},
		"Anthropic in JS":  {"/proxy/v1/messages", "js", "anthropic-node"},
		"OpenAI in JS":     {"/v1/responses", "js", "openai-node"},
		"OpenAI in Go":     {"/v1/embeddings", "Go", "openai-go"},
		"language unknown": {"/v1/embeddings", "kotlin", ""},
	} {
		headers := map[string]string{"user-agent": "my-framework/3", "x-stainless-lang": tc.lang, "x-stainless-package-version": "9.9.9"}
		f := client.Facts{Path: tc.path, Header: func(h string) string { return headers[h] }}
		got := client.Identify(f)
		if got.SDK != tc.sdk || got.SDKVersion != "9.9.9" || got.Rule != "stainless" || got.Kind != direct {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

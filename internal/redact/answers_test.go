package redact_test

import (
	"strings"
	"testing"

	"llmtap/internal/redact"
)

// answers are error texts in the words of services, gateways and clients, with
// {} where a secret stands.
var answers = []struct{ name, text, secret string }{
	{
		name:   "OpenAI, project key echoed",
		text:   "Incorrect API key provided: {}. You can find your API key at https://platform.openai.com/account/api-keys.",
		secret: "sk-proj-********************************************Zq8A",
	},
	{
		name:   "OpenAI, nonsense echoed",
		text:   "Incorrect API key provided: {}. You can find your API key at https://platform.openai.com/account/api-keys.",
		secret: "my-key-1",
	},
	{
		name:   "OpenAI, as a Python client prints it",
		text:   "Error code: 401 - {'error': {'message': 'Incorrect API key provided: {}. You can find your API key at x.', 'type': 'invalid_request_error', 'param': None, 'code': 'invalid_api_key'}}",
		secret: "sk-ab12*****cd34",
	},
	{
		name:   "Azure, key in a header dump",
		text:   "Request headers: {'api-key': '{}', 'Content-Type': 'application/json'}",
		secret: hex32,
	},
	{
		name:   "Azure, key of the newer form alone",
		text:   "the value {} was not accepted",
		secret: azure,
	},
	{
		name:   "Azure, token of the directory",
		text:   "AADSTS700016: assertion {} was refused",
		secret: jwt,
	},
	{
		name:   "Google, key in the URL",
		text:   "503 for https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent?key={}&alt=sse",
		secret: "AIzaSyA1234567890abcdefghijklmnopqrstu",
	},
	{
		name:   "Google, suspended consumer",
		text:   "Permission denied: Consumer 'api_key:{}' has been suspended.",
		secret: "AIzaSyA1234567890abcdefghijklmnopqrstu",
	},
	{
		name:   "Vertex, token of a service account",
		text:   "google.auth.exceptions.RefreshError: token {} expired",
		secret: "ya29.c.b0AXv0zTPQ1234567890",
	},
	{
		name:   "AWS, credential of the signature",
		text:   "Credential should be scoped to a valid region, not in {}/20260301/us-east-1/bedrock/aws4_request",
		secret: "AKIAIOSFODNN7EXAMPLE",
	},
	{
		name:   "AWS, canonical request with session token",
		text:   "The Canonical String should have been 'POST\n/model/x/invoke\n\nhost:h\nx-amz-security-token:{}\n\nhost;x-amz-security-token'",
		secret: "FwoGZXIvYXdzEBYaDJ1+abc/def0123456789==",
	},
	{
		name:   "Groq",
		text:   "Invalid API Key: {}",
		secret: "gsk_Ab12Cd34Ef56Gh78Ij90",
	},
	{
		name:   "DeepSeek",
		text:   "Authentication Fails, Your api key: {} is invalid",
		secret: "****f3a9",
	},
	{
		name:   "xAI",
		text:   "Incorrect API key provided: {}. You can obtain an API key from https://console.x.ai.",
		secret: "xa***9f",
	},
	{
		name:   "OpenRouter, key of the wrong place",
		text:   "No cookie auth credentials found for {}",
		secret: "sk-or-v1-" + hex32,
	},
	{
		name:   "LiteLLM, virtual key",
		text:   "Authentication Error, Invalid proxy server token passed. Received API Key = {}, Key Hash (Token) =none. Unable to find token in cache",
		secret: "sk-...9f3a",
	},
	{
		name:   "LiteLLM, hash of a key",
		text:   "Budget has been exceeded! Key Hash (Token) = {}",
		secret: "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
	},
	{
		name:   "Databricks",
		text:   "Invalid access token. [ReqId: 1] token={}",
		secret: "dapi" + hex32,
	},
	{
		name:   "Hugging Face",
		text:   "401 Client Error: Invalid credentials in Authorization header Bearer {}",
		secret: "hf_AbCdEfGhIjKlMnOpQrStUvWxYz",
	},
	{
		name:   "gateway with the request in its answer",
		text:   `{"statusCode":500,"message":"upstream failed","request":{"headers":{"authorization":"Bearer {}","host":"h"}}}`,
		secret: "q8Zr2Lk9Rb4Vn8",
	},
	{
		name:   "gateway, escaped once more",
		text:   `{"error":"{\"headers\":{\"ocp-apim-subscription-key\":\"{}\"}}"}`,
		secret: hex32,
	},
	{
		name:   "nginx with basic authentication",
		text:   "upstream rejected Authorization: Basic {} for realm internal",
		secret: "dXNlcjpwNHNzd29yZA==",
	},
	{
		name:   "Go, proxy refused",
		text:   `Post "https://api.openai.com/v1/chat/completions": proxyconnect tcp: dial tcp: lookup http://{}@proxy.corp:3128: no such host`,
		secret: "jane:p4ss%2Fword",
	},
	{
		name:   "Python, proxy refused",
		text:   "HTTPSConnectionPool(host='h', port=443): Cannot connect to proxy http://{}@10.0.0.7:3128",
		secret: "jane:p4ss#word",
	},
	{
		name:   "curl -v",
		text:   "> POST /v1/chat HTTP/1.1\r\n> Host: h\r\n> Authorization: Bearer {}\r\n> User-Agent: curl/8",
		secret: "q8Zr2Lk9Rb4Vn8",
	},
	{
		name:   "environment dump",
		text:   "env: HOME=/root AZURE_OPENAI_API_KEY={} LANG=C",
		secret: "q8Zr2Lk9",
	},
	{
		name:   "JupyterHub token",
		text:   "403 GET /hub/api/user Authorization: token {} (alice)",
		secret: "0a1b2c3d4e5f",
	},
	{
		name:   "database of the gateway",
		text:   "could not connect to postgres://{}@db:5432/litellm",
		secret: "litellm:p4ssw0rd",
	},
}

func TestAnswersLoseTheirSecrets(t *testing.T) {
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			in := strings.Replace(a.text, "{}", a.secret, 1)
			got := redact.Text(in, 1000)
			if strings.Contains(got, a.secret) {
				t.Errorf("%q survived in %q", a.secret, got)
			}
			if strings.Count(got, redact.Mark) != 1 {
				t.Errorf("%q, want one mark", got)
			}
			// What stands around the secret explains the failure.
			if first := a.text[:8]; !strings.HasPrefix(got, first) {
				t.Errorf("%q does not begin with %q", got, first)
			}
		})
	}
}

// No length of the kept text may show a part of the secret.
func TestNoCutShowsPartOfASecret(t *testing.T) {
	for _, a := range answers {
		in := strings.Replace(a.text, "{}", a.secret, 1)
		for max := range len(in) {
			got := redact.Text(in, max)
			if whole := redact.Text(in, 1000); !strings.HasPrefix(whole, got) {
				t.Fatalf("%s: cut to %d: %q is no beginning of %q", a.name, max, got, whole)
			}
		}
	}
}

// A text that went through once is clean: what is stored may be shown again.
func TestTextIsIdempotent(t *testing.T) {
	for _, a := range answers {
		once := redact.Text(strings.Replace(a.text, "{}", a.secret, 1), 1000)
		if twice := redact.Text(once, 1000); twice != once {
			t.Errorf("%s: %q becomes %q", a.name, once, twice)
		}
	}
}

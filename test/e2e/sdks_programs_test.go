//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"llmtap/internal/faultllm"
)

// surface is one API that an SDK is driven on.
type surface struct {
	kind   string // the script's name for it
	speaks string // the fault service's name of its dialect
	// async drives the asynchronous client; it meets few scenarios.
	async bool
	// tools is the scenario of a call of the function that it offers; "" if it
	// offers none.
	tools string
	// repeats says which calls the SDK makes again after a 429 or 500.
	repeats repeats
}

// repeats are the calls that an SDK makes again.
type repeats int

const (
	repeatsNone repeats = iota
	repeatsPlain
	repeatsAll
	repeatsTimed // for some seconds, however often
)

// Values of surface.tools.
const (
	inPieces = "ok-tools"
	inOne    = "ok-tools-whole"
)

// sdk is a client of one vendor, or of many.
type sdk struct {
	program
	surfaces []surface
	// few says that each surface meets the most telling scenarios only.
	few bool
	// shows is what the SDK is known to show its user, by scenario and mode.
	shows map[string]string
}

// sdks returns the clients of the dialects beside chat completions, and skips
// (on CI: fails) where one of them is missing.
func sdks(t *testing.T) []sdk {
	t.Helper()
	list := []sdk{
		{
			program: python(t, "anthropic-python", "anthropic_messages.py"),
			surfaces: []surface{
				{kind: "bearer", speaks: faultllm.APIAnthropic, tools: inPieces, repeats: repeatsAll}, {kind: "x-api-key", speaks: faultllm.APIAnthropic},
				{kind: "bearer", speaks: faultllm.APIAnthropic, async: true, tools: inPieces},
			},
			shows: map[string]string{
				"e500-openai/stream": "anthropic.InternalServerError", "serr-eof/stream": "anthropic.APIStatusError", "mode-json/stream": `"ok":true,"n_events":0`,
				"cut-chunk/stream": "httpx2.RemoteProtocolError", "inc-eof/stream": `"ok":true`, "auth-401/plain": "anthropic.AuthenticationError",
			},
		},
		{
			program: node(t, "anthropic-node", "anthropic_messages.mjs"),
			surfaces: []surface{
				{kind: "bearer", speaks: faultllm.APIAnthropic, tools: inPieces, repeats: repeatsAll}, {kind: "x-api-key", speaks: faultllm.APIAnthropic},
			},
			shows: map[string]string{
				"e500-openai/stream": "InternalServerError", "serr-eof/stream": "APIError", "mode-json/stream": `"ok":true,"n_events":0`,
				"cut-chunk/stream": "terminated", "inc-eof/stream": `"ok":true`, "auth-401/plain": "AuthenticationError",
			},
		},
		{
			program: python(t, "boto3", "bedrock_boto3.py"),
			surfaces: []surface{
				{kind: "converse", speaks: faultllm.APIConverse, tools: inPieces, repeats: repeatsAll}, {kind: "invoke", speaks: faultllm.APIInvoke, tools: inPieces},
			},
			shows: map[string]string{
				"e500-openai/stream": "InternalServerException", "serr-rate/stream": "botocore.exceptions.EventStreamError", "mode-json/stream": "ChecksumMismatch",
				"cut-chunk/stream": "Response ended prematurely", "inc-eof/stream": `"ok":true`, "es-crc/stream": "ChecksumMismatch",
			},
		},
		{
			program: python(t, "cohere-python", "cohere_chat.py"),
			surfaces: []surface{
				{kind: "chat", speaks: faultllm.APICohere, tools: inPieces, repeats: repeatsPlain}, {kind: "v1", speaks: faultllm.APICohereV1, tools: inPieces},
				{kind: "chat", speaks: faultllm.APICohere, async: true, tools: inPieces}, {kind: "v1", speaks: faultllm.APICohereV1, async: true},
			},
			shows: map[string]string{
				"e500-openai/plain": "InternalServerError", "serr-eof/stream": `"ok":true`, "mode-json/stream": "SSEError",
				"cut-chunk/stream": "httpx.RemoteProtocolError", "inc-eof/stream": `"ok":true`,
				"v1/mode-json/stream": "no attribute 'event_type'", "ok-retry/stream": "TooManyRequestsError", "flaky-500/stream": "InternalServerError",
			},
		},
		{
			program: node(t, "google-genai-node", "gemini_google.mjs"),
			surfaces: []surface{
				{kind: "gemini", speaks: faultllm.APIGemini, tools: inPieces, repeats: repeatsAll}, {kind: "vertex", speaks: faultllm.APIGemini},
			},
			shows: map[string]string{
				"e500-openai/stream": "ApiError", "serr-eof/stream": "ApiError", "mode-json/stream": "Incomplete JSON segment",
				"cut-chunk/stream": "terminated", "inc-eof/stream": `"ok":true`,
			},
		},
		{
			program: python(t, "google-genai-python", "gemini_google.py"),
			surfaces: []surface{
				{kind: "gemini", speaks: faultllm.APIGemini, tools: inPieces, repeats: repeatsAll}, {kind: "vertex", speaks: faultllm.APIGemini},
				{kind: "gemini", speaks: faultllm.APIGemini, async: true, tools: inPieces},
			},
			shows: map[string]string{
				"e500-openai/stream": "google.genai.errors.ServerError", "serr-eof/stream": "google.genai.errors.ServerError", "mode-json/stream": "Owls hunt",
				"cut-chunk/stream": "httpx2.RemoteProtocolError", "gemini-async/cut-chunk/stream": "aiohttp.client_exceptions.ClientPayloadError",
				"inc-eof/stream": `"ok":true`,
			},
		},
		{
			program: node(t, "langchain-js", "langchain_chat.mjs"),
			surfaces: []surface{
				{kind: "openai", speaks: faultllm.APIOpenAI, tools: inPieces, repeats: repeatsAll}, {kind: "azure", speaks: faultllm.APIAzure},
				{kind: "responses", speaks: faultllm.APIResponses, tools: inPieces},
			},
			shows: map[string]string{
				"refuse-400/stream": "BadRequestError", "inc-eof/stream": `"ok":true`, "mode-json/stream": `"ok":true,"n_events":0`,
			},
		},
		{
			// Not Cohere: LiteLLM 1.106.2 cannot read the event: lines of its streams.
			program: python(t, "litellm", "litellm_chat.py"), few: true,
			// It asks Ollama what the model is, too, which leaves no record.
			surfaces: []surface{
				{kind: "openai", speaks: faultllm.APIOpenAI}, {kind: "azure", speaks: faultllm.APIAzure}, {kind: "mistral", speaks: faultllm.APIOpenAI},
				{kind: "anthropic", speaks: faultllm.APIAnthropic}, {kind: "gemini", speaks: faultllm.APIGemini}, {kind: "ollama", speaks: faultllm.APIOllama},
				{kind: "bedrock", speaks: faultllm.APIConverse},
			},
			shows: map[string]string{"inc-eof/stream": `"ok":true`},
		},
		{
			program: python(t, "mistralai-python", "mistral_chat.py"),
			surfaces: []surface{
				{kind: "chat", speaks: faultllm.APIOpenAI, tools: inOne, repeats: repeatsTimed},
				{kind: "chat", speaks: faultllm.APIOpenAI, async: true, tools: inOne},
			},
			shows: map[string]string{
				"e500-openai/stream": "SDKError", "serr-eof/stream": "ResponseValidationError", "mode-json/stream": "Unexpected response received",
				"cut-chunk/stream": "RemoteProtocolError", "inc-eof/stream": `"ok":true`,
			},
		},
		{
			program:  node(t, "openai-node", "openai_chat.mjs"),
			few:      true, // what is missing here is TestDifferential's
			surfaces: []surface{{kind: "openai", speaks: faultllm.APIOpenAI, tools: inPieces, repeats: repeatsAll}, {kind: "azure", speaks: faultllm.APIAzure, tools: inPieces}},
		},
		{
			program: scripted(t, "openai-python", "openai_chat.py", "python-new", "bin", "python"),
			few:     true,
			surfaces: []surface{
				{kind: "openai", speaks: faultllm.APIOpenAI, tools: inPieces, repeats: repeatsAll},
				{kind: "openai", speaks: faultllm.APIOpenAI, async: true, tools: inPieces}, {kind: "azure", speaks: faultllm.APIAzure, async: true, tools: inPieces},
			},
		},
		{
			program: scripted(t, "openai-python-responses", "openai_responses.py", "python-new", "bin", "python"),
			surfaces: []surface{
				{kind: "responses", speaks: faultllm.APIResponses, tools: inPieces},
				{kind: "responses", speaks: faultllm.APIResponses, async: true, tools: inPieces},
			},
			shows: map[string]string{
				"e500-openai/stream": "openai.InternalServerError", "serr-eof/stream": `"ok":true`, "serr-failed/stream": `"ok":true`, "mode-json/stream": `"ok":true,"n_events":0`,
				"cut-chunk/stream": "openai.APIConnectionError", "inc-eof/stream": `"ok":true`,
			},
		},
		{
			program: scripted(t, "langchain-openai", "langchain_chat.py", "python-new", "bin", "python"),
			few:     true,
			surfaces: []surface{
				{kind: "openai", speaks: faultllm.APIOpenAI, tools: inPieces, repeats: repeatsAll},
				{kind: "azure", speaks: faultllm.APIAzure, async: true, tools: inPieces},
			},
		},
		{
			program: python(t, "ollama-python", "ollama_chat.py"),
			surfaces: []surface{
				{kind: "chat", speaks: faultllm.APIOllama, tools: inPieces}, {kind: "generate", speaks: faultllm.APIOllamaGenerate},
				{kind: "chat", speaks: faultllm.APIOllama, async: true, tools: inPieces},
			},
			shows: map[string]string{
				"e500-openai/stream": "ollama._types.ResponseError", "serr-ndjson/stream": "ollama._types.ResponseError", "mode-json/stream": "Owls hunt",
				"cut-chunk/stream": "httpx.RemoteProtocolError", "inc-eof/stream": `"ok":true`,
			},
		},
		{
			program: node(t, "vercel-ai", "vercel_chat.mjs"),
			surfaces: []surface{
				{kind: "chat", speaks: faultllm.APIOpenAI, tools: inPieces, repeats: repeatsAll}, {kind: "responses", speaks: faultllm.APIResponses, tools: inPieces},
			},
			shows: map[string]string{
				"e500-openai/stream": "APICallError", "refuse-400/stream": "APICallError", "inc-eof/stream": `"ok":true`,
			},
		},
	}
	for _, s := range list {
		if _, err := exec.LookPath(s.argv[0]); err != nil {
			peerUnable(t, s.name+" is not installed; run test/e2e/setup.sh")
		}
	}
	return list
}

// python is a script that runs on the packages of python-sdks.txt.
func python(t *testing.T, name, script string) program {
	t.Helper()
	return scripted(t, name, script, "python-sdks", "bin", "python")
}

// node is a script that runs on the packages of node/package.json.
func node(t *testing.T, name, script string) program {
	t.Helper()
	return scripted(t, name, script, "node", "node_modules", ".bin", "node")
}

// scripted is a script of clients/ under an interpreter of the cache.
func scripted(t *testing.T, name, script string, interpreter ...string) program {
	t.Helper()
	cache, err := peerCache()
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("clients")
	if err != nil {
		t.Fatal(err)
	}
	return program{
		name: name, http: "1.1",
		argv: []string{filepath.Join(append([]string{cache}, interpreter...)...), filepath.Join(here, script)},
	}
}

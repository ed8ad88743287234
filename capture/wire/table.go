package wire

import "llmtap/internal/call"

// needs are conditions of a row beside its path.
type needs uint8

const (
	version needs = 1 << iota // query api-version
	get                       // GET with stream=true instead of POST
	upgrade                   // a WebSocket handshake
	fixed                     // the path decides the provider, not the host
	v1                        // on Azure AI Foundry it is Azure OpenAI
	aside                     // the endpoint asks no model
)

// row is one line of the recognition table.
type row struct {
	paths     []string
	api       string
	azure     string // api on an Azure OpenAI host
	inference string // api on an Azure inference host
	decoder   string
	format    string // the decoder's name where the path alone tells another
	operation string
	provider  string // where the host is unknown, or with fixed
	mode      call.Mode
	needs     needs
	confirm   string
	suffixes  []suffix
}

// Values that several rows share.
const (
	chat        = "chat"
	completion  = "text_completion"
	embeddings  = "embeddings"
	generate    = "generate_content"
	compatible  = "openai_compatible"
	vertexAI    = "gcp.vertex_ai"
	bedrock     = "aws.bedrock"
	azureOpenAI = "azure.ai.openai"

	azureInference = "azure.ai.inference"

	openaiChat        = "openai.chat"
	openaiCompletions = "openai.completions"
	openaiResponses   = "openai.responses"
	undecoded         = "unknown"
)

// table is searched from the top; the first row whose path suffix, method and
// needs fit decides. The numbers are those of the wire-format rules.
var table = compileTable(asideRows, azureRows, openaiRows, otherRows)

func compileTable(groups ...[]row) []row {
	var out []row
	for _, g := range groups {
		out = append(out, g...)
	}
	for i := range out {
		for _, p := range out[i].paths {
			out[i].suffixes = append(out[i].suffixes, compileSuffix(p))
		}
	}
	return out
}

// deployments is Azure's path to one of them.
const deployments = "/openai/deployments/{deployment}"

var azureRows = []row{
	// 21, before the rows whose paths it shares
	{
		paths: []string{"/realtime", "/responses"},
		api:   "websocket", decoder: undecoded, provider: compatible, needs: upgrade,
	},
	{
		paths: []string{"/{}.BidiGenerateContent", "/{}.BidiGenerateContentConstrained"},
		api:   "websocket", decoder: undecoded, provider: "gcp.gemini", needs: upgrade,
	},
	{
		paths: []string{"/{}/BidiGenerateContent", "/{}/BidiGenerateContentConstrained"},
		api:   "websocket", decoder: undecoded, provider: vertexAI, needs: upgrade,
	},
	// 1
	{
		paths: []string{deployments + "/chat/completions"},
		api:   "azure.openai.chat", decoder: openaiChat, operation: chat, provider: azureOpenAI, needs: fixed,
	},
	{
		paths: []string{deployments + "/completions"},
		api:   "azure.openai.completions", decoder: openaiCompletions, operation: completion, provider: azureOpenAI, needs: fixed,
	},
	{
		paths: []string{deployments + "/embeddings"},
		api:   "azure.openai.embeddings", decoder: openaiCompletions, operation: embeddings, provider: azureOpenAI, needs: fixed,
	},
	{
		paths: []string{deployments + "/audio/{}", deployments + "/images/{}"},
		api:   "azure.openai.other", decoder: undecoded, provider: azureOpenAI, needs: fixed,
	},
	// 2
	{
		paths: []string{"/openai/responses", "/openai/responses/{}"},
		api:   "azure.openai.responses", decoder: openaiResponses, operation: chat, provider: azureOpenAI, needs: fixed | version,
	},
	{
		paths: []string{"/openai/responses/{}"},
		api:   "azure.openai.responses", decoder: openaiResponses, operation: "fetch_response", provider: azureOpenAI, needs: fixed | version | get,
	},
	// 3
	{
		paths: []string{"/openai/v1/chat/completions"},
		api:   openaiChat, azure: "azure.openai.chat", decoder: openaiChat, operation: chat, provider: compatible, needs: v1,
	},
	{
		paths: []string{"/openai/v1/responses"},
		api:   openaiResponses, azure: "azure.openai.responses", decoder: openaiResponses, operation: chat, provider: compatible, needs: v1,
	},
	{
		paths: []string{"/openai/v1/completions"},
		api:   openaiCompletions, azure: "azure.openai.completions", decoder: openaiCompletions, operation: completion, provider: compatible, needs: v1,
	},
	{
		paths: []string{"/openai/v1/embeddings"},
		api:   "openai.embeddings", azure: "azure.openai.embeddings", decoder: openaiCompletions, operation: embeddings, provider: compatible, needs: v1,
	},
	// 4
	{
		paths: []string{"/models/chat/completions"},
		api:   "azure.inference.chat", decoder: openaiChat, operation: chat, provider: azureInference, needs: fixed | version,
	},
	{
		paths: []string{"/models/embeddings"},
		api:   "azure.inference.embeddings", decoder: openaiCompletions, operation: embeddings, provider: azureInference, needs: fixed | version,
	},
}

var openaiRows = []row{
	// 5
	{
		paths: []string{"/endpoints/openapi/chat/completions"},
		api:   "vertex.openai", decoder: openaiChat, operation: chat, provider: vertexAI,
	},
	// 6
	{
		paths: []string{"/fim/completions"},
		api:   "mistral.fim", decoder: openaiChat, operation: completion, provider: "mistral_ai",
	},
	{
		paths: []string{"/agents/completions"},
		api:   "mistral.agents", decoder: openaiChat, operation: chat, provider: "mistral_ai",
	},
	// 7
	{
		paths: []string{"/chat/completions"},
		api:   openaiChat, azure: "azure.openai.chat", inference: "azure.inference.chat", decoder: openaiChat, operation: chat, provider: compatible,
	},
	// 8
	{
		paths: []string{"/responses", "/responses/compact"},
		api:   openaiResponses, azure: "azure.openai.responses", decoder: openaiResponses, operation: chat, provider: compatible,
	},
	{
		paths: []string{"/responses/{}"},
		api:   openaiResponses, azure: "azure.openai.responses", decoder: openaiResponses, operation: "fetch_response", provider: compatible, needs: get,
	},
}

var otherRows = []row{
	// 9
	{
		paths: []string{"/v1/messages"},
		api:   "anthropic.messages", decoder: "anthropic", operation: chat,
	},
	// 10
	{
		paths: []string{"/publishers/anthropic/models/{model}:rawPredict"},
		api:   "vertex.anthropic", decoder: "anthropic", operation: chat, provider: vertexAI,
	},
	{
		paths: []string{"/publishers/anthropic/models/{model}:streamRawPredict"},
		api:   "vertex.anthropic", decoder: "anthropic", operation: chat, provider: vertexAI, mode: call.ModeStream,
	},
	// 11
	{
		paths: []string{"/publishers/google/models/{model}:generateContent", "/endpoints/{model}:generateContent"},
		api:   "vertex.gemini", decoder: "gemini", operation: generate, provider: vertexAI, mode: call.ModePlain,
	},
	{
		paths: []string{"/publishers/google/models/{model}:streamGenerateContent", "/endpoints/{model}:streamGenerateContent"},
		api:   "vertex.gemini", decoder: "gemini", operation: generate, provider: vertexAI, mode: call.ModeStream,
	},
	// 12
	{
		paths: geminiPaths("generateContent"),
		api:   "gemini.generate", decoder: "gemini", operation: generate, provider: "gcp.gemini", mode: call.ModePlain,
	},
	{
		paths: geminiPaths("streamGenerateContent"),
		api:   "gemini.generate", decoder: "gemini", operation: generate, provider: "gcp.gemini", mode: call.ModeStream,
	},
	// 13
	{
		paths: []string{"/model/{model}/converse"},
		api:   "bedrock.converse", decoder: "bedrock.converse", operation: chat, provider: bedrock, mode: call.ModePlain,
	},
	{
		paths: []string{"/model/{model}/converse-stream"},
		api:   "bedrock.converse_stream", decoder: "bedrock.converse", operation: chat, provider: bedrock, mode: call.ModeStream,
	},
	// 14
	{
		paths: []string{"/model/{model}/invoke"},
		api:   "bedrock.invoke", decoder: "bedrock.invoke", operation: chat, provider: bedrock, mode: call.ModePlain,
	},
	{
		paths: []string{"/model/{model}/invoke-with-response-stream"},
		api:   "bedrock.invoke_stream", decoder: "bedrock.invoke", operation: chat, provider: bedrock, mode: call.ModeStream,
	},
	// 15
	{
		paths: []string{"/endpoints/{model}/invocations"},
		api:   "sagemaker.invoke", decoder: undecoded, operation: chat, mode: call.ModePlain,
	},
	{
		paths: []string{"/endpoints/{model}/invocations-response-stream"},
		api:   "sagemaker.invoke", decoder: undecoded, operation: chat, mode: call.ModeStream,
	},
	// 16
	{
		paths: []string{"/api/chat"},
		api:   "ollama.chat", decoder: "ollama", operation: chat, provider: "ollama",
	},
	{
		paths: []string{"/api/generate"},
		api:   "ollama.generate", decoder: "ollama", operation: completion, provider: "ollama",
	},
	{
		paths: []string{"/api/embed", "/api/embeddings"},
		api:   "ollama.embed", decoder: "ollama", operation: embeddings, provider: "ollama", mode: call.ModePlain,
	},
	// 17
	{
		paths: []string{"/completions"},
		api:   openaiCompletions, azure: "azure.openai.completions", decoder: "llamacpp", format: openaiCompletions, operation: completion, provider: compatible,
	},
	{
		paths: []string{"/completion"},
		api:   openaiCompletions, decoder: "llamacpp", format: openaiCompletions, operation: completion, provider: compatible,
	},
	// 18
	{
		paths: []string{"/embeddings"},
		api:   "openai.embeddings", azure: "azure.openai.embeddings", decoder: openaiCompletions, operation: embeddings, provider: compatible,
	},
	// 19
	{
		paths: []string{"/v2/chat"},
		api:   "cohere.chat", decoder: "cohere", operation: chat, provider: "cohere",
	},
	{
		paths: []string{"/v1/chat"},
		api:   "cohere.v1", decoder: "cohere", operation: chat, provider: "cohere",
	},
	// 20
	{
		paths: []string{"/generate_stream"},
		api:   "tgi.generate", decoder: "tgi", operation: completion, provider: "tgi", mode: call.ModeStream, confirm: "inputs",
	},
	{
		paths: []string{"/generate"},
		api:   "tgi.generate", decoder: "tgi", operation: completion, provider: "tgi", mode: call.ModePlain, confirm: "inputs",
	},
	{
		paths: []string{"/invocations", "/vertex", "/"},
		api:   "tgi.generate", decoder: "tgi", operation: completion, provider: "tgi", confirm: "inputs",
	},
}

// geminiPaths are the versions and collections under which a verb may stand.
func geminiPaths(verb string) []string {
	var out []string
	for _, v := range []string{"v1", "v1beta", "v1alpha"} {
		out = append(out, "/"+v+"/models/{model}:"+verb, "/"+v+"/tunedModels/{model}:"+verb)
	}
	return out
}

package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// alike are pairs of archives below testdata that answer with the same content,
// streamed and plain.
var alike = []struct{ name, streamed, plain string }{
	{"Anthropic, recorded", "anthropic/anthropic-python-stream-ok", "anthropic/anthropic-python-plain-ok"},
	{"Anthropic, tools", "anthropic/tools", "anthropic/tools-plain"},
	{"Anthropic, the answer of a stream in one piece", "anthropic/anthropic-python-stream-ok", "anthropic/anthropic-python-stream-json200"},
	{"Responses, recorded", "openai.responses/openai-python-stream-ok", "openai.responses/openai-python-plain-ok"},
	{"Responses, tools", "openai.responses/tools", "openai.responses/tools-plain"},
	{"Responses, incomplete", "openai.responses/incomplete", "openai.responses/incomplete-plain"},
	{"Cohere, recorded", "cohere/cohere-python-stream-ok", "cohere/cohere-python-plain-ok"},
	{"Cohere, tools", "cohere/tools", "cohere/tools-plain"},
	{"Gemini, recorded", "gemini/google-genai-python-stream-ok", "gemini/google-genai-python-plain-ok"},
	{"Gemini, as an array", "gemini/requests-gemini-array-stream-ok", "gemini/google-genai-python-plain-ok"},
	{"Gemini, tools", "gemini/tools", "gemini/tools-plain"},
	{"Vertex AI, recorded", "gemini/google-genai-python-vertex-stream-ok", "gemini/google-genai-python-vertex-plain-ok"},
	{"Mistral, recorded", "openai.compatible/mistralai-stream-ok", "openai.compatible/mistralai-plain-ok"},
	{"TGI", "tgi/stream", "tgi/plain-with-prompt"},
	{"llama.cpp", "llamacpp/stream-limit", "llamacpp/plain"},
	{"Cohere, version 1", "cohere/v1-stream", "cohere/v1-plain"},
	{"Cohere, version 1, tools", "cohere/v1-tools", "cohere/v1-tools-plain"},
	{"Chat completions, recorded on Azure", "openai.chat/lc-azure-stream-ok", "openai.chat/lc-azure-plain-ok"},
	{"Chat completions, tools", "openai.chat/tools-usage", "openai.chat/tools-plain"},
	{"Completions", "openai.completions/stream", "openai.completions/plain"},
	{"Ollama, chat recorded", "ollama/python-chat-stream-ok", "ollama/python-chat-plain-ok"},
	{"Ollama, generate recorded", "ollama/python-generate-stream-ok", "ollama/python-generate-plain-ok"},
	{"Ollama, tools", "ollama/thinking-tools", "ollama/tools-plain"},
	{"Converse, recorded", "bedrock.converse/boto3-stream-ok", "bedrock.converse/boto3-plain-ok"},
	{"Converse, tools", "bedrock.converse/thinking-tools", "bedrock.converse/tools-plain"},
	{"InvokeModel, Anthropic", "bedrock.invoke/anthropic-thinking-tools", "bedrock.invoke/anthropic-tools-plain"},
	{"InvokeModel, Nova", "bedrock.invoke/nova-stream", "bedrock.invoke/nova-plain"},
	{"InvokeModel, Titan", "bedrock.invoke/titan-stream", "bedrock.invoke/titan-plain"},
	{"InvokeModel, Llama", "bedrock.invoke/llama-stream", "bedrock.invoke/llama-plain"},
	{"InvokeModel, Mistral", "bedrock.invoke/mistral-stream", "bedrock.invoke/mistral-plain"},
}

// TestStreamedEqualsPlain: whatever the way, the same answer gives the same
// model, finish reasons, usage and number of tool calls.
func TestStreamedEqualsPlain(t *testing.T) {
	for _, tt := range alike {
		t.Run(tt.name, func(t *testing.T) {
			streamed, plain := said(t, tt.streamed), said(t, tt.plain)
			if diff := cmp.Diff(plain, streamed); diff != "" {
				t.Errorf("(-plain +streamed):\n%s", diff)
			}
			if len(plain.Reasons) == 0 || !plain.Usage.Output.Known {
				t.Errorf("%+v: nothing to compare", plain)
			}
		})
	}
}

// sayings are what both ways must agree in.
type sayings struct {
	Model, ID string
	Reasons   []string
	Finish    bool
	Usage     call.Usage
	Tools     int
}

func said(t *testing.T, archive string) sayings {
	t.Helper()
	x := readArchive(t, "testdata/"+archive+".txtar")
	m, _ := wire.Recognize(x.line)
	f, _ := decode(m, call.ModeUnknown, x, allAtOnce)
	return sayings{f.Model, f.ID, f.FinishReasons, f.Finish, f.Usage, f.ToolCalls}
}

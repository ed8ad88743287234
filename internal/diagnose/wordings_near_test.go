package diagnose_test

import (
	"testing"

	"llmtap/internal/call"
)

// Words of a refused stream that are about something else.
func TestWordsThatOnlySoundLikeIt(t *testing.T) {
	for _, tc := range []struct {
		name  string
		e     call.Error
		class string
	}{
		{"a closed stream object", bare("Cannot access a closed Stream."), "request_rejected"},
		{"a broken stream", bare("stream ended: model not available"), "request_rejected"},
		{
			"stream closed",
			bare("The stream was closed because the model does not support images"),
			"request_rejected",
		},
		{"the upstream", bare("upstream does not support tool use"), "request_rejected"},
		{"video", bare("Video streams are not supported as input"), "request_rejected"},
		{"audio", bare("Audio streaming input is not supported"), "request_rejected"},
		{"input stream", bare("The input stream is not supported"), "request_rejected"},
		{
			"two sentences",
			bare("This model does not support images. Streaming response aborted."),
			"request_rejected",
		},
		{
			"streaming works, tools do not",
			bare("Streaming is supported, but audio output is not supported"),
			"request_rejected",
		},
		{
			"both modes",
			bare("This model does not support images in streaming or non-streaming mode"),
			"request_rejected",
		},
		{
			"too many streams",
			bare("Too many concurrent streams are not allowed for your tier"),
			"request_rejected",
		},
		{"streamlined", bare("The streamlined prompt template is not supported"), "request_rejected"},
		{
			"a parameter with streams",
			bare("The parameter max_tokens is not supported with streaming"),
			"parameter_unsupported",
		},
		{"failed to stream", bare("Failed to stream: tool lookup is not allowed"), "request_rejected"},
		{
			"a stream without a valid key",
			bare("Streaming response refused: api key is not permitted"),
			"request_rejected",
		},
		{"denied for money", bare("Streaming request denied: insufficient credits"), "request_rejected"},
		{
			"a stream with a picture",
			bare("Streaming is fine but image_url is not supported"),
			"request_rejected",
		},
		{
			"remove something else",
			bare("Please remove personal data from the streaming prompt"),
			"request_rejected",
		},
		{"a tool by that name", bare("Tool 'start_stream' is not allowed"), "request_rejected"},
		{"a Chinese connection", bare("流式连接已关闭"), "request_rejected"},
		{
			"a German connection",
			bare("Die Stream-Verbindung wurde beendet, Modell nicht verfügbar"),
			"request_rejected",
		},
		{
			"The stream parameter is required",
			bare("The stream parameter is required"),
			"request_rejected",
		},
		{
			"Model not found. Did you enable streaming?",
			bare("Model not found. Did you enable streaming?"),
			"request_rejected",
		},
		{
			"Invalid API key. Streaming requires authentication",
			bare("Invalid API key. Streaming requires authentication"),
			"request_rejected",
		},
		{
			"Your request could not be streamed to the client because the connection was reset",
			bare("Your request could not be streamed to the client because the connection was reset"),
			"request_rejected",
		},
		{
			"The event stream contained an unsupported event",
			bare("The event stream contained an unsupported event"),
			"request_rejected",
		},
		{"Das Modell ist nicht verfügbar", bare("Das Modell ist nicht verfügbar"), "request_rejected"},
		{"Le modèle n'est pas disponible", bare("Le modèle n'est pas disponible"), "request_rejected"},
		{"模型不可用", bare("模型不可用"), "request_rejected"},
		{"图片不支持", bare("图片不支持"), "request_rejected"},
		{"流式响应超时，模型不可用", bare("流式响应超时，模型不可用"), "request_rejected"},
		{
			"Too many tokens; streaming does not change that",
			bare("Too many tokens; streaming does not change that"),
			"request_rejected",
		},
		{
			"tool_choice 'required' is not supported by this model",
			bare("tool_choice 'required' is not supported by this model"),
			"parameter_unsupported",
		},
		{
			"Content filter: the streamed answer was blocked",
			bare("Content filter: the streamed answer was blocked"),
			"request_rejected",
		},
		{
			"Function 'open_stream' not allowed",
			bare("Function 'open_stream' not allowed"),
			"request_rejected",
		},
		{
			"Livestream ids are not supported",
			bare("Livestream ids are not supported"),
			"request_rejected",
		},
		{
			"The field 'bitstream' is not allowed",
			bare("The field 'bitstream' is not allowed"),
			"request_rejected",
		},
		{
			"max_tokens must not exceed 4096 for streaming requests",
			bare("max_tokens must not exceed 4096 for streaming requests"),
			"request_rejected",
		},
		{
			"You are not allowed to access this model. Streaming or not.",
			bare("You are not allowed to access this model. Streaming or not."),
			"request_rejected",
		},
		{
			"Mainstream content is not permitted",
			bare("Mainstream content is not permitted"),
			"request_rejected",
		},
		{
			"Streaming response from backend was malformed",
			bare("Streaming response from backend was malformed"),
			"request_rejected",
		},
		{
			"This function does not support the given schema",
			bare("This function does not support the given schema"),
			"request_rejected",
		},
		{
			"Le flux RSS n'est pas disponible",
			bare("Le flux RSS n'est pas disponible"),
			"request_rejected",
		},
		{"El modelo no está disponible", bare("El modelo no está disponible"), "request_rejected"},
		{
			"Die Datei wird nicht unterstützt",
			bare("Die Datei wird nicht unterstützt"),
			"request_rejected",
		},
		{"このモデルは画像をサポートしていません", bare("このモデルは画像をサポートしていません"), "request_rejected"},
		{"该模型不支持图片，请检查 stream 参数格式", bare("该模型不支持图片，请检查 stream 参数格式"), "request_rejected"},
		{
			"stream_id is not allowed to be empty",
			bare("stream_id is not allowed to be empty"),
			"request_rejected",
		},
		{
			"Request too large for streaming; maximum context length is 8192",
			bare("Request too large for streaming; maximum context length is 8192"),
			"request_rejected",
		},
		{
			"Your message contains the text 'streaming is not supported' which triggered the filter",
			bare("Your message contains the text 'streaming is not supported' which triggered the filter"),
			"request_rejected",
		},
		{
			"This model is overloaded, streaming is slow",
			bare("This model is overloaded, streaming is slow"),
			"request_rejected",
		},
		{
			"You cannot resume a stream that has expired",
			bare("You cannot resume a stream that has expired"),
			"request_rejected",
		},
		{
			"Only one stream per connection is allowed",
			bare("Only one stream per connection is allowed"),
			"request_rejected",
		},
		{
			"a link",
			bare("Image size is invalid, see https://svc.example/docs/stream/unsupported"),
			"request_rejected",
		},
		{
			"a quoted prompt",
			bare(`Content was rejected: "please explain why streaming is not supported"`),
			"request_rejected",
		},
		{
			"a quoted prompt in single quotes",
			bare(`Could not parse 'tell me that streaming is not supported here' as JSON`),
			"request_rejected",
		},
		{
			"an echoed prompt",
			bare("Rejected. Prompt: streaming is not supported, discuss"),
			"request_rejected",
		},
		{"a Japanese quote", bare("入力「ストリーミングはサポートされていません」は拒否されました"), "request_rejected"},
		{
			"code names the filter",
			openai("Streaming is not supported", "content_filter", ""),
			"content_filtered",
		},
		{
			"code names the context",
			openai("Streaming is not supported", "context_length_exceeded", ""),
			"request_rejected",
		},
		{
			"code names the rate",
			openai("Streaming is not allowed", "rate_limit_exceeded", ""),
			"request_rejected",
		},
		{
			"parameter is a message",
			openai("Streaming is not supported", "", "messages[0].content"),
			"request_rejected",
		},
		{
			"parameter is inside a message",
			openai("Streaming is not supported", "", "messages[0].stream"),
			"request_rejected",
		},
		{
			"parameter is the seed",
			openai("Streaming is not supported", "", "seed"),
			"request_rejected",
		},
		{
			"parameter is a tool",
			openai("Schema of stream_audio: streaming is not supported", "", "tools[0].function.parameters"),
			"request_rejected",
		},
		{
			"parameter is another",
			openai("temperature is not supported when streaming", "unsupported_parameter", "temperature"),
			"parameter_unsupported",
		},
		{
			"the option is meant",
			bare("stream_options is not supported when streaming"),
			"stream_option_rejected",
		},
		{
			"only streams",
			bare("This model only supports streaming; non-streaming is not supported"),
			"request_rejected",
		},
	} {
		classify(t, []answer{{tc.name, 400, tc.e, tc.class, ""}}, asked)
	}
}

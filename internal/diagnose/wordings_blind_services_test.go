package diagnose_test

import (
	"testing"

	"llmtap/internal/call"
)

// The fourth of these lists, as services speak: 119 of 123 were right at first sight.
func TestRefusalsAsServicesSpeak(t *testing.T) {
	classify(t, said(
		"This API version has no support for streaming responses.",
		"Sorry! Streaming isn't part of the free plan",
		"The stream option cannot be used with this deployment",
		"Unable to stream: model does not support it",
		"stream is currently disabled for maintenance of the event bus; use stream=false",
		"Streaming must not be used with this key.",
		"Streaming has been disabled by policy",
		"Response streaming isn't supported on this route",
		"Bad request: streaming mode not available for fine-tuned models",
		"Streaming not enabled on workspace",
		"You do not have permission to use streaming",
		"The requested operation 'chat.stream' is not enabled for this resource",
		"Error: this proxy doesn't support SSE",
		"Only plain JSON responses are supported; stream must be false",
		"Streaming functionality is restricted",
		"The model does not currently support stream",
		"The 'stream' field is forbidden",
		"Streaming is a beta feature which your project has not been granted",
		"SSE streaming is not allowed by the administrator.",
		"stream is not a permitted field",
		"streaming: unsupported",
		"Cannot stream with this model",
		"Please disable streaming.",
		"This model is available in non-streaming mode only",
		"Streaming is only supported for GPT models",
		"Streaming completions not implemented",
		"Streaming unsupported for this provider, set stream to False",
		"Azure OpenAI \"On your data\" does not allow streaming with this index",
		"The tenant has opted out of streaming",
		"Streamed responses are off for this route",
		"Für diesen API-Schlüssel ist Streaming nicht freigeschaltet",
		"Streaming wird nicht unterstützt",
		"La diffusion en flux n'est pas disponible",
		"Le streaming est bloqué par l'administrateur",
		"No se permite el streaming",
		"El modo stream no está disponible",
		"Streaming bloqueado pela política da empresa",
		"Streaming non abilitato",
		"模型不支持 stream=true",
		"当前模型暂未开放流式输出",
		"不允许使用流式响应",
		"ストリーミングはサポートされていません",
		"스트리밍은 허용되지 않습니다",
		"Потоковая передача отключена администратором",
		"Streaming uitgeschakeld",
		"Streaming yasak",
	), asked)
}

func TestNoRefusalsAsServicesSpeak(t *testing.T) {
	notRefused(t,
		"The requested model is not available for your organization",
		"Stream interrupted by upstream, please retry",
		"Unexpected end of JSON input while reading stream",
		"We are unable to process your streaming request due to high load",
		"Streaming deadline exceeded",
		"Invalid function name 'stream.open'",
		"Stream quota is not sufficient",
		"The image stream is not supported",
		"You must provide a messages parameter",
		"Unrecognized content type in the message stream",
		"Streaming requests without an API key are not authorized",
		"This key has been disabled. Streaming and non-streaming calls are blocked.",
		"Model stream-large does not exist",
		"stream_timeout must be positive",
		"Tool output stream is missing",
		"An error occurred in the stream: context length exceeded",
		"max_tokens cannot be more than 4096 for streaming",
		"Streaming cancelled by user, not completed",
		"Video streaming content is not allowed by the content policy",
		"The stop parameter does not support more than 4 values when streaming",
		"Input audio stream is not valid",
		"Your account is not active; streaming and batch are both affected",
		"Access to live stream endpoint denied",
		"不支持的图片格式（流）",
		"流式输出超时",
		"Streaming-Verbindung unterbrochen",
		"Conexión de streaming cerrada",
		"Could not start streaming because the prompt is too long",
		"The prompt mentions stream ciphers which are not allowed",
		"Only 5 streams are allowed per user",
		"Invalid API key provided for streaming",
		"The message 'turn off streaming' violates the policy",
		"File upload must not be streamed",
		"Request was not valid JSON",
		"response_format is not supported",
	)
}

func TestDemandsAsServicesSpeak(t *testing.T) {
	classify(t, unlike("plain_unsupported",
		"Streaming is required",
		"stream=true is required for this model",
		"This endpoint supports streaming only",
		"Only stream mode is supported",
		"Please use stream=true",
		"Model only supports streaming responses",
		"Non-streaming requests aren't supported by this model",
		"Blocking calls are not supported; use stream",
		"The stream parameter must be set to true",
		"只支持流式请求",
		"Nur Streaming wird unterstützt",
		"Solo se admite streaming",
		"Doit être appelé en streaming",
		"set stream to true to use this model",
		"Stream is mandatory",
	), askedPlain)
}

func TestOptionsAsServicesSpeak(t *testing.T) {
	classify(t, unlike("stream_option_rejected",
		"Unknown key stream_options",
		"stream_options: extra fields not permitted",
		"stream_options.include_usage is not allowed",
		"Unexpected keyword argument: stream_options",
		"Unrecognized request argument: stream_options",
	), asked)
}

func TestFlagsAsServicesSpeak(t *testing.T) {
	classify(t, unlike("stream_flag_invalid",
		"stream: Input should be a valid boolean, unable to interpret input",
		"value for stream must be true or false",
		"stream has wrong type, expected bool",
		"cannot unmarshal string into field stream of type bool",
		"stream is not of type boolean",
	), askedOddly)
}

func TestParametersAsServicesSpeak(t *testing.T) {
	classify(t, unlike("parameter_unsupported",
		"Unsupported parameter: logprobs",
		"`top_logprobs` is not supported by this model",
		"The parameter `n` is not supported",
		"presence_penalty: unknown field",
		"unknown parameter reasoning_effort",
	), askedPlain)
}

func TestValuesAsServicesSpeak(t *testing.T) {
	classify(t, unlike("request_rejected",
		"n must be at least 1",
		"Invalid temperature",
		"top_p must be less than 1",
		"Messages are missing",
	), askedPlain)
}

func TestNoDemandsAsServicesSpeak(t *testing.T) {
	none(t, call.ClassPlainUnsupported, askedPlain,
		"Streaming disabled",
		"stream_options requires stream",
		"Only models with vision are supported",
		"Audio streams must be PCM",
		"Too many tokens requested; consider streaming",
		"Expected stream to be boolean",
		"You must agree to the terms; streaming is optional",
		"A stream with this id must exist",
	)
}

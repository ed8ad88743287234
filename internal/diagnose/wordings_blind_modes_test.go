package diagnose_test

import (
	"testing"

	"llmtap/internal/call"
)

// The third of these lists, as hard as they come: 45 of 50 refusals, 18 of 20
// demands and 25 of 26 others were found at first sight, and 4 of 42 near misses
// taken for a refusal.
func TestRefusalsOfEveryKind(t *testing.T) {
	classify(t, said(
		"Sorry, this assistant backend cannot produce streamed output at the moment by design.",
		"You cannot enable stream for this model.",
		"stream: true isn't supported by provider Bedrock Titan",
		"Streaming response is not available for API key type 'batch'",
		"The deployment 'gpt4-eu' has streaming turned off",
		"Requests with \"stream\": true are rejected by policy SEC-112",
		"Streaming is allowed only on port 8443",
		"Streaming unsupported by upstream",
		"The organization policy forbids token streaming",
		"This operation does not support streaming responses. Use the non-streaming variant.",
		"Streaming has to be enabled by your administrator first.",
		"Streaming endpoint retired; use non-streaming calls",
		"InvokeModelWithResponseStream is not supported for this model",
		"The model returned by the router doesn't allow stream",
		"stream flag rejected",
		"stream must not be set",
		"Sending stream is not allowed",
		"stream parameter: only false is accepted",
		"Set \"stream\" to false and try again",
		"Streaming requires the gpt-5 tier; your key is tier 1",
		"Model is not streamable",
		"Non-stream only",
		"We only support stream=False for now",
		"SSE is disabled",
		"Gateway does not relay event streams",
		"HTTP chunked streaming to clients is not implemented",
		"Streaming is unavailable on Azure Government for this model",
		"Streaming chat completions aren't permitted with your current role",
		"stream=True is not implemented",
		"Streaming is not permitted when store=true",
		"Streaming + JSON schema = not supported",
		"Tools can't be streamed by this server",
		"audio output can't be used with stream=true by this model",
		"This model has been configured without streaming",
		"Streaming-Modus nicht verfügbar",
		"Streaming ist deaktiviert. Bitte stream=false setzen.",
		"Le mode streaming n'est pas activé",
		"Flux SSE interdit par la politique de sécurité",
		"El parámetro stream no está permitido",
		"Streaming não está disponível para este modelo",
		"La modalità streaming non è disponibile",
		"流式请求被禁止",
		"此接口不支持SSE",
		"串流功能未啟用",
		"ストリーミング応答は禁止されています",
		"스트리밍이 비활성화되어 있습니다",
		"Потоковая выдача отключена",
		"Streaming jest wyłączone",
		"Akış desteklenmiyor",
		"Streaming är inte tillåtet",
	), asked)
}

func TestNoRefusalsOfEveryKind(t *testing.T) {
	notRefused(t,
		"Invalid value for stream_id",
		"Token limit for streaming exceeded: 5000 > 4096",
		"The model produced no output; streaming is not at fault",
		"Bad Request: malformed multipart stream",
		"invalid character 'd' looking for beginning of value",
		"You exceeded the number of allowed concurrent streaming sessions",
		"Stream closed before response was complete, not retried",
		"The server is not able to process streaming requests right now. Try again later.",
		"Unsupported MIME type application/x-stream",
		"Message role must not be 'stream'",
		"Tool 'video_streaming' not found",
		"Failed: cannot fetch https://stream.example.com/a.png: access is not allowed",
		"Model 'x' does not support images. Disable images, streaming is fine",
		"Model deployment not found: streaming-gpt",
		"This content type is not supported",
		"The API key is invalid or disabled",
		"Missing permission: models.stream.read for other project",
		"Prompt must not contain the phrase 'no streaming'",
		"system prompt too long for streaming mode, maximum is 2000 characters",
		"Input contains unsupported unicode in stream",
		"max_completion_tokens must be greater than 0 for streaming requests",
		"Field 'tools' is required when streaming function calls",
		"Conversation stream 42 is locked",
		"Unable to download file stream",
		"No user found for streaming request",
		"No messages in streaming request",
		"Streaming request without messages is not valid",
		"Stream name is invalid",
		"The video stream could not be decoded",
		"消息流不存在",
		"数据流已关闭",
		"Der Datenstrom ist ungültig",
		"Le flux de données est interrompu",
		"Der Stream wurde unerwartet beendet",
		"El stream se cerró inesperadamente",
		"Stream processing failed because tools are not allowed to be empty",
		"User 'streaming-bot' is not authorized",
		"Streaming requests need a valid 'user' field",
		"Your network does not allow streaming uploads of this size",
		"Streamed request bodies are not supported",
		"temperature: 3 is not allowed",
		"Response stream failed content moderation",
	)
}

func TestDemandsOfEveryKind(t *testing.T) {
	classify(t, unlike("plain_unsupported",
		"Only streaming requests are allowed for this model",
		"Please set stream to true",
		"stream must be true",
		"This model requires stream=true",
		"Non-streaming is not supported",
		"Streaming is mandatory for this endpoint",
		"You must enable streaming to use the reasoning model",
		"The endpoint only returns server-sent events",
		"non-stream mode is disabled",
		"Synchronous (non-streaming) responses are not available for this model",
		"Requests without streaming are rejected",
		"该模型必须使用流式",
		"仅支持流式输出",
		"Dieses Modell unterstützt nur Streaming",
		"Ce modèle ne prend en charge que le streaming",
		"Este modelo solo admite streaming",
		"この モデルはストリーミングのみ対応しています",
		"Модель поддерживает только потоковый режим",
		"stream=false is not supported",
		"`stream` cannot be false",
	), askedPlain)
}

func TestOptionsOfEveryKind(t *testing.T) {
	classify(t, unlike("stream_option_rejected",
		"stream_options is not supported",
		"Unknown parameter: 'stream_options.include_usage'",
		"Unsupported field: streamOptions",
		"include_usage is not permitted",
		"Property stream_options is not allowed",
		"'stream_options' is not a valid parameter for this API version",
		"Der Parameter stream_options ist unbekannt",
		"stream_options 参数不被支持",
	), asked)
}

func TestFlagsOfEveryKind(t *testing.T) {
	classify(t, unlike("stream_flag_invalid",
		"stream must be a boolean",
		"Invalid type for stream",
		"stream should be of type bool",
		"'yes' is not a valid value for stream (boolean expected)",
		"expected boolean at path stream",
		"stream: value is not a valid boolean",
		"Wert von stream ist kein Boolean",
		"stream 必须为布尔类型",
	), askedOddly)
}

func TestParametersOfEveryKind(t *testing.T) {
	classify(t, unlike("parameter_unsupported",
		"Unsupported parameter: 'foo'",
		"The parameter 'seed' is not supported for this model",
		"Unknown argument: top_k",
		"temperature is not supported by this model",
		"frequency_penalty is not a recognized parameter",
		"Extra inputs are not permitted",
		"This model does not accept the parameter logit_bias",
		"Unrecognized parameter: metadata",
		"参数 top_k 不支持",
		"unexpected keyword argument 'min_p'",
	), askedPlain)
}

func TestValuesOfEveryKind(t *testing.T) {
	classify(t, unlike("request_rejected",
		"temperature must be between 0 and 2",
		"Invalid value for parameter n",
		"The messages parameter is required",
		"max_tokens is too large",
		"Parameter 'model' is missing",
		"invalid seed: must be an integer",
		"Could not parse parameter tools[0]",
	), askedPlain)
}

func TestNoDemandsOfEveryKind(t *testing.T) {
	none(t, call.ClassPlainUnsupported, askedPlain,
		"Streaming is not supported",
		"stream must be false",
		"Invalid stream id",
		"Only text inputs are supported",
		"Please enable billing; streaming works without",
		"The stream option requires a boolean",
		"Use streaming for answers longer than ten minutes. messages is empty",
		"Only one stream is allowed",
		"max_tokens too large, you could also use streaming",
		"Required parameter missing: model",
	)
}

package diagnose_test

import "testing"

// unlike are errors of a streamed call that are no refused stream, with their
// class.
func unlike(class string, messages ...string) []answer {
	rows := said(messages...)
	for i := range rows {
		rows[i].class = class
	}
	return rows
}

// What errors of calls for a stream say, though nobody refuses to stream.
func TestStreamsThatAreNotRefused(t *testing.T) {
	classify(t, unlike(
		"request_rejected",
		// .NET, Java, Python: objects that are called streams
		"Cannot access a closed Stream.",
		"Stream was not readable.",
		"Stream does not support reading.",
		"Stream closed",
		"java.io.IOException: Stream closed",
		"System.NotSupportedException: This stream does not support seek operations.",
		"The stream has already been consumed.",
		"Unexpected end of stream",
		"unexpected EOF while reading the stream",
		"stream ended before the model answered",
		"stream error: stream ID 5; INTERNAL_ERROR; received from peer",
		"http2: stream closed",
		"h2 stream 3 was reset: REFUSED_STREAM is not allowed here",
		"The request stream was aborted",
		"Could not read from the request stream",
		"ResponseStream is null",
		"Error reading response stream: invalid chunk",
		"stream decode failed",
		"Stream interrupted by the client",
		"The stream was interrupted because the model is not available",
		"Broken stream, connection not available",
		// other words with stream in them
		"upstream is not available",
		"upstream does not support this operation",
		"no healthy upstream",
		"The upstream service is disabled",
		"upstream request not allowed",
		"Upstream connect error: connection refused",
		"downstream services are not supported",
		"The downstream API is forbidden",
		"bitstream format not supported",
		"Livestream uploads are disabled",
		"mainstream topics are not allowed",
		"streamlined mode is disabled",
		"streamlit apps are not supported",
		"slipstream_mode is unsupported",
		// streams of another kind
		"The data stream of the uploaded file is not supported",
		"Uploading a file stream is not supported",
		"Byte streams are not accepted as attachments",
		"Input streams are disabled",
		"Audio streams are not supported by this model",
		"Audio streaming is not available for this voice",
		"Video streaming is not supported as input",
		"Media streams are not allowed in messages",
		"Live streaming is not permitted under the usage policy",
		"Kinesis stream is not available",
		"The change stream is not enabled for this collection",
		"Stream Analytics job is disabled",
		"Stream id is not valid, and not supported",
		// models and tools with such names
		"Model stream-1 does not support images",
		"model 'stream-xl' is not available",
		"The model `streaming-7b` does not support images",
		"deployment my-stream is not enabled for images",
		"Function 'get_stream_status' is not supported",
		"Tool stream_music is not allowed",
		"function start_streaming not available",
		"The tool 'video_stream' is disabled",
		"Invalid schema for function 'stream_events': null is not allowed",
		// prompts
		"Your prompt was rejected: \"why is streaming not supported by my provider?\"",
		"Blocked input: 'please write a mail that streaming is not available any more'",
		"Invalid content in messages[2].content: streaming is not supported",
		"The user wrote: streaming is not allowed here. This was flagged.",
		"prompt: how do I disable streaming in LangChain?",
		"Could not process query=streaming not supported",
		"Moderation flagged \"streaming of football is forbidden in this country\"",
		"question: is streaming unsupported?",
		// limits
		"Too many concurrent streams",
		"Maximum number of streams exceeded; more are not allowed",
		"Only 5 simultaneous streams are allowed",
		"Concurrent streaming requests are not allowed on this plan",
		"Streaming quota exceeded",
		"Streaming quota is not available today",
		"streaming rate limit reached",
		"Multiple streams per connection are not supported",
		// other topics that mention streams
		"The streamed response exceeded the maximum size",
		"Streaming is supported. The model 'x' is not available.",
		"Streaming works, but images are not supported.",
		"Streaming is enabled, however the schema is not supported",
		"This model does not support images. Streaming is available.",
		"When streaming, image inputs are not supported",
		"max_tokens must be at least 1 for streaming requests",
		"n must be 1 when streaming",
		"Please wait until the previous streaming response has finished",
		"You already have a streaming response in progress",
		"Streaming request must contain messages",
		"Invalid messages: streaming requests need a user message",
		"Streaming response could not be started: bad gateway",
		"The streaming request is invalid: messages is empty",
		"Request validation failed for streaming endpoint: messages: field required",
		"This model's maximum context length is 8192 tokens; your streaming request has 9000",
		"Context length exceeded: streaming does not help",
		"Token limit exceeded in streaming request",
		"Failed to start streaming: content is not allowed",
		"Error while streaming: tool output not available",
		"Streaming chunk timeout",
		"The stream parameter is required",
		"Missing required field: stream",
		// other languages
		"Der Stream wurde beendet",
		"Die Stream-Verbindung ist abgebrochen",
		"Fehler beim Lesen: Stream geschlossen",
		"Der Eingabestrom wird nicht unterstützt",
		"Das Modell 'stream-1' ist nicht verfügbar",
		"Le flux RSS n'est pas pris en charge",
		"Le flux a été interrompu, modèle indisponible",
		"La transmisión de vídeo no está permitida",
		"La conexión de streaming se interrumpió",
		"Erro: a conexão de streaming foi encerrada",
		"流式连接中断，模型不可用",
		"流式响应超时",
		"上游服务不可用",
		"图片不支持",
		"ストリーミング接続が切断されました",
		"ストリーミング中にエラーが発生しました。画像は利用できません",
		"画像は利用できません",
		"스트리밍 연결이 끊어졌습니다",
		"이미지는 지원되지 않습니다",
		"Соединение потока прервано",
		"Изображения не поддерживаются",
		"Модель недоступна",
	), asked)
}

// The same to plain calls: nobody demands a stream.
func TestStreamsThatAreNotDemanded(t *testing.T) {
	classify(t, unlike(
		"request_rejected",
		"The 'stream_options' parameter is only allowed when 'stream' is enabled.",
		"stream_options can only be used when stream is true",
		"stream_options requires stream=true",
		"Only one stream per connection is allowed",
		"The stream parameter is required",
		"upstream only supports TLS 1.3",
		"Only the owner can stop a stream",
		"stream must be a boolean or absent, not of another kind, see the schema of images",
		"Streaming requires authentication",
		"Please enable images",
		"The request can be sent with or without streaming",
		"Streaming is optional",
		"Only video streams are supported",
		"Streaming is not supported by this model",
		"prompt: only streaming is supported",
		"The user asked: why must stream be set to true?",
		"Model not found. Did you enable streaming?",
	)[:6])
}

// Words of other causes keep their classes whatever the mode.
func TestOtherClassesInMoreWords(t *testing.T) {
	classify(t, []answer{
		{"Go decoder", 400, bare(`json: unknown field "logit_bias"`), "parameter_unsupported", ""},
		{"Groq property", 400, openai("property 'frequency_penalty' is unsupported", "", ""), "parameter_unsupported", ""},
		{"Google field", 400, bare(`Invalid JSON payload received. Unknown name "top_k": Cannot find field.`), "parameter_unsupported", ""},
		{"LiteLLM", 400, bare("litellm.UnsupportedParamsError: azure does not support parameters: ['parallel_tool_calls'], for model=m-1"), "parameter_unsupported", ""},
		{"no logprobs", 400, bare("logprobs are not supported by this model"), "parameter_unsupported", ""},
		{"temperature in German", 400, bare("Der Parameter temperature wird von diesem Modell nicht unterstützt"), "parameter_unsupported", ""},
		{"temperature in French", 400, bare("Le paramètre temperature n'est pas pris en charge par ce modèle"), "parameter_unsupported", ""},
		{"top_p in Chinese", 400, bare("该模型不支持 top_p 参数"), "parameter_unsupported", ""},
		{"max_tokens in Japanese", 400, bare("max_tokens はこのモデルではサポートされていません"), "parameter_unsupported", ""},
		{"extra field", 422, bare("Extra inputs are not permitted: reasoning_effort"), "parameter_unsupported", ""},
		{"too many tokens asked", 400, bare("max_tokens is too large: 99999. This model supports at most 4096 completion tokens."), "request_rejected", ""},
		{"empty messages", 400, bare("messages: array is too short"), "request_rejected", ""},
		{"context, Anthropic", 400, bare("prompt is too long: 210000 tokens > 200000 maximum"), "request_rejected", "context_length"},
		{"context, vLLM", 400, bare("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"), "request_rejected", "context_length"},
		{"context names streaming", 400, bare("maximum context length is 4096 tokens, streaming not affected"), "request_rejected", "context_length"},
		{"streaming quota", 429, bare("Streaming quota exceeded"), "rate_limited", ""},
		{"streaming not allowed any more, rate", 429, openai("Streaming requests are not allowed at this rate", "rate_limit_exceeded", ""), "rate_limited", ""},
		{"bad key on a stream", 401, openai("Incorrect API key provided. Streaming requests need a valid key.", "invalid_api_key", ""), "auth_rejected", "key"},
		{"forbidden deployment", 403, bare("You are not allowed to call this deployment"), "auth_rejected", "permission"},
		{"upstream timed out", 504, bare("The upstream server is timing out"), "gateway_timeout", ""},
		{"Envoy", 503, bare("upstream connect error or disconnect/reset before headers. reset reason: connection failure"), "gateway_error_opaque", ""},
		{"Kong ring", 503, bare("failure to get a peer from the ring-balancer"), "gateway_error_opaque", ""},
		{"Kong route", 404, bare("no Route matched with those values"), "endpoint_not_found", ""},
		{"AWS gateway", 504, bare("Endpoint request timed out"), "gateway_timeout", ""},
		{"overloaded", 529, openai("Overloaded", "overloaded_error", ""), "provider_error", "overloaded"},
	}, asked)
	classify(t, []answer{
		{"json_schema by version", 400, openai("response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later", "BadRequest", ""), "api_version_incompatible", ""},
		{"not in this version", 400, openai("The parameter parallel_tool_calls is not supported in api-version 2024-02-01", "", ""), "api_version_incompatible", ""},
		{"needs a later version", 400, openai("Tools require api-version 2023-12-01-preview or later", "", ""), "api_version_incompatible", ""},
		{"of the model", 400, openai("logprobs are not supported by this model", "", ""), "parameter_unsupported", ""},
	}, azure)
}

package explain

// screens are what clients showed when each fault was played to them; the first
// row that fits counts, so special ones and newer versions come first. A product hides its framework, and that its SDK.
var screens = []screen{
	{"Jupyter AI 3.2.0", jupyter3, shown{
		failed:  "\"Error: litellm.APIError: AzureException APIError - ...\" in the chat, after three requests",
		oneJSON: "nothing at all: the typing mark goes on, then off",
		cut:     "partial text, then MidStreamFallbackError",
		unended: silentPartial,
		errored: "partial text, then `APIError`",
	}},
	{"Jupyter AI 2.29.0 and 2.31.7", jupyter2(2.029), shown{
		failed:  "\"Sorry, an error occurred. Details below:\", a traceback and InternalServerError with the body, after three requests",
		refused: "\"Sorry, an error occurred. Details below:\" and BadRequestError with the text, after one request",
		oneJSON: "`ValueError: No generation chunks were returned`",
		cut:     "partial text, then `RemoteProtocolError: peer closed connection ...`",
		unended: silentPartial,
		errored: "partial text, then `APIError`",
	}},
	{"Jupyter AI 2.19.0", jupyter2(2.019), shown{
		failed:  "\"Sorry, an error occurred. Details below:\", a traceback and InternalServerError with the body, after three requests",
		refused: "\"Sorry, an error occurred. Details below:\" and BadRequestError with the text, after one request",
		oneJSON: "a bare `AssertionError`",
		cut:     "partial text, then `RemoteProtocolError: peer closed connection ...`",
		unended: silentPartial,
		errored: "partial text, then `APIError`",
	}},
	{"Jupyter AI 2.19.0, 2.29.0 and 2.31.7", jupyter2Prompt, shown{
		failed:  "\"Sorry, an error occurred. Details below:\", a traceback and InternalServerError with the body, after three requests",
		refused: "\"Sorry, an error occurred. Details below:\" and BadRequestError with the text, after one request",
		oneJSON: "`ValueError: No generation chunks were returned`, or before 2.29 a bare `AssertionError`",
		cut:     "partial text, then `RemoteProtocolError: peer closed connection ...`",
		unended: silentPartial,
		errored: "partial text, then `APIError`",
	}},
	{"LangChain on anthropic-python", anthropicSDK("langchain"), shown{
		oneJSON: "ValueError \"No generation chunks were returned\"",
		cut:     "`httpx2.RemoteProtocolError`",
		unended: silentPartial,
		errored: "APIStatusError with status_code 200",
	}},
	{"LangChain's Responses API", both(named("langchain", 0), responses), shown{
		failed:  "InternalServerError (OpenAIAPIError from langchain-openai 1.7 on), after three requests",
		cut:     "RemoteProtocolError, or \"Connection error.\" on openai 3",
		unended: silentPartial,
		errored: "ValueError server_error",
	}},
	{"LangChain 0.3 to 1.7", named("langchain", 0), shown{
		failed:   "InternalServerError (OpenAIAPIError from langchain-openai 1.7 on), after three requests",
		oneJSON:  "ValueError \"No generation chunks were returned\", or \"No generations found in stream.\" with streaming=True",
		cut:      "RemoteProtocolError, or \"Connection error.\" on openai 3",
		unended:  silentPartial,
		errored:  "`openai.APIError`",
		nothing:  "ValueError \"No generation chunks were returned\"",
		badEvent: "JSONDecodeError \"Expecting value\"",
	}},
	{"LlamaIndex 0.8", named("llama-index", 0), shown{
		failed:  "an error after four requests",
		oneJSON: "ValidationError for `LLMCompletionEndEvent`",
		cut:     "RemoteProtocolError",
		unended: silentPartial,
		errored: "`APIError`",
	}},
	{"LiteLLM 1.99 and 1.106", named("litellm", 0), shown{
		failed:   "InternalServerError or APIError, after three requests",
		oneJSON:  silentStop,
		cut:      "MidStreamFallbackError",
		unended:  silentStop,
		errored:  "MidStreamFallbackError",
		nothing:  silentStop,
		badEvent: "MidStreamFallbackError",
	}},
	{"LangChain JS 1.6", named("langchain-js", 0), shown{
		failed: "an error after three requests or more", oneJSON: silentEmpty, cut: "\"terminated\"", unended: silentPartial,
		errored: "APIError", nothing: silentEmpty, badEvent: "SyntaxError",
	}},
	{"AI SDK 7", named("vercel-ai", 7), shown{
		failed: "an empty text: the error reaches only `onError`, after three requests", oneJSON: "an empty text with finishReason `interrupted`",
		cut: "APICallError \"Failed to process successful response\"", unended: "a partial text with finishReason `interrupted`",
		errored: "a partial text with finishReason `error`; the error reaches only `onError`", nothing: "an empty text with finishReason `interrupted`",
		badEvent: "the rest of the text; the error reaches only the error callback",
	}},
	{"AI SDK 6", named("vercel-ai", 6), shown{
		failed: "an empty text: the error reaches only `onError`, after three requests", oneJSON: "an empty text with finishReason `other`",
		cut: "APICallError \"Failed to process successful response\"", unended: "a partial text with finishReason `other`",
		errored: "a partial text with finishReason `error`; the error reaches only `onError`",
	}},
	{"openai-python's Responses API", both(named("openai-python", 0), responses), shown{
		failed: "InternalServerError \"Error code: 500\", after three requests", unended: silentPartial,
		errored: "nothing wrong: the error is only an event among the others",
	}},
	{"openai-python 3", named("openai-python", 3), shown{
		failed: "InternalServerError \"Error code: 500 - ...\", after three requests", refused: "BadRequestError with the text, after one request",
		oneJSON: silentEmpty, cut: "APIConnectionError \"Connection error.\"", unended: silentPartial,
		errored: "APIError with the message and no status", nothing: silentEmpty, badEvent: "JSONDecodeError \"Expecting value\"",
	}},
	{"openai-python 1 and 2", named("openai-python", 1), shown{
		failed: "InternalServerError, after three requests", refused: "BadRequestError with the text, after one request",
		oneJSON: silentEmpty, cut: "`httpx.RemoteProtocolError`", unended: silentPartial,
		errored: "APIError", nothing: silentEmpty, badEvent: "JSONDecodeError \"Expecting value\"",
	}},
	{"anthropic-python 2.12", anthropicSDK("anthropic-python"), shown{
		failed: "an error after three requests", oneJSON: silentEmpty + " (the helper `.stream()` raises an empty AssertionError)",
		cut: "`httpx2.RemoteProtocolError`", unended: silentPartial, errored: "APIStatusError with status_code 200",
	}},
	{"google-genai for Python 3.4", named("google-genai-python", 0), shown{
		failed: "ServerError, after one request", oneJSON: "the answer: this client reads it all the same", cut: "`httpx2.RemoteProtocolError`",
		unended: silentPartial, errored: "ServerError \"503 UNAVAILABLE\"",
	}},
	{"mistralai 3.7", named("mistralai-python", 0), shown{
		failed: "SDKError, after one request", oneJSON: "SDKError \"Unexpected response received\"", cut: "an error of httpx2",
		unended: silentPartial, errored: "ResponseValidationError, which hides the text",
	}},
	{"cohere 7.3", named("cohere-python", 0), shown{
		failed: "an error after one request", oneJSON: "SSEError about the content type", cut: "an error of httpx",
		unended: silentPartial, errored: silentPartial + " (its last event has finish ERROR)",
	}},
	{"ollama 0.6", named("ollama-python", 0), shown{
		failed: "ResponseError (status code: 500), after one request", oneJSON: "the answer: this client reads it all the same",
		cut: "an error of httpx", unended: silentPartial, errored: "ResponseError (status code: -1)",
	}},
	{"boto3 1.44", named("boto3", 0), shown{
		failed: "InternalServerException, after three requests", oneJSON: "ChecksumMismatch", cut: "\"Response ended prematurely\" from urllib3",
		unended: silentPartial, errored: "EventStreamError",
	}},
	{"openai-node's Responses API", both(named("openai-node", 0), responses), shown{
		failed: "\"500\" and the message, after three requests", cut: "TypeError \"terminated\"", unended: silentPartial,
		errored: "an error from 7.57 on; 6.49 shows none",
	}},
	{"openai-node 6 and 7", named("openai-node", 0), shown{
		failed: "\"500\" and the message, after three requests", oneJSON: silentEmpty + " (the helper: \"request ended without sending any chunks\")",
		cut: "TypeError \"terminated\"", unended: silentPartial + " (the helper: \"missing finish_reason for choice 0\")",
		errored: "APIError", nothing: silentEmpty, badEvent: "SyntaxError",
	}},
	{"@anthropic-ai/sdk 1.12", named("anthropic-node", 0), shown{
		failed: "an error after three requests", oneJSON: silentEmpty + " (the helper raises)", cut: "\"terminated\"",
		unended: silentPartial + " (the helper raises)", errored: "APIError",
	}},
	{"@google/genai 3.1", named("google-genai-node", 0), shown{
		failed: "ApiError, after one request", oneJSON: "\"Incomplete JSON segment at the end\"", cut: "\"terminated\"",
		unended: silentPartial, errored: "ApiError",
	}},
	{"openai-go's Responses API", both(named("openai-go", 0), responses), shown{
		failed: "an error after three requests", unended: silentPartial, errored: silentPartial,
	}},
	{"openai-go 3.96", named("openai-go", 0), shown{
		failed: "an error after three requests", oneJSON: silentEmpty, cut: "StreamError INTERNAL_ERROR over HTTP/2", unended: silentPartial,
		errored: "StreamError", nothing: silentEmpty, badEvent: "SyntaxError",
	}},
	{"requests 2.34", named("python-requests", 0), shown{
		failed: "HTTPError, if the program checks the status", oneJSON: "the JSON", cut: "ChunkedEncodingError", unended: silentPartial,
		errored: "the error as text among the events",
	}},
	{"curl 7.88 with -f", named("curl", 0), shown{
		failed: "exit status 22", oneJSON: "the JSON", cut: "exit status 18 (92 over HTTP/2)", unended: silentPartial,
		errored: "the error as text among the events",
	}},
}

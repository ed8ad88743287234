package explain_test

import (
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// faults are what was played to each client, as a record shows it.
func faults() map[string]edit {
	return map[string]edit{
		"500":  failed(call.ClassGatewayErrorOpaque, 500),
		"json": failed(call.ClassStreamDowngraded, 200),
		"cut":  failed(call.ClassStreamTruncated, 200),
		"end":  failed(call.ClassStreamIncomplete, 200),
		"err":  failed(call.ClassErrorInStream, 200),
	}
}

func jupyter(version, rule, surface string) call.Client {
	return call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Version: version, Rule: rule, Surface: surface, Framework: "langchain", SDK: "openai-python", SDKVersion: "1.60.1"}
}

func framework(name, version, sdk string) call.Client {
	return call.Client{Kind: call.ClientFramework, Name: name, Version: version, SDK: sdk}
}

func sdk(name, version string) call.Client {
	return call.Client{Kind: call.ClientDirect, Name: name, Version: version, SDK: name, SDKVersion: version}
}

const (
	silent  = "nothing at all: no error, and an empty answer"
	partial = "a partial answer and no error"
)

// TestSeenTable: for each client that was tried, in each version, what its user
// saw of a 500, one JSON answer, a cut, a clean end without terminator and an
// error event. "-" was not tried.
func TestSeenTable(t *testing.T) {
	for name, tc := range map[string]struct {
		client call.Client
		want   [5]string
	}{
		"Jupyter AI 2.19 to 2.28":   {jupyter("2.19.0", "jai-chat-2", "chat"), [5]string{"Sorry, an error occurred", "bare `AssertionError`", "peer closed connection", partial, "then `APIError`"}},
		"Jupyter AI 2.29":           {jupyter("2.29.0", "jai-chat-2", "chat"), [5]string{"InternalServerError with the body, after three", "No generation chunks were returned`", "peer closed connection", partial, "then `APIError`"}},
		"Jupyter AI 2.31, fix":      {jupyter("2.31.7", "jai-fix", "fix"), [5]string{"Sorry, an error occurred", "No generation chunks were returned`", "peer closed connection", partial, "then `APIError`"}},
		"Jupyter AI 2 by prompt":    {jupyter("", "jai-chat-2", "chat"), [5]string{"Sorry, an error occurred", "or before 2.29 a bare `AssertionError`", "peer closed connection", partial, "then `APIError`"}},
		"Jupyter AI 3.2":            {jupyter("3.2.0", "jai-chat-3", "chat"), [5]string{"Error: litellm.APIError: AzureException", "nothing at all: the typing mark goes on, then off", "MidStreamFallbackError", partial, "then `APIError`"}},
		"Jupyter AI 3 by prompt":    {jupyter("", "jai-chat-3", "chat"), [5]string{"Error: litellm.APIError", "the typing mark", "MidStreamFallbackError", partial, "then `APIError`"}},
		"Jupyter AI generate":       {jupyter("2.29.0", "jai-generate", "generate"), [5]string{"-", "-", "-", "-", "-"}},
		"Jupyter AI 2.18":           {jupyter("2.18.1", "jai-stop-chat", "chat"), [5]string{"-", "-", "-", "-", "-"}},
		"openai-python 3":           {sdk("openai-python", "3.54.0"), [5]string{"Error code: 500", silent, `APIConnectionError "Connection error."`, partial, "APIError with the message"}},
		"openai-python 2":           {sdk("openai-python", "2.54.0"), [5]string{"InternalServerError, after three", silent, "httpx.RemoteProtocolError", partial, "APIError"}},
		"openai-python 1":           {sdk("openai-python", "1.6.1"), [5]string{"InternalServerError, after three", silent, "httpx.RemoteProtocolError", partial, "APIError"}},
		"openai-python 4":           {sdk("openai-python", "4.0.0"), [5]string{"Error code: 500", silent, "Connection error", partial, "APIError"}},
		"openai-python, no version": {sdk("openai-python", ""), [5]string{"-", "-", "-", "-", "-"}},
		"LangChain":                 {framework("langchain", "", "openai-python"), [5]string{"OpenAIAPIError", "No generation chunks were returned", "RemoteProtocolError", partial, "`openai.APIError`"}},
		"LangChain on Anthropic":    {framework("langchain", "1.7.7", "anthropic-python"), [5]string{"-", "No generation chunks were returned", "httpx2.RemoteProtocolError", partial, "status_code 200"}},
		"LlamaIndex":                {framework("llama-index", "", "openai-python"), [5]string{"four requests", "LLMCompletionEndEvent", "RemoteProtocolError", partial, "APIError"}},
		"LiteLLM":                   {framework("litellm", "1.106.2", "openai-python"), [5]string{"InternalServerError or APIError", "`stop` of its own", "MidStreamFallbackError", "`stop` of its own", "MidStreamFallbackError"}},
		"anthropic-python":          {sdk("anthropic-python", "2.12.0"), [5]string{"three requests", silent, "httpx2.RemoteProtocolError", partial, "status_code 200"}},
		"google-genai Python":       {sdk("google-genai-python", "3.4.0"), [5]string{"ServerError, after one", "the answer: this client reads it", "httpx2.RemoteProtocolError", partial, "503 UNAVAILABLE"}},
		"Mistral":                   {sdk("mistralai-python", "3.7.0"), [5]string{"SDKError, after one", "Unexpected response received", "httpx2", partial, "ResponseValidationError"}},
		"Cohere":                    {sdk("cohere-python", "7.3.1"), [5]string{"one request", "SSEError", "httpx", partial, "finish ERROR"}},
		"Ollama":                    {sdk("ollama-python", "0.6.3"), [5]string{"status code: 500", "the answer: this client reads it", "httpx", partial, "status code: -1"}},
		"boto3":                     {sdk("boto3", "1.44.5"), [5]string{"InternalServerException", "ChecksumMismatch", "Response ended prematurely", partial, "EventStreamError"}},
		"openai-node":               {sdk("openai-node", "7.57.0"), [5]string{"three requests", silent, `TypeError "terminated"`, partial, "APIError"}},
		"LangChain JS":              {framework("langchain-js", "", "openai-node"), [5]string{"three requests or more", silent, `"terminated"`, partial, "APIError"}},
		"anthropic-node":            {sdk("anthropic-node", "1.12.0"), [5]string{"three requests", silent, `"terminated"`, partial, "APIError"}},
		"google-genai Node":         {sdk("google-genai-node", "3.1.0"), [5]string{"ApiError, after one", "Incomplete JSON segment", `"terminated"`, partial, "ApiError"}},
		"AI SDK 7":                  {framework("vercel-ai", "7.0.173", ""), [5]string{"only `onError`", "`interrupted`", "Failed to process successful response", "`interrupted`", "finishReason `error`"}},
		"AI SDK 6":                  {framework("vercel-ai", "6.0.326", ""), [5]string{"only `onError`", "`other`", "Failed to process successful response", "`other`", "finishReason `error`"}},
		"openai-go":                 {sdk("openai-go", "3.96.0"), [5]string{"three requests", silent, "INTERNAL_ERROR", partial, "StreamError"}},
		"requests":                  {sdk("python-requests", "2.34.2"), [5]string{"HTTPError", "the JSON", "ChunkedEncodingError", partial, "as text among the events"}},
		"curl":                      {sdk("curl", "7.88.1"), [5]string{"status 22", "the JSON", "status 18", partial, "as text among the events"}},
		"a bare Go client":          {sdk("go-http", "1.1"), [5]string{"-", "-", "-", "-", "-"}},
		"nobody known":              {call.Client{}, [5]string{"-", "-", "-", "-", "-"}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, fault := range []string{"500", "json", "cut", "end", "err"} {
				got := explain.Seen(streamCall(faults()[fault], by(tc.client)))
				if tc.want[i] == "-" {
					if got != "" {
						t.Errorf("%s: guessed %q", fault, got)
					}
					continue
				}
				if !strings.HasPrefix(got, "Probably ") || !strings.Contains(got, tc.want[i]) || !strings.Contains(got, "(so it was with ") {
					t.Errorf("%s: got %q, want %q", fault, got, tc.want[i])
				}
			}
		})
	}
}

// TestSeenOfResponses: the Responses API hides errors that chat shows.
func TestSeenOfResponses(t *testing.T) {
	responses := func(r *call.Record) { r.Target.API = "azure.openai.responses" }
	for name, tc := range map[string]struct {
		client call.Client
		want   string
	}{
		"openai-python": {sdk("openai-python", "3.54.0"), "only an event among the others"},
		"openai-node":   {sdk("openai-node", "7.57.0"), "6.49 shows none"},
		"openai-go":     {sdk("openai-go", "3.96.0"), partial},
		"langchain":     {framework("langchain", "", "openai-python"), "ValueError server_error"},
	} {
		if got := explain.Seen(streamCall(faults()["err"], by(tc.client), responses)); !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// TestSeenOfOddThings: a certificate, a stop, events that clients choke on, and
// what is no fault at all.
func TestSeenOfOddThings(t *testing.T) {
	class := func(c call.Class, reason string) edit {
		return func(r *call.Record) { r.Diagnosis.Class, r.Diagnosis.Reason = c, reason }
	}
	for name, tc := range map[string]struct {
		record call.Record
		want   string
	}{
		"choked python":     {streamCall(by(sdk("openai-python", "2.54.0")), class(call.ClassClientChoked, "comment_after_id")), "line 1 column 1"},
		"choked node":       {streamCall(by(sdk("openai-node", "7.57.0")), class(call.ClassClientChoked, "block_without_data")), "SyntaxError"},
		"choked otherwise":  {streamCall(by(sdk("openai-python", "2.54.0")), class(call.ClassClientChoked, "choices_empty")), ""},
		"choked go":         {streamCall(by(sdk("openai-go", "3.96.0")), class(call.ClassClientChoked, "comment_after_id")), ""},
		"bad event, python": {streamCall(by(sdk("openai-python", "2.54.0")), class(call.ClassSSEMalformed, "")), "JSONDecodeError"},
		"bad event, vercel": {streamCall(by(framework("vercel-ai", "7.0.1", "")), class(call.ClassSSEMalformed, "")), "the rest of the text"},
		"html, openai":      {streamCall(by(sdk("openai-python", "2.54.0")), class(call.ClassNonAPIResponse, "login_page")), silent},
		"html, langchain":   {streamCall(by(framework("langchain", "", "openai-python")), class(call.ClassNonAPIResponse, "login_page")), "No generation chunks"},
		"error json, go":    {streamCall(by(sdk("openai-go", "3.96.0")), class(call.ClassErrorInBody, "")), silent},
		"zero bytes":        {streamCall(by(sdk("openai-python", "2.54.0")), class(call.ClassEmptyStream, "zero_bytes")), silent},
		"no terminal":       {streamCall(by(sdk("openai-python", "2.54.0")), class(call.ClassEmptyStream, "no_terminal")), partial},
		"no output":         {streamCall(by(sdk("openai-python", "2.54.0")), class(call.ClassEmptyStream, "no_output_stop")), ""},
		"400 once":          {streamCall(by(sdk("openai-python", "2.54.0")), failed(call.ClassStreamUnsupported, 400)), "BadRequestError with the text, after one request"},
		"400 in the chat":   {streamCall(by(jupyter("2.29.0", "jai-chat-2", "chat")), failed(call.ClassStreamUnsupported, 400)), "BadRequestError"},
		"429":               {streamCall(by(sdk("openai-python", "2.54.0")), failed(call.ClassRateLimited, 429)), ""},
		"untrusted python":  {plainCall(by(sdk("openai-python", "2.54.0")), class(call.ClassTLSUntrusted, "")), `"Connection error."`},
		"untrusted litellm": {plainCall(by(framework("litellm", "", "")), class(call.ClassTLSUntrusted, "")), "InternalServerError"},
		"untrusted ollama":  {plainCall(by(sdk("ollama-python", "0.6.3")), class(call.ClassTLSUntrusted, "")), "Failed to connect to Ollama"},
		"untrusted node":    {plainCall(by(sdk("node-fetch", "")), class(call.ClassTLSUntrusted, "")), "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
		"untrusted curl":    {plainCall(by(sdk("curl", "8")), class(call.ClassTLSUntrusted, "")), "exit status 60"},
		"untrusted nobody":  {plainCall(by(call.Client{}), class(call.ClassTLSUntrusted, "")), ""},
		"stopped":           {streamCall(by(jupyter("2.31.7", "jai-chat-2", "chat")), class(call.ClassClientCancelled, "")), "(AI response stopped by user)"},
		"stopped early":     {streamCall(by(jupyter("2.31.7", "jai-chat-2", "chat")), class(call.ClassClientCancelled, ""), func(r *call.Record) { r.Stream.ContentEvents = 0 }), ""},
		"stopped in 3":      {streamCall(by(jupyter("3.2.0", "jai-chat-3", "chat")), class(call.ClassClientCancelled, "")), ""},
		"one block":         {streamCall(by(jupyter("2.29.0", "jai-chat-2", "chat")), class(call.ClassStreamBuffered, "one_block")), "the whole answer at once"},
		"worked":            {streamCall(by(jupyter("2.29.0", "jai-chat-2", "chat"))), ""},
		"plain":             {plainCall(by(sdk("openai-python", "2.54.0")), failed(call.ClassProviderError, 500)), ""},
		"our own answer":    {streamCall(by(sdk("openai-python", "2.54.0")), failed(call.ClassUpstreamUnreachable, 502), func(r *call.Record) { r.Response.Origin = "agent" }), ""},
		"no answer":         {streamCall(by(sdk("openai-python", "2.54.0")), failed(call.ClassUpstreamUnreachable, 0)), ""},
	} {
		got := explain.Seen(tc.record)
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// TestVersionsThatAreNoneChooseNothing.
func TestVersionsThatAreNoneChooseNothing(t *testing.T) {
	for _, v := range []string{"", "x", "2", "2.x", "-1.0", "2.1000", "99999999999.1", "2.19\x1b"} {
		if got := explain.Seen(streamCall(faults()["json"], by(jupyter(v, "", "chat")))); got != "" {
			t.Errorf("version %q: %q", v, got)
		}
	}
}

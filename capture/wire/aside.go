package wire

// asideRows are endpoints of the same services that ask no model: they manage,
// count or take files. Their bodies may look like those of calls, so that they
// stand before every other row.
var asideRows = []row{
	{needs: aside, paths: []string{
		// Ollama
		"/api/show", "/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete", "/api/blobs/{}",
		// OpenAI, Azure OpenAI, Mistral
		"/files", "/files/{}", "/uploads", "/uploads/{}/parts", "/uploads/{}/complete", "/uploads/{}/cancel",
		"/batches", "/batches/{}/cancel", "/moderations", "/chat/completions/{}", "/responses/input_tokens", "/responses/{}/cancel",
		"/fine_tuning/jobs", "/fine_tuning/jobs/{}/{}", "/vector_stores", "/vector_stores/{}", "/vector_stores/{}/{}",
		"/assistants", "/assistants/{}", "/threads", "/threads/{}", "/threads/{}/messages",
		"/realtime/sessions", "/realtime/client_secrets", "/realtime/transcription_sessions",
		// Anthropic, also on Vertex AI
		"/messages/count_tokens", "/messages/batches", "/messages/batches/{}/cancel",
		"/publishers/anthropic/models/count-tokens:rawPredict",
		// Gemini and Vertex AI
		"/{}:countTokens", "/{}:computeTokens", "/{}:batchGenerateContent", "/cachedContents",
		// Bedrock
		"/model/{}/count-tokens", "/guardrail/{}/version/{}/apply",
		// vLLM, SGLang, llama.cpp, Text Generation Inference, Cohere
		"/tokenize", "/detokenize", "/chat_tokenize", "/apply-template", "/count_tokens", "/check-api-key",
	}},
}

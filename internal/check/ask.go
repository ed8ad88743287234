package check

import (
	"encoding/json"
	"net/http"
)

// Output limits of the calls that spend tokens.
const (
	shortAnswer  = 16
	streamAnswer = 64
)

// Budget is the most that Probe spends: calls, tokens in, tokens out. A refused
// call is repeated at most once, with max_completion_tokens for max_tokens.
func Budget() (calls, in, out int) { return 5, 400, 2*shortAnswer + 2*streamAnswer }

// question is one call that spends tokens.
type question struct {
	stream, options, tools bool
	tokens                 int
	// limit is the member that bounds the answer in OpenAI's dialect.
	limit string
}

type object = map[string]any

// body writes the question in the service's dialect.
func (e Endpoint) body(q question) ([]byte, error) {
	text := "Reply with OK."
	if q.stream {
		text = "Count from 1 to 20, one number a line."
	}
	messages := []object{{"role": "user", "content": text}}
	var b object
	switch e.Service {
	case Anthropic:
		b = object{"model": e.Model, "max_tokens": q.tokens, "messages": messages}
	case Gemini:
		b = object{"contents": []object{{"role": "user", "parts": []object{{"text": text}}}}, "generationConfig": object{"maxOutputTokens": q.tokens}}
	case Ollama:
		b = object{"model": e.Model, "messages": messages, "options": object{"num_predict": q.tokens}, "stream": q.stream}
	default:
		b = object{"messages": messages, q.limit: q.tokens}
		if e.Service != Azure {
			b["model"] = e.Model
		}
	}
	if q.stream && e.Service != Gemini {
		b["stream"] = true
	}
	if q.options {
		b["stream_options"] = object{"include_usage": true}
	}
	if q.tools {
		b["tools"] = tools(e.Service)
	}
	return json.Marshal(b)
}

// tools offers one tool that nobody needs.
func tools(s Service) []object {
	const name, about = "noop", "Does nothing. Do not call it."
	schema := object{"type": "object", "properties": object{}}
	switch s {
	case Anthropic:
		return []object{{"name": name, "description": about, "input_schema": schema}}
	case Gemini:
		return []object{{"functionDeclarations": []object{{"name": name, "description": about}}}}
	}
	return []object{{"type": "function", "function": object{"name": name, "description": about, "parameters": schema}}}
}

// request is a POST to the address of calls; an empty body asks nothing: it
// costs nothing, and how it is refused tells key, path and deployment apart.
func (e Endpoint) request(k Key, stream bool, body []byte) Request {
	path, query := e.chat(stream)
	return Request{Method: http.MethodPost, Path: path, Query: query, Header: e.headers(k), Body: body}
}

func (e Endpoint) headers(k Key) http.Header {
	row, h := e.Service.row(), http.Header{"Content-Type": {"application/json"}}
	if k.Value != "" && row.header != "" {
		h.Set(row.header, row.scheme+k.Value)
	}
	if e.Service == Anthropic {
		h.Set("Anthropic-Version", "2023-06-01")
	}
	return h
}

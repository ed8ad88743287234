package otlp

import (
	"encoding/json"
	"strings"
)

// asked is what a request body says in messages.
type asked struct {
	messages []message
	system   []part
	tools    json.RawMessage
}

// rawMessage covers the message objects of the OpenAI and Anthropic dialects.
type rawMessage struct {
	Role       string          `json:"role"`
	Name       string          `json:"name"`
	Content    json.RawMessage `json:"content"`
	Reasoning  string          `json:"reasoning_content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []rawToolCall   `json:"tool_calls"`
}

type rawToolCall struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// rawPart covers the content parts of both dialects.
type rawPart struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Thinking  string          `json:"thinking"`
	Name      string          `json:"name"`
	ID        string          `json:"id"`
	ToolUseID string          `json:"tool_use_id"`
	Input     json.RawMessage `json:"input"`
	Content   json.RawMessage `json:"content"`
	ImageURL  struct {
		URL string `json:"url"`
	} `json:"image_url"`
}

// readRequest reads the messages of a request body. A body that is not JSON
// (it may be cut) is shown as one text.
func readRequest(body string) asked {
	var q struct {
		Messages     []rawMessage    `json:"messages"`
		Input        json.RawMessage `json:"input"`
		Prompt       json.RawMessage `json:"prompt"`
		System       json.RawMessage `json:"system"`
		Instructions json.RawMessage `json:"instructions"`
		Tools        json.RawMessage `json:"tools"`
	}
	if body == "" {
		return asked{}
	}
	if json.Unmarshal([]byte(body), &q) != nil {
		return asked{messages: []message{{Role: "user", Parts: texts(body)}}}
	}
	out := asked{tools: q.Tools, system: append(parts(q.System), parts(q.Instructions)...)}
	for _, m := range q.Messages {
		out.messages = append(out.messages, m.message())
	}
	var input []rawMessage
	if json.Unmarshal(q.Input, &input) == nil && len(input) > 0 {
		for _, m := range input {
			out.messages = append(out.messages, m.message())
		}
	} else if p := append(parts(q.Input), parts(q.Prompt)...); len(p) > 0 {
		out.messages = append(out.messages, message{Role: "user", Parts: p})
	}
	return out
}

// message converts one message of a request or an answer.
func (m rawMessage) message() message {
	out := message{Role: m.Role, Name: m.Name}
	if m.Reasoning != "" {
		out.Parts = append(out.Parts, part{Type: "reasoning", Content: m.Reasoning})
	}
	content := parts(m.Content)
	if m.ToolCallID != "" {
		out.Parts = append(out.Parts, part{Type: "tool_call_response", ID: m.ToolCallID, Response: joined(content)})
	} else {
		out.Parts = append(out.Parts, content...)
	}
	for _, c := range m.ToolCalls {
		out.Parts = append(out.Parts, part{Type: "tool_call", ID: c.ID, Name: c.Function.Name, Arguments: arguments(c.Function.Arguments)})
	}
	if out.Parts == nil {
		out.Parts = []part{}
	}
	return out
}

// parts converts a content member: a text, or a list of parts.
func parts(raw json.RawMessage) []part {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return texts(s)
	}
	var list []rawPart
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	out := make([]part, 0, len(list))
	for _, p := range list {
		out = append(out, p.part())
	}
	return out
}

func (p rawPart) part() part {
	switch p.Type {
	case "text", "input_text", "output_text":
		return part{Type: "text", Content: p.Text}
	case "thinking", "reasoning":
		return part{Type: "reasoning", Content: p.Thinking + p.Text}
	case "tool_use":
		return part{Type: "tool_call", ID: p.ID, Name: p.Name, Arguments: p.Input}
	case "tool_result":
		return part{Type: "tool_call_response", ID: p.ToolUseID, Response: joined(parts(p.Content))}
	case "image_url":
		if strings.HasPrefix(p.ImageURL.URL, "data:") {
			return part{Type: "blob", Modality: "image"}
		}
		return part{Type: "uri", Modality: "image", URI: p.ImageURL.URL}
	}
	return part{Type: p.Type}
}

func texts(s string) []part {
	if s == "" {
		return nil
	}
	return []part{{Type: "text", Content: s}}
}

func joined(list []part) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(p.Content)
	}
	return b.String()
}

// arguments are JSON in a text; what is not JSON stays a text.
func arguments(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	if json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	return json.RawMessage(encode(s))
}

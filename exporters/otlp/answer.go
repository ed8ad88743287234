package otlp

import (
	"encoding/json"
	"slices"
	"strings"
)

// maxChoices bounds the choices that are put together from a stream.
const maxChoices = 128

// rawChoice is a choice of a plain answer, or a piece of one in a stream.
type rawChoice struct {
	Index   int        `json:"index"`
	Text    string     `json:"text"`
	Finish  string     `json:"finish_reason"`
	Message rawMessage `json:"message"`
	Delta   rawMessage `json:"delta"`
}

// readResponse reads the messages of an answer: plain OpenAI or Anthropic
// JSON, or a stream of OpenAI chunks. Anything else is shown as one text.
func readResponse(body string) []message {
	if body == "" {
		return nil
	}
	if !strings.HasPrefix(strings.TrimLeft(body, " \r\n"), "{") {
		if out := readStream(body); len(out) > 0 {
			return out
		}
		return []message{{Role: "assistant", Parts: texts(body)}}
	}
	var a struct {
		Choices []rawChoice     `json:"choices"`
		Content json.RawMessage `json:"content"`
		Role    string          `json:"role"`
		Stop    string          `json:"stop_reason"`
	}
	if json.Unmarshal([]byte(body), &a) != nil {
		return []message{{Role: "assistant", Parts: texts(body)}}
	}
	var out []message
	for _, c := range a.Choices {
		m := c.Message.message()
		if c.Text != "" {
			m.Parts = append(m.Parts, texts(c.Text)...)
		}
		m.Role, m.Finish = role(m.Role), c.Finish
		out = append(out, m)
	}
	if p := parts(a.Content); len(p) > 0 {
		out = append(out, message{Role: role(a.Role), Parts: p, Finish: a.Stop})
	}
	return out
}

func role(r string) string {
	if r == "" {
		return "assistant"
	}
	return r
}

// choice is one choice while its pieces are put together.
type choice struct {
	text, reasoning strings.Builder
	finish          string
	tools           []rawToolCall
}

// readStream puts OpenAI chunks together, one message per choice.
func readStream(body string) []message {
	byIndex := map[int]*choice{}
	for line := range strings.Lines(body) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data:")
		var chunk struct {
			Choices []rawChoice `json:"choices"`
		}
		if !ok || json.Unmarshal([]byte(data), &chunk) != nil {
			continue
		}
		for _, c := range chunk.Choices {
			at := byIndex[c.Index]
			if at == nil && len(byIndex) < maxChoices {
				at = &choice{}
				byIndex[c.Index] = at
			}
			if at != nil {
				at.add(c)
			}
		}
	}
	indexes := make([]int, 0, len(byIndex))
	for i := range byIndex {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	out := make([]message, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, byIndex[i].message())
	}
	return out
}

func (c *choice) add(piece rawChoice) {
	c.text.WriteString(joined(parts(piece.Delta.Content)))
	c.text.WriteString(piece.Text)
	c.reasoning.WriteString(piece.Delta.Reasoning)
	if piece.Finish != "" {
		c.finish = piece.Finish
	}
	for _, t := range piece.Delta.ToolCalls {
		i := slices.IndexFunc(c.tools, func(have rawToolCall) bool { return have.Index == t.Index })
		if i < 0 {
			if len(c.tools) < maxChoices {
				c.tools = append(c.tools, t)
			}
			continue
		}
		c.tools[i].Function.Arguments += t.Function.Arguments
	}
}

func (c *choice) message() message {
	raw := rawMessage{Role: "assistant", Reasoning: c.reasoning.String(), ToolCalls: c.tools}
	m := raw.message()
	m.Parts = append(m.Parts, texts(c.text.String())...)
	m.Finish = c.finish
	return m
}

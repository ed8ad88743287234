// Command go drives openai-go: tasks from stdin, one JSON object a call on
// stdout; the form is that of report.py. Each task has its own connections.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"
)

const apiKey = "sk-e2e-0123456789abcdef0123456789abcdef"

type task struct {
	Name     string                     `json:"name"`
	Kind     string                     `json:"kind"`
	Scenario string                     `json:"scenario"`
	Stream   bool                       `json:"stream"`
	Extra    map[string]json.RawMessage `json:"extra"`
	Retries  int                        `json:"retries"`
	Repeat   int                        `json:"repeat"`
	Query    map[string]string          `json:"query"`
}

type failure struct {
	Class  string      `json:"class"`
	Text   string      `json:"text"`
	Causes [][2]string `json:"causes"`
	Body   string      `json:"body,omitempty"` // what the program can read of the answer
}

type result struct {
	Name    string   `json:"name"`
	OK      bool     `json:"ok"`
	Events  int      `json:"n_events"`
	Text    string   `json:"text"`
	Finish  []string `json:"finish"`
	Digest  string   `json:"digest"`
	Status  int      `json:"status,omitempty"`
	Failure *failure `json:"error,omitempty"`
}

func main() {
	var tasks []task
	if err := json.NewDecoder(os.Stdin).Decode(&tasks); err != nil {
		fmt.Fprintln(os.Stderr, "read tasks:", err)
		os.Exit(1)
	}
	out := json.NewEncoder(os.Stdout)
	for _, t := range tasks {
		client, done := clientFor(t)
		for range max(t.Repeat, 1) {
			if err := out.Encode(run(client, t)); err != nil {
				os.Exit(1)
			}
		}
		done()
	}
}

func clientFor(t task) (openai.Client, func()) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	opts := []option.RequestOption{
		option.WithHTTPClient(&http.Client{Transport: transport}), option.WithMaxRetries(t.Retries),
		option.WithRequestTimeout(30 * time.Second),
	}
	switch t.Kind {
	case "azure":
		opts = append(opts, azure.WithEndpoint("https://contoso.openai.azure.com", "2024-10-21"), azure.WithAPIKey(apiKey))
	case "custom":
		opts = append(opts, option.WithBaseURL("https://llm.test/v1"), option.WithAPIKey(apiKey))
	case "foreign":
		opts = append(opts, option.WithBaseURL("https://other.test/v1"), option.WithAPIKey(apiKey))
	default:
		opts = append(opts, option.WithBaseURL("https://api.openai.com/v1"), option.WithAPIKey(apiKey))
	}
	for k, v := range t.Query {
		opts = append(opts, option.WithQuery(k, v))
	}
	for k, v := range t.Extra {
		opts = append(opts, option.WithJSONSet(k, v))
	}
	return openai.NewClient(opts...), transport.CloseIdleConnections
}

func run(client openai.Client, t task) result {
	r, sum := result{Name: t.Name, Finish: []string{}}, sha256.New()
	params := openai.ChatCompletionNewParams{
		Model:    t.Scenario,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Tell me about owls.")},
	}
	var err error
	if t.Stream {
		stream := client.Chat.Completions.NewStreaming(context.Background(), params)
		for stream.Next() {
			c := stream.Current()
			_, _ = fmt.Fprintln(sum, c.RawJSON())
			r.Events++
			for _, choice := range c.Choices {
				r.take(choice.Delta.Content, choice.FinishReason)
			}
		}
		if err = stream.Err(); err == nil {
			err = stream.Close()
		}
	} else {
		var c *openai.ChatCompletion
		if c, err = client.Chat.Completions.New(context.Background(), params); err == nil {
			_, _ = fmt.Fprintln(sum, c.RawJSON())
			r.Events++
			for _, choice := range c.Choices {
				r.take(choice.Message.Content, choice.FinishReason)
			}
		}
	}
	r.Digest = hex.EncodeToString(sum.Sum(nil))[:16]
	r.OK = err == nil
	r.explain(err)
	return r
}

func (r *result) take(text, finish string) {
	r.Text += text
	if finish != "" {
		r.Finish = append(r.Finish, finish)
	}
}

func (r *result) explain(err error) {
	if err == nil {
		return
	}
	r.Failure = &failure{Class: fmt.Sprintf("%T", err), Text: err.Error(), Causes: [][2]string{}}
	for c := next(err); c != nil; c = next(c) {
		r.Failure.Causes = append(r.Failure.Causes, [2]string{fmt.Sprintf("%T", c), c.Error()})
	}
	var api *openai.Error
	if errors.As(err, &api) {
		r.Status, r.Failure.Body = api.StatusCode, api.RawJSON()
	}
}

// next is the cause of err, the first one if there are several.
func next(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()[0]
	}
	return errors.Unwrap(err)
}

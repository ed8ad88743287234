//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"llmtap/internal/faultllm"
)

// aiService is the fault service behind one more answer: what /generate begins
// with is the outline of a notebook as JSON.
type aiService struct{ faults http.Handler }

func newAIService() aiService {
	return aiService{faults: faultllm.New(faultllm.Config{Interval: time.Millisecond, Chunks: 6})}
}

// serve returns once ctx is done.
func (s aiService) serve(ctx context.Context, l net.Listener, conf *tls.Config) error {
	srv := &http.Server{
		Handler: http.HandlerFunc(s.answer), TLSConfig: conf, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		<-ctx.Done()
		_ = srv.Close()
	}()
	err := srv.ServeTLS(l, "", "")
	<-over
	return err
}

const outlineAsked = "You are an AI that creates a detailed content outline"

// thinks is how long a model takes at least. The agent looks for a new process
// meanwhile; an answer at once would come before it knows whose call it was.
const thinks = 300 * time.Millisecond

// answer hands everything to the fault service but a request for an outline.
func (s aiService) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	thought := time.NewTimer(thinks)
	defer thought.Stop()
	select {
	case <-thought.C:
	case <-r.Context().Done():
		return
	}
	var asked struct {
		Stream   bool `json:"stream"`
		Messages []struct {
			Content any `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &asked) == nil && !asked.Stream && len(asked.Messages) > 0 {
		text, _ := asked.Messages[len(asked.Messages)-1].Content.(string)
		if strings.HasPrefix(text, outlineAsked) {
			outline := `{"description":"Owls","sections":[{"title":"Night","content":"count the owls"}]}`
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"id":"chatcmpl-outline","object":"chat.completion","created":1700000000,"model":"gpt-4o",`+
				`"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],`+
				`"usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}`, outline)
			return
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.faults.ServeHTTP(w, r)
}

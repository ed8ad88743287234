package faultllm

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// Media types of the answers.
const (
	typeJSON = "application/json"
	typeSSE  = "text/event-stream; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
	typeHTML = "text/html; charset=utf-8"
)

// exchange is one call being answered. It belongs to the goroutine of its
// request.
type exchange struct {
	answer
	clock
	w   http.ResponseWriter
	r   *http.Request
	svc *Service
	hit int // number of this call of the scenario, from 1
	// lost is set when a write failed, which can be known before the context is
	// done.
	lost bool
	// resets is set before the service itself breaks the connection, which
	// ends the context as well.
	resets atomic.Bool
}

// own sets the headers of the service itself; gateways lack them.
func (x *exchange) own() {
	switch d := x.ask.dialect; {
	case d != nil:
		d.own(x)
		return
	case x.ask.azure:
		x.azureHeaders()
		return
	}
	x.openaiHeaders()
}

// openaiHeaders sets those of OpenAI.
func (x *exchange) openaiHeaders() {
	h := x.w.Header()
	h["x-request-id"] = []string{"req_" + x.fingerprint(24)}
	h["openai-processing-ms"] = []string{"42"}
	h["openai-version"] = []string{"2020-10-01"}
	h["openai-organization"] = []string{"llmtap-tests"}
	h["x-ratelimit-limit-requests"] = []string{"500"}
	h["x-ratelimit-remaining-requests"] = []string{"499"}
	h["x-ratelimit-reset-requests"] = []string{"120ms"}
}

// azureHeaders sets what Azure's own front adds, whatever the route.
func (x *exchange) azureHeaders() {
	h := x.w.Header()
	h["apim-request-id"] = []string{x.uuid("apim")}
	h["x-request-id"] = []string{x.uuid("request")}
	h["x-ms-region"] = []string{"Nowhere Central"}
	h["x-ratelimit-limit-requests"] = []string{"500"}
	h["x-ratelimit-remaining-requests"] = []string{"499"}
}

// reply answers with one body of known length.
func (x *exchange) reply(status int, mediaType, body string) { reply(x.w, status, mediaType, body) }

// reply answers with one body of known length; an empty media type sends none.
func reply(w http.ResponseWriter, status int, mediaType, body string) {
	setType(w.Header(), mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a client that left is noticed by its context
}

// setType sets the media type; an empty one also stops net/http's guess.
func setType(h http.Header, mediaType string) {
	if mediaType == "" {
		h["Content-Type"] = nil
		return
	}
	h.Set("Content-Type", mediaType)
}

func replyJSON(w http.ResponseWriter, v any) {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		reply(w, http.StatusInternalServerError, typeText, err.Error())
		return
	}
	reply(w, http.StatusOK, typeJSON, string(b)+"\n")
}

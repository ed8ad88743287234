package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"llmtap/capture/observe"
	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// decoding is an exchange that does nothing but decode the answer.
type decoding struct {
	resp   *wire.Response
	events int
	emit   func(wire.Kind)
}

// Head makes the decoder when the answer begins.
func (d *decoding) Head(h *observe.Head, _ time.Time) {
	if h.Direction == observe.Response {
		m, _ := wire.Recognize(wire.Line{Method: "POST", Host: serverName, Port: 443, Path: "/v1/chat/completions"})
		d.resp = wire.NewResponse(m, call.ModeStream, wire.ResponseHead{Status: h.Status, MediaType: "text/event-stream"})
		d.emit = func(wire.Kind) { d.events++ }
	}
}

// Body decodes the answer.
func (d *decoding) Body(dir observe.Direction, p []byte, _ time.Time) {
	if dir == observe.Response {
		d.resp.Push(p, d.emit)
	}
}

// End needs nothing.
func (d *decoding) End(observe.Direction, observe.End, time.Time) {}

// allocations prints how often memory is allocated per streamed chunk while it
// is observed and decoded.
func allocations(_ context.Context, _ []string, _ io.Reader, stdout io.Writer) error {
	n, err := chunkAllocations()
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(n)
}

// perRun is how many chunks one run pushes.
const perRun = 1000

func chunkAllocations() (float64, error) {
	d := &decoding{}
	c := observe.New(observe.Config{Open: func(bool) observe.Exchange { return d }})
	at := time.Now()
	c.Push(observe.Request, request(serverName, "/v1/chat/completions", `{"model":"bench","stream":true}`), at)
	c.Push(observe.Response, []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"), at)
	chunks := [2][]byte{chunkOf("Owls"), chunkOf(" see")}
	run := func() {
		for i := range perRun {
			c.Push(observe.Response, chunks[i%2], at)
		}
	}
	per := testing.AllocsPerRun(20, run) / perRun
	if why := c.Opaque(); why != "" || d.events < 21*perRun {
		return 0, fmt.Errorf("bench: observed %d of %d events, opaque %q", d.events, 21*perRun, why)
	}
	return per, nil
}

func chunkOf(text string) []byte {
	event := `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1736000000,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"` +
		text + `"},"finish_reason":null}]}` + "\n\n"
	return fmt.Appendf(nil, "%x\r\n%s\r\n", len(event), event)
}

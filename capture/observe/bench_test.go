package observe_test

import (
	"fmt"
	"testing"
	"time"

	"llmtap/capture/observe"
)

var epoch = time.Unix(1_700_000_000, 0)

func discarding(cfg observe.Config) *observe.Conn {
	cfg.Open = func(bool) observe.Exchange { return funcs{} }
	return observe.New(cfg)
}

const sseEvent = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" token"}}]}` + "\n\n"

func sseChunk() []byte {
	return fmt.Appendf(nil, "%x\r\n%s\r\n", len(sseEvent), sseEvent)
}

func chunkStream() *observe.Conn {
	c := discarding(observe.Config{})
	c.Push(request, []byte(get), epoch)
	c.Push(response, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), epoch)
	return c
}

func h2Stream(tb testing.TB) (*observe.Conn, []byte) {
	c := discarding(observe.Config{H2: true})
	client, service := newPeer(tb, request), newPeer(tb, response)
	client.post(1, "")
	service.headers(1, false, ":status", "200")
	c.Push(request, client.take().p, epoch)
	c.Push(response, service.take().p, epoch)
	service.data(1, false, sseEvent)
	return c, service.take().p
}

const (
	plainRequest = "POST /openai/deployments/gpt4/chat/completions?api-version=2024-10-21 HTTP/1.1\r\nHost: x.openai.azure.com\r\n" +
		"Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nUser-Agent: AzureOpenAI/Python 1.58.1\r\n" +
		"Content-Type: application/json\r\napi-key: 0123456789\r\nContent-Length: 13\r\n\r\n{\"stream\":no}"
	plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: application/json\r\nx-request-id: r\r\n" +
		"apim-request-id: a\r\nx-ms-region: East\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\n\r\n{\"ok\":true}"
)

// A steady stream costs no allocation, and the bytes of a body are not copied.
func TestBodiesAreNotCopied(t *testing.T) {
	c, chunk := chunkStream(), sseChunk()
	if n := testing.AllocsPerRun(1000, func() { c.Push(response, chunk, epoch) }); n != 0 {
		t.Errorf("%v allocations per chunk, want 0", n)
	}
	h2, frame := h2Stream(t)
	if n := testing.AllocsPerRun(1000, func() { h2.Push(response, frame, epoch) }); n != 0 {
		t.Errorf("%v allocations per DATA frame, want 0", n)
	}
	if c.Opaque() != "" || h2.Opaque() != "" {
		t.Errorf("opaque %q, %q", c.Opaque(), h2.Opaque())
	}
	p := []byte("HTTP/1.1 200 OK\r\n\r\nbody")
	var seen []byte
	c = observe.New(observe.Config{Open: func(bool) observe.Exchange {
		return funcs{body: func(_ observe.Direction, b []byte, _ time.Time) { seen = b }}
	}})
	c.Push(request, []byte(get), epoch)
	c.Push(response, p, epoch)
	if string(seen) != "body" || &seen[0] != &p[len(p)-4] {
		t.Error("the body piece is not a part of the push")
	}
}

func TestPlainExchangeAllocatesLittle(t *testing.T) {
	c := discarding(observe.Config{})
	ask, answer := []byte(plainRequest), []byte(plainAnswer)
	n := testing.AllocsPerRun(500, func() {
		c.Forwarding(request)
		c.Push(request, ask, epoch)
		c.Push(response, answer, epoch)
	})
	if n > 10 || c.Opaque() != "" || c.Open() != 0 {
		t.Errorf("%v allocations, opaque %q, %d open; want ≤ 10, none, 0", n, c.Opaque(), c.Open())
	}
}

func BenchmarkSSEChunk(b *testing.B) {
	c, chunk := chunkStream(), sseChunk()
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		c.Push(response, chunk, epoch)
	}
}

func BenchmarkH2Data(b *testing.B) {
	c, frame := h2Stream(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		c.Push(response, frame, epoch)
	}
}

func BenchmarkPlainExchange(b *testing.B) {
	c := discarding(observe.Config{})
	ask, answer := []byte(plainRequest), []byte(plainAnswer)
	b.ReportAllocs()
	for b.Loop() {
		c.Forwarding(request)
		c.Push(request, ask, epoch)
		c.Push(response, answer, epoch)
	}
}

func BenchmarkConnection(b *testing.B) {
	ask, answer := []byte(plainRequest), []byte(plainAnswer)
	b.ReportAllocs()
	for b.Loop() {
		c := discarding(observe.Config{})
		c.Push(request, ask, epoch)
		c.Push(response, answer, epoch)
	}
}

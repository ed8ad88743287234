package observe_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/capture/observe"
)

// first keeps what an observer tells of the first exchange of a connection.
type first struct {
	head, answer message
}

// message is one direction as an observer or net/http read it.
type message struct {
	method, target, host string
	status               int
	fields               http.Header
	body                 strings.Builder
	end                  observe.End
	heads                int
}

func (f *first) Head(h *observe.Head, _ time.Time) {
	m := &f.head
	if h.Direction == observe.Response {
		m = &f.answer
	}
	if m.heads++; m.heads > 1 {
		return
	}
	m.method, m.target, m.host, m.status = h.Method, h.Target, h.Authority, h.Status
	m.fields = http.Header{}
	for _, x := range h.Fields {
		name := textproto.CanonicalMIMEHeaderKey(string(x.Name))
		m.fields[name] = append(m.fields[name], string(x.Value))
	}
}

func (f *first) of(d observe.Direction) *message {
	if d == observe.Request {
		return &f.head
	}
	return &f.answer
}

func (f *first) Body(d observe.Direction, p []byte, _ time.Time) { f.of(d).body.Write(p) }

func (f *first) End(d observe.Direction, e observe.End, _ time.Time) { f.of(d).end = e }

// observeFirst shows data, cut in two at cut, and then an orderly end.
func observeFirst(d observe.Direction, asked string, data []byte, cut int) (*first, *observe.Conn) {
	var got *first
	c := observe.New(observe.Config{Open: func(bool) observe.Exchange {
		if got == nil {
			got = &first{}
			return got
		}
		return funcs{}
	}})
	c.Push(observe.Request, []byte(asked), time.Time{})
	cut = min(cut, len(data))
	c.Push(d, data[:cut], time.Time{})
	c.Push(d, data[cut:], time.Time{})
	c.Close(d, observe.ClosedOrderly, time.Time{})
	return got, c
}

// stricter reports whether a message that net/http takes is one of those whose
// framing another reader may take otherwise, so that the observer gives up.
func stricter(end observe.End, data []byte) bool {
	head := strings.ToLower(string(data))
	has := func(words ...string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(head, w) })
	}
	switch end.Reason {
	case "content-length with transfer-encoding":
		return has("content-length", "transfer-encoding")
	case "transfer-encoding":
		return has("http/1.0", "transfer-encoding")
	case "space in header name", "framing", "content-length":
		return has("content-length") || has("transfer-encoding")
	}
	return false
}

// sameFields compares header maps apart from blanks and what net/http takes out or adds.
func sameFields(t *testing.T, got, want http.Header) {
	t.Helper()
	for name, values := range want {
		if name == "Cache-Control" || name == "Content-Length" || name == "Connection" {
			continue
		}
		if !slices.EqualFunc(got[name], values, func(a, b string) bool {
			return slices.Equal(strings.Fields(a), strings.Fields(b))
		}) {
			t.Errorf("field %q is %q, net/http has %q", name, got[name], values)
		}
	}
}

func sameBody(t *testing.T, got *message, body []byte, err error) {
	t.Helper()
	switch {
	case err == nil && got.body.String() != string(body):
		t.Errorf("body %q, net/http has %q", got.body.String(), body)
	case err == nil && got.end.Kind != observe.EndComplete && got.end.Kind != observe.EndUntilEOF:
		t.Errorf("end %+v of a body that net/http finds whole", got.end)
	case err == io.ErrUnexpectedEOF && !strings.HasPrefix(got.body.String(), string(body)):
		t.Errorf("body %q, net/http had %q when it broke", got.body.String(), body)
	}
}

func skipLineEnds(data []byte) []byte { return bytes.TrimLeft(data, "\r\n") }

func FuzzRequestOracle(f *testing.F) {
	addSeeds(f, observe.Request)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		data = skipLineEnds(data)
		got, c := observeFirst(observe.Request, "", data, cut&0xffff)
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil || r.ProtoMajor != 1 || r.Method == "CONNECT" {
			return
		}
		body, err := io.ReadAll(r.Body)
		switch {
		case got == nil:
			t.Fatalf("no exchange, opaque %q; net/http has %s %s", c.Opaque(), r.Method, r.RequestURI)
		case stricter(got.head.end, data):
			return
		}
		host := strings.TrimSpace(r.Host) // it keeps a blank where a line was folded
		if r.URL.Host != "" || strings.HasPrefix(r.RequestURI, "//") {
			host = got.head.host // taken from the target
		}
		if m := &got.head; m.method != r.Method || m.target != r.RequestURI || m.host != host {
			t.Errorf("%s %s host %q; net/http has %s %s host %q", m.method, m.target, m.host, r.Method, r.RequestURI, host)
		}
		sameFields(t, got.head.fields, r.Header)
		sameBody(t, &got.head, body, err)
	})
}

func FuzzResponseOracle(f *testing.F) {
	addSeeds(f, observe.Response)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		data = skipLineEnds(data)
		method := [...]string{"GET", "HEAD"}[cut&1]
		got, _ := observeFirst(observe.Response, method+" / HTTP/1.1\r\nHost: h\r\n\r\n", data, cut>>1&0xffff)
		r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), &http.Request{Method: method})
		if err != nil || r.ProtoMajor != 1 || r.StatusCode < 200 || stricter(got.answer.end, data) {
			return
		}
		body, err := io.ReadAll(r.Body)
		if got.answer.status != r.StatusCode {
			t.Fatalf("status %d, end %+v; net/http has %d", got.answer.status, got.answer.end, r.StatusCode)
		}
		sameFields(t, got.answer.fields, r.Header)
		sameBody(t, &got.answer, body, err)
	})
}

// addSeeds adds what one side of every transcript sends.
func addSeeds(f *testing.F, d observe.Direction) {
	f.Helper()
	for _, file := range transcriptFiles(f) {
		for _, tr := range parseTranscripts(f, file) {
			client, service := bytesOf(tr.steps(f))
			data := [][]byte{client, service}[d]
			f.Add(data, 1<<20)
			f.Add(data, 41)
		}
	}
}

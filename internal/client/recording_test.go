package client_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/client"
)

// recording is one request of testdata: a real client's, trimmed, or written
// from documented facts where no recording exists.
type recording struct {
	Method  string
	URL     string
	Headers [][2]string
	Body    json.RawMessage
}

// load reads testdata/name.json as the facts of a request.
func load(t *testing.T, name string) client.Facts {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r.facts(t)
}

// body is what the rules need of a request in any dialect.
type body struct {
	Messages []message
	Model    json.RawMessage
	Stream   json.RawMessage
	Stop     []string
}

type message struct {
	Role    string
	Content json.RawMessage
}

func (r recording) facts(t *testing.T) client.Facts {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := client.Facts{
		Method: r.Method, Path: u.EscapedPath(), Host: u.Hostname(),
		Header: func(name string) string { v, _ := r.header(name); return v },
		Has:    func(name string) bool { _, ok := r.header(name); return ok },
		Stream: call.StreamAbsent,
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &keys); err != nil {
		t.Fatal(err)
	}
	for k, v := range keys {
		f.Keys = append(f.Keys, k)
		if len(v) > 0 && v[0] != '{' && v[0] != '[' {
			f.Params = append(f.Params, call.Param{Name: k, Value: string(v)})
		}
	}
	slices.Sort(f.Keys)
	var b body
	// Dialects whose messages look otherwise leave the prompt empty.
	_ = json.Unmarshal(r.Body, &b)
	f.ModelNull = string(b.Model) == "null"
	_ = json.Unmarshal(b.Model, &f.Model)
	switch string(b.Stream) {
	case "true":
		f.Stream = call.StreamTrue
	case "false":
		f.Stream = call.StreamFalse
	}
	f.Prompt = prompt(b)
	return f
}

func (r recording) header(name string) (string, bool) {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1], true
		}
	}
	return "", false
}

func prompt(b body) client.Prompt {
	p := client.Prompt{Stop: b.Stop}
	for i, m := range b.Messages {
		s := m.text()
		if i == 0 {
			p.FirstRole, p.FirstText = m.Role, head(s)
		}
		switch m.Role {
		case "system":
			if p.SystemText == "" {
				p.SystemText = head(s)
			}
		case "user":
			p.UserMessages++
			p.LastUserHead, p.LastUserTail = head(s), s[max(0, len(s)-256):]
		}
	}
	return p
}

// text is a message's text, or that of its first part.
func (m message) text() string {
	var s string
	if json.Unmarshal(m.Content, &s) == nil {
		return s
	}
	var parts []struct{ Text string }
	if json.Unmarshal(m.Content, &parts) == nil && len(parts) > 0 {
		return parts[0].Text
	}
	return ""
}

func head(s string) string { return s[:min(len(s), 256)] }

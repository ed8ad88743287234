package capture

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmtap/capture/observe"
	"llmtap/internal/call"
)

// tape plays the bytes of one connection to the observer, at times of its own:
// what comes out is the record that the agent would have made.
type tape struct {
	conn  *connection
	obs   *observe.Conn
	start time.Time
	now   time.Time
	got   []call.Record
}

func newTape(host string) *tape {
	t := &tape{start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	t.now = t.start
	b := &builder{
		hooks: Hooks{Emit: func(r *call.Record) { t.got = append(t.got, *r) }}, hash: call.NewHasher([]byte("tape")),
		live: newLiveCalls(), stats: newStats(), now: func() time.Time { return t.now },
	}
	t.conn = &connection{scheme: "https", host: host, port: 443, mode: call.CaptureMITM}
	t.obs = observe.New(observe.Config{Open: func(reused bool) observe.Exchange { return b.open(t.conn, reused) }})
	return t
}

// ask sends a request body to a path.
func (t *tape) ask(host, path, body string) {
	t.push(observe.Request, "POST "+path+" HTTP/1.1\r\nHost: "+host+"\r\nAccept-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: "+
		strconv.Itoa(len(body))+"\r\n\r\n"+body)
}

func (t *tape) push(d observe.Direction, bytes string) { t.obs.Push(d, []byte(bytes), t.now) }

// ends closes both directions; side and kind tell who was first, and how.
func (t *tape) ends(side call.Side, kind call.EndKind) {
	t.conn.firstEnd.CompareAndSwap(nil, &firstEnd{side: side, kind: kind, at: t.now})
	how := observe.ClosedOrderly
	if kind == call.EndReset {
		how = observe.ClosedReset
	}
	if side == call.SideClient {
		t.obs.Close(observe.Request, how, t.now)
		t.obs.Close(observe.Response, observe.ClosedByPeer, t.now)
		return
	}
	t.obs.Close(observe.Response, how, t.now)
	t.obs.Close(observe.Request, observe.ClosedByPeer, t.now)
}

// corpusAPIs are where the calls of the corpus go.
var corpusAPIs = map[string][2]string{
	"openai":       {"api.openai.com", "/v1/chat/completions"},
	"responses":    {"api.openai.com", "/v1/responses"},
	"completions":  {"api.openai.com", "/v1/completions"},
	"gateway":      {"llm.corp.example", "/v1/chat/completions"},
	"azure":        {"res.openai.azure.com", "/openai/deployments/d/chat/completions?api-version=2024-10-21"},
	"apim":         {"ai.corp.example", "/openai/deployments/d/chat/completions?api-version=2024-10-21"},
	"unversioned":  {"res.openai.azure.com", "/v1/chat/completions"},
	"doubled":      {"res.openai.azure.com", "/openai/v1/openai/deployments/d/chat/completions?api-version=2024-10-21"},
	"foundry":      {"res.services.ai.azure.com", "/models/chat/completions?api-version=2024-05-01-preview"},
	"azurev1":      {"res.openai.azure.com", "/openai/v1/chat/completions"},
	"anthropic":    {"api.anthropic.com", "/v1/messages"},
	"gemini-sse":   {"generativelanguage.googleapis.com", "/v1beta/models/m-1:streamGenerateContent?alt=sse"},
	"gemini":       {"generativelanguage.googleapis.com", "/v1beta/models/m-1:generateContent"},
	"vertex-array": {"us-east1-aiplatform.googleapis.com", "/v1/projects/p/locations/us-east1/publishers/google/models/m-1:streamGenerateContent"},
	"vertex-sse":   {"us-east1-aiplatform.googleapis.com", "/v1/projects/p/locations/us-east1/publishers/google/models/m-1:streamGenerateContent?alt=sse"},
	"converse":     {"bedrock-runtime.us-east-1.amazonaws.com", "/model/m-1/converse"},
	"converse-s":   {"bedrock-runtime.us-east-1.amazonaws.com", "/model/m-1/converse-stream"},
	"invoke":       {"bedrock-runtime.us-east-1.amazonaws.com", "/model/m-1/invoke"},
	"invoke-s":     {"bedrock-runtime.us-east-1.amazonaws.com", "/model/m-1/invoke-with-response-stream"},
	"ollama":       {"ollama.com", "/api/chat"},
	"cohere":       {"api.cohere.com", "/v2/chat"},
	"mistral":      {"api.mistral.ai", "/v1/chat/completions"},
	"tgi-s":        {"tgi.corp.example", "/generate_stream"},
	"tgi":          {"tgi.corp.example", "/generate"},
	"databricks":   {"adb-1.azuredatabricks.net", "/serving-endpoints/chat/completions"},
	"openrouter":   {"openrouter.ai", "/api/v1/chat/completions"},
	"groq":         {"api.groq.com", "/openai/v1/chat/completions"},
	"deepseek":     {"api.deepseek.com", "/chat/completions"},
	"xai":          {"api.x.ai", "/v1/chat/completions"},
}

// script plays a text of the corpus. Each line is one statement:
//
//	ask API BODY     the request, at once; "again BODY" sends another
//	stream API, plain API: a short chat that asks for a stream, or says "stream":false; 200 ms go by
//	answer STATUS TYPE BODY  head, body and end in one
//	at D             the clock goes on
//	field NAME: V    a header of the answer
//	head STATUS TYPE chunked, TYPE "-" for none; "head! …" ends with the connection instead
//	raw "TEXT"       bytes as they are, in Go's quotes
//	body TEXT        a piece of the body; quoted "TEXT" the same in Go's quotes
//	sse TEXT         an event
//	content N D      N events with text, D apart (0: in one piece)
//	role, finish R, usage, done, ping: events of OpenAI's streams
//	end, short, reset, leave, refuse: how it ended
//	want CLASS [REASON] [+TAG …] [outcome=O]
type script struct {
	tape    *tape
	fields  string
	chunked bool
	want    string
}

func (s *script) run(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if err := s.do(word, rest); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

func (s *script) do(word, rest string) (err error) {
	switch word {
	case "ask":
		api, body, _ := strings.Cut(rest, " ")
		to, ok := corpusAPIs[api]
		if !ok {
			return fmt.Errorf("no such api")
		}
		s.tape = newTape(to[0])
		s.tape.ask(to[0], to[1], body)
	case "stream", "plain":
		err = s.do("ask", rest+` {"model":"m-1","messages":[{"role":"user","content":"owls"}],"stream":`+strconv.FormatBool(word == "stream")+`}`)
		s.tape.now = s.tape.now.Add(200 * time.Millisecond)
	case "answer":
		status, rest, _ := strings.Cut(rest, " ")
		mediaType, body, _ := strings.Cut(rest, " ")
		s.head(status+" "+mediaType, true)
		if body != "" {
			s.body(body)
		}
		s.end("end")
	case "again": // on the same connection
		s.tape.ask("api.openai.com", "/v1/chat/completions", rest)
		s.fields = ""
	case "at":
		var d time.Duration
		d, err = time.ParseDuration(rest)
		s.tape.now = s.tape.now.Add(d)
	case "field":
		s.fields += rest + "\r\n"
	case "head", "head!":
		s.head(rest, word == "head")
	case "raw":
		rest, err = strconv.Unquote(rest)
		s.tape.push(observe.Response, rest)
	case "want":
		s.want = rest
	case "end", "short", "reset", "leave", "refuse":
		s.end(word)
	default:
		return s.event(word, rest)
	}
	return err
}

func (s *script) head(rest string, chunked bool) {
	status, mediaType, _ := strings.Cut(rest, " ")
	head := "HTTP/1.1 " + status + " Reason\r\n" + s.fields
	if mediaType != "-" {
		head += "Content-Type: " + mediaType + "\r\n"
	}
	if s.chunked = chunked; chunked {
		head += "Transfer-Encoding: chunked\r\n"
	}
	s.tape.push(observe.Response, head+"\r\n")
}

func (s *script) body(p string) {
	if s.chunked {
		p = strconv.FormatInt(int64(len(p)), 16) + "\r\n" + p + "\r\n"
	}
	s.tape.push(observe.Response, p)
}

func chatEvent(choices, more string) string {
	return `data: {"id":"chatcmpl-c","object":"chat.completion.chunk","created":1790000000,"model":"m-1","choices":` + choices + more + "}\n\n"
}

func (s *script) event(word, rest string) error {
	switch word {
	case "body":
		s.body(rest)
	case "quoted":
		text, err := strconv.Unquote(rest)
		s.body(text)
		return err
	case "sse":
		s.body("data: " + rest + "\n\n")
	case "ping":
		s.body(": ping\n\n")
	case "role":
		s.body(chatEvent(`[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]`, ""))
	case "finish":
		s.body(chatEvent(`[{"index":0,"delta":{},"finish_reason":"`+rest+`"}]`, ""))
	case "usage":
		s.body(chatEvent(`[]`, `,"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}`))
	case "done":
		s.body("data: [DONE]\n\n")
	case "content":
		return s.content(rest)
	default:
		return fmt.Errorf("no such statement")
	}
	return nil
}

func (s *script) content(rest string) error {
	var n int
	var every string
	if _, err := fmt.Sscan(rest, &n, &every); err != nil {
		return err
	}
	d, err := time.ParseDuration(every)
	if err != nil {
		return err
	}
	all := ""
	for i := range n {
		e := chatEvent(`[{"index":0,"delta":{"content":" owl`+strconv.Itoa(i)+`"},"finish_reason":null}]`, "")
		if d == 0 {
			all += e
			continue
		}
		s.tape.now = s.tape.now.Add(d)
		s.body(e)
	}
	if all != "" {
		s.body(all)
	}
	return nil
}

func (s *script) end(word string) {
	t := s.tape
	switch word {
	case "end":
		if s.chunked {
			t.push(observe.Response, "0\r\n\r\n")
			return
		}
		t.ends(call.SideUpstream, call.EndClosed)
	case "short":
		t.ends(call.SideUpstream, call.EndClosed)
	case "reset":
		t.ends(call.SideUpstream, call.EndReset)
	case "leave":
		t.ends(call.SideClient, call.EndClosed)
	case "refuse":
		t.ends(call.SideUpstream, call.EndRefused)
	}
}

package wire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// ask scans a body of a chat call, cut in some way.
func ask(t testing.TB, body string, cut cutter) wire.RequestFacts {
	t.Helper()
	q := wire.NewRequest(chatMatch(t), nil)
	pieces([]byte(body), cut, q.Push)
	return q.Close()
}

func TestStreamFlag(t *testing.T) {
	for _, tt := range []struct {
		name, body, want string // flag, type, mode
	}{
		{"true", `{"stream":true}`, "true - stream"},
		{"false", `{"stream":false}`, "false - plain"},
		{"absent", `{"messages":[]}`, "absent - plain"},
		{"empty object", `{}`, "absent - plain"},
		{"null", `{"stream":null}`, "absent - plain"},
		{"text true", `{"stream":"true"}`, "invalid string stream"},
		{"text false is truthy", `{"stream":"false"}`, "invalid string stream"},
		{"empty text", `{"stream":""}`, "invalid string plain"},
		{"one", `{"stream":1}`, "invalid number stream"},
		{"zero", `{"stream":0}`, "invalid number plain"},
		{"zero point zero", `{"stream":0.0}`, "invalid number plain"},
		{"object", `{"stream":{"a":1}}`, "invalid object stream"},
		{"empty object", `{"stream":{}}`, "invalid object plain"},
		{"list", `{"stream":[false]}`, "invalid array stream"},
		{"empty list", `{"stream":[]}`, "invalid array plain"},
		{"another case", `{"Stream":true}`, "absent - plain"},
		{"nested", `{"extra":{"stream":true}}`, "absent - plain"},
		{"in a text", `{"a":"\"stream\":true"}`, "absent - plain"},
		{"in a list", `[{"stream":true}]`, "unknown - unknown"},
		{"escaped name", `{"str\u0065am":true}`, "true - stream"},
		{"repeated: the last counts", `{"stream":true,"stream":false}`, "false - plain"},
		{"repeated with null", `{"stream":true,"stream":null}`, "absent - plain"},
		{"repeated with a text", `{"stream":"x","stream":true}`, "true - stream"},
		{
			"last key",
			`{"messages":[{"content":"{\"stream\":false}"}],"stream":true}`,
			"true - stream",
		},
		{"seen before the cut", `{"stream":true,"messages":[`, "true - stream"},
		{"cut before it", `{"messages":[`, "unknown - unknown"},
		{"no JSON", `stream=true`, "unknown - unknown"},
		{"nothing", ``, "unknown - unknown"},
		{"text document", `"stream"`, "unknown - unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, cut := range []cutter{allAtOnce, byteByByte} {
				f := ask(t, tt.body, cut)
				if got := fmt.Sprint(f.StreamFlag, " ", dash(f.StreamType), " ", f.Mode); got != tt.want {
					t.Errorf("%s: %s, want %s", tt.body, got, tt.want)
				}
			}
		})
	}
}

func TestModeFollowsPathAndDialect(t *testing.T) {
	for _, tt := range []struct {
		name, path, body string
		want             call.Mode
	}{
		{"path says stream", "/v1beta/models/g:streamGenerateContent", `{}`, call.ModeStream},
		{"path says plain", "/v1beta/models/g:generateContent", `{"stream":true}`, call.ModePlain},
		{"path says stream of a cut body", "/model/m/converse-stream", `{"mess`, call.ModeStream},
		{"Ollama streams by default", "/api/chat", `{"model":"l"}`, call.ModeStream},
		{"Ollama with null", "/api/chat", `{"stream":null}`, call.ModeStream},
		{"Ollama told not to", "/api/chat", `{"stream":false}`, call.ModePlain},
		{"Ollama embeddings", "/api/embed", `{"input":"x"}`, call.ModePlain},
		{"Anthropic is plain by default", "/v1/messages", `{}`, call.ModePlain},
		{"Anthropic streamed", "/v1/messages", `{"stream":true}`, call.ModeStream},
		{"an unknown path", "/ask", `{"stream":true}`, call.ModeStream},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := wire.NewRequest(matchOf(t, "POST", "h", tt.path), nil)
			q.Push([]byte(tt.body))
			if got := q.Close().Mode; got != tt.want {
				t.Errorf("mode %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRequestFacts(t *testing.T) {
	p := func(pairs ...string) (out []call.Param) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, call.Param{Name: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	for _, tt := range []struct {
		name, body string
		want       func(*wire.RequestFacts)
	}{
		{"model", `{"model":"m-1"}`, func(f *wire.RequestFacts) { f.Model = "m-1" }},
		{"null model", `{"model":null}`, func(f *wire.RequestFacts) { f.ModelNull = true }},
		{"model twice", `{"model":"a","model":"b"}`, func(f *wire.RequestFacts) { f.Model = "b" }},
		{
			"model then null",
			`{"model":"a","model":null}`,
			func(f *wire.RequestFacts) { f.ModelNull = true },
		},
		{"numeric model", `{"model":7}`, func(*wire.RequestFacts) {}},
		{"messages", `{"messages":[{},{},{}]}`, func(f *wire.RequestFacts) { f.Messages = 3 }},
		{"no messages", `{"messages":[]}`, func(*wire.RequestFacts) {}},
		{"messages of another type", `{"messages":"hi"}`, func(*wire.RequestFacts) {}},
		{
			"messages twice",
			`{"messages":[{},{}],"messages":[{}]}`,
			func(f *wire.RequestFacts) { f.Messages = 1 },
		},
		{"tools", `{"tools":[{"type":"function"},{}]}`, func(f *wire.RequestFacts) { f.Tools = 2 }},
		{"functions", `{"functions":[{},{},{}]}`, func(f *wire.RequestFacts) { f.Tools = 3 }},
		{
			"nested tools",
			`{"tools":[{"tools":[{},{}]}]}`,
			func(f *wire.RequestFacts) { f.Tools = 1 },
		},
		{"null tools", `{"tools":null}`, func(*wire.RequestFacts) {}},
		{
			"usage wanted",
			`{"stream_options":{"include_usage":true}}`,
			func(f *wire.RequestFacts) { f.IncludeUsage = call.True },
		},
		{
			"usage not wanted",
			`{"stream_options":{"include_usage":false}}`,
			func(f *wire.RequestFacts) { f.IncludeUsage = call.False },
		},
		{"usage not mentioned", `{"stream_options":{}}`, func(*wire.RequestFacts) {}},
		{
			"usage of another type",
			`{"stream_options":{"include_usage":"yes"}}`,
			func(*wire.RequestFacts) {},
		},
		{"no padding wanted", `{"stream_options":{"include_obfuscation":false}}`, func(f *wire.RequestFacts) {
			f.Params = p("stream_options.include_obfuscation", "false")
		}},
		{"JSON answer", `{"response_format":{"type":"json_object"}}`, func(f *wire.RequestFacts) {
			f.OutputType, f.Params = "json", p("response_format.type", `"json_object"`)
		}},
		{"JSON by schema", `{"response_format":{"type":"json_schema","json_schema":{"name":"secret"}}}`, func(f *wire.RequestFacts) {
			f.OutputType, f.Params = "json", p("response_format.type", `"json_schema"`)
		}},
		{"text answer", `{"response_format":{"type":"text"}}`, func(f *wire.RequestFacts) {
			f.OutputType, f.Params = "text", p("response_format.type", `"text"`)
		}},
		{"parameters", `{"temperature":0.70,"n":1,"logprobs":false,"reasoning_effort":"low","top_p":1e0}`, func(f *wire.RequestFacts) {
			f.Params = p("logprobs", "false", "n", "1", "reasoning_effort", `"low"`, "temperature", "0.70", "top_p", "1e0")
		}},
		{
			"parameter twice",
			`{"temperature":1,"temperature":2}`,
			func(f *wire.RequestFacts) { f.Params = p("temperature", "2") },
		},
		{
			"parameter then null",
			`{"temperature":1,"temperature":null}`,
			func(*wire.RequestFacts) {},
		},
		{"null parameter", `{"temperature":null}`, func(*wire.RequestFacts) {}},
		{
			"object parameter",
			`{"tool_choice":{"type":"function","function":{"name":"secret"}}}`,
			func(*wire.RequestFacts) {},
		},
		{"text parameter to escape", `{"reasoning_effort":"a\"b\\c\nd\u0001é"}`, func(f *wire.RequestFacts) {
			f.Params = p("reasoning_effort", `"a\"b\\c\u000ad\u0001é"`)
		}},
		{
			"long parameter",
			`{"verbosity":"` + strings.Repeat("x", 300) + `"}`,
			func(*wire.RequestFacts) {},
		},
		{"nested parameter", `{"reasoning":{"effort":"high","summary":"auto"}}`, func(f *wire.RequestFacts) {
			f.Params = p("reasoning.effort", `"high"`)
		}},
		{
			"what is never kept",
			`{"user":"alice","metadata":{"a":"b"},"prompt":"secret","input":"secret","safety_identifier":"x","prompt_cache_key":"y"}`,
			func(*wire.RequestFacts) {},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(t, tt.body, randomly(4))
			want := wire.RequestFacts{Keys: got.Keys, Prompt: got.Prompt, Valid: true}
			want.StreamFlag, want.Mode = call.StreamAbsent, call.ModePlain
			tt.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeysAreSortedUniqueAndFew(t *testing.T) {
	f := ask(t, `{"stream":true,"model":"m","messages":[{"role":"user"}],"model":"n","":0,"a.b":1}`, allAtOnce)
	if diff := cmp.Diff([]string{"", "a.b", "messages", "model", "stream"}, f.Keys); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var b strings.Builder
	b.WriteString(`{"x":0`)
	for i := range 500 {
		fmt.Fprintf(&b, `,"%s%d":0`, strings.Repeat("k", 300), i)
	}
	f = ask(t, b.String()+"}", allAtOnce)
	if len(f.Keys) > 64 || !f.Valid {
		t.Errorf("%d keys kept (valid %v), want at most 64", len(f.Keys), f.Valid)
	}
	for _, k := range f.Keys {
		if len(k) > 128 {
			t.Errorf("a key of %d bytes is kept", len(k))
		}
	}
}

func TestPrompt(t *testing.T) {
	long := strings.Repeat("a", 600) + strings.Repeat("b", 5000) + strings.Repeat("z", 600)
	for _, tt := range []struct {
		name, body string
		want       wire.Prompt
	}{
		{"one user", `{"messages":[{"role":"user","content":"hi"}]}`,
			wire.Prompt{FirstRole: "user", FirstText: "hi", LastUserHead: "hi", LastUserTail: "hi", UserMessages: 1}},
		{"content before role", `{"messages":[{"content":"hi","role":"user"}]}`,
			wire.Prompt{FirstRole: "user", FirstText: "hi", LastUserHead: "hi", LastUserTail: "hi", UserMessages: 1}},
		{"conversation", `{"messages":[{"role":"system","content":"be"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"tool","content":"d"}]}`,
			wire.Prompt{FirstRole: "system", FirstText: "be", SystemText: "be", LastUserHead: "c", LastUserTail: "c", UserMessages: 2}},
		{"the first system message", `{"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"},{"role":"developer","content":"c"}]}`,
			wire.Prompt{FirstRole: "user", FirstText: "a", SystemText: "b", LastUserHead: "a", LastUserTail: "a", UserMessages: 1}},
		{"parts", `{"messages":[{"role":"user","content":[{"type":"text","text":"one "},{"type":"image_url","image_url":{"url":"data:secret"}},{"type":"text","text":"two"}]}]}`,
			wire.Prompt{FirstRole: "user", FirstText: "one two", LastUserHead: "one two", LastUserTail: "one two", UserMessages: 1}},
		{
			"null content",
			`{"messages":[{"role":"assistant","content":null}]}`,
			wire.Prompt{FirstRole: "assistant"},
		},
		{"escapes", `{"messages":[{"role":"user","content":"\n\nWhat\u0020is \"1\"?"}]}`,
			wire.Prompt{FirstRole: "user", FirstText: "\n\nWhat is \"1\"?", LastUserHead: "\n\nWhat is \"1\"?", LastUserTail: "\n\nWhat is \"1\"?", UserMessages: 1}},
		{"long", `{"messages":[{"role":"user","content":"` + long + `"}]}`,
			wire.Prompt{FirstRole: "user", FirstText: long[:512], LastUserHead: long[:512], LastUserTail: long[len(long)-512:], UserMessages: 1}},
		{"a little longer than the head", `{"messages":[{"role":"user","content":"` + long[:4100] + `"}]}`,
			wire.Prompt{FirstRole: "user", FirstText: long[:512], LastUserHead: long[:512], LastUserTail: long[4100-512 : 4100], UserMessages: 1}},
		{"messages twice", `{"messages":[{"role":"user","content":"a"}],"messages":[{"role":"system","content":"b"}]}`,
			wire.Prompt{FirstRole: "system", FirstText: "b", SystemText: "b"}},
		{"one stop", `{"stop":"x"}`, wire.Prompt{Stop: []string{"x"}}},
		{"stops", `{"stop":["\nHuman:","y"]}`, wire.Prompt{Stop: []string{"\nHuman:", "y"}}},
		{"stop before messages", `{"stop":["x"],"messages":[]}`, wire.Prompt{Stop: []string{"x"}}},
		{"stop twice", `{"stop":["x"],"stop":"y"}`, wire.Prompt{Stop: []string{"y"}}},
		{"stop null", `{"stop":["x"],"stop":null}`, wire.Prompt{}},
		{"stop of numbers", `{"stop":[1,2]}`, wire.Prompt{}},
		{
			"many stops",
			`{"stop":["1","2","3","4","5","6","7","8","9"]}`,
			wire.Prompt{Stop: []string{"1", "2", "3", "4", "5", "6", "7", "8"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte, "at random": randomly(9)} {
				if diff := cmp.Diff(tt.want, ask(t, tt.body, cut).Prompt); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestRequestValidity(t *testing.T) {
	for body, want := range map[string]bool{
		"{}": true, " {} \n": true, `{"a":[1]}`: true, "": false, "[]": false, `"x"`: false, "{": false, "{}{}": false,
		`{"a":1,}`: false, "a=b": false, `{"a":1}x`: false,
	} {
		if got := ask(t, body, byteByByte).Valid; got != want {
			t.Errorf("%q: valid = %v, want %v", body, got, want)
		}
	}
}

func TestRequestCloseIsFinal(t *testing.T) {
	q := wire.NewRequest(chatMatch(t), nil)
	q.Push([]byte(`{"stream":true}`))
	want := q.Close()
	q.Push([]byte(`{"stream":false}`))
	if diff := cmp.Diff(want, q.Close()); diff != "" {
		t.Errorf("after Close (-want +got):\n%s", diff)
	}
}

// coreOf returns the digest of a body without its stream members, and what was
// hashed.
func coreOf(t testing.TB, body string, cut cutter) string {
	t.Helper()
	h := sha256.New()
	q := wire.NewRequest(chatMatch(t), h)
	pieces([]byte(body), cut, q.Push)
	q.Close()
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestCore(t *testing.T) {
	const plain = `{"messages":[{"role":"user","content":"a , b"}],"model":"m"}`
	for _, tt := range []struct {
		name, body string
		same       bool
	}{
		{"itself", plain, true},
		{
			"streamed, last key",
			`{"messages":[{"role":"user","content":"a , b"}],"model":"m","stream":true}`,
			true,
		},
		{
			"streamed, first key",
			`{"stream":true,"messages":[{"role":"user","content":"a , b"}],"model":"m"}`,
			true,
		},
		{
			"streamed, middle key",
			`{"messages":[{"role":"user","content":"a , b"}],"stream":true,"model":"m"}`,
			true,
		},
		{
			"with options",
			`{"messages":[{"role":"user","content":"a , b"}],"model":"m","stream":true,"stream_options":{"include_usage":true,"x":[1,{}]}}`,
			true,
		},
		{
			"options first",
			`{"stream_options":{"include_usage":true},"stream":true,"messages":[{"role":"user","content":"a , b"}],"model":"m"}`,
			true,
		},
		{
			"stream as a text",
			`{"messages":[{"role":"user","content":"a , b"}],"model":"m","stream":"tr\"ue}"}`,
			true,
		},
		{
			"with blanks",
			"\n{ \"messages\" : [ {\"role\": \"user\",\t\"content\":\"a , b\"} ],\r\n \"model\":\"m\", \"stream\" : false }",
			true,
		},
		{"another text", `{"messages":[{"role":"user","content":"a ,  b"}],"model":"m"}`, false},
		{"another model", `{"messages":[{"role":"user","content":"a , b"}],"model":"n"}`, false},
		{"another order", `{"model":"m","messages":[{"role":"user","content":"a , b"}]}`, false},
		{
			"one member more",
			`{"messages":[{"role":"user","content":"a , b"}],"model":"m","n":1}`,
			false,
		},
		{
			"a similar name",
			`{"messages":[{"role":"user","content":"a , b"}],"model":"m","streams":true}`,
			false,
		},
		{
			"a nested stream",
			`{"messages":[{"role":"user","content":"a , b","stream":true}],"model":"m"}`,
			false,
		},
		{"cut", plain[:len(plain)-1], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := coreOf(t, plain, allAtOnce)
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte, "at random": randomly(2)} {
				if got := coreOf(t, tt.body, cut); (got == want) != tt.same {
					t.Errorf("%s: same = %v, want %v", name, got == want, tt.same)
				}
			}
		})
	}
}

func TestCoreOfWhatIsNoObject(t *testing.T) {
	for _, body := range []string{"", "a=b&stream=true", "[1, 2]", `"x"`, `{}x y`, "{\"a\":1} \n", `{"a`, `{"a":"\`, "}{", strings.Repeat("x", 5000)} {
		if a, b := coreOf(t, body, allAtOnce), coreOf(t, body, byteByByte); a != b {
			t.Errorf("%.20q: the digest depends on the split", body)
		}
	}
	if coreOf(t, "a=b", allAtOnce) == coreOf(t, "a=c", allAtOnce) {
		t.Error("two form bodies have one digest")
	}
	if coreOf(t, "[1]", allAtOnce) == coreOf(t, "[2]", allAtOnce) {
		t.Error("two lists have one digest")
	}
}

func TestLargeRequestsCostNoMemory(t *testing.T) {
	image := bytes.Repeat([]byte("iVBORw0KGgo"), 1<<16)
	q := wire.NewRequest(chatMatch(t), nil)
	q.Push([]byte(`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,`))
	allocs := testing.AllocsPerRun(20, func() { q.Push(image) })
	q.Push([]byte(`"}}]}],"stream":true}`))
	if f := q.Close(); f.StreamFlag != call.StreamTrue || f.Messages != 1 || !f.Valid {
		t.Errorf("flag %s, %d messages, valid %v", f.StreamFlag, f.Messages, f.Valid)
	}
	if allocs != 0 {
		t.Errorf("%v allocations per push of an image", allocs)
	}
}

// FuzzRequest compares flag, keys and validity with encoding/json and one push
// with many, and holds that texts are short and clean.
func FuzzRequest(f *testing.F) {
	for _, x := range archives(f) {
		f.Add(x.request, uint64(1))
	}
	for _, s := range []string{`{"stream":1,"stream":null}`, `{"\u0073tream":true}`, `{"stop":"\ud800","tools":[[]],"n":1e400}`} {
		f.Add([]byte(s), uint64(2))
	}
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		once, cut := ask(t, string(body), allAtOnce), ask(t, string(body), randomly(seed))
		if diff := cmp.Diff(once, cut); diff != "" {
			t.Fatalf("split (-once +cut):\n%s", diff)
		}
		if coreOf(t, string(body), allAtOnce) != coreOf(t, string(body), randomly(seed)) {
			t.Fatal("the digest depends on the split")
		}
		for _, s := range slices.Concat(once.Keys, once.Prompt.Stop, []string{once.Model, once.Prompt.FirstText, once.Prompt.LastUserTail}) {
			if !utf8.ValidString(s) || len(s) > 3*512 {
				t.Fatalf("kept %q", s)
			}
		}
		for _, p := range once.Params {
			if !json.Valid([]byte(p.Value)) {
				t.Fatalf("parameter %s is %q", p.Name, p.Value)
			}
		}
		compareRequest(t, body, once)
	})
}

// compareRequest checks a body against encoding/json. A map keeps the keys'
// case, so that it matches names exactly.
func compareRequest(t *testing.T, body []byte, got wire.RequestFacts) {
	t.Helper()
	if bytes.Count(body, []byte("[")) > 100 || bytes.Count(body, []byte("{")) > 100 {
		return // deeper than is read
	}
	var m map[string]json.RawMessage
	valid := json.Unmarshal(body, &m) == nil && m != nil
	if valid != got.Valid {
		t.Fatalf("valid = %v, encoding/json says %v", got.Valid, valid)
	}
	if !valid || len(m) > 60 {
		return
	}
	want := call.StreamAbsent
	switch v := strings.TrimSpace(string(m["stream"])); v {
	case "", "null":
	case "true":
		want = call.StreamTrue
	case "false":
		want = call.StreamFalse
	default:
		want = call.StreamInvalid
	}
	if got.StreamFlag != want {
		t.Fatalf("flag %s, encoding/json says %s", got.StreamFlag, want)
	}
	if utf8.Valid(body) && len(body) < 100 && len(got.Keys) != len(m) {
		t.Fatalf("keys %q, encoding/json has %d", got.Keys, len(m))
	}
}

func BenchmarkRequest(b *testing.B) {
	body := []byte(`{"model":"m-1","stream":true,"messages":[{"role":"system","content":"` + strings.Repeat("You are an owl. ", 100) +
		`"},{"role":"user","content":"Say owls"}],"temperature":0.7,"stream_options":{"include_usage":true}}`)
	m := chatMatch(b)
	h := sha256.New()
	r := rand.New(rand.NewPCG(1, 1))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		q := wire.NewRequest(m, h)
		n := r.IntN(len(body))
		q.Push(body[:n])
		q.Push(body[n:])
		q.Close()
	}
}

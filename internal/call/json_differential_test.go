package call

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// sorted is the JSON text with the members of objects in one order.
func sorted(t testing.TB, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// random fills v with values of which some need escapes and some are zero.
func random(v reflect.Value, r *rand.Rand) {
	texts := []string{"", "", "stop", `a "b" \ <c> & d`, "line\nbreak\x00\u2028é\xff", "x-request-id"}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000, r.Int64N(1e12))))
		return
	case []Param:
		v.Set(reflect.ValueOf([]Param{{"n", "1"}, {"stop", `["\n"]`}, {"odd \"name", "not json"}}[:r.IntN(4)]))
		return
	case Digest:
		v.Set(reflect.ValueOf(NewHasher(nil).Secret(texts[r.IntN(len(texts))])))
		return
	}
	if v.Type().Implements(reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()) && v.Kind() == reflect.Uint8 {
		v.SetUint(r.Uint64N(3))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			random(field, r)
		}
	case reflect.Slice:
		n := r.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			random(v.Index(i), r)
		}
	case reflect.Array:
		for i := range v.Len() {
			random(v.Index(i), r)
		}
	case reflect.String:
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, 0, 1, 200, 1_500_000_123, -3}[r.IntN(6)])
	case reflect.Uint32:
		v.SetUint(r.Uint64N(2))
	default:
		panic("no random value for " + v.Type().String())
	}
}

// TestEncoderEqualsReflection holds the hand-written form to encoding/json's:
// a member that one of them forgets, or a different escape, shows.
func TestEncoderEqualsReflection(t *testing.T) {
	for seed := range uint64(2000) {
		var r Record
		random(reflect.ValueOf(&r).Elem(), rand.New(rand.NewPCG(seed, 1)))
		want, err := reflected(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if w, g := sorted(t, want), sorted(t, got); w != g {
			t.Fatalf("seed %d:\nwant %s\ngot  %s", seed, w, g)
		}
	}
}

// TestEncoderRefusesYears: there is no RFC 3339 form of the year 10000.
func TestEncoderRefusesYears(t *testing.T) {
	r := Record{Identity: Identity{Start: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}
	if b, err := AppendJSON([]byte("kept"), &r); err == nil || string(b) != "kept" {
		t.Errorf("got %q and error %v, want the input and an error", b, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	h, start := NewHasher(nil), time.Unix(1_700_000_000, 123_456_000)
	r := Record{
		Identity: Identity{ID: "018bcfe5-6800-7abc", Start: start, Logical: "018bcfe5", Attempt: 1, Span: SpanContext{"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true}},
		Target:   Target{Scheme: "https", Host: "x.openai.azure.com", Port: 443, Provider: "azure.ai.openai", API: "azure.openai.chat", Operation: "chat", Deployment: "gpt4", Model: "gpt4", APIVersion: "2024-10-21", Auth: Auth{"api_key", h.Secret("s")}},
		Client:   Client{Kind: ClientFramework, Name: "langchain", SDK: "openai-python", SDKVersion: "1.58.1", Rule: "sdk-lc", Address: "127.0.0.1", UserAgent: "AzureOpenAI/Python 1.58.1"},
		Request: Request{Method: "POST", Path: "/openai/deployments/gpt4/chat/completions", URL: "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21", Mode: ModePlain, Keys: []string{"messages", "model"},
			Params: []Param{{"temperature", "0.7"}}, Messages: 2, Bytes: 512, HTTP: "1.1", Hints: RequestHints{Body: h.Secret("b"), Core: h.Secret("c"), Headers: []Header{{"x-stainless-lang", "python"}, {"x-stainless-retry-count", "0"}}}},
		Response: Response{Status: 200, HTTP: "1.1", Body: BodyFacts{ContentType: "application/json", Framing: FramingJSON, Bytes: 900}, Model: "gpt-4o", ID: "chatcmpl-1", FinishReasons: []string{"stop"}, Headers: []Header{{"x-request-id", "r"}}, Origin: "upstream"},
		Timing:   Timing{RequestSent: start.Add(1e6), Headers: start.Add(2e8), FirstByte: start.Add(2e8), LastByte: start.Add(3e8), End: start.Add(4e8)},
		Usage:    Usage{Input: Some(9), Output: Some(40)}, End: End{Side: SideUpstream, Kind: EndEOF, Terminal: true},
		Agent: Agent{LagMax: 51_234, View: ViewFull, Capture: CaptureOff, Mode: CaptureMITM, PeerAddress: "10.1.2.3:443", Rule: "fingerprint"}, Diagnosis: Diagnosis{Class: ClassOK},
	}
	for name, encode := range map[string]func(Record) ([]byte, error){"by hand": Record.MarshalJSON, "encoding-json": reflected} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encode(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestInstantOfTheStartSurvives: what happened at once did happen.
func TestInstantOfTheStartSurvives(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	r := Record{Identity: Identity{Start: start}, Timing: Timing{RequestSent: start}}
	b, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back Record
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := back.Timing.RequestSent.Sub(start); back.Timing.RequestSent.IsZero() || d > time.Microsecond {
		t.Errorf("request sent reads back as %v", back.Timing.RequestSent)
	}
	if !back.Timing.Headers.IsZero() {
		t.Errorf("headers read back as %v, they never came", back.Timing.Headers)
	}
}

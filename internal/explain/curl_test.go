package explain_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// sent is what a command line makes curl send.
type sent struct {
	url     string
	headers []string
	body    string
	others  []string
}

// read takes the words of a command apart as curl does.
func read(t *testing.T, text string) sent {
	t.Helper()
	w := words(t, text)
	usual := []string{"-sS", "-N", "--fail-with-body", "-w", `\n%{http_code}\n`}
	if len(w) < len(usual) || !slices.Equal(w[:len(usual)], usual) {
		t.Fatalf("the command begins %q", w)
	}
	var s sent
	for i := len(usual); i < len(w); i++ {
		switch w[i] {
		case "-H":
			i++
			s.headers = append(s.headers, w[i])
		case "--data-raw":
			i++
			s.body = w[i]
		case "--aws-sigv4", "--user":
			s.others = append(s.others, w[i]+" "+w[i+1])
			i++
		default:
			if strings.HasPrefix(w[i], "-") {
				s.others = append(s.others, w[i])
				continue
			}
			if s.url != "" {
				t.Fatalf("two addresses in %q", w)
			}
			s.url = w[i]
		}
	}
	return s
}

// alike compares two JSON texts by meaning.
func alike(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("the body is no JSON: %v: %s", err, got)
		return
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("body:\n got %s\nwant %s", got, want)
	}
}

const said = `"messages":[{"role":"user","content":"Say hello."}]`

// api makes a call of another service.
func api(t call.Target, path string) edit {
	return func(r *call.Record) {
		t.Scheme, t.Port = "https", 443
		r.Target = t
		path, query, _ := strings.Cut(path, "?")
		r.Request.Path, r.Request.URL = path, "https://"+t.Host+path+"?"+query
	}
}

// TestCurlOfEveryService: the address, the credential and the body that each
// service takes, and the change that asks it for one answer.
func TestCurlOfEveryService(t *testing.T) {
	bearer := call.Auth{Scheme: "bearer"}
	key := call.Auth{Scheme: "api_key"}
	for name, tc := range map[string]struct {
		edit     edit
		want     sent
		changed  string // body of the changed command; empty: the address changes
		toURL    string
		leftOut  []string
		pathMode bool
	}{
		"azure deployments": {
			edit: func(r *call.Record) {},
			want: sent{
				url:     "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21",
				headers: []string{"api-key: azure-key", "Content-Type: application/json"}, body: `{` + said + `,"stream":true}`,
			},
			changed: `{` + said + `,"stream":false}`,
		},
		"azure with a token": {
			edit: func(r *call.Record) { r.Target.Auth = bearer },
			want: sent{
				url:     "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21",
				headers: []string{"Authorization: Bearer azure-token", "Content-Type: application/json"}, body: `{` + said + `,"stream":true}`,
			},
			changed: `{` + said + `,"stream":false}`,
		},
		"openai": {
			edit: api(call.Target{Host: "api.openai.com", Provider: "openai", API: "openai.chat", Model: "gpt-4o", Auth: bearer}, "/v1/chat/completions"),
			want: sent{
				url:     "https://api.openai.com/v1/chat/completions",
				headers: []string{"Authorization: Bearer openai-key", "Content-Type: application/json"}, body: `{` + said + `,"stream":true}`,
			},
			changed: `{` + said + `,"stream":false}`,
		},
		"responses": {
			edit: api(call.Target{Host: "api.openai.com", Provider: "openai", API: "openai.responses", Auth: bearer}, "/v1/responses"),
			want: sent{
				url:     "https://api.openai.com/v1/responses",
				headers: []string{"Authorization: Bearer openai-key", "Content-Type: application/json"}, body: `{"input":"Say hello.","stream":true}`,
			},
			changed: `{"input":"Say hello.","stream":false}`, leftOut: []string{"these members of the body: messages"},
		},
		"anthropic": {
			edit: api(call.Target{Host: "api.anthropic.com", Provider: "anthropic", API: "anthropic.messages", Auth: key}, "/v1/messages?beta=true"),
			want: sent{
				url:     "https://api.anthropic.com/v1/messages?beta=true",
				headers: []string{"x-api-key: anthropic-key", "anthropic-version: 2023-06-01", "Content-Type: application/json"},
				body:    `{` + said + `,"stream":true,"max_tokens":64}`,
			},
			changed: `{` + said + `,"stream":false,"max_tokens":64}`,
			leftOut: []string{"the anthropic-version that was sent; 2023-06-01 stands in", "the max_tokens that was sent; 64 stands in"},
		},
		"gemini, key in the address": {
			edit: api(call.Target{Host: "generativelanguage.googleapis.com", Provider: "gcp.gemini", API: "gemini.generate", Auth: key}, "/v1beta/models/gemini-x:streamGenerateContent?alt=sse&key=REDACTED"),
			want: sent{
				url:     "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
				headers: []string{"x-goog-api-key: gemini-key", "Content-Type: application/json"},
				body:    `{"contents":[{"role":"user","parts":[{"text":"Say hello."}]}]}`,
			},
			toURL:   "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent",
			leftOut: []string{"these members of the body: messages"}, pathMode: true,
		},
		"bedrock converse": {
			edit: api(call.Target{Host: "bedrock-runtime.eu-west-1.amazonaws.com", Provider: "aws.bedrock", API: "bedrock.converse_stream", Auth: call.Auth{Scheme: "sigv4"}}, "/model/eu.acme.m-v1%3A0/converse-stream"),
			want: sent{
				url:     "https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.acme.m-v1%3A0/converse-stream",
				headers: []string{"x-amz-security-token: aws-session", "Content-Type: application/json"},
				body:    `{"messages":[{"role":"user","content":[{"text":"Say hello."}]}]}`,
				others:  []string{"--aws-sigv4 aws:amz:eu-west-1:bedrock", "--user aws-id:aws-secret"},
			},
			toURL: "https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.acme.m-v1%3A0/converse", pathMode: true,
		},
		"ollama": {
			edit: api(call.Target{Host: "ollama.example", Provider: "ollama", API: "ollama.chat", Auth: call.Auth{Scheme: "none"}}, "/api/chat"),
			want: sent{
				url: "https://ollama.example/api/chat", headers: []string{"Content-Type: application/json"}, body: `{` + said + `,"stream":true}`,
			},
			changed: `{` + said + `,"stream":false}`,
		},
		"cohere": {
			edit: api(call.Target{Host: "api.cohere.com", Provider: "cohere", API: "cohere.chat", Auth: bearer}, "/v2/chat"),
			want: sent{
				url:     "https://api.cohere.com/v2/chat",
				headers: []string{"Authorization: Bearer cohere-key", "Content-Type: application/json"}, body: `{` + said + `,"stream":true}`,
			},
			changed: `{` + said + `,"stream":false}`,
		},
		"tgi by path": {
			edit: api(call.Target{Host: "tgi.example", Provider: "tgi", API: "tgi.generate", Auth: bearer}, "/generate_stream"),
			want: sent{
				url: "https://tgi.example/generate_stream", headers: []string{"Authorization: Bearer hf-token", "Content-Type: application/json"},
				body: `{"inputs":"Say hello."}`,
			},
			toURL: "https://tgi.example/generate", leftOut: []string{"these members of the body: messages"}, pathMode: true,
		},
		"a gateway that takes a key somewhere": {
			edit: api(call.Target{Host: "llm.example", Provider: "openai_compatible", API: "openai.chat", Auth: key}, "/v1/chat/completions"),
			want: sent{
				url: "https://llm.example/v1/chat/completions", headers: []string{"Content-Type: application/json"}, body: `{` + said + `,"stream":true}`,
			},
			changed: `{` + said + `,"stream":false}`,
			leftOut: []string{"the key: add the header in which your client sends it (api-key, x-api-key or x-goog-api-key)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := streamCall(failed(call.ClassProviderError, 500), tc.edit)
			if tc.pathMode {
				r.Request.StreamFlag, r.Request.Keys = call.StreamAbsent, []string{"messages"}
			}
			p := explain.Curl(r)
			got := read(t, p.AsSent.Text)
			alike(t, got.body, tc.want.body)
			got.body = tc.want.body
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("as sent:\n got %+v\nwant %+v", got, tc.want)
			}
			if !slices.Equal(p.AsSent.LeftOut, tc.leftOut) {
				t.Errorf("left out %q, want %q", p.AsSent.LeftOut, tc.leftOut)
			}
			changed := read(t, p.Changed.Text)
			if tc.changed != "" {
				alike(t, changed.body, tc.changed)
			}
			if want := tc.toURL; want != "" && changed.url != want {
				t.Errorf("changed to %s, want %s", changed.url, want)
			}
			if p.Change != "asking for one plain answer instead of a stream" {
				t.Errorf("the change is called %q", p.Change)
			}
		})
	}
}

// TestCurlSendsTheParametersAsTheyWere: JSON types survive, what belongs
// together stays together, and what cannot be rebuilt is named.
func TestCurlSendsTheParametersAsTheyWere(t *testing.T) {
	r := streamCall(failed(call.ClassGatewayErrorOpaque, 500))
	r.Target.API, r.Target.Deployment, r.Target.Model = "openai.chat", "", "gpt-4o"
	r.Request.Keys = []string{"max_tokens", "messages", "model", "reasoning", "response_format", "stop", "stream", "stream_options", "temperature", "tool_choice", "tools", "user"}
	r.Request.Hints.IncludeUsage = call.True
	r.Request.Params = []call.Param{
		{Name: "max_tokens", Value: "0"}, {Name: "reasoning.effort", Value: `"low"`}, {Name: "reasoning.summary", Value: "null"},
		{Name: "response_format.type", Value: `"json_schema"`}, {Name: "stop", Value: `["\nHuman:"]`},
		{Name: "stream_options.include_obfuscation", Value: "false"}, {Name: "temperature", Value: "0.70"}, {Name: "tool_choice", Value: `"auto"`},
		{Name: "broken", Value: "{"}, {Name: "masked", Value: `"REDACTED"`}, {Name: "a.b.c", Value: "1"},
	}
	p := explain.Curl(r)
	const rest = `"model":"gpt-4o","max_tokens":0,"stop":["\nHuman:"],"temperature":0.70,"reasoning":{"effort":"low","summary":null}`
	alike(t, read(t, p.AsSent.Text).body, `{`+said+`,`+rest+`,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}`)
	alike(t, read(t, p.Changed.Text).body, `{`+said+`,`+rest+`,"stream":false}`)
	if !strings.Contains(p.AsSent.Text, `"temperature": 0.70,`) {
		t.Errorf("the number was rewritten:\n%s", p.AsSent.Text)
	}
	want := []string{
		"the key: add the header in which your client sends it (api-key, x-api-key or x-goog-api-key)",
		"the parameter broken", "the parameter masked", "the parameter a.b.c",
		"these members of the body: response_format, tool_choice, tools, user",
	}
	if !slices.Equal(p.AsSent.LeftOut, want) {
		t.Errorf("left out\n%q, want\n%q", p.AsSent.LeftOut, want)
	}
}

// TestCurlNamesNoMemberTwice, though a record of parameters may.
func TestCurlNamesNoMemberTwice(t *testing.T) {
	r := plainCall(func(r *call.Record) {
		r.Request.Params = []call.Param{{Name: "messages", Value: "1"}, {Name: "seed", Value: "2"}, {Name: "seed", Value: "3"}, {Name: "stream", Value: "true"}, {Name: "seed.x", Value: "4"}}
	})
	if got := read(t, explain.Curl(r).AsSent.Text).body; got != `{`+said+`,"seed":2}` {
		t.Errorf("got %s", got)
	}
}

// TestCurlFlag: absent, false, true and not a boolean are four requests.
func TestCurlFlag(t *testing.T) {
	for name, tc := range map[string]struct {
		flag       call.StreamFlag
		kind, want string
		lacks      string
	}{
		"true":           {call.StreamTrue, "", `{` + said + `,"stream":true}`, ""},
		"false":          {call.StreamFalse, "", `{` + said + `,"stream":false}`, ""},
		"absent":         {call.StreamAbsent, "", `{` + said + `}`, ""},
		"unknown":        {call.StreamUnknown, "", `{` + said + `}`, "whether it was sent is not known"},
		"a string":       {call.StreamInvalid, "string", `{` + said + `,"stream":"true"}`, "of type string"},
		"a number":       {call.StreamInvalid, "number", `{` + said + `,"stream":1}`, "of type number"},
		"an array":       {call.StreamInvalid, "array", `{` + said + `,"stream":[true]}`, "of type array"},
		"an object":      {call.StreamInvalid, "object", `{` + said + `,"stream":{}}`, "of type object"},
		"no known type":  {call.StreamInvalid, "", `{` + said + `}`, "its JSON type was not recorded"},
		"an odd type":    {call.StreamInvalid, "'; rm -rf /", `{` + said + `}`, "its JSON type was not recorded"},
		"options, empty": {call.StreamTrue, "options", `{` + said + `,"stream":true}`, "`stream_options`: what was in it is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			r := plainCall(func(r *call.Record) { r.Request.StreamFlag, r.Request.Hints.StreamType = tc.flag, tc.kind })
			if tc.kind == "options" {
				r.Request.Keys = append(r.Request.Keys, "stream_options")
			}
			p := explain.Curl(r)
			alike(t, read(t, p.AsSent.Text).body, tc.want)
			if got := strings.Join(p.AsSent.LeftOut, "; "); !strings.Contains(got, tc.lacks) || (tc.lacks == "") != (got == "") {
				t.Errorf("left out %q, want %q", got, tc.lacks)
			}
		})
	}
}

// TestCurlChanges: the change is the one that the class is about, and calls
// whose failure no change of the request explains have none.
func TestCurlChanges(t *testing.T) {
	options := func(r *call.Record) {
		r.Request.Keys, r.Request.Hints.IncludeUsage = []string{"messages", "stream", "stream_options"}, call.True
	}
	parameter := func(r *call.Record) {
		r.Request.Keys, r.Request.Params, r.Response.Error.Param = []string{"messages", "max_tokens"}, []call.Param{{Name: "max_tokens", Value: "9"}}, "max_tokens"
	}
	for name, tc := range map[string]struct {
		record       call.Record
		change, body string
	}{
		"options refused":  {streamCall(failed(call.ClassStreamOptionRejected, 400), options), "without `stream_options`", `{` + said + `,"stream":true}`},
		"options injected": {streamCall(failed(call.ClassStreamOptionRejected, 400)), "", ""},
		"flag invalid": {streamCall(failed(call.ClassStreamFlagInvalid, 400), func(r *call.Record) {
			r.Request.StreamFlag, r.Request.Hints.StreamType = call.StreamInvalid, "string"
		}), "with `stream` as the JSON value true", `{` + said + `,"stream":true}`},
		"plain refused":         {plainCall(failed(call.ClassPlainUnsupported, 400)), "asking for a stream", `{` + said + `,"stream":true}`},
		"a long plain answer":   {plainCall(failed(call.ClassGatewayTimeout, 504)), "asking for a stream", `{` + said + `,"stream":true}`},
		"a slow stream":         {streamCall(failed(call.ClassGatewayTimeout, 504)), "", ""},
		"parameter refused":     {plainCall(failed(call.ClassParameterUnsupported, 400), parameter), "without `max_tokens`", `{` + said + `}`},
		"parameter not known":   {plainCall(failed(call.ClassParameterUnsupported, 400)), "", ""},
		"parameter not sent":    {plainCall(failed(call.ClassParameterUnsupported, 400), func(r *call.Record) { r.Response.Error.Param = "seed" }), "", ""},
		"an error, plain":       {plainCall(failed(call.ClassProviderError, 500)), "", ""},
		"a wrong key":           {streamCall(failed(call.ClassAuthRejected, 401)), "", ""},
		"too many":              {streamCall(failed(call.ClassRateLimited, 429)), "", ""},
		"a stream that worked":  {streamCall(), "", ""},
		"a plain call that did": {plainCall(), "", ""},
		"flag not known":        {streamCall(failed(call.ClassStreamTruncated, 200), func(r *call.Record) { r.Request.StreamFlag = call.StreamUnknown }), "", ""},
		"options go with it":    {streamCall(failed(call.ClassStreamTruncated, 200), options), "asking for one plain answer instead of a stream", `{` + said + `,"stream":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			p := explain.Curl(tc.record)
			if p.Change != tc.change || (p.Changed.Text == "") != (tc.change == "") {
				t.Fatalf("change %q, want %q; command\n%s", p.Change, tc.change, p.Changed.Text)
			}
			if tc.body != "" {
				alike(t, read(t, p.Changed.Text).body, tc.body)
			}
			if p.AsSent.Text == "" || p.AsSent.Text == p.Changed.Text {
				t.Errorf("the pair does not differ:\n%s", p.AsSent.Text)
			}
		})
	}
}

// TestCurlSaysWhatIsMissing instead of guessing it.
func TestCurlSaysWhatIsMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		edit edit
		want string
	}{
		"no request":      {func(r *call.Record) { r.Request.Method = "" }, "no request was sent"},
		"a tunnel":        {func(r *call.Record) { r.Request.Method = "CONNECT" }, "no request was sent"},
		"opaque":          {func(r *call.Record) { r.Agent.View = call.ViewOpaque }, "could not be read"},
		"another method":  {func(r *call.Record) { r.Request.Method = "$(id)" }, "neither GET nor POST"},
		"no host":         {func(r *call.Record) { r.Target.Host = "" }, "address of the service"},
		"host of words":   {func(r *call.Record) { r.Target.Host = "a b;c" }, "address of the service"},
		"host an option":  {func(r *call.Record) { r.Target.Host = "-oProxy" }, "address of the service"},
		"host masked":     {func(r *call.Record) { r.Target.Host = "REDACTED.example" }, "address of the service"},
		"no scheme":       {func(r *call.Record) { r.Target.Scheme = "" }, "address of the service"},
		"file scheme":     {func(r *call.Record) { r.Target.Scheme = "file" }, "address of the service"},
		"odd port":        {func(r *call.Record) { r.Target.Port = 1 << 20 }, "address of the service"},
		"no path":         {func(r *call.Record) { r.Request.Path = "" }, "path was not recorded"},
		"masked path":     {func(r *call.Record) { r.Request.Path = "/v1/REDACTED/chat" }, "path was not recorded"},
		"endless path":    {func(r *call.Record) { r.Request.Path = "/" + strings.Repeat("x", 5000) }, "path was not recorded"},
		"unknown service": {func(r *call.Record) { r.Target.API = "websocket" }, "how a request to this API is written is not known"},
	} {
		p := explain.Curl(plainCall(tc.edit))
		if p.AsSent.Text != "" || p.Changed.Text != "" || !strings.Contains(p.AsSent.Missing, tc.want) {
			t.Errorf("%s: got %+v, want %q", name, p, tc.want)
		}
	}
}

func TestCurlAddresses(t *testing.T) {
	for name, tc := range map[string]struct {
		edit edit
		want string
	}{
		"other port":     {func(r *call.Record) { r.Target.Port = 8443 }, "https://x.openai.azure.com:8443/"},
		"http":           {func(r *call.Record) { r.Target.Scheme, r.Target.Port = "http", 80 }, "http://x.openai.azure.com/"},
		"ipv6":           {func(r *call.Record) { r.Target.Host, r.Target.Port = "::1", 8080 }, "https://[::1]:8080/"},
		"no address":     {func(r *call.Record) { r.Request.URL = "" }, "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21"},
		"secrets go":     {func(r *call.Record) { r.Request.URL += "&sig=canary-1&api-version-x=2&code=canary-2#canary-3" }, "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21"},
		"masked version": {func(r *call.Record) { r.Request.URL = "https://h/p?api-version=REDACTED" }, "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions"},
		"dots stay":      {func(r *call.Record) { r.Request.Path = "/a/../b" }, "https://x.openai.azure.com/a/../b?api-version=2024-10-21"},
		"escapes stay":   {func(r *call.Record) { r.Request.Path = "/a%2Fb c\"{1}" }, "https://x.openai.azure.com/a%2Fb%20c%22%7B1%7D?api-version=2024-10-21"},
	} {
		p := explain.Curl(plainCall(tc.edit))
		got := read(t, p.AsSent.Text)
		if !strings.HasPrefix(got.url, tc.want) || !strings.HasSuffix(tc.want, "/") && got.url != tc.want {
			t.Errorf("%s: got %s, want %s", name, got.url, tc.want)
		}
		if strings.Contains(everything(plainCall(tc.edit)), "canary") {
			t.Errorf("%s: a secret of the address came out:\n%s", name, everything(plainCall(tc.edit)))
		}
		if name == "dots stay" && !slices.Equal(got.others, []string{"--path-as-is"}) {
			t.Errorf("curl would resolve the path: %q", got.others)
		}
	}
}

// TestCurlGet: an answer that is fetched has no body and nothing to change.
func TestCurlGet(t *testing.T) {
	r := streamCall(failed(call.ClassStreamTruncated, 200), api(call.Target{Host: "api.openai.com", Provider: "openai", API: "openai.responses", Auth: call.Auth{Scheme: "bearer"}}, "/v1/responses/resp_1"))
	r.Request.Method = "GET"
	p := explain.Curl(r)
	got := read(t, p.AsSent.Text)
	if got.body != "" || got.url != "https://api.openai.com/v1/responses/resp_1" || !slices.Equal(got.headers, []string{"Authorization: Bearer openai-key"}) || p.Change != "" {
		t.Errorf("got %+v, change %q", got, p.Change)
	}
}

// TestCurlNamesTheModelOnlyIfItIsKnown.
func TestCurlNamesTheModelOnlyIfItIsKnown(t *testing.T) {
	for name, tc := range map[string]struct {
		deployment, model, body string
		want, lacks             string
	}{
		"of the body":           {"", "gpt-4o", "", `"model":"gpt-4o"`, ""},
		"beside a deployment":   {"gpt4", "gpt4", "gpt-3.5-turbo", `"model":"gpt-3.5-turbo"`, ""},
		"in the path only":      {"gpt4", "gpt4", "", "", "the path names the deployment"},
		"not recorded":          {"", "", "", "", "its name was not recorded"},
		"masked":                {"", "REDACTED", "", "", "its name was not recorded"},
		"longer than any model": {"", strings.Repeat("m", 600), "", "", "its name was not recorded"},
	} {
		r := plainCall(func(r *call.Record) {
			r.Request.Keys = []string{"messages", "model"}
			r.Target.Deployment, r.Target.Model, r.Request.Hints.BodyModel = tc.deployment, tc.model, tc.body
		})
		p := explain.Curl(r)
		if body := read(t, p.AsSent.Text).body; !strings.Contains(body, tc.want) || (tc.want == "") != !strings.Contains(body, `"model"`) {
			t.Errorf("%s: body %s", name, body)
		}
		if got := strings.Join(p.AsSent.LeftOut, ";"); !strings.Contains(got, tc.lacks) || (tc.lacks == "") != (got == "") {
			t.Errorf("%s: left out %q", name, got)
		}
	}
}

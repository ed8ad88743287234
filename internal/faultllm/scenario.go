package faultllm

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Values of Scenario.Mode: the kind of call that meets the fault. A call of the
// other kind gets the healthy answer.
const (
	ModeStream = "stream"
	ModePlain  = "plain"
	ModeBoth   = "both"
)

// Values of Scenario.API: the dialect a scenario belongs to. "any" means every
// dialect, "chat" OpenAI's and Azure's chat completions; what belongs to one of
// these two is played on the routes of both. A dialect that does not know a
// scenario gives its healthy answer.
const (
	APIAny         = "any"
	APIChat        = "chat"
	APIOpenAI      = "openai"
	APIAzure       = "azure"
	APIAnthropic   = "anthropic"
	APIResponses   = "responses"
	APICohere      = "cohere"
	APICohereV1    = "cohere.v1"
	APICompletions = "completions"
	APIEmbeddings  = "embeddings"
	APIOllama      = "ollama"
	// APIOllamaGenerate is Ollama's completion of a prompt.
	APIOllamaGenerate = "ollama.generate"
	APIConverse       = "bedrock.converse"
	APIInvoke         = "bedrock.invoke"
	APIGemini         = "gemini"
	// APIGeminiArray is Gemini's stream without alt=sse.
	APIGeminiArray = "gemini.array"
	APITGI         = "tgi"
	APILlamacpp    = "llamacpp"
)

// Scenario describes one fault: how to meet it and the class it must get. The
// class of a call in the other mode is "ok", see ClassOf.
type Scenario struct {
	// ID is the deployment or model name that plays it.
	ID   string `json:"id"`
	Does string `json:"does"`
	// Class and Reason are what the diagnosis must say; of a flaky scenario,
	// about its first attempt.
	Class  string `json:"class"`
	Reason string `json:"reason,omitempty"`
	// PlainClass is the class of a plain call where it differs from Class.
	PlainClass string `json:"plain_class,omitempty"`
	Mode       string `json:"mode"`
	API        string `json:"api"`
	// HTTP is "1.1" or "2" if the fault exists in that version only; over the
	// other one the service answers 505.
	HTTP string `json:"http,omitempty"`
	// Needs are the JSON members the request must carry to meet the fault.
	Needs string `json:"needs,omitempty"`
	// Leaves says when the client must leave; empty means it reads to the end.
	Leaves string `json:"leaves,omitempty"`
	// Takes is how long it lasts at scale=1, beyond the pace of the chunks.
	Takes time.Duration `json:"takes_ns,omitempty"`
	// Also are further names of the same scenario.
	Also []string `json:"also,omitempty"`
}

// ClassOf returns the class that a streamed or plain call with the scenario's
// Needs must get.
func (s Scenario) ClassOf(stream bool) string {
	switch {
	case !s.plays(stream):
		return "ok"
	case !stream && s.PlainClass != "":
		return s.PlainClass
	}
	return s.Class
}

func (s Scenario) plays(stream bool) bool {
	return s.Mode == ModeBoth || (s.Mode == ModeStream) == stream
}

// Body returns the request body that meets the fault: a short question, the
// scenario as model, "stream":true if asked (a plain call has no such key) and,
// if the fault plays in that mode, the Needs, which win over the flag.
func (s Scenario) Body(stream bool) []byte {
	return s.body(`"messages":[{"role":"user","content":"Tell me about owls."}]`, stream)
}

// body is a request body with the given prompt.
func (s Scenario) body(prompt string, stream bool) []byte {
	members := []string{fmt.Sprintf(`"model":%s`, quote(s.ID)), prompt}
	needs := s.Needs
	if !s.plays(stream) {
		needs = ""
	}
	if stream && !strings.Contains(needs, `"stream":`) {
		members = append(members, `"stream":true`)
	}
	if needs != "" {
		members = append(members, needs)
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

// Chat reports whether chat completions know the scenario: on their routes all
// others get the healthy answer.
func (s Scenario) Chat() bool {
	return slices.Contains([]string{APIAny, APIChat, APIOpenAI, APIAzure}, s.API)
}

// Request is one way to meet a scenario.
type Request struct {
	// API is the dialect, as in Scenario.API.
	API string
	// Path is where a request with Body is to be posted.
	Path string
	Body []byte
}

// Requests returns one request, streamed or plain, for each API but chat
// completions that knows the scenario.
func (s Scenario) Requests(stream bool) []Request {
	var out []Request
	r := row{Scenario: s, parted: slices.ContainsFunc(table(), func(r row) bool { return r.ID == s.ID && r.parted })}
	for _, d := range dialects() {
		if d.knows(&r) && !(stream && d.form.plainOnly) {
			prompt := d.form.prompt
			if d.form.streaming && !stream {
				prompt += `,"stream":false`
			}
			out = append(out, Request{API: d.api, Path: d.path(s.ID, stream), Body: s.body(prompt, stream)})
		}
	}
	return out
}

// Scenarios returns the whole table in its order; the caller owns the slice.
func Scenarios() []Scenario {
	rows := table()
	out := make([]Scenario, len(rows))
	for i, r := range rows {
		out[i] = r.Scenario
	}
	return out
}

// WriteTable writes the scenarios as a text table, one a line.
func WriteTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SCENARIO\tMODE\tAPI\tCLASS\tDOES")
	for _, s := range Scenarios() {
		class := s.Class
		if s.Reason != "" {
			class += " (" + s.Reason + ")"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.Mode, s.API, class, s.Does)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("faultllm: write scenarios: %w", err)
	}
	return nil
}

// table returns every row, family by family. A function and not a variable,
// because rows are handed out and must not be shared.
func table() []row {
	return slices.Concat(
		healthyRows(), dialectRows(), codingRows(), refusalRows(), parameterRows(), pathRows(),
		gatewayRows(), labelRows(), framingRows(), errorRows(), cutRows(), emptyRows(),
		timingRows(), contentRows(), httpRows(), clientRows(), benchRows(), otherRows(),
	)
}

package explain

import (
	"encoding/json"
	"slices"
	"strings"

	"llmtap/internal/call"
)

// What is said in place of the recorded messages, which are not in a record.
const (
	harmless = `"Say hello."`
	turn     = `[{"role":"user","content":` + harmless + `}]`
)

// prompt is the member that carries what is said to an API; it stands for the
// keys that it replaces too.
type prompt struct {
	api      string
	said     member
	replaces []string
}

var prompts = []prompt{
	{"openai.chat", member{"messages", turn}, nil},
	{"openai.responses", member{"input", harmless}, nil},
	{"openai.completions", member{"prompt", harmless}, nil},
	{"openai.embeddings", member{"input", harmless}, nil},
	{"azure.inference.chat", member{"messages", turn}, nil},
	{"azure.inference.embeddings", member{"input", `[` + harmless + `]`}, nil},
	{"vertex.openai", member{"messages", turn}, nil},
	{"mistral.fim", member{"prompt", harmless}, nil},
	{"mistral.agents", member{"messages", turn}, nil},
	{"anthropic.messages", member{"messages", turn}, nil},
	{"vertex.anthropic", member{"messages", turn}, nil},
	{"gemini.generate", member{"contents", `[{"role":"user","parts":[{"text":` + harmless + `}]}]`}, nil},
	{"vertex.gemini", member{"contents", `[{"role":"user","parts":[{"text":` + harmless + `}]}]`}, nil},
	{"bedrock.converse", member{"messages", `[{"role":"user","content":[{"text":` + harmless + `}]}]`}, nil},
	{"bedrock.converse_stream", member{"messages", `[{"role":"user","content":[{"text":` + harmless + `}]}]`}, nil},
	{"ollama.chat", member{"messages", turn}, nil},
	{"ollama.generate", member{"prompt", harmless}, nil},
	{"ollama.embed", member{"input", harmless}, []string{"prompt"}},
	{"cohere.chat", member{"messages", turn}, nil},
	{"cohere.v1", member{"message", harmless}, []string{"chat_history"}},
	{"tgi.generate", member{"inputs", harmless}, nil},
}

// addBody writes what is known of the body; false if nothing is known of how
// this API is asked.
func (q *ask) addBody(r *call.Record) bool {
	i := slices.IndexFunc(prompts, func(p prompt) bool { return p.api == family(apiOf(r)) })
	if i < 0 {
		return false
	}
	p := prompts[i]
	q.header("'Content-Type: application/json'")
	q.body = object{p.said}
	done := append([]string{p.said.name}, p.replaces...)
	done = append(done, q.addModel(r)...)
	done = append(done, q.addParams(r)...)
	done = append(done, q.addStream(r)...)
	q.demanded(apiOf(r))
	var left []string
	for _, k := range r.Request.Keys {
		if !slices.Contains(done, k) {
			left = append(left, k)
		}
	}
	if len(left) > 0 {
		q.lacks("these members of the body: " + list(left, 12))
	}
	return true
}

// addModel adds the model where the body named it.
func (q *ask) addModel(r *call.Record) []string {
	if !slices.Contains(r.Request.Keys, "model") {
		return nil
	}
	name := r.Request.Hints.BodyModel
	if name == "" && r.Target.Deployment == "" {
		name = r.Target.Model
	}
	switch {
	case name == "" && r.Target.Deployment != "":
		q.lacks("the model in the body: the path names the deployment")
	case name == "", strings.Contains(name, masked), len(name) > maxPart:
		q.lacks("the model: its name was not recorded")
	default:
		q.body = append(q.body, member{"model", jsonString(name)})
	}
	return []string{"model"}
}

// needy are parameters that mean nothing without what was left out.
var needy = []string{"tool_choice", "parallel_tool_calls", "max_tool_calls", "previous_response_id", "response_format.type", "text.format.type"}

// maxParams bounds the parameters of a command.
const maxParams = 24

// addParams adds the recorded scalars, those of one object together.
func (q *ask) addParams(r *call.Record) []string {
	var done []string
	inner := map[string][]member{}
	var order []string
	for i, p := range r.Request.Params {
		if i >= maxParams {
			q.lacks("the parameters after the first " + number(maxParams))
			break
		}
		outer, name, nested := strings.Cut(p.Name, ".")
		switch {
		case slices.Contains(needy, p.Name), outer == "stream", p.Name == "", q.body.has(outer): // what stands already stays
		case !usable(p), strings.Contains(name, "."):
			q.lacks("the parameter " + clip(p.Name))
		case outer == "stream_options": // stands with the stream flag
		case nested:
			if len(inner[outer]) == 0 {
				order = append(order, outer)
			}
			inner[outer] = append(inner[outer], member{name, visibleJSON(p.Value)})
		default:
			q.body = append(q.body, member{p.Name, visibleJSON(p.Value)})
			done = append(done, p.Name)
		}
	}
	for _, outer := range order {
		if slices.Contains(done, outer) {
			continue
		}
		q.body = append(q.body, member{outer, object(inner[outer]).String()})
		done = append(done, outer)
	}
	return done
}

// usable reports whether a parameter can be sent as it was recorded.
func usable(p call.Param) bool {
	return json.Valid([]byte(p.Value)) && !strings.Contains(p.Value, masked) && len(p.Value) <= maxPart && len(p.Name) <= 64
}

// streamOptions is the object as it was sent, as far as that is known.
func streamOptions(r *call.Record) string {
	var in []member
	if u := r.Request.Hints.IncludeUsage; u != call.Unset {
		in = append(in, member{"include_usage", u.String()})
	}
	for _, p := range r.Request.Params {
		if name, ok := strings.CutPrefix(p.Name, "stream_options."); ok && usable(p) && name != "include_usage" && len(in) < 8 {
			in = append(in, member{name, visibleJSON(p.Value)})
		}
	}
	if len(in) == 0 {
		return ""
	}
	return object(in).String()
}

// addStream adds the flag with the JSON type it had.
func (q *ask) addStream(r *call.Record) []string {
	switch r.Request.StreamFlag {
	case call.StreamTrue, call.StreamFalse:
		q.body = append(q.body, member{"stream", r.Request.StreamFlag.String()})
	case call.StreamInvalid:
		value := map[string]string{"string": `"true"`, "number": "1", "array": "[true]", "object": "{}"}[r.Request.Hints.StreamType]
		if value == "" {
			q.lacks("the stream flag: its JSON type was not recorded")
			break
		}
		q.body = append(q.body, member{"stream", value})
		q.lacks("the value of `stream`: it was no boolean but of type " + r.Request.Hints.StreamType + "; " + value + " stands in")
	case call.StreamUnknown:
		q.lacks("the stream flag: whether it was sent is not known")
	}
	if slices.Contains(r.Request.Keys, "stream_options") {
		if o := streamOptions(r); o != "" {
			q.body = append(q.body, member{"stream_options", o})
		} else {
			q.lacks("`stream_options`: what was in it is not known")
		}
	}
	return []string{"stream", "stream_options"}
}

// demanded adds what an API refuses to go without.
func (q *ask) demanded(api string) {
	switch {
	case api == "vertex.anthropic" && !q.body.has("anthropic_version"):
		q.body = append(q.body, member{"anthropic_version", `"vertex-2023-10-16"`})
		fallthrough
	case api == "anthropic.messages":
		if !q.body.has("max_tokens") {
			q.body = append(q.body, member{"max_tokens", "64"})
			q.lacks("the max_tokens that was sent; 64 stands in")
		}
	}
}

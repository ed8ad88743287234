package capture

import (
	"testing"
	"testing/synctest"

	"llmtap/internal/faultllm"
)

// dialectHosts are where the services of each API answer.
var dialectHosts = map[string]string{
	faultllm.APIAnthropic: "api.anthropic.com", faultllm.APIResponses: "api.openai.com", faultllm.APICohere: "api.cohere.com",
	faultllm.APICohereV1: "api.cohere.com", faultllm.APIOllamaGenerate: "ollama.com",
	faultllm.APICompletions: "api.openai.com", faultllm.APIEmbeddings: "api.openai.com",
	faultllm.APIOllama: "ollama.com", faultllm.APIConverse: "bedrock-runtime.eu-west-1.amazonaws.com",
	faultllm.APIInvoke: "bedrock-runtime.eu-west-1.amazonaws.com", faultllm.APIGemini: "generativelanguage.googleapis.com",
	faultllm.APIGeminiArray: "us-central1-aiplatform.googleapis.com", faultllm.APITGI: "tgi.corp.example", faultllm.APILlamacpp: "llama.corp.example",
}

// TestScenariosOfDialects plays every fault in every dialect that knows it, in
// virtual time, and demands the class that its table promises.
func TestScenariosOfDialects(t *testing.T) {
	played := map[string]int{}
	for _, sc := range faultllm.Scenarios() {
		if sc.HTTP == "2" || sc.ID == "switch-101" || sc.ID == "half-close" || leavings[sc.ID].after != "" {
			continue // what a pipe cannot do, what is no answer, and who leaves at a word of OpenAI's
		}
		for _, stream := range []bool{true, false} {
			for _, q := range sc.Requests(stream) {
				host := dialectHosts[q.API]
				if host == "" {
					continue // its own tests play it
				}
				played[q.API]++
				mode := map[bool]string{true: "stream", false: "plain"}[stream]
				t.Run(q.API+"/"+sc.ID+"/"+mode, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { playsAsPromised(t, sc, stream, host, q) })
				})
			}
		}
	}
	for api := range dialectHosts {
		if played[api] < 80 {
			t.Errorf("%s: %d plays", api, played[api])
		}
	}
}

func playsAsPromised(t *testing.T, sc faultllm.Scenario, stream bool, host string, q faultllm.Request) {
	t.Helper()
	got := classified(t, playScenario(t, sc, host, q.Path, string(q.Body)))
	want := sc.ClassOf(stream)
	switch class := got.Diagnosis.Class.String(); {
	case class != want:
		t.Errorf("%s (%s) by %s, the table says %s\nstream %+v\nerror %+v\nend %+v\ntags %v", class, got.Diagnosis.Reason, got.Diagnosis.Rule,
			want, got.Stream, got.Response.Error, got.End, got.Diagnosis.Tags)
	case class == sc.Class && sc.Reason != "" && got.Diagnosis.Reason != sc.Reason && sc.PlainClass == "":
		t.Errorf("reason %q, the table says %q", got.Diagnosis.Reason, sc.Reason)
	}
}

package wire

import (
	"slices"

	"llmtap/internal/call"
)

// Slots of InvokeModel beside those of Anthropic and Nova.
const (
	ivText slot = cvAfter + iota
	ivFinish
	ivInput
	ivOutput
	ivMetrics
	ivCounted // input as the metrics count it; the others follow
	ivCountedOutput
	ivCountedRead
	ivCountedWrite
)

// invocationMetrics is the member that the last chunk has, whatever the model.
const invocationMetrics = "amazon-bedrock-invocationMetrics"

// invokePaths select what is needed of the native answers of the models on
// Bedrock: Anthropic's, Nova's, and the places where others put text, finish
// and counts.
var invokePaths = slices.Concat(anthropicPaths, novaPaths, []path{
	{path: "outputText", slot: ivText}, // Titan
	{path: "results[].outputText", slot: ivText},
	{path: "completionReason", slot: ivFinish},
	{path: "results[].completionReason", slot: ivFinish},
	{path: "inputTextTokenCount", slot: ivInput},
	{path: "totalOutputTextTokenCount", slot: ivOutput},
	{path: "results[].tokenCount", slot: ivOutput},
	{path: "generation", slot: ivText}, // Llama
	{path: "prompt_token_count", slot: ivInput},
	{path: "generation_token_count", slot: ivOutput},
	{path: "outputs[].text", slot: ivText}, // Mistral
	{path: "outputs[].stop_reason", slot: ivFinish},
	{path: "choices[].text", slot: ivText},
	{path: "choices[].delta.content", slot: ivText},
	{path: "choices[].message.content", slot: ivText},
	{path: "choices[].stop_reason", slot: ivFinish},
	{path: "choices[].finish_reason", slot: ivFinish},
	{path: "usage.prompt_tokens", slot: ivInput},
	{path: "usage.completion_tokens", slot: ivOutput},
	{path: "completion", slot: ivText}, // the rest
	{path: "text", slot: ivText},
	{path: "generations[].text", slot: ivText},
	{path: "generations[].finish_reason", slot: ivFinish},
	{path: "finish_reason", slot: ivFinish},
	{path: invocationMetrics, slot: ivMetrics, keep: keepNone},
	{path: invocationMetrics + ".inputTokenCount", slot: ivCounted},
	{path: invocationMetrics + ".outputTokenCount", slot: ivCountedOutput},
	{path: invocationMetrics + ".cacheReadInputTokenCount", slot: ivCountedRead},
	{path: invocationMetrics + ".cacheWriteInputTokenCount", slot: ivCountedWrite},
})

// invokeParams are the parameters of the native requests.
var invokeParams = append([]param{
	{path: "max_gen_len", name: "max_tokens"},
	{path: "max_tokens_to_sample", name: "max_tokens"},
	{path: "textGenerationConfig.maxTokenCount", name: "max_tokens"},
	{path: "textGenerationConfig.temperature", name: "temperature"},
	{path: "textGenerationConfig.topP", name: "top_p"},
	{path: "inferenceConfig.maxTokens", name: "max_tokens"},
	{path: "inferenceConfig.max_new_tokens", name: "max_tokens"},
	{path: "inferenceConfig.temperature", name: "temperature"},
	{path: "inferenceConfig.topP", name: "top_p"},
}, anthropicParams...)

// invokeAsks are where those requests hold what others have in messages.
var invokeAsks = append([]path{
	{path: "prompt", slot: reqInput},
	{path: "inputText", slot: reqInput},
	{path: "toolConfig.tools", slot: reqTools},
	{path: "toolConfig.tools[]", slot: reqTool},
	{path: "textGenerationConfig.stopSequences", slot: reqStop},
	{path: "textGenerationConfig.stopSequences[]", slot: reqStopItem},
	{path: "inferenceConfig.stopSequences", slot: reqStop},
	{path: "inferenceConfig.stopSequences[]", slot: reqStopItem},
}, anthropicAsks...)

func openInvoke() dialect { return &invoke{} }

// invoke reads the native answers of the models on Bedrock's InvokeModel. What
// the documents hold tells the model's family, not its name: that may be the
// ARN of a profile.
type invoke struct {
	messages anthropic
	nova     converse
	ev       invokeEvent
	finish   choiceSet
	text     repeats
}

// invokeEvent is what the document at hand held for no family of its own.
type invokeEvent struct {
	text    textPiece
	spoken  bool
	finish  []byte
	native  call.Usage
	metrics bool
	counted bedrockUsage
}

func (i *invoke) value(at slot, v *value, t *tally) {
	switch {
	case at < cvIndex:
		i.messages.value(at, v, t)
	case at < cvAfter:
		i.nova.value(at, v, t)
	default:
		i.own(at, v)
	}
}

func (i *invoke) own(at slot, v *value) {
	ev := &i.ev
	switch at {
	case ivText:
		ev.spoken = ev.spoken || v.form == formString && v.some
		ev.text.take(v, i.text.lastLen)
	case ivFinish:
		if v.form == formString && v.some && len(ev.finish) == 0 {
			ev.finish = append(ev.finish, v.text[:min(len(v.text), maxShort)]...)
		}
	case ivInput, ivOutput:
		to := &ev.native.Input
		if at == ivOutput {
			to = &ev.native.Output
		}
		if n, ok := count(v); ok {
			*to = call.Some(n)
		}
	case ivMetrics:
		ev.metrics = v.form == formClose
	default:
		ev.counted.value(cvInput+at-ivCounted, v)
	}
}

// event names the document and books what it said.
func (i *invoke) event(_ []byte, t *tally) Kind {
	done, finished := t.Done, t.Finish
	kind := i.messages.event(nil, t)
	if k := i.nova.event(nil, t); kind == KindOther {
		kind = k
	}
	t.Done = done // the metrics alone are the marker here
	defer i.clear()
	if t.broken {
		return KindOther
	}
	i.generic(t)
	ev := &i.ev
	switch {
	case kind.Content():
	case ev.spoken:
		kind = KindContent
	case ev.metrics:
		kind = KindDone
	case kind == KindDone:
		kind = KindOther
	case kind == KindOther && t.Finish && !finished:
		kind = KindFinish
	}
	t.Done = t.Done || ev.metrics
	return kind
}

// generic books what no family of its own said, and the metrics where the
// answer itself has no counts.
func (i *invoke) generic(t *tally) {
	ev := &i.ev
	if t.stream {
		i.text.see(0, ev.text, t)
	}
	if len(ev.finish) > 0 {
		if i.finish.see(0, ev.finish) {
			t.note(repeatedFinish)
		}
		t.FinishReasons, t.Finish = i.finish.reasons, true
	}
	if ev.native.Input.Known {
		t.Usage.Input = ev.native.Input
	}
	if ev.native.Output.Known {
		t.Usage.Output = ev.native.Output
	}
	t.Usage = orElse(t.Usage, ev.counted.total())
}

// clear prepares for the next document, keeping memory.
func (i *invoke) clear() { i.ev = invokeEvent{finish: i.ev.finish[:0]} }

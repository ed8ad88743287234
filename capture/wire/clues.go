package wire

import (
	"cmp"
	"slices"
	"strings"

	"llmtap/internal/call"
)

// anyRequest reads the body of a request whose path tells no dialect: it looks
// at the places of all of them.
var anyRequest = compileAny(dialects())

func compileAny(rows []format) requestFormat {
	out := requestFormat{absent: call.ModePlain, params: slices.Clone(requestParams)}
	var asks []path
	for _, row := range rows {
		asks = append(asks, row.asks...)
		for _, p := range row.params {
			if !slices.ContainsFunc(out.params, func(q param) bool { return q.path == p.path }) {
				out.params = append(out.params, p)
			}
		}
	}
	own := []path{
		{path: "contents[].parts", slot: reqParts},
		{path: "input", slot: reqInputText},
		{path: "input[]", slot: reqInputItem},
		{path: "prompt", slot: reqPrompt},
		{path: "inputs", slot: reqInputs},
		{path: "message", slot: reqMessageText},
		{path: "inputText", slot: reqTitan},
	}
	for i, p := range out.params {
		own = append(own, path{path: p.path, slot: reqParam + slot(i)})
	}
	out.tree = compileRequest(asks, own)
	return out
}

// clue notes what stands where some dialect has its prompt.
func (n *names) clue(at slot, v *value) {
	switch {
	case at == reqParts && v.form == formOpen && v.array:
		n.tells(clueParts)
	case at == reqInputItem && v.form == formOpen && !v.array:
		n.tells(clueInputItems)
	case at == reqInputItem && (v.form == formString || v.form == formNumber || v.form == formOpen):
		n.tells(clueInputList)
	case v.form != formString || !v.some:
	case at == reqInputText:
		n.tells(clueInputText)
	case at == reqPrompt:
		n.tells(cluePrompt)
	case at == reqInputs:
		n.tells(clueInputs)
	case at == reqMessageText:
		n.tells(clueMessage)
	case at == reqTitan:
		n.tells(clueTitan)
	}
}

func (n *names) tells(clue string) {
	if !slices.Contains(n.clues, clue) {
		n.clues = append(n.clues, clue)
	}
}

// speakers are the roles that messages of the known dialects begin with.
var speakers = []string{"system", "developer", "user", "assistant", "tool", "function", "model"}

// guess finds the dialect that the body fits, and reads on as that one. A body
// that fits none has said nothing of a prompt.
func (r *Request) guess() {
	f := &r.facts
	confirmed := r.match.Confirm != "" && slices.Contains(f.Keys, r.match.Confirm)
	var p *fingerprint
	if clues := r.allClues(); f.Valid && !confirmed {
		if p = printOf(clues); p != nil {
			f.Clues = clues
		}
	}
	switch {
	case confirmed:
		r.spec = requestOf(r.match.decoder)
	case p == nil:
		r.spec = &requests[0]
		f.Messages, f.Prompt = 0, Prompt{}
	default:
		r.spec = requestOf(p.decoder)
		r.match.PathMode = call.ModeUnknown
	}
	f.Params = slices.DeleteFunc(f.Params, func(p call.Param) bool {
		return !slices.ContainsFunc(r.spec.params, func(q param) bool { return q.name == p.Name })
	})
}

// allClues are the member names and what was noticed about them.
func (r *Request) allClues() []string {
	f := &r.facts
	clues := append(slices.Clone(r.names.clues), f.Keys...)
	if slices.Contains(speakers, f.Prompt.FirstRole) && slices.Contains(f.Keys, "messages") {
		clues = append(clues, clueRoles)
	}
	if r.match.anthropic {
		clues = append(clues, clueAnthropic)
	}
	for _, p := range f.Params {
		switch {
		case p.Name == "anthropic_version" && strings.HasPrefix(p.Value, `"bedrock-`):
			clues = append(clues, clueBedrock)
		case p.Name == "anthropic_version" && strings.HasPrefix(p.Value, `"vertex-`):
			clues = append(clues, clueVertex)
		case p.Name == "max_tokens" && !slices.Contains(f.Keys, p.Name) && slices.Contains(f.Keys, "parameters"):
			clues = append(clues, clueNewTokens)
		}
	}
	return clues
}

// askedMode is the mode of a request without a stream flag: where it stands in
// a path that is not known, or depends on a dialect that is not, it is unknown.
func (r *Request) askedMode() call.Mode {
	if p := printOf(r.facts.Clues); p != nil && (p.blind || p.later) {
		return call.ModeUnknown
	}
	return cmp.Or(r.spec.absent, call.ModePlain)
}

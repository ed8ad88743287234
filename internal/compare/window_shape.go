package compare

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// shape is the form of a request without its content. Calls with one form
// share it; its slices belong to the first record that had it.
type shape struct {
	flag     call.StreamFlag
	path     string
	query    string
	version  string // api-version
	keys     []string
	headers  []string
	features features
}

// features are members of a request that can be refused together with a mode.
type features uint16

const (
	featTools features = 1 << iota
	featFunctions
	featResponseFormat
	featLogprobs
	featModalities
	featReasoning
	featChoices
)

var featureNames = []string{"tools", "functions", "response_format", "logprobs", "modalities", "reasoning", "n"}

// names lists f in words.
func (f features) names() []string {
	var out []string
	for i, name := range featureNames {
		if f&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

func featuresOf(r *call.Record) features {
	var f features
	if r.Request.Tools > 0 {
		f |= featTools
	}
	for _, k := range r.Request.Keys {
		switch {
		case k == "tools":
			f |= featTools
		case k == "functions":
			f |= featFunctions
		case k == "response_format":
			f |= featResponseFormat
		case k == "logprobs", k == "top_logprobs":
			f |= featLogprobs
		case k == "modalities":
			f |= featModalities
		case strings.HasPrefix(k, "reasoning"):
			f |= featReasoning
		}
	}
	for _, p := range r.Request.Params {
		switch {
		case p.Name == "n" && p.Value != "1" && p.Value != "null":
			f |= featChoices
		case p.Name == "logprobs" && (p.Value == "false" || p.Value == "null"):
			f &^= featLogprobs // said, not asked for
		}
	}
	return f
}

// maxShapes bounds the shared forms; beyond, the oldest is no longer shared.
const maxShapes = 512

// shapes hands out one shape per form.
type shapes struct {
	byHash map[uint64]*shape
	order  []uint64 // oldest first
}

func (s *shapes) of(r *call.Record) *shape {
	f := featuresOf(r)
	h := mix(mix(fnvOffset, r.Request.Path), r.Request.URL)
	h = (h ^ uint64(f)<<8 ^ uint64(r.Request.StreamFlag)) * fnvPrime
	for _, k := range r.Request.Keys {
		h = mix(h, k)
	}
	for _, x := range r.Request.Hints.Headers {
		h = mix(h, x.Name)
	}
	if known := s.byHash[h]; known != nil {
		return known
	}
	_, query, _ := strings.Cut(r.Request.URL, "?")
	made := &shape{
		flag: r.Request.StreamFlag, path: r.Request.Path, query: query, version: r.Target.APIVersion,
		keys: r.Request.Keys, features: f,
	}
	for _, x := range r.Request.Hints.Headers {
		if !slices.Contains(made.headers, x.Name) {
			made.headers = append(made.headers, x.Name)
		}
	}
	if len(s.order) >= maxShapes {
		delete(s.byHash, s.order[0])
		s.order = append(s.order[:0], s.order[1:]...)
	}
	s.byHash[h] = made
	s.order = append(s.order, h)
	return made
}

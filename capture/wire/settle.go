package wire

import (
	"slices"

	"llmtap/internal/call"
)

// Settle returns the match once the request body is known, and whether it is
// certain: some paths belong to a dialect only if the body says so, others to
// one or the other, and where the path tells nothing the body's fingerprint
// may. What the body denies is taken back.
func (m Match) Settle(f RequestFacts) (Match, bool) {
	has := func(key string) bool { return slices.Contains(f.Keys, key) }
	switch {
	case m.unsure(f.Keys):
		m.untold()
		if m.Confirm == "" {
			m.Provider = "" // the host alone proves nothing
		}
		if p := printOf(f.Clues); p != nil {
			m.asks = p.asks
			if !p.later {
				m.take(&p.row)
				m.Rule = ruleFingerprint
			}
		}
	case m.API == openaiCompletions && m.decoder == "llamacpp" && has("n_predict"):
		m.API, m.Format = "llamacpp.completion", "llamacpp"
	}
	return m, m.API != "" || m.Operation != ""
}

// unsure reports whether the path leaves it to the body what is called, which
// has some members.
func (m *Match) unsure(keys []string) bool {
	if m.Aside {
		return false
	}
	return m.decoder == "" && m.API == "" || m.Confirm != "" && !slices.Contains(keys, m.Confirm)
}

// Answered returns the match once the answer is known. Where the path named the
// dialect it stays what was called, and only what read the body may be another;
// where the request did, its answer completes, corrects or refutes it.
func (m Match) Answered(f Facts) Match {
	switch {
	case m.Aside, formatOf(m.decoder).knows(f.Format):
	case m.asks == "" && f.Format != "":
		m.Format = f.Format
	case m.asks == "":
	case f.Format != "":
		m.untold()
		if r := printedRow(m.asks, f.Format); r != nil {
			m.take(r)
			m.Rule = ruleFingerprint
		} else {
			m.Format = f.Format
		}
	case f.Alien:
		m.untold()
	}
	return m
}

// Absent is the mode of a request to this match that has no stream flag.
func (m Match) Absent() call.Mode {
	if m.PathMode != call.ModeUnknown {
		return m.PathMode
	}
	return requestOf(m.decoder).absent
}

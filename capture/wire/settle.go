package wire

import "slices"

// Settle returns the match once the request body is known, and whether it is
// certain: some paths belong to a dialect only if the body says so, others to
// one or the other. What the body denies is taken back.
func (m Match) Settle(f RequestFacts) (Match, bool) {
	has := func(key string) bool { return slices.Contains(f.Keys, key) }
	switch {
	case m.Confirm != "" && !has(m.Confirm):
		return Match{Provider: m.host, Model: m.Model, APIVersion: m.APIVersion, RoutePrefix: m.RoutePrefix, Confirm: m.Confirm, host: m.host}, false
	case m.API == openaiCompletions && m.decoder == "llamacpp" && has("n_predict"):
		m.API, m.Format = "llamacpp.completion", "llamacpp"
	}
	return m, m.API != "" || m.Operation != ""
}

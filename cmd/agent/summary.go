package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"llmtap/internal/call"
)

// maxShown bounds the table and the advice under it.
const (
	maxShown  = 40
	maxAdvice = 5
)

// summary is what exec saw, and the JSON of --summary.
type summary struct {
	Calls    int `json:"calls"`
	Failures int `json:"failures"`
	Attempts int `json:"attempts"`
	// Records are the last ones, in order of their end.
	Records []call.Record `json:"records"`
	Tunnels []call.Tunnel `json:"tunnels"`
	// Verdicts are what comparison showed.
	Verdicts []call.Finding `json:"verdicts"`
	// Remedies are those of the failed calls, each once.
	Remedies []string `json:"remedies"`
	// Direct are calls that were noticed to go past llmtap; each process and
	// host once.
	Direct []directCall `json:"direct"`
	// Routes are the variables that --base-url pointed at llmtap.
	Routes []reroute `json:"routes,omitempty"`
}

func newSummary(seen *memory, tunnels []call.Tunnel) summary {
	n := seen.total()
	s := summary{
		Calls: n.calls, Failures: n.failures, Attempts: n.attempts, Records: append([]call.Record{}, seen.list()...),
		Tunnels: append([]call.Tunnel{}, tunnels...), Verdicts: seen.verdicts(false), Remedies: []string{}, Direct: []directCall{},
	}
	for _, r := range s.Records {
		if r.Outcome() != call.OutcomeError {
			continue
		}
		for _, remedy := range r.Diagnosis.Remedy {
			if !slices.Contains(s.Remedies, remedy) {
				s.Remedies = append(s.Remedies, remedy)
			}
		}
	}
	return s
}

func (m summary) write(path string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write --summary: %w", err)
	}
	return writeAtomic(path, append(b, '\n'), 0o600)
}

// print says what was seen; more is the command that shows one call in full, empty if none can.
func (m summary) print(w io.Writer, p palette, more string) error {
	s := &sheet{w: w, p: p}
	tries := ""
	if m.Attempts > m.Calls {
		tries = fmt.Sprintf(" (%d attempts)", m.Attempts)
	}
	s.print(fmt.Sprintf("\nllmtap saw %s, %s%s.\n", plural(m.Calls, "LLM call"), plural(m.Failures, "failure"), tries))
	shown := m.Records[max(0, len(m.Records)-maxShown):]
	if len(shown) < m.Attempts {
		s.print(fmt.Sprintf("The last %d:\n", len(shown)))
	}
	if s.err == nil && len(shown) > 0 {
		s.err = printCalls(w, p, shown)
	}
	for i := range m.Verdicts {
		s.print("\n")
		printVerdict(s, &m.Verdicts[i])
	}
	m.advise(s)
	for _, t := range m.Tunnels {
		if t.Reason != "not_listed" {
			s.advice(fmt.Sprintf("not looked into: %s:%d (%s)", t.Host, t.Port, t.Reason), t.Remedy)
		}
	}
	m.goneDirect(s)
	switch {
	case m.Attempts == 0 && len(m.Direct) == 0:
		s.advice(m.noCalls())
	case m.Attempts > 0 && more != "":
		s.print("\nmore: " + more + "\n")
	}
	return s.err
}

// advise explains each kind of failure once, at its last call, without what a
// verdict above has advised already.
func (m summary) advise(s *sheet) {
	var said []call.Class
	advised := func(remedy string) bool {
		return slices.ContainsFunc(m.Verdicts, func(f call.Finding) bool { return slices.Contains(f.Remedy, remedy) })
	}
	for _, r := range slices.Backward(m.Records) {
		d := r.Diagnosis
		if r.Outcome() != call.OutcomeError || d.Text == "" || slices.Contains(said, d.Class) || len(said) == maxAdvice {
			continue
		}
		said = append(said, d.Class)
		s.print("\n")
		s.advice(d.Class.String()+": "+d.Text, slices.DeleteFunc(slices.Clone(d.Remedy), advised)...)
	}
}

// noCalls says what may be behind it that nothing was seen, and what helps.
func (m summary) noCalls() (text, remedy string) {
	var hosts []string
	for _, t := range m.Tunnels {
		if t.Reason == "not_listed" && !slices.Contains(hosts, t.Host) {
			hosts = append(hosts, t.Host)
		}
	}
	switch {
	case len(hosts) > 0:
		return "It connected to " + strings.Join(hosts[:min(5, len(hosts))], ", ") + "; if one of them serves a model, add --intercept HOST.", ""
	case len(m.Tunnels) > 0:
		return "What it connected to could not be looked into, see above.", ""
	case len(m.Routes) > 0:
		return "No connection came through the proxy or a route: the program failed before it called, or has its service's address elsewhere than in " +
			m.variables() + ".", ""
	}
	return "No connection came through the proxy: the program failed before it called, or ignores HTTPS_PROXY (bare aiohttp, Node before 22.21).",
		"If it ignores it: llmtap exec --base-url -- CMD"
}

// variables names what --base-url set.
func (m summary) variables() string {
	names := make([]string, len(m.Routes))
	for i, r := range m.Routes {
		names[i] = r.Variable
	}
	return strings.Join(names, ", ")
}

// moreHint is the command that finds the calls kept in dir.
func moreHint(env environment, dir string) string {
	switch {
	case dir == "":
		return ""
	case dir == absolute(defaultStateDir(env)), dir == absolute(env.getenv("LLMTAP_STATE_DIR")):
		return "llmtap show ID"
	}
	return "llmtap show --state-dir " + word(dir) + " ID"
}

// word quotes a path for the shell where it needs to be.
func word(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return shQuote(path)
	}
	return path
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"llmtap/internal/check"
	"llmtap/internal/redact"
)

// checkPrinter writes lines as they come and counts them.
type checkPrinter struct {
	s       *sheet
	json    *json.Encoder
	secrets []string
	bad     int
	unknown int
	all     int
}

// printer writes to stdout; secrets never get there.
func (c *checkCmd) printer(env environment, secrets ...string) *checkPrinter {
	p := &checkPrinter{s: &sheet{w: env.stdout, p: colours(env)}, secrets: secrets}
	if c.JSON {
		p.json = json.NewEncoder(env.stdout)
		p.json.SetEscapeHTML(false)
	}
	return p
}

// safe takes out what a service or a variable put into a text.
func (p *checkPrinter) safe(text string) string {
	for _, secret := range p.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "REDACTED")
		}
	}
	return clean(redact.Text(text, 800))
}

// note says something beside the lines; with --json it goes to stderr.
func (p *checkPrinter) note(env environment, text string) {
	s := p.s
	if p.json != nil {
		s = &sheet{w: env.stderr}
	}
	s.print(text + "\n")
}

// line writes one line; its state is in words, a mark and a colour.
func (p *checkPrinter) line(l check.Line) {
	l.Reason, l.Fix = p.safe(l.Reason), p.safe(l.Fix)
	p.all++
	mark, colour := "?", ansiYellow
	switch l.State {
	case check.OK:
		mark, colour = "✓", ansiGreen
	case check.NotOK:
		mark, colour = "✗", ansiRed
		p.bad++
	default:
		p.unknown++
	}
	if p.json != nil {
		if p.s.err == nil {
			p.s.err = p.json.Encode(l)
		}
		return
	}
	const indent, width = 40, 58
	state := p.s.p.paint(colour, mark+" "+fit(l.State.String(), 8, false))
	p.s.print(state + " " + fit(l.Name, 28, false) + " " + strings.Join(wrap(l.Reason, width), "\n"+strings.Repeat(" ", indent)) + "\n")
	if l.Fix != "" {
		p.s.print(strings.Repeat(" ", indent) + "→ " + strings.Join(wrap(l.Fix, width-2), "\n"+strings.Repeat(" ", indent+2)) + "\n")
	}
}

// end says how it went; something not ok is exit status 1.
func (p *checkPrinter) end() error {
	if p.json == nil {
		p.s.print(fmt.Sprintf("%d ok, %d not ok, %d unknown\n", p.all-p.bad-p.unknown, p.bad, p.unknown))
	}
	if p.s.err != nil {
		return p.s.err
	}
	if p.bad > 0 {
		return exitError(exitFailed)
	}
	return nil
}

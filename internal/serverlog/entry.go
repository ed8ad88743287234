package serverlog

import (
	"regexp"
	"strings"
	"time"

	"llmtap/internal/redact"
)

// Bounds of what is kept of an entry; of the rest only the last exception and
// the first rule that matched.
const (
	maxMore = 8
	maxText = 300 // runes of a failure's text
)

// entry is what is kept of one entry of the log while it is read.
type entry struct {
	header
	at   time.Time
	more []string // the first lines that follow, without their indent
	// exception is the last line of a traceback, and of the entry, that names one.
	exception string
	rule      Rule
	known     bool
}

// exceptionLine is how a traceback ends.
var exceptionLine = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*\.)*[A-Za-z0-9_]*(Error|Exception|Exit|Interrupt|Warning|Fault|Timeout)(: |$)`)

// add takes a line that belongs to the entry. The loggers indent what follows
// the first line.
func (e *entry) add(line string) {
	if len(e.more) < maxMore {
		e.more = append(e.more, strings.Clone(line))
	}
	if exceptionLine.MatchString(line) {
		e.exception = strings.Clone(line)
	}
	e.match(line)
}

// match looks for a rule whose words are all in one line.
func (e *entry) match(line string) {
	if !e.known {
		e.rule, e.known = ruleOf(line)
	}
}

// failure is what the entry says went wrong: the last exception of a traceback,
// else the whole text.
func (e *entry) failure() Failure {
	text := e.exception
	if text == "" {
		text = strings.Join(strings.Fields(e.text+" "+strings.Join(e.more, " ")), " ")
	}
	if !e.known {
		e.match(text)
	}
	class := classOf(text)
	f := Failure{Class: class, Text: redact.Text(text, maxText), Tried: triedToCall(class, text)}
	if e.known {
		f.Class, f.Rule, f.Tried = e.rule.Class, e.rule.Name, false
	}
	return f
}

// classOf reads the class of an exception from its text.
func classOf(text string) string {
	if m := exceptionLine.FindString(text); m != "" {
		name := strings.TrimSuffix(m, ": ")
		return redact.Known(name[strings.LastIndexByte(name, '.')+1:])
	}
	for _, c := range []struct{ words, class string }{
		{"validation error", "ValidationError"}, {"unexpected keyword argument", "TypeError"}, {"cannot import name", "ImportError"},
		{"No module named", "ModuleNotFoundError"}, {"object has no attribute", "AttributeError"},
	} {
		if strings.Contains(text, c.words) {
			return c.class
		}
	}
	return "Exception"
}

// siteForm is a path into a folder of Python packages.
var siteForm = regexp.MustCompile(`/[^"\s]{1,200}/(site|dist)-packages`)

// siteIn returns the folder of packages that a line names, empty if it is none
// that the server itself runs from.
func siteIn(line string) string {
	if !strings.Contains(line, "-packages/") {
		return ""
	}
	if strings.Contains(line, "JupyterLab extension loaded from /") || strings.Contains(line, `File "/`) && strings.Contains(line, "jupyter_ai") {
		return siteForm.FindString(line)
	}
	return ""
}

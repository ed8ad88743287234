package report

import (
	"crypto/sha256"
	_ "embed" // the page's two files
	"encoding/base64"
	"html/template"
	"slices"
	"strings"
)

//go:embed page/report.html
var pageText string

//go:embed page/style.css
var styleText string

// page is all that the template sees.
type page struct {
	Title    string
	Style    template.CSS
	Policy   string
	Lead     lead
	Matrix   matrix
	Verdicts verdicts
	Exhibits []exhibit
	Strip    strip
	Versions versions
	Failures failures
	Calls    callList
	About    about
}

// document parses the page. The template is the program's own, so that it
// cannot be wrong at run time and right in the tests.
func document() *template.Template {
	pieces := func(name string) []string { return strings.SplitAfter(name, "_") } // where a long name may break
	return template.Must(template.New("report").Funcs(template.FuncMap{"pieces": pieces}).Parse(pageText))
}

// policy allows the one style sheet, by its hash, and nothing else at all: no
// script, no image, no connection, wherever the file is opened.
func policy() string {
	sum := sha256.Sum256([]byte(styleText))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// build makes the view of everything. Compare and Curl see the records as they
// were captured; all that reaches the page is tidy.
func build(in Input) page {
	raw := slices.Concat(in.Records, in.Evidence)
	facts := material{raw: raw, seen: tidyAll(raw), counted: len(in.Records)}
	facts.take(in.Findings)
	facts.calls = fold(facts.seen[:facts.counted])
	p := page{
		Style:  template.CSS(styleText), //nolint:gosec // the program's own file
		Policy: policy(),
		Matrix: matrixOf(&facts), Verdicts: verdictsOf(&facts), Exhibits: exhibitsOf(&facts), Strip: stripOf(&facts),
		Versions: versionsOf(&facts), Failures: failuresOf(&facts), Calls: callsOf(&facts), About: aboutOf(&facts, in),
	}
	p.Lead = leadOf(&facts, &p)
	p.Title = p.Lead.Short + " · llmtap report"
	return p
}

func tidyAll[T any](list []T) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = tidy(v)
	}
	return out
}

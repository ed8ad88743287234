package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

//go:embed page
var pageFiles embed.FS

// pageTemplates are the program's own: what is wrong with them shows in any test.
var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{"visible": visible, "lines": visibleLines, "short": short, "prose": prose, "path": url.PathEscape}).ParseFS(pageFiles, "page/*.html"))

// pages answers in HTML.
type pages struct{ desk }

// head is what every page has.
type head struct {
	Title string
	// Base is the relative way from the page to the first page, so that links
	// work under any prefix.
	Base    string
	Viewer  Viewer
	Version string
}

func (p pages) head(r *http.Request, title, base string) head {
	return head{Title: title, Base: base, Viewer: viewerOf(r), Version: p.cfg.Info.Version}
}

// notice is a page of one sentence.
type notice struct {
	head
	Text string
}

// render answers with a page; one that cannot be made is an error as a whole.
func render(w http.ResponseWriter, status int, name string, data any) {
	var out bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&out, name+".html", data); err != nil {
		failFrom(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // a reader who left needs no answer
}

func style(w http.ResponseWriter, _ *http.Request) {
	css, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		failFrom(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(css)
}

// visible makes control and direction characters of captured text show.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '\ufffd'
		}
		return r
	}, s)
}

// visibleLines is visible for text of several lines.
func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = visible(lines[i])
	}
	return strings.Join(lines, "\n")
}

// short shows the end of an id: its start is time and hardly differs.
func short(id string) string { return id[max(0, len(id)-9):] }

// piece is a part of a sentence; code was between backticks.
type piece struct {
	Text string
	Code bool
}

// prose parts a sentence where backticks pair; an odd one stays as it is.
func prose(s string) []piece {
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 {
		return []piece{{Text: s}}
	}
	out := make([]piece, len(parts))
	for i, text := range parts {
		out[i] = piece{text, i%2 == 1}
	}
	return out
}

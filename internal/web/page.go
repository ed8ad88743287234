package web

import (
	"bytes"
	"context"
	_ "embed" // the page's two files
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"

	"llmtap/internal/call"
)

//go:embed page/index.html
var indexText string

//go:embed page/style.css
var styleText string

var indexPage = template.Must(template.New("index").Funcs(template.FuncMap{"visible": visible, "seconds": asSeconds}).Parse(indexText))

// page is what the index shows.
type page struct {
	Info     Info
	Calls    []call.Record
	Verdicts []call.Finding
	Live     int
	Problem  string
}

// index lists the newest calls, readable without any script.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r.URL.Query(), s.cfg.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_parameter", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	p := page{Info: s.cfg.Info, Live: len(s.cfg.Live())}
	if p.Calls, err = s.cfg.Calls.Calls(ctx, q); err == nil {
		p.Verdicts, err = s.cfg.Calls.Findings(ctx, false)
	}
	if err != nil {
		p.Problem = err.Error()
	}
	var out bytes.Buffer
	if err := indexPage.Execute(&out, p); err != nil {
		failFrom(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // a reader who left needs no answer
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(styleText))
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

func asSeconds(d time.Duration) string { return d.Round(time.Millisecond).String() }

package explain_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sheet is all that is said about a record, by what is asked.
func sheet(r call.Record) string {
	var b strings.Builder
	say := func(title string, lines ...string) {
		if text := strings.TrimRight(strings.Join(lines, "\n"), "\n"); text != "" {
			b.WriteString("== " + title + "\n" + text + "\n")
		}
	}
	say("headline", explain.Headline(r))
	listed := func(title string, facts []explain.Fact) {
		var lines []string
		for _, f := range facts {
			lines = append(lines, f.Name+": "+f.Text)
		}
		say(title, lines...)
	}
	listed("asked", explain.Asked(r))
	listed("answered", explain.Answered(r))
	say("timeline", explain.Timeline(r)...)
	say("seen", explain.Seen(r))
	var steps []string
	for _, s := range explain.Advice(r) {
		steps = append(steps, string(s.Who)+": "+s.Text)
	}
	say("advice", steps...)
	say("quote", explain.Quote(r))
	listed("evidence", explain.Evidence(r))
	p := explain.Curl(r)
	say("as sent", append([]string{p.AsSent.Missing, p.AsSent.Text}, p.AsSent.LeftOut...)...)
	say("changed: "+p.Change, append([]string{p.Changed.Text}, p.Changed.LeftOut...)...)
	return b.String()
}

// TestGolden: records as the store gives them back, and all that is said about
// each.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var r call.Record
			if err := json.Unmarshal(a.Files[0].Data, &r); err != nil {
				t.Fatal(err)
			}
			got := sheet(r)
			if *update {
				a.Files = append(a.Files[:1], txtar.File{Name: "explained", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if len(a.Files) != 2 {
				t.Fatal("no explanation beside the record")
			}
			if d := cmp.Diff(string(a.Files[1].Data), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, line := range explain.Timeline(r) {
				if utf8.RuneCountInString(line) > explain.Width {
					t.Errorf("wider than %d: %s", explain.Width, line)
				}
			}
		})
	}
}

package compare_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

var updateDiffs = flag.Bool("update-diff", false, "rewrite what testdata/diff/*.txtar expects")

// TestDiffGolden compares the calls of the archives. An archive holds two
// records (failing.json, working.json), maybe a window, one line per kind of
// call: how many, which of the two they are like, and what differs from it; and
// what the comparison says (want).
func TestDiffGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/diff/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string][]byte{}
			for _, f := range archive.Files {
				parts[f.Name] = f.Data
			}
			a, b := recordFrom(t, parts["failing.json"]), recordFrom(t, parts["working.json"])
			window := append([]call.Record{a, b}, windowFrom(t, parts)...)
			got := writeComparison(compare.Compare(a, b, window))
			if swapped := writeComparison(compare.Compare(b, a, window)); a.Outcome() != b.Outcome() && swapped != got {
				t.Errorf("the order of the calls matters:\n%s", cmp.Diff(got, swapped))
			}
			if *updateDiffs {
				i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				if i < 0 {
					archive.Files, i = append(archive.Files, txtar.File{Name: "want"}), len(archive.Files)
				}
				archive.Files[i].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(parts["want"]), got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func recordFrom(t *testing.T, text []byte) (r call.Record) {
	t.Helper()
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return r
}

// windowFrom reads lines such as `12 failing {"request":{"messages":3}}`.
func windowFrom(t *testing.T, parts map[string][]byte) (out []call.Record) {
	t.Helper()
	for line := range strings.Lines(string(parts["window"])) {
		var n int
		var like string
		if _, err := fmt.Sscan(line, &n, &like); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		_, patch, _ := strings.Cut(line, like)
		var base, over map[string]any
		if err := json.Unmarshal(parts[like+".json"], &base); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(patch), &over); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		delete(base, "logical")
		lay(over, base)
		for range n {
			base["id"] = fmt.Sprintf("window-%d", len(out))
			text, err := json.Marshal(base)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, recordFrom(t, text))
		}
	}
	return out
}

// lay puts the members of over into base, objects member by member.
func lay(over, base map[string]any) {
	for k, v := range over {
		inner, ok := v.(map[string]any)
		below, both := base[k].(map[string]any)
		if ok && both {
			below = maps.Clone(below)
			lay(inner, below)
			v = below
		}
		base[k] = v
	}
}

// writeComparison is the comparison as the archives tell it.
func writeComparison(c compare.Comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nfailing %s, working %s\n", c.Explains, c.Failing, c.Working)
	if c.Smallest != nil {
		fmt.Fprintf(&b, "smallest: %s\n", c.Smallest.Path)
	}
	for _, r := range c.Changes {
		role := string(r.Role)
		if r.Unclear {
			role = "unclear " + role
		}
		counts := ""
		if r.Counts != (compare.Counts{}) {
			counts = fmt.Sprintf("  %d/%d %d/%d", r.Counts.Failing, r.Counts.OfFailing, r.Counts.Working, r.Counts.OfWorking)
		}
		fmt.Fprintf(&b, "%-19s %-28s %s | %s%s\n", role, r.Path, r.Failing, r.Working, counts)
	}
	return b.String()
}

package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// classNames are the classes by the table that drives them all.
func classNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, row := range diagnose.Table() {
		names = append(names, row.Class.String())
	}
	for _, c := range call.Classes() {
		if !slices.Contains(names, c.String()) {
			t.Errorf("class %v has no row in the table of diagnose", c)
		}
	}
	if len(names) != len(call.Classes()) {
		t.Errorf("%d rows for %d classes", len(names), len(call.Classes()))
	}
	return names
}

// many is how many classes a document names before it counts as a list of
// them: single ones are examples.
const many = 12

// TestListsOfClassesAreWhole holds every file that lists classes (dashboards'
// mappings, alert rules, runbooks, fixtures' answers) to the whole list.
func TestListsOfClassesAreWhole(t *testing.T) {
	names := classNames(t)
	for _, dir := range []string{"dashboards/json", "docs"} {
		root := filepath.Join("../..", dir)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if missing, found := missingFrom(string(text), names); found >= many && len(missing) > 0 {
				t.Errorf("%s lists %d classes and lacks %v", path, found, missing)
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
}

// missingFrom returns the classes that a text does not name, and how many it
// does. "ok" is too short a word to tell.
func missingFrom(text string, names []string) (missing []string, found int) {
	for _, n := range names {
		if n == "ok" {
			continue
		}
		if regexp.MustCompile(`\b` + n + `\b`).MatchString(text) {
			found++
		} else {
			missing = append(missing, n)
		}
	}
	return missing, found
}

// TestRunbooksHaveAHeadingForEachClass: an alert links to the heading.
func TestRunbooksHaveAHeadingForEachClass(t *testing.T) {
	files, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	headings := regexp.MustCompile("(?m)^#+ `?([a-z_]+)`?").FindAllStringSubmatch(all.String(), -1)
	for _, name := range classNames(t) {
		has := slices.ContainsFunc(headings, func(m []string) bool { return m[1] == name })
		if len(files) > 0 && name != "ok" && !has {
			t.Errorf("no runbook has the heading %s", name)
		}
	}
}

// TestAMissingClassIsSeen proves that the search bites.
func TestAMissingClassIsSeen(t *testing.T) {
	names := classNames(t)
	text := strings.Join(names, " ")
	if missing, found := missingFrom(text, names); len(missing) != 0 || found != len(names)-1 {
		t.Errorf("found %d, missing %v in the whole list", found, missing)
	}
	if missing, _ := missingFrom(strings.ReplaceAll(text, "empty_stream", "empty_streams"), names); !slices.Equal(missing, []string{"empty_stream"}) {
		t.Errorf("missing %v, want empty_stream", missing)
	}
}

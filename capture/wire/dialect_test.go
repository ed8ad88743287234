package wire

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const guide = "../../docs/adding-a-dialect.md"

var (
	namedFile = regexp.MustCompile("`(capture/wire/[^` ]+)`")
	codeBlock = regexp.MustCompile("(?ms)`(capture/wire/[^` ]+\\.go)`[^`]*?:\n\n((?:```go\n.*?```\n\n?)+)")
)

// TestGuideNamesWhatExists executes docs/adding-a-dialect.md: every file it
// names is there, and every line of code it shows stands in the file named
// before it.
func TestGuideNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	names := namedFile.FindAllStringSubmatch(string(text), -1)
	if len(names) < 10 {
		t.Fatalf("the guide names %d files; the expression is wrong", len(names))
	}
	for _, n := range names {
		if _, err := os.Stat(filepath.Join("../..", n[1])); err != nil {
			t.Errorf("the guide names a file that is not there: %v", err)
		}
	}
	blocks := codeBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 5 {
		t.Fatalf("the guide shows %d blocks of code; the expression is wrong", len(blocks))
	}
	for _, b := range blocks {
		source, err := os.ReadFile(filepath.Join("../..", b[1]))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(b[2], "\n") {
			if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "```") && !strings.Contains(string(source), line+"\n") {
				t.Errorf("%s does not hold the guide's line\n%s", b[1], line)
			}
		}
	}
}

// TestEveryDialectHasItsArchives holds the rule of one folder per dialect.
func TestEveryDialectHasItsArchives(t *testing.T) {
	for _, d := range dialects() {
		files, err := filepath.Glob(filepath.Join("testdata", d.name, "*.txtar"))
		if err != nil || len(files) < 5 {
			t.Errorf("%s has %d archives (%v), want a stream, a plain answer, two errors and a peculiarity", d.name, len(files), err)
		}
	}
}

// TestEveryDialectIsRecognized: a decoder that no row of the table leads to
// would never run.
func TestEveryDialectIsRecognized(t *testing.T) {
	for _, d := range dialects() {
		if !slices.ContainsFunc(table, func(r row) bool { return r.decoder == d.name }) {
			t.Errorf("no row of the recognition table names %s", d.name)
		}
	}
}

// TestSlotsDoNotCollide: a dialect's numbers are its own, and no path of it
// replaces a shared one.
func TestSlotsDoNotCollide(t *testing.T) {
	if errSlots >= firstOwn {
		t.Errorf("%d shared slots reach into those of dialects, from %d on", errSlots, firstOwn)
	}
	for _, d := range dialects() {
		for _, p := range d.paths {
			if p.slot < firstOwn {
				t.Errorf("%s: path %q has the shared slot %d", d.name, p.path, p.slot)
			}
		}
	}
	if last := int(reqParam) + len(requestParams); last > 255 {
		t.Errorf("%d slots of a request do not fit a byte", last)
	}
}

// TestOddityNamesAreSorted: the list is written in the order of its numbers.
func TestOddityNamesAreSorted(t *testing.T) {
	if !slices.IsSorted(quirkNames[:]) {
		t.Error("the names of oddities are not sorted")
	}
	if i := slices.Index(quirkNames[:], ""); i >= 0 {
		t.Errorf("oddity %d has no name", i)
	}
}

func TestUnknownFormatsCountOnly(t *testing.T) {
	if got := formatOf("no such thing"); got != &unread {
		t.Errorf("an unknown decoder is %q", got.name)
	}
	if k := unread.open().event(nil, &tally{}); k != KindOther {
		t.Errorf("its events are %d, want other", k)
	}
}

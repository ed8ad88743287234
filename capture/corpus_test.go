package capture

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// TestCorpus runs the bytes of every case through observer, decoder, exchange
// and diagnosis, and prints who was taken for whom.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../internal/diagnose/testdata/corpus/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	seen := confusion{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+f.Name, func(t *testing.T) {
				s := &script{}
				s.run(t, string(f.Data))
				got := classified(t, s.tape)
				if problem := compareWant(got, s.want); problem != "" {
					t.Errorf("%s\n%+v\nstream %+v\nerror %+v\nend %+v", problem, got.Diagnosis, got.Stream, got.Response.Error, got.End)
				}
				class, _, _ := strings.Cut(s.want, " ")
				seen.add(class, got.Diagnosis.Class.String())
			})
		}
	}
	fmt.Print(seen) // shown with -v, or when the package is listed alone
	seen.complete(t)
}

// classified is the record of a tape's last call, with its diagnosis.
func classified(t *testing.T, tape *tape) call.Record {
	t.Helper()
	if len(tape.got) == 0 {
		t.Fatal("no record")
	}
	r := tape.got[len(tape.got)-1]
	r.Identity.Attempt = 1
	r.Diagnosis = diagnose.Classify(r)
	return r
}

// compareWant tells how a record differs from "CLASS [REASON] [+TAG …]
// [outcome=O]"; empty if it does not.
func compareWant(r call.Record, want string) string {
	words := strings.Fields(want)
	if len(words) == 0 {
		return "the case wants nothing"
	}
	if got := r.Diagnosis.Class.String(); got != words[0] {
		return fmt.Sprintf("%s (%s) by %s, want %s", got, r.Diagnosis.Reason, r.Diagnosis.Rule, want)
	}
	for _, w := range words[1:] {
		tag, isTag := strings.CutPrefix(w, "+")
		outcome, isOutcome := strings.CutPrefix(w, "outcome=")
		switch {
		case isTag && !slices.Contains(r.Diagnosis.Tags, tag):
			return fmt.Sprintf("tags %v lack %s", r.Diagnosis.Tags, tag)
		case isOutcome && r.Outcome().String() != outcome:
			return fmt.Sprintf("outcome %v, want %s", r.Outcome(), outcome)
		case !isTag && !isOutcome && r.Diagnosis.Reason != w:
			return fmt.Sprintf("reason %s, want %s", r.Diagnosis.Reason, w)
		}
	}
	return ""
}

// confusion counts cases by the class they are of and the one they got.
type confusion map[[2]string]int

func (c confusion) add(want, got string) { c[[2]string{want, got}]++ }

// String is the matrix, one line for each class: its cases, those that were
// found, and what the others were taken for.
func (c confusion) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "confusion matrix of the corpus\n%-26s %6s %6s  %s\n", "class", "cases", "right", "taken for")
	for _, class := range call.Classes() {
		cases, right := 0, 0
		var others []string
		for _, pair := range slices.SortedFunc(maps.Keys(c), func(a, b [2]string) int { return strings.Compare(a[1], b[1]) }) {
			if pair[0] != class.String() {
				continue
			}
			cases += c[pair]
			if pair[1] == pair[0] {
				right += c[pair]
			} else {
				others = append(others, fmt.Sprintf("%s:%d", pair[1], c[pair]))
			}
		}
		if why := withoutBytes[class.String()]; cases == 0 && why != "" {
			others = append(others, "(known by "+why+": internal/diagnose)")
		}
		fmt.Fprintf(&b, "%-26s %6d %6d  %s\n", class, cases, right, strings.Join(others, " "))
	}
	return b.String()
}

// withoutBytes are classes of which no answer tells, by what shows them.
var withoutBytes = map[string]string{
	"agent_induced": "the agent's own end", "tls_untrusted": "a handshake", "upstream_unreachable": "a dial",
	"failed_before_call": "the framework's log",
}

// complete demands a case of every class, all of them found.
func (c confusion) complete(t *testing.T) {
	t.Helper()
	for _, class := range call.Classes() {
		name := class.String()
		if c[[2]string{name, name}] == 0 && withoutBytes[name] == "" {
			t.Errorf("no case of %s was found", name)
		}
	}
}

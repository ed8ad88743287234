package observe_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"llmtap/capture/observe"
)

var update = flag.Bool("update", false, "write what the transcripts give into testdata")

// transcript is one case of testdata: what happens, line by line, then what is
// told of it (lines with "=").
//
//	> "bytes from the client"    < "bytes from the service"
//	forward >                    request bytes are being written
//	close < orderly|reset|peer|agent
//	stop reason
type transcript struct {
	name  string
	input []string
	want  []string
}

func (tr transcript) steps(tb testing.TB) []step {
	tb.Helper()
	var out []step
	for _, line := range tr.input {
		out = append(out, parseStep(tb, line))
	}
	return out
}

func parseStep(tb testing.TB, line string) step {
	tb.Helper()
	word, rest, _ := strings.Cut(line, " ")
	directions := map[string]observe.Direction{">": observe.Request, "<": observe.Response}
	switch word {
	case ">", "<":
		text, err := strconv.Unquote(rest)
		if err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
		return step{do: "push", d: directions[word], p: []byte(text)}
	case "forward":
		return step{do: "forward", d: directions[rest]}
	case "close":
		side, how, _ := strings.Cut(rest, " ")
		kinds := map[string]observe.Closing{
			"orderly": observe.ClosedOrderly, "reset": observe.ClosedReset,
			"peer": observe.ClosedByPeer, "agent": observe.ClosedByAgent,
		}
		kind, ok := kinds[how]
		if !ok {
			tb.Fatalf("%s: unknown closing", line)
		}
		return step{do: "close", d: directions[side], how: kind}
	case "stop":
		return step{do: "stop", text: rest}
	}
	tb.Fatalf("unknown step %q", line)
	return step{}
}

func parseTranscripts(tb testing.TB, file string) []transcript {
	tb.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var out []transcript
	for _, f := range a.Files {
		tr := transcript{name: f.Name}
		for line := range strings.Lines(string(f.Data)) {
			line = strings.TrimRight(line, "\n")
			if want, ok := strings.CutPrefix(line, "= "); ok {
				tr.want = append(tr.want, want)
			} else if line != "" {
				tr.input = append(tr.input, line)
			}
		}
		out = append(out, tr)
	}
	return out
}

func transcriptFiles(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no transcripts: %v", err)
	}
	return files
}

// quoted makes events printable on one line each.
func quoted(lines []string) []string {
	out := slices.Clone(lines)
	for i, l := range out {
		q := strconv.Quote(l)
		out[i] = q[1 : len(q)-1]
	}
	return out
}

func TestTranscripts(t *testing.T) {
	for _, file := range transcriptFiles(t) {
		cases := parseTranscripts(t, file)
		theme := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for i, tr := range cases {
			t.Run(theme+"/"+tr.name, func(t *testing.T) {
				steps := tr.steps(t)
				got := quoted(play(t, observe.Config{}, steps, false))
				// An announcement covers one push, so the backlog's cases cannot be cut.
				if split := quoted(play(t, observe.Config{}, steps, true)); theme != "backlog" && !slices.Equal(got, split) {
					t.Errorf("byte by byte got\n%s\nat once\n%s", strings.Join(split, "\n"), strings.Join(got, "\n"))
				}
				for n := range longest(steps) {
					if cut := quoted(playCutAt(t, observe.Config{}, steps, n)); theme != "backlog" && !slices.Equal(got, cut) {
						t.Fatalf("cut after %d got\n%s\nat once\n%s", n, strings.Join(cut, "\n"), strings.Join(got, "\n"))
					}
				}
				if *update {
					cases[i].want = got
					return
				}
				if !slices.Equal(got, tr.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tr.want, "\n"))
				}
			})
		}
		if *update {
			writeTranscripts(t, file, cases)
		}
	}
}

func writeTranscripts(t *testing.T, file string, cases []transcript) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, tr := range cases {
		lines := append(slices.Clone(tr.input), "= "+strings.Join(tr.want, "\n= "))
		a.Files[i].Data = []byte(strings.Join(lines, "\n") + "\n\n")
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
		t.Fatal(err)
	}
}

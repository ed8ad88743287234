package report_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// stories are the states that a report can be about.
func stories(t testing.TB) map[string]report.Input {
	t.Helper()
	return map[string]report.Input{
		"empty":      {Tool: "llmtap 0.1.0 (0123456789ab)", Made: noon, Since: noon.Add(-24 * time.Hour), Target: "nobody"},
		"one-call":   input(plain("01only", 0)),
		"issue-1208": story1208(),
		"cut-stream": cutStream(),
		"version":    versionStory(),
		"two":        twoTargets(),
		"unseen":     unseen(),
		"hostile":    hostile(evil(t)[0]),
	}
}

// cutStream is a stream that ends in the middle, beside one that does not.
func cutStream() report.Input {
	return input(plain("01cut", 9, streamed, cutOff), plain("01left", 6, streamed, left), plain("01whole", 0, streamed))
}

// versionStory is an upgrade that broke, and an older verdict that is over.
func versionStory() report.Input {
	f := call.Finding{
		Schema: 1, ID: "f2", Verdict: "version_regression", State: "confirmed", Since: noon.Add(100 * time.Second), Updated: noon.Add(130 * time.Second),
		Target: plain("", 0).Target, Evidence: call.Evidence{Failing: []string{"01v5", "01v4"}, Working: []string{"01v3"}},
		Difference: []call.Change{{Path: "client.version", Failing: "2.29.0", Working: "2.11.0"}, {Path: "body.stream", Failing: "true", Working: "absent"}},
		Text:       `jupyter-ai works up to 2.11.0, fails from 2.29.0 (2 of 2: 500 gateway_error_opaque); changed: stream (true, works: absent).`,
		Conclusion: call.Conclusion{Remedy: []string{"Admin: Pin the version before."}},
	}
	f.Client.Name, f.Client.Version = "jupyter-ai", "2.29.0"
	over := streamOnly()
	over.ID, over.State, over.ClosedBecause, over.ConfoundedBy = "f3", "closed", "works_again", []string{"client.version"}
	in := input(
		plain("01v5", 120, streamed, refused, jupyter("2.29.0")), plain("01v4", 100, streamed, refused, jupyter("2.29.0")),
		plain("01v3", 60, jupyter("2.11.0")), plain("01v2", 30, jupyter("2.11.0")), plain("01v1", 0, jupyter("2.9.1")),
	)
	in.Findings = []call.Finding{over, f}
	return in
}

// twoTargets is a busy hour: one target well, one badly, more clients and modes
// than the question asks for.
func twoTargets() report.Input {
	var list []call.Record
	for i := range 40 {
		id, s := fmt.Sprintf("02%03d", i), float64(3600-i*80)
		switch {
		case i%8 == 3:
			list = append(list, plain(id, s, at("llm.example.org", "mixtral"), streamed, refused, jupyter("2.31.7")))
		case i%4 == 1:
			list = append(list, plain(id, s, at("llm.example.org", "mixtral"), streamed, jupyter("2.31.7")))
		case i%5 == 0:
			list = append(list, plain(id, s, streamed, func(r *call.Record) { r.Client = call.Client{} }))
		default:
			list = append(list, plain(id, s))
		}
	}
	in := input(list...)
	in.Capped, in.TunnelsUnknown, in.Tunnels = true, false, 3
	f := streamOnly()
	f.State, f.Target, f.Evidence = "suspected", list[3].Target, call.Evidence{Failing: []string{"02003"}, Working: []string{"gone"}}
	in.Findings = []call.Finding{f}
	return in
}

// unseen are calls of which little or nothing is known.
func unseen() report.Input {
	return input(plain("01tls", 20, distrusted), plain("01left", 10, streamed, left), call.Record{})
}

// styles are left out of the golden files, with their hash.
var styles = regexp.MustCompile(`(?s)<style>.*</style>|sha256-.*?&#39;`)

func TestGolden(t *testing.T) {
	for name, in := range stories(t) {
		t.Run(name, func(t *testing.T) {
			got := styles.ReplaceAllString(write(t, in), "…")
			path := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"llmtap/internal/call"
	"llmtap/internal/report"
)

// texts returns, in order, what stands in every element that match accepts.
func texts(t *testing.T, page string, match func(*html.Node) bool) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && match(n) {
			out = append(out, text(n))
		}
	}
	return out
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(" " + d.Data)
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u202f", "")), " ")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// inside accepts elements of one name below the section with that heading id.
func inside(section, element string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		for p := n.Parent; p != nil && n.Data == element; p = p.Parent {
			if p.Data == "section" && (attribute(p, "aria-labelledby") == section) {
				return true
			}
		}
		return false
	}
}

func wants(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// TestMatrixAnswersTheQuestion of jupyter-ai#1208: where does it work.
func TestMatrixAnswersTheQuestion(t *testing.T) {
	page := write(t, story1208())
	wants(t, "columns", texts(t, page, inside("matrix", "th")), "direct", "framework", "plain", "stream", "plain", "stream", "gpt4 V1 x.openai.azure.com azure.openai.chat")
	wants(t, "cells", texts(t, page, inside("matrix", "td"))[1:], "100% 2 of 2 worked", "never seen", "100% 1 of 1 worked", "0% 0 of 1 worked gateway_ error_ opaque")
	wants(t, "the sentence", texts(t, page, func(n *html.Node) bool { return n.Data == "h1" }), "Only streamed requests fail here; plain ones work.")
}

// TestRetriesAreOneCall, and it ended as its last attempt did.
func TestRetriesAreOneCall(t *testing.T) {
	page := write(t, input(
		plain("01c", 3, streamed, attempt("01a", 3)), plain("01b", 2, streamed, refused, attempt("01a", 2)), plain("01a", 1, streamed, refused, attempt("01a", 1)),
	))
	wants(t, "cells", texts(t, page, inside("matrix", "td"))[1:], "never seen", "100% 1 of 1 worked", "never seen", "never seen")
	if got := texts(t, page, inside("calls", "tr")); len(got) != 4 {
		t.Errorf("%d rows of attempts: %q", len(got), got)
	}
}

// TestWhatIsNotJudgedIsInNoRatio: a client that left says nothing about the
// target, nor does a call of which the end is not known.
func TestWhatIsNotJudgedIsInNoRatio(t *testing.T) {
	page := write(t, input(plain("01d", 4, streamed, left), plain("01c", 3, streamed), plain("01b", 2, left), plain("01a", 1, func(r *call.Record) {
		r.Response, r.End, r.Diagnosis = call.Response{}, call.End{}, call.Diagnosis{}
	})))
	wants(t, "cells", texts(t, page, inside("matrix", "td"))[1:], "not judged 1 cancelled, 1 not judged", "100% 1 of 1 worked 1 cancelled", "never seen", "never seen")
	wants(t, "the sentence", texts(t, page, func(n *html.Node) bool { return n.Data == "h1" }), "The one call worked.")
}

// TestLeadWithoutAVerdict counts, and never says more than is known.
func TestLeadWithoutAVerdict(t *testing.T) {
	bad := plain("01bad", 5, streamed, refused)
	for want, in := range map[string]report.Input{
		"No call was recorded.":            input(),
		"The one call worked.":             input(plain("01a", 0)),
		"All 2 calls worked.":              input(plain("01b", 1), plain("01a", 0)),
		"The one call failed.":             input(bad),
		"All 2 calls failed.":              input(bad, plain("01a", 0, streamed, cutOff)),
		"1 of 2 calls failed.":             input(bad, plain("01a", 0)),
		"None of 1 call can be judged.":    input(plain("01a", 0, left)),
		"Only a fails here; b works there": {Records: []call.Record{bad}, Findings: []call.Finding{{State: "suspected", Text: "Only a fails here (x); b works there"}}},
	} {
		wants(t, want, texts(t, write(t, in), func(n *html.Node) bool { return n.Data == "h1" }), want)
	}
}

// TestMoreVerdictsAreCounted: the sentence is the weightiest, the newest first.
func TestMoreVerdictsAreCounted(t *testing.T) {
	in := story1208()
	a, b, c := streamOnly(), streamOnly(), streamOnly()
	a.State, a.Text = "suspected", "Perhaps."
	b.Text = "Certainly."
	c.State, c.Text = "closed", "Over."
	in.Findings = []call.Finding{c, a, b}
	page := write(t, in)
	wants(t, "verdicts", texts(t, page, inside("verdicts-title", "h3")), "Certainly.", "Perhaps.", "Over.")
	wants(t, "lead", texts(t, page, inside("lead", "a")), "and 1 more verdict")
	for range 20 {
		in.Findings = append(in.Findings, a)
	}
	page = write(t, in)
	if got := texts(t, page, inside("verdicts-title", "p")); got[len(got)-1] != "and 11 more verdicts" {
		t.Errorf("below the verdicts: %q", got[len(got)-1])
	}
}

// TestFirstBadVersionIsMarked where a verdict says so, and nowhere else.
func TestFirstBadVersionIsMarked(t *testing.T) {
	page := write(t, versionStory())
	wants(t, "versions", texts(t, page, inside("versions", "tr"))[1:],
		"jupyter-ai 2.9.1 openai-python 1.60.1 100% 1 of 1 2026-01-02 12:00:00 UTC 2026-01-02 12:00:00 UTC",
		"jupyter-ai 2.11.0 last good version openai-python 1.60.1 100% 2 of 2 2026-01-02 12:00:30 UTC 2026-01-02 12:01:00 UTC",
		"jupyter-ai 2.29.0 first bad version openai-python 1.60.1 0% 0 of 2 2026-01-02 12:01:40 UTC 2026-01-02 12:02:00 UTC",
	)
	in := versionStory()
	in.Findings[1].State = "closed"
	if page := write(t, in); strings.Contains(page, "first bad") || strings.Contains(page, `href="#v`) {
		t.Error("marked by a verdict that is over")
	}
	in.Findings = nil
	if page := write(t, in); strings.Contains(page, "first bad") || strings.Contains(page, "last good") {
		t.Error("marked without a verdict")
	}
}

// TestExhibitsProveTheVerdictFirst, then the failures that none explains, each
// sort once.
func TestExhibitsProveTheVerdictFirst(t *testing.T) {
	in := story1208()
	in.Records = append([]call.Record{plain("01cut2", 52, streamed, cutOff), plain("01cut1", 50, streamed, cutOff)}, in.Records...)
	page := write(t, in)
	wants(t, "exhibits", texts(t, page, inside("evidence", "h3")), "This 500 was written by a gateway, not by the model service; quote a1b2c3d4-1208.", "The stream was cut after 12 events.")
	calls := texts(t, page, func(n *html.Node) bool { return attribute(n, "class") == "id" })
	wants(t, "calls of exhibits", calls, "call 01bad3", "call 01gen", "call 01cut2", "call 01direct2")
	explains := texts(t, page, func(n *html.Node) bool { return attribute(n, "class") == "explains" })
	if len(explains) != 2 || !strings.Contains(explains[0], "stream: true") {
		t.Errorf("the smallest difference: %q", explains)
	}
	for _, want := range []string{`"stream":true`, `"stream":false`, "$AZURE_OPENAI_API_KEY"} {
		if !strings.Contains(html.UnescapeString(page), want) {
			t.Errorf("no curl pair: %s is missing", want)
		}
	}
}

// TestFailureWithoutACounterpart is shown alone.
func TestFailureWithoutACounterpart(t *testing.T) {
	page := write(t, input(plain("01bad", 0, streamed, refused)))
	wants(t, "calls", texts(t, page, inside("evidence", "h4"))[:1], "The failing call")
	if strings.Contains(page, "The working call") {
		t.Error("a working call from nowhere")
	}
}

// TestMissingNamesTheProof that is older than the records, once.
func TestMissingNamesTheProof(t *testing.T) {
	in := story1208()
	if got := report.Missing(in); got != nil {
		t.Errorf("missing %q of a whole story", got)
	}
	in.Records = in.Records[:1]
	in.Findings = append(in.Findings, in.Findings[0], call.Finding{})
	wants(t, "missing", report.Missing(in), "01bad3", "01gen")
	for i := range 100 {
		in.Findings = append(in.Findings, call.Finding{Evidence: call.Evidence{Failing: []string{strconv.Itoa(i)}}})
	}
	if n := len(report.Missing(in)); n > 24 {
		t.Errorf("asks for %d calls", n)
	}
}

// TestOldEvidenceProvesAndIsNotCounted.
func TestOldEvidenceProvesAndIsNotCounted(t *testing.T) {
	in := story1208()
	in.Evidence, in.Records = in.Records[1:], in.Records[:1]
	page := write(t, in)
	wants(t, "cells", texts(t, page, inside("matrix", "td"))[1:], "100% 1 of 1 worked", "never seen", "never seen", "never seen")
	wants(t, "calls of exhibits", texts(t, page, func(n *html.Node) bool { return attribute(n, "class") == "id" }), "call 01bad3", "call 01gen")
	if got := texts(t, page, inside("calls", "tr")); len(got) != 2 {
		t.Errorf("attempts: %q", got)
	}
}

// TestAboutSaysWhatIsMissing: the bound of the answer, and what was not seen.
func TestAboutSaysWhatIsMissing(t *testing.T) {
	in := twoTargets()
	in.Target = "gpt"
	about := strings.Join(texts(t, write(t, in), inside("about", "dd")), "\n")
	for _, want := range []string{"llmtap 0.1.0", "2026-01-02 13:00:00 UTC", "targets that contain “gpt”", "40 logical calls in 40 attempts; 2 targets, 3 client versions", "newest 40", "3 connections"} {
		if !strings.Contains(about, want) {
			t.Errorf("%q is missing in\n%s", want, about)
		}
	}
	if about = strings.Join(texts(t, write(t, input()), inside("about", "dd")), "\n"); !strings.Contains(about, "no agent was running") {
		t.Error("unknown tunnels are taken for none")
	}
}

// TestWriteIsPureAndChangesNothing.
func TestWriteIsPureAndChangesNothing(t *testing.T) {
	in, again := hostile("a\u202eb`"), hostile("a\u202eb`")
	if write(t, in) != write(t, again) {
		t.Error("two reports about the same differ")
	}
	if !reflect.DeepEqual(in, again) {
		t.Error("the input was changed")
	}
}

type full struct{}

// Write refuses everything.
func (full) Write([]byte) (int, error) { return 0, errDisk }

var errDisk = errors.New("disk full")

func TestWriteTellsThatItCouldNot(t *testing.T) {
	if err := report.Write(full{}, story1208()); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}

// TestPolicyAllowsItsOwnStyleAlone: a browser hashes what stands between the
// tags.
func TestPolicyAllowsItsOwnStyleAlone(t *testing.T) {
	page := write(t, story1208())
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)[1]
	sum := sha256.Sum256([]byte(style))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	if got := html.UnescapeString(page); !strings.Contains(got, `content="`+want+`"`) {
		t.Errorf("no policy %s", want)
	}
	for _, bad := range []string{"url(", "@import", "expression", "//", "<"} {
		if strings.Contains(style, bad) {
			t.Errorf("the style sheet holds %q", bad)
		}
	}
}

// TestColoursCanBeRead: every text colour on every ground, light, dark and in
// print, by the contrast ratio of WCAG.
func TestColoursCanBeRead(t *testing.T) {
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(write(t, input()))[1]
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(style, -1)
	if len(schemes) != 3 {
		t.Fatalf("%d schemes", len(schemes))
	}
	for i, s := range schemes {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`).FindAllStringSubmatch(s[1], -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		grounds := []string{"page", "card", "ok-tint", "bad-tint", "mixed-tint"}
		for _, ink := range []string{"ink", "soft"} {
			for _, ground := range grounds {
				readable(t, fmt.Sprintf("scheme %d: %s on %s", i, ink, ground), colour[ink], colour[ground])
			}
		}
		for ink, grounds := range map[string][]string{
			"ok": {"page", "ok-tint"}, "bad": {"page", "bad-tint"}, "mixed": {"page", "mixed-tint"}, "direct": {"page"}, "framework": {"page"}, "none": {"page"},
		} {
			for _, ground := range grounds {
				readable(t, fmt.Sprintf("scheme %d: %s on %s", i, ink, ground), colour[ink], colour[ground])
			}
		}
	}
}

func readable(t *testing.T, what string, a, b float64) {
	t.Helper()
	if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
		t.Errorf("%s: contrast %.2f", what, ratio)
	}
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

// TestLongPeriods: a day of calls is one strip, and its axis names days.
func TestLongPeriods(t *testing.T) {
	page := write(t, input(plain("01b", 200_000), plain("01a", 0)))
	got := texts(t, page, func(n *html.Node) bool { return attribute(n, "class") == "axis" })
	wants(t, "axis", got, "Jan 2, 12:00 Jan 3, 15:46 Jan 4, 19:33")
	if n := len(texts(t, page, func(n *html.Node) bool { return attribute(n, "class") == "up" })); n != 2 {
		t.Errorf("%d bars", n)
	}
}

// TestRowsAreCounted where they are not shown.
func TestRowsAreCounted(t *testing.T) {
	var list []call.Record
	for i := range 100 {
		list = append(list, plain(fmt.Sprintf("03%03d", i), float64(1000-i), at(fmt.Sprintf("h%02d.example.org", i), "m"), jupyter(fmt.Sprintf("2.%d", i))))
	}
	page := write(t, input(list...))
	wants(t, "more", texts(t, page, func(n *html.Node) bool { return attribute(n, "class") == "more" }),
		"and 76 more targets", "and 84 more lines", "and 68 more versions", "and 40 more attempts")
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// refusals are n logical calls of the framework that streamed and failed, and
// plainly n of the direct client that did not and worked.
func refusals(n int) (out []call.Record) {
	for i := range n {
		r := issue1208()
		r.Identity.ID, r.Identity.Logical = fmt.Sprintf("01a00000001%02drefusal", i), fmt.Sprintf("refusal-%d", i)
		out = append(out, moved(r, 60_000+1000*i))
	}
	return out
}

func plainly(n int) (out []call.Record) {
	for i := range n {
		r := plainOK()
		r.Identity.ID, r.Identity.Logical = fmt.Sprintf("01a00000002%02dplainly", i), fmt.Sprintf("plain-%d", i)
		out = append(out, moved(r, 120_000+1000*i))
	}
	return out
}

// moved lets a call begin ms after noon.
func moved(r call.Record, ms int) call.Record {
	by := after(ms).Sub(r.Identity.Start)
	r.Identity.Start = after(ms)
	tm := &r.Timing
	for _, at := range []*time.Time{&tm.RequestSent, &tm.Headers, &tm.FirstByte, &tm.FirstContent, &tm.LastByte, &tm.End} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
	return r
}

func TestDiffSheets(t *testing.T) {
	hidden := streamOK()
	hidden.Agent.View, hidden.Request.StreamFlag, hidden.Request.Mode, hidden.Request.Keys = call.ViewOpaque, call.StreamUnknown, call.ModeUnknown, nil
	for name, tc := range map[string]struct {
		records []call.Record
		args    []string
	}{
		"pair":    {[]call.Record{issue1208(), plainOK()}, []string{"issue1208", "plainok"}},
		"counted": {slices.Concat([]call.Record{issue1208()}, refusals(11), plainly(30)), []string{"01plainly", "issue1208"}},
		"found":   {slices.Concat([]call.Record{issue1208()}, refusals(3), plainly(2)), []string{"issue1208"}},
		"hidden":  {[]call.Record{issue1208(), hidden}, []string{"issue1208", "streamok"}},
		"alike":   {[]call.Record{issue1208(), cutStream()}, []string{"issue1208", "cutstream"}},
		"none":    {[]call.Record{plainOK(), streamOK(), issue1208()}, []string{"issue1208", "plainok"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := llmtap(t, vars{}, append([]string{"diff", "--state-dir", recorded(t, tc.records...), "--"}, tc.args...)...)
			r.wants(t, exitOK)
			golden(t, "golden/diff-"+name+".txt", r.stdout)
			for line := range strings.Lines(r.stdout) {
				if n := columns(line); n > 100 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			unescaped(t, r.stdout)
		})
	}
}

// TestDiffSaysTheSmallestFirst: the story of the issue in one line.
func TestDiffSaysTheSmallestFirst(t *testing.T) {
	dir := recorded(t, slices.Concat([]call.Record{issue1208()}, refusals(11), plainly(30))...)
	for _, args := range [][]string{{"issue1208"}, {"issue1208", "01plainly"}, {"01a0000000200", "01a0000000003issue1208"}} {
		r := llmtap(t, vars{}, append([]string{"diff", "--state-dir", dir, "--"}, args...)...)
		r.wants(t, exitOK)
		first, _, _ := strings.Cut(r.stdout, "\n")
		if !strings.HasPrefix(first, "The smallest difference is `stream: true`: in 12 of 12 failing, 0 of 30 working calls") {
			t.Errorf("%v: %s", args, first)
		}
		rows := strings.Index(r.stdout, "WHAT WAS ASKED")
		if answers := strings.Index(r.stdout, "WHAT CAME BACK"); rows < 0 || answers < rows {
			t.Errorf("%v: causes do not come first:\n%s", args, r.stdout)
		}
	}
}

func TestDiffJSON(t *testing.T) {
	dir := recorded(t, issue1208(), plainOK())
	r := llmtap(t, vars{}, "diff", "--json", "plainok", "issue1208", "--state-dir", dir)
	r.wants(t, exitOK)
	var got compare.Comparison
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.Failing != issue1208().Identity.ID || got.Working != plainOK().Identity.ID || len(got.Changes) == 0 {
		t.Errorf("got %+v", got)
	}
	if want := (call.Change{Path: "body.stream", Failing: "true", Working: "absent"}); got.Changes[0].Change != want || got.Smallest == nil || *got.Smallest != want {
		t.Errorf("got %+v", got.Changes[0])
	}
	twin := issue1208()
	twin.Identity.ID = "01a0000000009twin"
	r = llmtap(t, vars{}, "diff", "--json", "twin", "issue1208", "--state-dir", recorded(t, issue1208(), twin))
	r.wants(t, exitOK, `"changes": []`)
}

func TestDiffBadInput(t *testing.T) {
	other := plainOK()
	other.Identity.ID, other.Target.Deployment, other.Target.Model = "01a0000000010other", "gpt-35", "gpt-35"
	live := interrupted()
	live.End, live.Diagnosis, live.Identity.ID = call.End{}, call.Diagnosis{}, "01a0000000011going"
	far := distrust()
	far.Identity.ID, far.Target.Host = "01a0000000012faraway", "far.example"
	plain := issue1208()
	plain.Identity.ID, plain.Target.Host, plain.Request.Mode = "01a0000000013plainbad", "bad.example", call.ModePlain
	for name, tc := range map[string]struct {
		records []call.Record
		args    []string
		code    int
		wants   []string
	}{
		"no id":               {nil, nil, exitUsage, []string{"<a>", "llmtap diff --help"}},
		"unknown first":       {nil, []string{"nope", "issue1208"}, exitFailed, []string{`no call "nope"; ids are in: llmtap calls`}},
		"unknown second":      {nil, []string{"issue1208", "nope"}, exitFailed, []string{`no call "nope"`}},
		"ambiguous":           {nil, []string{"01a"}, exitFailed, []string{"ambiguous"}},
		"one call twice":      {nil, []string{"issue1208", "01a0000000003"}, exitUsage, []string{`"issue1208" and "01a0000000003" are one call`}},
		"three":               {nil, []string{"a", "b", "c"}, exitUsage, []string{"unexpected argument c"}},
		"nothing works":       {[]call.Record{issue1208(), far}, []string{"issue1208"}, exitFailed, []string{"no working call to gpt4@x is recorded", "plain if it was streamed", "llmtap diff issue1208 OTHER"}},
		"other deployment":    {[]call.Record{issue1208(), other}, []string{"issue1208"}, exitFailed, []string{"no working call to gpt4@x", "one to gpt-35@x: llmtap diff issue1208 0010other"}},
		"nothing fails":       {[]call.Record{plainOK(), streamOK()}, []string{"plainok"}, exitFailed, []string{"no failing call to gpt4@x", "nothing to explain"}},
		"plain and alone":     {[]call.Record{plain}, []string{"plainbad"}, exitFailed, []string{"no working call to gpt4@bad", "with another client"}},
		"not over":            {[]call.Record{live, plainOK()}, []string{"going"}, exitFailed, []string{"011going ended is not known (yet)", "llmtap diff"}},
		"nothing is recorded": {[]call.Record{}, []string{"x"}, exitFailed, []string{`no call "x"`}},
		"escapes":             {nil, []string{"\x1b[2J"}, exitFailed, []string{"llmtap calls"}},
	} {
		t.Run(name, func(t *testing.T) {
			records := tc.records
			if records == nil {
				records = all()
			}
			r := llmtap(t, vars{}, append([]string{"diff", "--state-dir", recorded(t, records...)}, tc.args...)...)
			r.wants(t, tc.code, tc.wants...)
			if r.stdout != "" {
				t.Errorf("on stdout: %s", r.stdout)
			}
			unescaped(t, r.stdout+r.stderr)
		})
	}
}

// TestDiffThroughTheAgent: the command, the API and the store agree.
func TestDiffThroughTheAgent(t *testing.T) {
	list := fresh(slices.Concat([]call.Record{issue1208(), plainOK()}, refusals(2)))
	dir := recorded(t, list...)
	before := llmtap(t, vars{}, "diff", "--json", "issue1208", "--state-dir", dir)
	before.wants(t, exitOK)
	agentOn(t, dir)
	after := llmtap(t, vars{}, "diff", "--json", "issue1208", "--state-dir", dir)
	after.wants(t, exitOK)
	if before.stdout != after.stdout {
		t.Errorf("the store says\n%s\nthe agent\n%s", before.stdout, after.stdout)
	}
	ctx := t.Context()
	a, ok := findAgent(ctx, dir)
	if !ok {
		t.Fatal("no agent")
	}
	defer func() { _ = a.Close(ctx) }()
	var api, own compare.Comparison
	if err := a.get(ctx, "/api/v1/diff", map[string][]string{"a": {list[1].Identity.ID}, "b": {list[0].Identity.ID}}, &api); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(after.stdout), &own); err != nil {
		t.Fatal(err)
	}
	if x, y := fmt.Sprintf("%+v", api.Changes), fmt.Sprintf("%+v", own.Changes); x != y || api.Explains != own.Explains {
		t.Errorf("the API says\n%s %s\nthe command\n%s %s", api.Explains, x, own.Explains, y)
	}
	llmtap(t, vars{}, "diff", "issue1208", "nope", "--state-dir", dir).wants(t, exitFailed, `no call "nope"`)
}

// TestDiffTellsWhyThisCounterpart: which call it was compared with, and why.
func TestDiffTellsWhyThisCounterpart(t *testing.T) {
	own := streamOK()
	own = moved(own, 3000)
	own.Identity.ID, own.Request.Mode, own.Request.StreamFlag = "01a0000000008own", call.ModePlain, call.StreamFalse
	r := llmtap(t, vars{}, "diff", "issue1208", "--state-dir", recorded(t, issue1208(), plainOK(), own))
	r.wants(t, exitOK, "000008own", "compared with its best counterpart: same target, same client, other mode, 2s earlier", "false")
	r = llmtap(t, vars{}, "diff", "plainok", "--state-dir", recorded(t, issue1208(), plainOK()))
	r.wants(t, exitOK, "same target, other mode, 5s later", "FAILING")
}

// TestDiffNeverSteersTheTerminal: what a hostile client wrote comes out
// harmless, in its column.
func TestDiffNeverSteersTheTerminal(t *testing.T) {
	bad, good := hostile(), plainOK()
	for _, x := range [][2]call.Record{{bad, good}, {good, bad}} {
		var b bytes.Buffer
		d := compare.Compare(x[0], x[1], nil)
		if err := printDiff(&b, palette{}, diffSheet{d: d, failing: bad, working: good, why: "\x1b[2Jwhy"}); err != nil {
			t.Fatal(err)
		}
		unescaped(t, b.String())
		for line := range strings.Lines(b.String()) {
			if n := columns(line); n > 100 && !strings.Contains(line, "…") && strings.Contains(line, "  ") {
				t.Errorf("%d columns: %q", n, line)
			}
		}
	}
}

// TestDiffColours: paint says the same again, and only where it is wanted.
func TestDiffColours(t *testing.T) {
	x := diffSheet{d: compare.Compare(issue1208(), plainOK(), append(refusals(3), plainly(3)...)), failing: issue1208(), working: plainOK(), why: "because"}
	var plain, painted bytes.Buffer
	if err := errors.Join(printDiff(&plain, palette{}, x), printDiff(&painted, palette{on: true}, x)); err != nil {
		t.Fatal(err)
	}
	text := painted.String()
	if !strings.Contains(text, ansiRed+"body.stream") {
		t.Errorf("what separates is not marked:\n%s", text)
	}
	for _, code := range []string{ansiReset, ansiRed, ansiGreen, ansiYellow, ansiBold, ansiDim} {
		text = strings.ReplaceAll(text, code, "")
	}
	if text != plain.String() {
		t.Errorf("without its paint it differs:\n%s\n%s", text, plain.String())
	}
	for _, after := range []int{0, 100, 300, 600, 900} {
		if err := printDiff(&broken{after}, palette{}, x); !errors.Is(err, errPipe) {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}

// TestDiffOfOldCalls: calls of another day do not count.
func TestDiffOfOldCalls(t *testing.T) {
	later := moved(streamOK(), 72*3600_000)
	r := llmtap(t, vars{}, "diff", "issue1208", "plainok", "--state-dir", recorded(t, issue1208(), plainOK(), later))
	r.wants(t, exitOK, "The smallest difference is `stream: true`; the working call has no `stream`")
}

//go:build e2e

package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

var updateRecords = flag.Bool("update", false, "rewrite the golden files")

// attempt is one request of a task, the n-th of so many.
type attempt struct {
	task
	n, of int
}

// label is the attempt's name in the tables.
func (a attempt) label() string {
	if a.Retries == 0 {
		return a.Name
	}
	return fmt.Sprintf("%s(%d/%d)", a.Name, a.n, a.of)
}

// checkRecords holds the records of a matrix, one a request and in its order,
// against the scenarios' classes and, field by field, against
// testdata/sdks/NAME.txt.
func (s sdk) checkRecords(t *testing.T, records []call.Record, list []attempt) {
	t.Helper()
	if len(records) != len(list) {
		t.Fatalf("%d records of %d requests:\n%s", len(records), len(list), sheet(records, nil))
	}
	for i := range records {
		r, k := &records[i], list[i]
		if want := modeOf(k.Stream); scenarioOf(r) != k.Scenario || r.Request.Mode != want {
			t.Errorf("record %d is of %s %v, want %s %v", i, scenarioOf(r), r.Request.Mode, k.Scenario, want)
		}
		if r.Request.HTTP != s.http || r.Agent.View != call.ViewFull || r.Agent.Mode != call.CaptureMITM {
			t.Errorf("%s: HTTP %s, view %v, mode %v; want %s, full, mitm", k.Name, r.Request.HTTP, r.Agent.View, r.Agent.Mode, s.http)
		}
		s.checkClass(t, r, k)
		checkLogical(t, records, i, k)
	}
	golden(t, filepath.Join("testdata", "sdks", s.name+".txt"), sheet(records, list))
}

func modeOf(stream bool) call.Mode {
	if stream {
		return call.ModeStream
	}
	return call.ModePlain
}

// checkClass compares the diagnosis with what the scenario must get.
func (s sdk) checkClass(t *testing.T, r *call.Record, k attempt) {
	t.Helper()
	all := faultllm.Scenarios()
	row := all[slices.IndexFunc(all, func(c faultllm.Scenario) bool { return c.ID == k.Scenario })]
	want, reason := row.ClassOf(k.Stream), row.Reason
	if (k.Scenario == "ok-retry" || k.Scenario == "flaky-500") && k.n == k.of && k.n > 1 {
		want = "ok" // it went well in the end
	}
	if want == "ok" {
		reason = ""
	}
	got := r.Diagnosis.Class.String()
	if got != want || reason != "" && r.Diagnosis.Reason != reason {
		t.Errorf("%s: class %s (%s), end %v/%v; want %s (%s)", k.Name, got, r.Diagnosis.Reason, r.End.Side, r.End.Kind, want, reason)
	}
}

// checkLogical: the attempts of a call that the SDK made again are one logical
// call in one trace, counted from 1. Others are not looked at: to ask the same
// again right after a failure is taken for a retry too.
func checkLogical(t *testing.T, records []call.Record, i int, k attempt) {
	t.Helper()
	if k.Retries == 0 {
		return
	}
	r, first := records[i].Identity, records[i-k.n+1].Identity
	if r.Attempt != k.n || r.Logical != first.Logical || r.Span.Trace != first.Span.Trace {
		t.Errorf("%s: attempt %d of %s in trace %v, want the first one's %s and %v", k.label(), r.Attempt, r.Logical, r.Span.Trace, first.Logical, first.Span.Trace)
	}
	if k.n == 1 && i > 0 && r.Logical == records[i-1].Identity.Logical {
		t.Errorf("%s: is part of the call before", k.label())
	}
}

// sheet writes the records as a table, one a line, with the names of their calls
// if these are known.
func sheet(records []call.Record, list []attempt) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "CALL\tPROVIDER\tAPI\tFLAG\tSTATUS\tFRAMING\tCLASS\tFINISH\tUSAGE\tMODEL\tAUTH\tCLIENT\tSDK")
	for i := range records {
		r := &records[i]
		name := scenarioOf(r)
		if list != nil {
			name = list[i].label()
		}
		class := r.Diagnosis.Class.String()
		if r.Diagnosis.Reason != "" {
			class += " (" + r.Diagnosis.Reason + ")"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%v\t%d\t%v\t%s\t%s\t%s/%s\t%s\t%s\t%s\t%s\n",
			name, r.Target.Provider, r.Target.API, r.Request.StreamFlag, r.Response.Status, r.Response.Body.Framing, class,
			cmp.Or(strings.Join(r.Response.FinishReasons, ","), "-"), tokens(r.Usage.Input), tokens(r.Usage.Output),
			cmp.Or(r.Response.Model, "-"), cmp.Or(r.Target.Auth.Scheme, "-"),
			named(r.Client.Name, told(r)), named(r.Client.SDK, r.Client.SDKVersion))
	}
	_ = w.Flush()
	return b.String()
}

// told is the client's version if it was on the wire. What the process tells
// instead comes too late for the first records of a client.
func told(r *call.Record) string {
	if v := r.Client.Version; v == r.Client.SDKVersion || strings.Contains(r.Client.UserAgent, v) {
		return v
	}
	return ""
}

func tokens(a call.Amount) string {
	if !a.Known {
		return "?"
	}
	return fmt.Sprint(a.N)
}

func named(name, version string) string {
	return strings.TrimSpace(cmp.Or(name, "-") + " " + version)
}

// golden compares line by line.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *updateRecords {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(b), "\n")
	for i := range max(len(g), len(w)) {
		line := func(list []string) string {
			if i < len(list) {
				return strings.Join(strings.Fields(list[i]), " ")
			}
			return "(no line)"
		}
		if line(g) != line(w) {
			t.Errorf("%s:%d\n got  %s\n want %s", file, i+1, line(g), line(w))
		}
	}
}

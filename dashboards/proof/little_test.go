package proof_test

import (
	"strings"
	"testing"
	"time"

	"llmtap/dashboards/gen"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
	"llmtap/test/boards"
)

// quiet is a Prometheus with one agent that has seen nothing yet.
func quiet(t *testing.T) (*world, *told) {
	t.Helper()
	s := newServer(t)
	w := newWorld(t, 1, func(w *world) {
		for _, a := range w.agents {
			s.scrape(w.clock.now, a.String(), a.registry, nil)
		}
	})
	return w, &told{server: s, world: w, from: epoch()}
}

// landing answers the landing dashboard's panels now, by place and letter.
func (d *told) landing(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, q := range committed(t) {
		if q.Board != "llmtap-why" || q.Kind != boards.KindPanel {
			continue
		}
		expr, err := boards.Fill(q.Expr, everything())
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.at(expr, d.world.clock.now)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		out[q.Place+" "+q.Ref] = nil
		for _, s := range v {
			out[q.Place+" "+q.Ref] = append(out[q.Place+" "+q.Ref], text(s))
		}
	}
	return out
}

// Before the first call nothing is claimed: no verdict is open, and all else is
// empty, not zero. Without an agent not even that is claimed.
func TestEmptyStaysEmpty(t *testing.T) {
	w, d := quiet(t)
	w.until(30)
	for place, got := range d.landing(t) {
		want := ""
		if place == "Open verdicts A" {
			want = "{} 0"
		}
		if g := strings.Join(got, "\n"); g != want {
			t.Errorf("%s shows %q, want %q", place, g, want)
		}
	}
	w.clock.advance(10 * time.Minute) // nobody scrapes any more
	for place, got := range d.landing(t) {
		if len(got) > 0 {
			t.Errorf("without an agent %s shows %q", place, got)
		}
	}
}

// One call is one cell with its number; nothing else.
func TestOneCall(t *testing.T) {
	w, d := quiet(t)
	w.until(3)
	w.send(w.agents[0], direct("ok-azure", streamed))
	w.until(20)
	got := d.landing(t)
	for _, place := range []string{"Works or fails A", "Out of how many calls A", "Client versions A", "Client versions B", "Streaming support A"} {
		if v := got[place]; len(v) != 1 || !strings.HasSuffix(v[0], "} 1") {
			t.Errorf("%s shows %q, want one 1", place, v)
		}
	}
	for _, place := range []string{"What is wrong now A", "Failures by class A", "Client versions C"} {
		if v := got[place]; len(v) != 0 {
			t.Errorf("%s shows %q", place, v)
		}
	}
}

// A call in flight and one that its user left have no share: not 0 %, not 0/0.
func TestUnjudgedCallsHaveNoShare(t *testing.T) {
	w, d := quiet(t)
	w.until(3)
	a := w.agents[0]
	began := sinktest.Record(1)
	began.Identity.Start = w.clock.now
	a.check(a.sink.Started(t.Context(), began))
	left := direct("ok-azure", streamed)
	left.query, left.leave = "&interval=30ms&chunks=100", true
	w.send(a, left)
	w.until(10)
	got := d.landing(t)
	for _, place := range []string{"Works or fails A", "Out of how many calls A", "Client versions B", "Failures by class A"} {
		if v := got[place]; len(v) != 0 {
			t.Errorf("%s shows %q", place, v)
		}
	}
	if v := got["Client versions A"]; len(v) != 2 {
		t.Errorf("the clients are %q, want both", v)
	}
}

// A restart invents no failure: the counters begin anew. A series that was born
// within the range counts from the restart; the panel says so.
func TestAgentRestart(t *testing.T) {
	w, d := quiet(t)
	fail := func(n int) {
		r := sinktest.Record(n)
		r.Identity.Start = w.clock.now
		r.Diagnosis = call.Diagnosis{Class: call.ClassProviderError, Severity: call.SeverityError, Fault: call.FaultProvider}
		w.agents[0].check(w.agents[0].sink.Record(t.Context(), r))
	}
	w.until(3)
	for n := range 5 {
		fail(n)
	}
	w.until(10)
	w.agents[0] = startAgent(t, "a", w.agents[0].svc, w.clock)
	for n := range 2 {
		fail(10 + n)
	}
	w.until(20)
	for _, c := range []struct {
		name, window string
		least, most  float64
	}{
		{"existed before", "12m", 2, 2.5}, {"born within", "3h", 2, 2},
	} {
		v, err := d.at("sum("+gen.Delta(`llmtap_calls_total{outcome="error"}`, c.window)+")", w.clock.now)
		if err != nil || len(v) != 1 || v[0].F < c.least || v[0].F > c.most {
			t.Errorf("%s: %v, %v, want the 2 since the restart", c.name, v, err)
		}
	}
}

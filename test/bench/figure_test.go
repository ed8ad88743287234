package main

import (
	"strings"
	"testing"
	"time"
)

func samplesOf(phase, target string, p50 ...time.Duration) (out []sample) {
	for round, v := range p50 {
		out = append(out, sample{Phase: phase, Target: target, Round: round, P50: v, Units: 1, Reads: 1})
	}
	return out
}

func TestRatiosArePairedByRound(t *testing.T) {
	r := &results{Samples: append(samplesOf("x", "a", 10, 40, 300), samplesOf("x", "b", 10, 20, 100)...)}
	if got, disturbed, ok := r.pairs("x", "a", "b", p50); got != 2 || disturbed || !ok {
		t.Errorf("%v, %v, %v, want the median of 1, 2 and 3", got, disturbed, ok)
	}
	if _, _, ok := r.pairs("x", "a", "nobody", p50); ok {
		t.Error("a ratio to a target that was not measured")
	}
}

func TestDisturbedRoundsAreDropped(t *testing.T) {
	a, b := samplesOf("x", "a", 10, 90, 20), samplesOf("x", "b", 10, 10, 10)
	a[1].Others = 0.9
	b[2].Others = 0.8
	r := &results{Samples: append(a, b...)}
	if got, disturbed, _ := r.pairs("x", "a", "b", p50); got != 1 || disturbed {
		t.Errorf("%v, disturbed %v, want the one quiet round", got, disturbed)
	}
	r.Samples[0].Others = 2
	if got, disturbed, _ := r.pairs("x", "a", "b", p50); got != 2 || !disturbed {
		t.Errorf("%v, disturbed %v, want all rounds, marked", got, disturbed)
	}
}

func TestGates(t *testing.T) {
	for _, c := range []struct {
		name   string
		figure figure
		missed bool
		says   string
	}{
		{"at the gate", figure{Value: 2, Must: bound(2)}, false, "ok"},
		{"above", figure{Value: 2.1, Must: bound(2)}, true, "MISSED"},
		{"below a floor", figure{Value: 0.4, Must: bound(0.45), Floor: true}, true, "MISSED"},
		{"above a floor", figure{Value: 0.5, Must: bound(0.45), Floor: true}, false, "ok"},
		{"aim only", figure{Value: 2, Aim: bound(1)}, false, "ok, aim missed"},
		{"none allowed", figure{Value: 1, Must: bound(-1)}, true, "MISSED"},
		{"not measured", figure{Value: 9, Must: bound(1), Absent: true}, false, ""},
		{"disturbed", figure{Value: 1, Must: bound(1), Disturbed: true}, false, "ok (disturbed)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.figure.missed(); got != c.missed {
				t.Errorf("missed %v, want %v", got, c.missed)
			}
			if c.says != "" && c.figure.verdict() != c.says {
				t.Errorf("says %q, want %q", c.figure.verdict(), c.says)
			}
		})
	}
}

func TestEveryLineOfTheTableNamesWhatIsMeasured(t *testing.T) {
	names := map[string]bool{}
	for _, p := range phases() {
		names[p.name] = true
	}
	for _, l := range lines() {
		if !names[l.phase] || l.value == nil || (l.must == 0 && l.aim == 0) {
			t.Errorf("%s: phase %q, must %v, aim %v", l.name, l.phase, l.must, l.aim)
		}
	}
}

func TestPrintShowsFiguresAndMedians(t *testing.T) {
	r := &results{Samples: append(samplesOf(phaseTTFT, relayFull, 3000), samplesOf(phaseTTFT, nginx, 2000)...), Extra: extra{Calls: 10, Records: 9}}
	r.Figures = figures(r)
	var out strings.Builder
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.5×", "MISSED", "their records missing or incomplete, of 10", "\nttft"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "flood") {
		t.Error("a phase is shown that was not measured")
	}
}

func TestMedian(t *testing.T) {
	if median[float64](nil) != 0 || median([]float64{3, 1, 2}) != 2 || median([]time.Duration{4, 2}) != 3 {
		t.Error("wrong middle")
	}
}

func TestChunksAreDecodedWithoutAllocating(t *testing.T) {
	n, err := chunkAllocations()
	if err != nil || n > 0 {
		t.Errorf("%v allocations per chunk, %v, want none", n, err)
	}
}

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// tooBusy is the CPU of other programs, in cores, beside which a measurement
// does not count.
const tooBusy = 0.7

// figure is one line of the result.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Must is the gate and Aim the goal; at least them if Floor, else at most.
	// Zero pointers mean that there is none.
	Must  *float64 `json:"must,omitempty"`
	Aim   *float64 `json:"aim,omitempty"`
	Floor bool     `json:"floor,omitempty"`
	// Disturbed says that no round was quiet enough, so that all were taken.
	Disturbed bool `json:"disturbed,omitempty"`
	Absent    bool `json:"absent,omitempty"`
}

func (g figure) meets(bound *float64) bool {
	if bound == nil {
		return true
	}
	if g.Floor {
		return g.Value >= *bound
	}
	return g.Value <= *bound
}

func (g figure) missed() bool { return !g.Absent && !g.meets(g.Must) }

// value is what a figure takes from a sample.
type value func(sample) float64

func p50(s sample) float64  { return float64(s.P50) / 1e3 }
func cpu(s sample) float64  { return float64(s.CPU) / 1e3 }
func rate(s sample) float64 { return s.Rate }
func merged(s sample) float64 {
	if s.Phase == phaseMemory {
		return 0
	}
	return float64(s.Units - s.Reads)
}
func megabytes(s sample) float64 { return float64(s.RSS) / (1 << 20) }
func secondWave(s sample) float64 {
	return float64(s.Units) / (1 << 20)
}
func perStream(s sample) float64 { return float64(s.RSS-s.Idle) / (100 << 10) }

// of returns the median over the quiet rounds of v on one target.
func (r *results) of(phase, target string, v value) (m float64, disturbed, ok bool) {
	return r.pairs(phase, target, "", v)
}

// pairs returns the median of the rounds' ratios between two targets, or of
// the values of one.
func (r *results) pairs(phase, target, base string, v value) (m float64, disturbed, ok bool) {
	var quiet, all []float64
	for _, s := range r.Samples {
		if s.Phase != phase || s.Target != target {
			continue
		}
		x, others := v(s), s.Others
		if base != "" {
			i := slices.IndexFunc(r.Samples, func(o sample) bool { return o.Phase == phase && o.Target == base && o.Round == s.Round })
			if i < 0 || v(r.Samples[i]) == 0 {
				continue
			}
			x /= v(r.Samples[i])
			others = max(others, r.Samples[i].Others)
		}
		all = append(all, x)
		if others <= tooBusy {
			quiet = append(quiet, x)
		}
	}
	if len(quiet) > 0 {
		return median(quiet), false, true
	}
	return median(all), len(all) > 0, len(all) > 0
}

// line is one figure as the issue's table has it.
type line struct {
	name, unit         string
	phase, target, per string
	value              value
	must, aim          float64 // 0 is none; -1 is a bound of zero
	floor              bool
}

// lines is the table of gates and goals, in its order.
func lines() []line {
	return []line{
		{"time to first token, p50 / nginx", "×", phaseTTFT, relayFull, nginx, p50, 1.3, 1, false},
		{"time to first token, p50 / blind tunnel", "×", phaseTTFT, relayFull, tunnel, p50, 1.2, 0, false},
		{"delay per chunk, p50, 8 streams / nginx", "×", phasePaced8, relayFull, nginx, p50, 1.15, 0, false},
		{"delay per chunk, p50, 100 streams / nginx", "×", phasePaced, relayFull, nginx, p50, 1, 0, false},
		{"delay per chunk, p50, 8 streams / blind tunnel", "×", phasePaced8, relayFull, tunnel, p50, 0, 1.1, false},
		{"delay per chunk, p50, 100 streams / blind tunnel", "×", phasePaced, relayFull, tunnel, p50, 0, 1.1, false},
		{"CPU per chunk, 100 streams of 50/s / blind tunnel", "×", phasePaced, relayFull, tunnel, cpu, 1.3, 1.15, false},
		{"CPU per chunk, 100,000 at once", "µs", phaseFlood, relayFull, "", cpu, 8, 6.5, false},
		{"plain calls one at a time, CPU", "µs", phasePlain1, relayFull, "", cpu, 150, 0, false},
		{"plain calls one at a time, CPU / blind tunnel", "×", phasePlain1, relayFull, tunnel, cpu, 0, 1.15, false},
		{"plain calls 64 at once, CPU", "µs", phasePlain64, relayFull, "", cpu, 75, 0, false},
		{"plain calls one at a time, calls per second / direct", "×", phasePlain1, relayFull, direct, rate, 0.45, 0, true},
		{"plain calls 64 at once, calls per second / direct", "×", phasePlain64, relayFull, direct, rate, 0.45, 0, true},
		{"events merged into others' reads, 8 streams", "", phasePaced8, relayFull, "", merged, -1, 0, false},
		{"events merged into others' reads, 100 streams", "", phasePaced, relayFull, "", merged, -1, 0, false},
		{"RSS at 100 streams", "MB", phaseMemory, relayFull, "", megabytes, 25, 0, false},
		{"RSS per stream", "KiB", phaseMemory, relayFull, "", perStream, 150, 100, false},
		{"RSS that a second wave adds", "MB", phaseMemory, relayFull, "", secondWave, 0, 1, false},
		{"time to first token, telemetry on / off", "×", phaseTTFT, relayFull, relayBare, p50, 0, 1.1, false},
		{"plain call, p50, telemetry on / off", "×", phasePlain1, relayFull, relayBare, p50, 0, 1.1, false},
	}
}

func figures(r *results) (out []figure) {
	for _, l := range lines() {
		g := figure{Name: l.name, Unit: l.unit, Must: bound(l.must), Aim: bound(l.aim), Floor: l.floor}
		var ok bool
		g.Value, g.Disturbed, ok = r.pairs(l.phase, l.target, l.per, l.value)
		g.Absent = !ok
		out = append(out, g)
	}
	x := r.Extra
	once := func(name, unit string, v, must, aim float64) {
		out = append(out, figure{Name: name, Unit: unit, Value: v, Must: bound(must), Aim: bound(aim), Absent: x.Calls == 0})
	}
	once(fmt.Sprintf("instantly answered POSTs broken, of %d", x.Calls), "", float64(x.Broken), -1, 0)
	once(fmt.Sprintf("their records missing or incomplete, of %d", x.Calls), "", float64(x.Calls-x.Records), -1, 0)
	once("allocations per chunk, observer and decoder", "", x.Allocs, -1, 0)
	once("metrics, span and store, CPU per call", "µs", float64(x.Telemetry)/float64(time.Microsecond), 100, 60)
	return out
}

func bound(v float64) *float64 {
	switch {
	case v == 0:
		return nil
	case v < 0:
		v = 0
	}
	return &v
}

// print writes the figures and, below, the raw medians by target.
func (r *results) print(out io.Writer) error {
	p := printer{out: out}
	p.linef("\n%-52s %10s %10s %10s  %s\n", "figure", "value", "must", "aim", "ok?")
	for _, g := range r.Figures {
		if g.Absent {
			continue
		}
		p.linef("%-52s %10s %10s %10s  %s\n", g.Name, number(&g.Value)+g.Unit, number(g.Must), number(g.Aim), g.verdict())
	}
	for _, ph := range phases() {
		r.raw(&p, ph)
	}
	return p.err
}

func (g figure) verdict() string {
	out := "ok"
	switch {
	case !g.meets(g.Must):
		out = "MISSED"
	case !g.meets(g.Aim):
		out = "ok, aim missed"
	}
	if g.Disturbed {
		out += " (disturbed)"
	}
	return out
}

func (r *results) raw(p *printer, ph phase) {
	var names []string
	for _, s := range r.Samples {
		if s.Phase == ph.name && !slices.Contains(names, s.Target) {
			names = append(names, s.Target)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.SortFunc(names, cmp.Compare[string])
	p.linef("\n%-10s %-26s %10s %10s %10s %8s %8s %8s %7s\n", ph.name, "", "p50 µs", "CPU µs", "units/s", "merged", "RSS MB", "idle MB", "others")
	for _, name := range names {
		cell := func(v value) float64 { m, _, _ := r.of(ph.name, name, v); return m }
		p.linef("%-10s %-26s %10.0f %10.1f %10.0f %8.0f %8.1f %8.1f %7.2f\n", "", name, cell(p50), cell(cpu), cell(rate), cell(merged),
			cell(megabytes), cell(func(s sample) float64 { return float64(s.Idle) / (1 << 20) }), cell(func(s sample) float64 { return s.Others }))
	}
}

// printer keeps the first error of many lines.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) linef(format string, v ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, v...)
	}
}

func number(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v >= 100:
		return fmt.Sprintf("%.0f", *v)
	}
	return fmt.Sprintf("%.3g", *v)
}

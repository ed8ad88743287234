package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// results is everything a run found out.
type results struct {
	Samples []sample `json:"samples"`
	Extra   extra    `json:"extra"`
	Figures []figure `json:"figures"`
}

// extra is what is measured once, beside the rounds.
type extra struct {
	Calls     int           `json:"instant_calls"`
	Broken    int           `json:"instant_broken"`
	Records   int           `json:"instant_records"`
	Allocs    float64       `json:"allocations_per_chunk"`
	Telemetry time.Duration `json:"telemetry_cpu_per_call_ns"`
}

// drive measures everything and prints the figures.
func drive(ctx context.Context, o options, out io.Writer) (err error) {
	f, err := openField(ctx, o.agent)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	var res results
	for round := range o.rounds {
		if err := f.round(ctx, o, round, &res); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "round %d of %d done\n", round+1, o.rounds)
	}
	if o.only == "" {
		if res.Extra, err = f.extras(ctx, o.quick); err != nil {
			return err
		}
	}
	res.Figures = figures(&res)
	if err := res.print(out); err != nil {
		return err
	}
	if o.out != "" {
		b, err := json.MarshalIndent(res, "", " ")
		if err != nil {
			return fmt.Errorf("bench: encode results: %w", err)
		}
		if err := os.WriteFile(o.out, b, 0o644); err != nil {
			return fmt.Errorf("bench: write results: %w", err)
		}
	}
	for _, g := range res.Figures {
		if g.missed() {
			return errMissed
		}
	}
	return nil
}

// round measures every phase on every target; the order of targets moves on by
// one each time.
func (f *field) round(ctx context.Context, o options, round int, res *results) error {
	for i, p := range phases() {
		if (p.once && round > 0) || !strings.Contains(p.name, o.only) {
			continue
		}
		size := p.size[0]
		if o.quick {
			size = p.size[1]
		}
		for j := range f.targets {
			t := f.targets[(i+j+round)%len(f.targets)]
			if !p.wants(t.name) {
				continue
			}
			s, err := f.measure(ctx, p, t, size)
			if err != nil {
				return fmt.Errorf("bench: measure %s on %s: %w", p.name, t.name, err)
			}
			s.Round = round
			res.Samples = append(res.Samples, s)
		}
	}
	return nil
}

// measure runs one phase on one target and books time and CPU. Connections are
// made before the clock starts, but for the memory phase.
func (f *field) measure(ctx context.Context, p phase, t *target, size int) (sample, error) {
	if p.name != phaseMemory {
		if _, err := p.run(ctx, t, max(1, size/50)); err != nil {
			return sample{}, err
		}
	}
	all := f.pids()
	start, cpu, ours, machine := time.Now(), cpuOf(t.pids()), cpuOf(all), busy()
	s, err := p.run(ctx, t, size)
	took := time.Since(start)
	cpu, ours, machine = cpuOf(t.pids())-cpu, cpuOf(all)-ours, busy()-machine
	s.Phase, s.Target = p.name, t.name
	if s.Units > 0 {
		s.CPU = cpu / time.Duration(s.Units)
		s.Rate = float64(s.Units) / took.Seconds()
	}
	s.Others = max(0, (machine-ours).Seconds()/took.Seconds())
	return s, err
}

// extras measures fidelity, allocations and the pipeline's cost.
func (f *field) extras(ctx context.Context, quick bool) (x extra, err error) {
	calls, records := 10_000, 20_000
	if quick {
		calls, records = 1000, 2000
	}
	if err := f.instant(ctx, calls, &x); err != nil {
		return x, err
	}
	if err := f.ask("allocations", &x.Allocs); err != nil {
		return x, err
	}
	sink, at, err := startRole(f.dir, "collector")
	if err != nil {
		return x, err
	}
	err = f.ask("telemetry", &x.Telemetry, f.path(instantStore), at, fmt.Sprint(records))
	return x, errors.Join(err, sink.stop())
}

// ask runs a role that prints one JSON value and ends.
func (f *field) ask(role string, into any, args ...string) error {
	p, line, err := startRole(f.dir, role, args...)
	if err != nil {
		return err
	}
	return errors.Join(p.cmd.Wait(), json.Unmarshal([]byte(line), into))
}

package prom

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/internal/call"
)

// Bounds of the verdict gauges.
const (
	maxVerdicts   = 512
	verdictMemory = 6 * time.Hour // a closed verdict stays visible as 0
)

// verdictGauges show which verdicts are open. They belong to the sink's mutex.
// A series is 1 while at least one finding with its labels is open; evicting a
// client never hides an open verdict.
type verdictGauges struct {
	vec    *prometheus.GaugeVec
	series map[verdictKey]*verdictSeries
	byID   map[string]verdictKey
	order  []string // ids in byID, oldest first
}

// verdictKey are the label values of a series, in label order.
type verdictKey struct{ host, model, verdict, state, client, version string }

type verdictSeries struct {
	open   int
	closed time.Time
}

func newVerdictGauges() *verdictGauges {
	return &verdictGauges{
		vec: gauge("llmtap_verdict", "Verdicts from comparing calls: 1 open, 0 closed.",
			targetNames("verdict", "state", labelClient, labelVersion)),
		series: map[verdictKey]*verdictSeries{}, byID: map[string]verdictKey{},
	}
}

func (k verdictKey) values() []string {
	return []string{k.host, k.model, k.verdict, k.state, k.client, k.version}
}

// set moves finding id to the series of key; the zero key closes it.
func (v *verdictGauges) set(id string, key verdictKey, now time.Time) {
	old, known := v.byID[id]
	if known && old == key {
		return
	}
	if known {
		v.leave(old, now)
		delete(v.byID, id)
	}
	if key == (verdictKey{}) {
		return
	}
	for len(v.byID) >= maxVerdicts && len(v.order) > 0 {
		v.dropOldest(now)
	}
	if !known {
		v.order = append(v.order, id)
	}
	v.byID[id] = key
	s := v.series[key]
	if s == nil {
		s = &verdictSeries{}
		v.series[key] = s
	}
	s.open++
	v.vec.WithLabelValues(key.values()...).Set(1)
}

func (v *verdictGauges) leave(key verdictKey, now time.Time) {
	s := v.series[key]
	if s.open--; s.open == 0 {
		s.closed = now
		v.vec.WithLabelValues(key.values()...).Set(0)
	}
}

// dropOldest forgets the finding that opened first.
func (v *verdictGauges) dropOldest(now time.Time) {
	id := v.order[0]
	v.order = v.order[1:]
	if key, ok := v.byID[id]; ok {
		v.leave(key, now)
		delete(v.byID, id)
	}
}

// sweep deletes series that have been closed for long, and the oldest closed
// ones beyond the bound.
func (v *verdictGauges) sweep(now time.Time) {
	var live []string
	for _, id := range v.order {
		if _, ok := v.byID[id]; ok {
			live = append(live, id)
		}
	}
	v.order = live
	for k, s := range v.series {
		if s.open == 0 && (now.Sub(s.closed) >= verdictMemory || len(v.series) > maxVerdicts) {
			delete(v.series, k)
			v.vec.DeleteLabelValues(k.values()...)
		}
	}
}

// verdict resolves a finding's labels; inapplicable ones stay empty.
func (f *folder) verdict(v *call.Finding, now time.Time) (verdictKey, error) {
	k := verdictKey{verdict: closed(verdicts, v.Verdict), state: v.State}
	switch v.State {
	case "closed":
		return verdictKey{}, nil
	case "suspected", "confirmed":
	default:
		return verdictKey{}, fmt.Errorf("prom: verdict %s: unknown state %q", k.verdict, clean(v.State, 64, ""))
	}
	if v.Target.Host != "" {
		k.host = f.host(v.Target.Host)
	}
	if v.Target.Model != "" {
		k.model = f.model(v.Target.Model)
	}
	if v.Client.Name != "" {
		p := f.client(v.Client.Name, v.Client.Version, now)
		k.client, k.version = p.name, p.version
	}
	return k, nil
}

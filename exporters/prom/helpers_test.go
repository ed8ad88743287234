package prom_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"llmtap/exporters/prom"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// bench is a sink under test with its registry and a clock that stands still.
type bench struct {
	*prom.Sink
	reg *prometheus.Registry
	now time.Time
}

func newBench(t testing.TB, change func(*prom.Config)) *bench {
	t.Helper()
	b := &bench{reg: prometheus.NewRegistry(), now: time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)}
	c := prom.Config{
		Registry: b.reg, Now: func() time.Time { return b.now }, Version: "1.2.3", Revision: "abc",
		Retries: func(c call.Client) bool { return c.SDK == "openai-python" },
	}
	if change != nil {
		change(&c)
	}
	s, err := prom.New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Sink = s
	return b
}

func (b *bench) take(t *testing.T, records ...call.Record) {
	t.Helper()
	for _, r := range records {
		if err := b.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// text is the exposition of our own metrics.
func (b *bench) text(t *testing.T) string {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, f := range families {
		if n := f.GetName(); strings.HasPrefix(n, "go_") || strings.HasPrefix(n, "process_") || n == "llmtap_build_info" {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// value sums the samples of metric whose label text contains every part.
func (b *bench) value(t *testing.T, metric string, parts ...string) float64 {
	t.Helper()
	sum, _ := b.sum(t, metric, parts...)
	return sum
}

// sum is value, and how many series matched.
func (b *bench) sum(t *testing.T, metric string, parts ...string) (sum float64, n int) {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			if !containsAll(labels, parts) {
				continue
			}
			n++
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum, n
}

func containsAll(have, want []string) bool {
	for _, w := range want {
		found := false
		for _, h := range have {
			found = found || h == w
		}
		if !found {
			return false
		}
	}
	return true
}

// want fails unless metric sums to v.
func (b *bench) want(t *testing.T, v float64, metric string, parts ...string) {
	t.Helper()
	if got := b.value(t, metric, parts...); got != v {
		t.Errorf("%s%v = %v, want %v", metric, parts, got, v)
	}
}

// failure is attempt k of the streamed message of #1208.
func failure(logical string, k int) call.Record {
	r := sinktest.Record(k)
	r.Identity.Logical, r.Identity.Attempt = logical, k
	r.Identity.Start = r.Identity.Start.Add(time.Duration(k) * time.Second)
	r.Client.Name, r.Client.Version = "jupyter-ai", "2.29.0"
	r.Request.Hints.RetryCount = string(rune('0' + k - 1))
	r.Response = call.Response{
		Status: 500, HTTP: "1.1", Origin: "upstream",
		Body:  call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Transfer: call.TransferLength, Bytes: 91},
		Error: call.Error{Shape: call.ShapeAPIM, Message: "Internal server error"},
	}
	r.Timing = call.Timing{Headers: r.Identity.Start.Add(100 * time.Millisecond), FirstByte: r.Identity.Start.Add(100 * time.Millisecond), End: r.Identity.Start.Add(125 * time.Millisecond)}
	r.Stream, r.Usage = call.Stream{}, call.Usage{}
	r.Diagnosis = call.Diagnosis{Class: call.ClassGatewayErrorOpaque, Severity: call.SeverityError, Fault: call.FaultNetwork}
	return r
}

// direct is the plain call with curl that works.
func direct(n int) call.Record {
	r := sinktest.Record(n)
	r.Client = call.Client{Kind: call.ClientDirect, Name: "curl", Version: "8.5.0"}
	r.Request.Mode, r.Request.StreamFlag = call.ModePlain, call.StreamAbsent
	r.Response.Body = call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Transfer: call.TransferLength, Bytes: 600}
	r.Timing = call.Timing{Headers: r.Identity.Start.Add(700 * time.Millisecond), End: r.Identity.Start.Add(750 * time.Millisecond)}
	r.Stream = call.Stream{}
	return r
}

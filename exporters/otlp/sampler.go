package otlp

import (
	"fmt"
	"strconv"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"llmtap/internal/call"
)

// NewSampler reads OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG and returns
// the decision for an attempt that begins. The record needs its identity:
// trace id and parent. The caller stores the answer in Identity.Span.Sampled;
// the Sink and the exemplars follow it. The default is parentbased_always_on.
func NewSampler(getenv func(string) string) (func(call.Record) bool, error) {
	name := getenv("OTEL_TRACES_SAMPLER")
	root, byParent, err := rootSampler(name, getenv("OTEL_TRACES_SAMPLER_ARG"))
	if err != nil {
		return nil, err
	}
	return func(r call.Record) bool {
		if p := r.Identity.Parent; byParent && p.Valid() {
			return p.Sampled
		}
		id, err := trace.TraceIDFromHex(r.Identity.Span.Trace)
		if err != nil {
			return false
		}
		return root.ShouldSample(sdktrace.SamplingParameters{TraceID: id}).Decision == sdktrace.RecordAndSample
	}, nil
}

func rootSampler(name, arg string) (s sdktrace.Sampler, byParent bool, err error) {
	switch name {
	case "", "parentbased_always_on":
		return sdktrace.AlwaysSample(), true, nil
	case "parentbased_always_off":
		return sdktrace.NeverSample(), true, nil
	case "always_on":
		return sdktrace.AlwaysSample(), false, nil
	case "always_off":
		return sdktrace.NeverSample(), false, nil
	case "traceidratio", "parentbased_traceidratio":
		ratio := 1.0
		if arg != "" {
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
				return nil, false, fmt.Errorf("otlp: OTEL_TRACES_SAMPLER_ARG=%q: use a number from 0 to 1", arg)
			}
		}
		return sdktrace.TraceIDRatioBased(ratio), name != "traceidratio", nil
	}
	return nil, false, fmt.Errorf("otlp: OTEL_TRACES_SAMPLER=%q: use always_on, always_off, traceidratio or parentbased_ and one of them", name)
}

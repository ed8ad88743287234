package prom

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/internal/call"
)

// Values of Config.Compat: which generation of the GenAI metric names is
// written. The standard renamed its metrics after v1.41; boards that query the
// old names need v1.41 or both. Never sum old and new.
const (
	CompatCurrent = "current"
	CompatV141    = "v1.41"
	CompatBoth    = "both"
)

// genAI are the metrics whose names the OpenTelemetry GenAI conventions fix.
// In compat modes a list holds both generations; a nil member is not written.
type genAI struct {
	inference  *prometheus.HistogramVec // duration, new name
	operation  *prometheus.HistogramVec // duration, old name; new name of all that is no inference
	old, young bool
	firstChunk []*prometheus.HistogramVec
	pace       []*paceVec
	usage      []usageMetric
	tokens     []*prometheus.HistogramVec // input, output
	oldTokens  *prometheus.HistogramVec
	found      foundSeries
}

// foundSeries are the ones that each call counts in.
type foundSeries struct {
	inference memo[series, *durations] // by stream, kind and error type
	chunks    memo[series, *durations] // by kind and generation of names
	usage     memo[series, []prometheus.Counter]
}

// series is a set of base labels and what follows them.
type series struct {
	operation, provider, model, host string
	more                             [3]string
}

func (l *labels) series(more ...string) series {
	s := series{operation: l.operation, provider: l.provider, model: l.model, host: l.host}
	copy(s.more[:], more)
	return s
}

// usageMetric is one token counter and where its number comes from.
type usageMetric struct {
	vec    *prometheus.CounterVec
	amount func(call.Usage) call.Amount
}

func newGenAI(compat string) (*genAI, error) {
	g := &genAI{young: compat != CompatV141, old: compat == CompatV141 || compat == CompatBoth}
	if compat != CompatCurrent && !g.old {
		return nil, fmt.Errorf("prom: LLMTAP_SEMCONV_COMPAT=%q: use current, v1.41 or both", compat)
	}
	duration := baseNames(labelStream, labelKind, "error_type")
	g.operation = histogram("gen_ai_client_operation_duration_seconds", "Duration of GenAI operations, whole stream included.", call.PaceBounds(), duration)
	if g.young {
		g.inference = histogram("gen_ai_client_inference_duration_seconds", "Duration of inference calls per attempt, whole stream included.", call.PaceBounds(), duration)
		g.chunks("gen_ai_client_inference_")
		g.newUsage()
	}
	if g.old {
		g.chunks("gen_ai_client_operation_")
		g.oldTokens = histogram("gen_ai_client_token_usage", "Tokens per call, by type.", tokenBounds(), baseNames("error_type", "gen_ai_token_type"))
	}
	return g, nil
}

func (g *genAI) chunks(prefix string) {
	g.firstChunk = append(g.firstChunk, histogram(prefix+"time_to_first_chunk_seconds", "Time from the request to the first event with content.",
		call.PaceBounds(), baseNames(labelKind)))
	g.pace = append(g.pace, newPaceVec(prefix+"time_per_output_chunk_seconds", "Time between two events with content.", baseNames(labelKind)))
}

func (g *genAI) newUsage() {
	names := baseNames("gen_ai_token_modality", labelAnswered)
	add := func(name, help string, amount func(call.Usage) call.Amount) {
		g.usage = append(g.usage, usageMetric{counter("gen_ai_client_inference_usage_"+name+"_total", help, names), amount})
	}
	add("input_tokens", "Input tokens as reported, cached ones included.", func(u call.Usage) call.Amount { return u.Input })
	add("output_tokens", "Output tokens as reported, reasoning included.", func(u call.Usage) call.Amount { return u.Output })
	add("cache_read_input_tokens", "Input tokens read from a cache; part of the input tokens.", func(u call.Usage) call.Amount { return u.Cached })
	add("cache_write_input_tokens", "Input tokens written to a cache; part of the input tokens.", func(u call.Usage) call.Amount { return u.CacheWrite })
	add("reasoning_output_tokens", "Output tokens spent on reasoning; part of the output tokens.", func(u call.Usage) call.Amount { return u.Reasoning })
	g.tokens = []*prometheus.HistogramVec{
		histogram("gen_ai_client_inference_operation_input_tokens", "Input tokens per call that reported usage.", tokenBounds(), baseNames("error_type")),
		histogram("gen_ai_client_inference_operation_output_tokens", "Output tokens per call that reported usage.", tokenBounds(), baseNames("error_type")),
	}
}

func (g *genAI) collectors() []prometheus.Collector {
	out := []prometheus.Collector{g.operation}
	if g.inference != nil {
		out = append(out, g.inference)
	}
	for _, h := range g.firstChunk {
		out = append(out, h)
	}
	for _, p := range g.pace {
		out = append(out, p)
	}
	for _, u := range g.usage {
		out = append(out, u.vec)
	}
	for _, h := range g.tokens {
		out = append(out, h)
	}
	if g.oldTokens != nil {
		out = append(out, g.oldTokens)
	}
	return out
}

// record books one attempt.
func (g *genAI) record(r *call.Record, l *labels) {
	errorType := r.ErrorType()
	asked := slices.Contains(inference, l.operation)
	if g.inference != nil && asked {
		g.found.inference.get(l.series(l.stream, l.kind, errorType), func() *durations {
			return &durations{Observer: g.inference.WithLabelValues(l.base(l.stream, l.kind, errorType)...)}
		}).observe(r.Duration(), r)
	}
	if g.old || !asked {
		observe(g.operation.WithLabelValues(l.base(l.stream, l.kind, errorType)...), r.Duration().Seconds(), exemplar(r))
	}
	if !asked {
		return
	}
	g.chunksOf(r, l)
	g.tokensOf(r, l, errorType)
}

func (g *genAI) chunksOf(r *call.Record, l *labels) {
	first, ok := r.TimeToFirstChunk()
	if !ok {
		return
	}
	for i, h := range g.firstChunk {
		g.found.chunks.get(l.series(l.kind, strconv.Itoa(i)), func() *durations {
			return &durations{Observer: h.WithLabelValues(l.base(l.kind)...)}
		}).observe(first, r)
	}
	for _, p := range g.pace {
		p.add(l.base(l.kind), &r.Stream)
	}
}

func (g *genAI) tokensOf(r *call.Record, l *labels, errorType string) {
	// A record knows no modalities: unknown, never guessed.
	counters := g.found.usage.get(l.series(unknown, l.answered), func() (all []prometheus.Counter) {
		for _, u := range g.usage {
			all = append(all, u.vec.WithLabelValues(l.base(unknown, l.answered)...))
		}
		return all
	})
	for i, u := range g.usage {
		if a := u.amount(r.Usage); a.Known && a.N > 0 {
			counters[i].Add(float64(a.N))
		}
	}
	for i, a := range []call.Amount{r.Usage.Input, r.Usage.Output} {
		if !a.Known || a.N < 0 {
			continue
		}
		if g.tokens != nil {
			g.tokens[i].WithLabelValues(l.base(errorType)...).Observe(float64(a.N))
		}
		if g.oldTokens != nil {
			g.oldTokens.WithLabelValues(l.base(errorType, []string{"input", "output"}[i])...).Observe(float64(a.N))
		}
	}
}

// tokenBounds are 1, 4, 16 … 67108864.
func tokenBounds() []float64 { return prometheus.ExponentialBuckets(1, 4, 14) }

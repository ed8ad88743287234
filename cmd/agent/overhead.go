package main

import (
	"llmtap/capture/relay"
	"llmtap/exporters/prom"
)

// overhead is the agent's own time by phase: that of TLS handshakes, and those
// of exchanges.
func overhead(handshake relay.Histogram, exchange map[string]relay.Histogram) map[string]prom.Histogram {
	out := map[string]prom.Histogram{"handshake": histogram(handshake)}
	for phase, h := range exchange {
		out[phase] = histogram(h)
	}
	return out
}

func histogram(h relay.Histogram) prom.Histogram {
	return prom.Histogram{Counts: h.Counts[:], Sum: h.Sum.Seconds()}
}

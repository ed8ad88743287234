package prom

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// The closed label values of the agent's own counters. Each exists at 0 from
// the start, so that its first increase is seen.
var (
	phases       = []string{"handshake", "request", "headers", "body"}
	views        = []string{"relay", "blind"}
	directions   = []string{"up", "down"}
	legs         = []string{"client", "upstream"}
	tunnelReason = []string{
		"not_listed", "tunnel_only", "upstream_tls", "client_certificate", "distrust", "pinning", "sni", "ech", "old_tls",
		"not_tls", "name_constraint", "h2_off",
	}
	stopReason      = []string{"upgrade", "connect", "malformed", "head_too_big", "hpack", "pairing", "panic", "budget"}
	dropReason      = []string{"queue_full", "content_budget", "decode_limit", "panic", "store_error", "shutdown", "log_rate"}
	framings        = []string{"json", "sse", "ndjson", "eventstream", "json_array", "html", "text", "empty", other}
	handshakeReason = []string{"unknown_ca", "bad_certificate", "expired", "name_mismatch", "protocol", "timeout", "closed", other}
	spanReason      = []string{"queue_full", "timeout", "unavailable", "rejected", "too_large", "shutdown"}
)

// families are all metrics of a Process but its histograms.
func families() []family {
	out := trafficFamilies()
	out = append(out, spanFamilies()...)
	return append(out, stateFamilies()...)
}

func trafficFamilies() []family {
	return []family{
		counters("llmtap_tunnels_total", "Connections accepted, by whether they are looked into, and why not.", []string{"view", labelReason}, emitTunnels),
		gauges("llmtap_tunnels_open", "Connections open now.", []string{"view"}, func(p *Process, set func(float64, ...string)) {
			for _, v := range views {
				set(float64(p.Tunnels.Open[v]), v)
			}
		}),
		counters("llmtap_tunnel_bytes_total", "Bytes relayed.", []string{"view", "direction"}, func(p *Process, set func(float64, ...string)) {
			for _, v := range views {
				for _, d := range directions {
					set(float64(p.Tunnels.Bytes[[2]string{v, d}]), v, d)
				}
			}
		}),
		counters("llmtap_observation_stopped_total", "Connections whose observation stopped while they went on.", []string{labelReason},
			func(p *Process, set func(float64, ...string)) { emitClosed(p.Observation.Stopped, stopReason, set) }),
		counters("llmtap_captures_dropped_total", "Records or contents that were lost, by reason.", []string{labelReason},
			func(p *Process, set func(float64, ...string)) { emitClosed(p.Observation.Dropped, dropReason, set) }),
		counters("llmtap_oversize_items_total", "Lines, frames and elements above the item cap, skipped.", []string{"framing"},
			func(p *Process, set func(float64, ...string)) { emitClosed(p.Observation.Oversize, framings, set) }),
		counters("llmtap_tls_handshake_failures_total", "TLS handshakes that failed, by leg.", []string{"leg", labelReason}, emitHandshakes),
		gauges("llmtap_active_calls", "Attempts in flight.", []string{labelStream}, func(p *Process, set func(float64, ...string)) {
			set(float64(p.Active.Stream), "true")
			set(float64(p.Active.Plain), "false")
		}),
	}
}

func spanFamilies() []family {
	return []family{
		counters("llmtap_spans_created_total", "Spans made of sampled attempts and verdicts.", nil,
			func(p *Process, set func(float64, ...string)) { set(float64(p.Spans.Created)) }),
		counters("llmtap_spans_exported_total", "Spans that the receiver accepted.", nil,
			func(p *Process, set func(float64, ...string)) { set(float64(p.Spans.Exported)) }),
		gauges("llmtap_spans_pending", "Spans that wait for their export.", nil,
			func(p *Process, set func(float64, ...string)) { set(float64(p.Spans.Pending)) }),
		counters("llmtap_span_export_failures_total", "Spans that were lost, by reason.", []string{labelReason},
			func(p *Process, set func(float64, ...string)) { emitClosed(p.Spans.Failures, spanReason, set) }),
	}
}

func stateFamilies() []family {
	return []family{
		gauges("llmtap_store_degraded", "1 while records are kept in memory only.", nil,
			func(p *Process, set func(float64, ...string)) { set(bit(p.StoreDegraded)) }),
		gauges("llmtap_upstream_insecure_hosts", "Upstreams whose certificate is not verified.", nil,
			func(p *Process, set func(float64, ...string)) { set(float64(p.InsecureHosts)) }),
		gauges("llmtap_config_last_reload_successful", "1 if the last reading of the configuration was good.", nil,
			func(p *Process, set func(float64, ...string)) { set(bit(p.Reload.OK)) }),
		gauges("llmtap_config_last_reload_success_timestamp_seconds", "When the configuration was last read without error.", nil,
			func(p *Process, set func(float64, ...string)) {
				if !p.Reload.At.IsZero() {
					set(seconds(p.Reload.At))
				}
			}),
		gauges("llmtap_ca_loaded", "1 decrypting with our CA, 0 with --tunnel-only.", nil,
			func(p *Process, set func(float64, ...string)) { set(bit(p.CA.Loaded)) }),
		gauges("llmtap_ca_not_after_timestamp_seconds", "When our CA expires.", nil, func(p *Process, set func(float64, ...string)) {
			if !p.CA.NotAfter.IsZero() {
				set(seconds(p.CA.NotAfter))
			}
		}),
	}
}

func emitTunnels(p *Process, set func(float64, ...string)) {
	blind := map[string]uint64{}
	var relayed uint64
	for k, n := range p.Tunnels.Accepted {
		if k[0] == "relay" {
			relayed += n
			continue
		}
		blind[k[1]] += n
	}
	set(float64(relayed), "relay", "")
	emitClosed(blind, tunnelReason, func(v float64, l ...string) { set(v, "blind", l[0]) })
}

func emitHandshakes(p *Process, set func(float64, ...string)) {
	for _, leg := range legs {
		m := map[string]uint64{}
		for k, n := range p.Handshakes {
			if k[0] == leg {
				m[k[1]] += n
			}
		}
		emitClosed(m, handshakeReason, func(v float64, l ...string) { set(v, leg, l[0]) })
	}
}

// emitClosed writes every value of the closed list. What the list does not
// have is shown as other, which exists at 0 only where the list has it.
func emitClosed(m map[string]uint64, list []string, set func(float64, ...string)) {
	rest := m[other]
	for k, n := range m {
		if k != other && !slices.Contains(list, k) {
			rest += n
		}
	}
	for _, v := range list {
		if v != other {
			set(float64(m[v]), v)
		}
	}
	if rest > 0 || slices.Contains(list, other) {
		set(float64(rest), other)
	}
}

func counters(name, help string, labels []string, emit func(*Process, func(float64, ...string))) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue, emit}
}

func gauges(name, help string, labels []string, emit func(*Process, func(float64, ...string))) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue, emit}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

package gen

import (
	"slices"

	"llmtap/internal/call"
)

// agent shows whether the recorder is healthy and innocent.
func agent(o Options) board {
	return board{
		uid: "llmtap-agent", title: "Is the recorder healthy and innocent?",
		description: "What the agents themselves cost, lose and cannot see. Numbers of attempts and connections, not of logical calls.",
		variables:   slices.Concat(sources(o), agents()), annotations: marks()[2:],
		rows: []row{
			{"State", 5, []panel{builds().wide(9), config(), authority(), expiry()}},
			{"Throughput", 8, []panel{throughput(), tunnels()}},
			{"Added latency", 8, []panel{latency(), lag()}},
			{"Losses", 8, []panel{dropped(), spans(), folded()}},
			{"TLS", 8, []panel{handshakes()}},
		},
	}
}

// growth is the increase per step of counters that exist from the start.
func growth(by, metric string, more ...string) string {
	sum := "sum"
	if by != "" {
		sum += " by (" + by + ") "
	}
	return sum + "(increase(" + onAgent(metric, more...) + "[" + rateWindow + "]))"
}

func builds() panel {
	return list(about{"Agents", "Every scraped agent, its build, and whether the last scrape reached it.", "none", "no agent scraped"},
		instant(onAgent("llmtap_build_info")+" * on (job, instance) group_left () "+onAgent("up"))).
		then("organize", map[string]any{
			"excludeByName": map[string]bool{"Time": true, "__name__": true, "job": true},
			"renameByName":  map[string]string{"instance": "Agent", "version": "Version", "revision": "Revision", "goversion": "Go", "Value": "Up"},
		}).
		mapped(says("1", "up", colourGood), says("0", "DOWN", colourBad)).
		with(named("Up", property("custom.cellOptions", map[string]string{"type": "color-text"})))
}

func config() panel {
	return numbers(about{"Configuration", "Whether every agent's last reading of its configuration file was good; a bad file leaves the settings before in force.", "none", "agent not scraped"},
		now("min("+onAgent("llmtap_config_last_reload_successful")+")", "last reading")).
		steps(colourBad, step{1, colourGood}).mapped(says("1", "good", colourGood), says("0", "refused: see the log", colourBad))
}

func authority() panel {
	return numbers(about{"Decrypting", "Whether each agent decrypts with its own authority. With --tunnel-only it relays everything and sees nothing.", "short", "agent not scraped"},
		now("min by (instance) ("+onAgent("llmtap_ca_loaded")+")", "{{instance}}")).
		steps(colourWarn, step{1, colourGood}).
		mapped(says("0", "tunnel only: nothing is decrypted", colourWarn), says("1", "decrypts", colourGood))
}

func expiry() panel {
	const day = 86400
	p := numbers(about{"Authority expires", "When the first of the agents' authorities expires; after that clients refuse its certificates. Renew with `llmtap ca rotate`.", "dateTimeFromNow", "no authority in use"},
		now("min("+onAgent("llmtap_ca_not_after_timestamp_seconds")+") * 1000", "expires"),
		now("min("+onAgent("llmtap_ca_not_after_timestamp_seconds")+") - time()", "left"))
	return p.steps(colourNeutral).with(ofQuery("B", property("unit", "s"),
		property("thresholds", panel{}.steps(colourBad, step{7 * day, colourWarn}, step{30 * day, colourGood}).look.thresholds),
		property("color", map[string]string{"mode": "thresholds"})))
}

func throughput() panel {
	return lines(about{"Attempts", "HTTP requests per second that were looked into, retries included; solid streamed, dashed plain.", "reqps", "no calls in this time"},
		over("sum by (gen_ai_request_stream) (rate("+onAgent("llmtap_attempts_total")+"["+rateWindow+"]))", "stream={{gen_ai_request_stream}}")).
		from(0).with(kinds()...)
}

func tunnels() panel {
	return bars(about{"Connections", "Connections accepted, by whether the agent looks into them (relay) or not (blind), and why not. What is not looked into is in no other panel: unseen is not ok.",
		"short", "no connections in this time"},
		over(growth("view, reason", "llmtap_tunnels_total"), "{{view}} {{reason}}")).
		with(like("^relay", fixed(colourGood)), like("^blind", fixed(colourUnknown)))
}

func latency() panel {
	return lines(about{"Added latency p99", "Time that the agent itself added to 99 of 100 calls at most, by phase. From 0.05 s on it is not innocent.", "s", "no calls in this time"},
		over("histogram_quantile(0.99, sum by (le, phase) (rate("+onAgent("llmtap_overhead_seconds_bucket")+"["+rateWindow+"])))", "{{phase}}")).
		from(0).steps(colourNeutral, step{0.05, colourBad})
}

func lag() panel {
	return lines(about{"Chunk lag p99", "Time from reading a chunk to having written it on, of 99 of 100 chunks at most. A client that reads slowly counts here too. From 0.05 s on distrust stream_buffered.", "s", "no calls in this time"},
		over("histogram_quantile(0.99, sum by (le) (rate("+onAgent("llmtap_chunk_lag_seconds_bucket")+"["+rateWindow+"])))", "all chunks")).
		from(0).steps(colourNeutral, step{0.05, colourBad})
}

func dropped() panel {
	return bars(about{"Captures dropped", "Records, or contents of records, that were lost, by reason. The calls themselves were relayed all the same.", "short", "agent not scraped"},
		over(growth("reason", "llmtap_captures_dropped_total"), "{{reason}}")).steps(colourGood, step{1, colourWarn})
}

func spans() panel {
	return bars(about{"Spans exported and lost", "Spans that the trace store accepted, and those that were lost, by reason. No spans at all: no OTLP endpoint is set.", "short", "agent not scraped"},
		over(growth("", "llmtap_spans_exported_total"), "exported"), over(growth("reason", "llmtap_span_export_failures_total"), "lost: {{reason}}")).
		with(named("exported", fixed(colourGood)), like("^lost", fixed(colourWarn)))
}

func folded() panel {
	return bars(about{"Labels folded", "Observations whose host, model or client did not fit any more and counts as other: a noisy client, or caps that are too small.", "short", "agent not scraped"},
		over(growth("label", "llmtap_label_values_folded_total"), "{{label}}")).steps(colourGood, step{1, colourWarn})
}

func handshakes() panel {
	return bars(about{"TLS handshakes that failed", "By leg and reason. client unknown_ca: a program does not trust the agent's authority, and its calls fail. upstream: the service's certificate was not accepted.",
		"short", "agent not scraped"},
		over(growth("leg, reason", "llmtap_tls_handshake_failures_total"), "{{leg}} {{reason}}")).
		with(like("^client", fixed(faultColours[call.FaultClient]), links(runbookLink("LLMAgentClientsDistrustCA"))), like("^upstream", fixed(faultColours[call.FaultNetwork])))
}

package gen

import (
	"slices"

	"llmtap/internal/call"
)

// streams shows how answers arrive and how they end.
func streams(o Options) board {
	return board{
		uid: "llmtap-streams", title: "Stream shape",
		description: "When the first content of a stream comes, how evenly the rest, and who ends it. Attempts, not logical calls.",
		variables:   slices.Concat(sources(o), agents(), targets()), annotations: marks(),
		rows: []row{
			{"First chunk", 8, []panel{firstInTime().wide(5), heat(about{"Time to the first chunk",
				"Seconds from the request to the first event with content, of streams only. Plain calls are not here: their first byte is their whole answer. " +
					"The first stream of a new label set may be missing.", "s", "no streams in this time"}, firstChunk)}},
			{"Gaps", 8, []panel{gaps()}},
			{"Bursts", 8, []panel{burstShare()}},
			{"How streams end", 9, []panel{ends()}},
		},
	}
}

func firstInTime() panel {
	return numbers(about{"First chunk within 5.12 s", "Share of streams whose first content came within 5.12 s (a bound of the histogram), over the whole range, and how many streams that is.",
		"percentunit", "no streams"},
		now("sum(rate("+onTarget(firstChunk+"_bucket", `le="5.12"`)+"[$__range])) / sum(rate("+onTarget(firstChunk+"_count")+"[$__range]))", "in time"),
		now("sum("+Delta(onTarget(firstChunk+"_count"), rangeWindow)+") > 0", "streams")).
		between(0, 1).steps(colourBad, step{0.5, colourWarn}, step{0.95, colourGood}).
		with(ofQuery("B", property("unit", "short"), property("decimals", 0), property("max", nil), fixed(colourNeutral)))
}

func gaps() panel {
	p := heat(about{"Longest silence in a stream", "The longest time without a byte, per stream. Many gateways and proxies end a connection that is silent for 60 s. " +
		"Comments and pings count as bytes. The first stream of a new target may be missing.", "s", "no streams in this time"}, "llmtap_stream_max_gap_seconds")
	return p.steps(colourNeutral, step{60, colourBad})
}

func burstShare() panel {
	q := func(q string) string {
		return "histogram_quantile(" + q + ", sum by (le) (rate(" + onTarget("llmtap_stream_largest_burst_ratio_bucket") + "[" + rateWindow + "])))"
	}
	return lines(about{"Share of the largest burst", "Which part of a stream's events came at once, of streams with 10 events in 2 s or more. Near 1 the answer arrives in one block: " +
		"from 0.8 something on the way buffers it.", "percentunit", "no long streams in this time"},
		over(q("0.5"), "p50"), over(q("0.9"), "p90")).
		between(0, 1).steps(colourNeutral, step{0.8, colourWarn}).with(quantiles()...)
}

// ends colours by who broke what: a cut by upstream is red, one after the
// answer was complete amber.
func ends() panel {
	return bars(about{"How streams end", "Stream answers by who ended them, how, and whether the answer was complete by then (terminal marker or every finish reason seen). " +
		"A client that leaves a complete answer is fine. Bars with overlapping windows count approximately.", "short", "no streams in this time"},
		over("sum by (end_side, end_kind, terminal) ("+Delta(onTarget("llmtap_streams_ended_total"), rateWindow)+")", "{{end_side}} {{end_kind}}, complete={{terminal}}")).
		with(
			like("^upstream .* complete=false", fixed(colourBad)),
			like("^upstream (short|reset|h2_rst), complete=true", fixed(colourWarn)),
			like("^upstream eof, complete=true", fixed(colourGood)),
			like("^client .* complete=true", fixed(colourGood)),
			like("^client .* complete=false", fixed(colourUnknown)),
			like("^agent .*", fixed(faultColours[call.FaultAgent])),
		)
}

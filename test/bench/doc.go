// Command bench measures llmtap beside its yardsticks on one machine: direct
// calls, goproxy's blind tunnel, goproxy's own MITM and nginx as TLS reverse
// proxy. Everything runs in processes of its own, interleaved in one run:
//
//	driver (this process: load client, clock, referee)
//	   │ TLS, warm connections           ┌─► goproxy tunnel ──┐
//	   ├─ direct ────────────────────────┼─► goproxy MITM ────┤
//	   │                                 ├─► nginx ───────────┼─► upstream (fault service, "bench")
//	   └─ CONNECT or TLS ────────────────┼─► llmtap run ──────┤
//	                                     └─► llmtap run --tunnel-only
//
// A round measures each phase on each target, in rotated order, so that ratios
// are taken between neighbours in time. Measurements beside which other
// programs used more than 0.7 core are left out of the medians.
package main

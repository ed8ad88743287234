package faultllm

import "time"

// clientRows give a client the time to leave; one that reads on gets a healthy
// answer. The class is that of a client that leaves as described.
func clientRows() []row {
	return []row{
		onStream("cl-cancel", "1000 events", "client_cancelled",
			counted(1000)).leaving("at 7.3 s, in mid-answer"),
		onBoth("cl-cancel-early", "no headers for 10 s", "client_cancelled",
			after(10*time.Second, healthy)).leaving("at 4 s, before the headers").lasting(10 * time.Second),
		onStream("cl-timeout", "70 events 1 s apart", "client_timeout",
			counted(70, slowly(time.Second))).leaving("at 60.0 s, three times").lasting(70 * time.Second),
		onStream("cl-choke", "Azure's first event, then 5 s of silence", "client_choked",
			told(late(kindRole, 0, 5*time.Second))).
			leaving("20 ms after the first event, three times").lasting(5 * time.Second).inAzure(),
		onStream("cl-stop-fragile", "an async filter event after content, then 5 s of silence", "client_cancelled",
			told(ahead(kindContent, 2, asyncFilter()), late(kindContent, 2, 5*time.Second))).
			leaving("20 ms after the filter event").lasting(5 * time.Second).inAzure(),
		onStream("cl-abort", "5 s of silence after the first content", "client_cancelled",
			told(late(kindContent, 1, 5*time.Second))).
			leaving("after the first content, twelve times").lasting(5 * time.Second),
	}
}

// counted is a healthy stream with its own number of chunks.
func counted(chunks int, edits ...edit) play {
	return func(x *exchange) {
		x.pace.chunks = x.pace.count(chunks)
		x.tell(edits...)
	}
}

// slowly sends content d apart.
func slowly(d time.Duration) edit {
	return each(func(_ int, p piece) []piece {
		if p.kind == kindContent {
			p.wait = d
		}
		return []piece{p}
	})
}

package faultllm

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stampWidth is the room for the nanoseconds of a stamp; JSON allows the blanks
// before a shorter number.
const stampWidth = 16

// benchRows are answers that cost the service as little as can be.
func benchRows() []row {
	return []row{
		onBoth("bench", `ready-made chunks, each with its send time as "t" in ns since x-bench-epoch (unix ns)`, "ok", bench).of(APIChat),
	}
}

// bench sends chunks of which only the stamp is written anew. The plain answer
// is the shortest possible.
//
// Two chunks take turns, because a text that repeats is a fault of its own.
func bench(x *exchange) {
	x.own()
	x.w.Header()["x-bench-epoch"] = []string{strconv.FormatInt(x.svc.epoch.UnixNano(), 10)}
	if !x.ask.streams() {
		x.reply(http.StatusOK, typeJSON, benchPlain)
		return
	}
	out := x.open(typeSSE)
	if !push(out, benchEvent("", `{"role":"assistant","content":""}`, "null")) {
		return
	}
	chunks := [2]stamped{newStamped(word(0, x.pace.bytes)), newStamped(word(1, x.pace.bytes))}
	for i := range x.pace.chunks {
		if !x.tick() {
			return
		}
		if _, err := out.Write(chunks[i%2].at(time.Since(x.svc.epoch))); err != nil || out.Flush() != nil {
			return
		}
	}
	push(out, benchEvent("", `{}`, `"stop"`)+terminator().block())
}

const benchPlain = `{"id":"chatcmpl-bench","object":"chat.completion","created":` + created + `,"model":"` + model + `","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"Owls."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`

// benchEvent is one event; members come before its choices.
func benchEvent(members, delta, finish string) string {
	return `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":` + created + `,"model":"` + model + `",` + members +
		`"choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + "}]}\n\n"
}

// stamped is a ready-made chunk with room for its send time.
type stamped struct{ chunk, stamp []byte }

func newStamped(text string) stamped {
	before, after, _ := strings.Cut(benchEvent(`"t":@,`, `{"content":`+quote(text)+`}`, "null"), "@")
	chunk := []byte(before + strings.Repeat(" ", stampWidth) + after)
	return stamped{chunk, chunk[len(before) : len(before)+stampWidth]}
}

// at returns the chunk with the time since the epoch, right-aligned. The slice
// is good until the next call.
func (s stamped) at(since time.Duration) []byte {
	n := since.Nanoseconds()
	for i := len(s.stamp) - 1; i >= 0; i-- {
		s.stamp[i] = ' '
		if n > 0 || i == len(s.stamp)-1 {
			s.stamp[i] = byte('0' + n%10)
			n /= 10
		}
	}
	return s.chunk
}

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
	return []row{{
		Scenario: Scenario{ID: "bench", Does: `ready-made chunks, each with its send time as "t" in ns since the epoch in x-bench-epoch (unix ns)`, Class: "ok", Mode: ModeBoth, API: APIAny},
		play:     bench,
	}}
}

// bench sends chunks of which only the stamp is written anew. The plain answer
// is the shortest possible.
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
	before, after, _ := strings.Cut(benchEvent(`"t":@,`, `{"content":`+quote(word(0, x.pace.bytes))+`}`, "null"), "@")
	buf := []byte(before + strings.Repeat(" ", stampWidth) + after)
	stamp := buf[len(before) : len(before)+stampWidth]
	for range x.pace.chunks {
		if !x.tick() {
			return
		}
		putStamp(stamp, time.Since(x.svc.epoch).Nanoseconds())
		if _, err := out.Write(buf); err != nil || out.Flush() != nil {
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

// putStamp writes n right-aligned into b, which it fills with blanks.
func putStamp(b []byte, n int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = ' '
		if n > 0 || i == len(b)-1 {
			b[i] = byte('0' + n%10)
			n /= 10
		}
	}
}

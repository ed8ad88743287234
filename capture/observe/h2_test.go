package observe_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"llmtap/capture/observe"
)

// h2Case builds what happens on a connection from the frames of both peers.
type h2Case struct {
	name  string
	build func(c, s *peer) []step
	want  string
}

func runH2(t *testing.T, cases []h2Case) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			steps := tc.build(newPeer(t, observe.Request), newPeer(t, observe.Response))
			got := play(t, observe.Config{H2: true}, steps, false)
			if split := play(t, observe.Config{H2: true}, steps, true); !slices.Equal(got, split) {
				t.Errorf("byte by byte got\n%s\nat once\n%s", strings.Join(split, "\n"), strings.Join(got, "\n"))
			}
			for n := range longest(steps) {
				if cut := playCutAt(t, observe.Config{H2: true}, steps, n); !slices.Equal(got, cut) {
					t.Fatalf("cut after %d got\n%s\nat once\n%s", n, strings.Join(cut, "\n"), strings.Join(got, "\n"))
				}
			}
			var want []string
			for line := range strings.Lines(tc.want) {
				if line = strings.TrimSpace(line); line != "" {
					want = append(want, line)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// longest is the length of the longest push.
func longest(steps []step) int {
	n := 0
	for _, s := range steps {
		n = max(n, len(s.p))
	}
	return n
}

const postHead = `1 request head POST /v1/x host=api.example 2 transfer=h2 length=-1 | accept: */*`

func TestH2Messages(t *testing.T) {
	runH2(t, []h2Case{
		{"post-and-answer", func(c, s *peer) []step {
			c.must(c.fr.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 65536}))
			c.must(c.fr.WriteWindowUpdate(0, 1<<20))
			c.post(1, "hello")
			s.must(s.fr.WriteSettings())
			s.must(s.fr.WriteSettingsAck())
			s.must(s.fr.WritePing(false, [8]byte{1}))
			s.headers(1, false, ":status", "200", "content-length", "6", "x-request-id", "r")
			s.data(1, false, "wor")
			s.data(1, true, "ld!")
			return []step{c.take(), s.take(), closing(observe.Request, observe.ClosedOrderly), closing(observe.Response, observe.ClosedOrderly)}
		}, `
			1 open
			` + postHead + `
			1 request body hello
			1 request end complete
			1 response head 200 2 transfer=h2 length=6 | content-length: 6 | x-request-id: r
			1 response body world!
			1 response end complete
			open=0 opaque=`},
		{"streams-interleave", func(c, s *peer) []step {
			c.post(1, "")
			c.post(3, "")
			s.headers(3, false, ":status", "200")
			s.headers(1, false, ":status", "404")
			s.data(1, false, "a")
			s.data(3, true, "b")
			s.data(1, true, "c")
			return []step{c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 request end complete
			2 open reused
			2 request head POST /v1/x host=api.example 2 transfer=h2 length=-1 reused | accept: */*
			2 request end complete
			2 response head 200 2 transfer=h2 length=-1 reused
			1 response head 404 2 transfer=h2 length=-1
			1 response body a
			2 response body b
			2 response end complete
			1 response body c
			1 response end complete
			open=0 opaque=`},
		{"interim-trailers-and-empty-end", func(c, s *peer) []step {
			c.headers(1, false, ":method", "POST", ":path", "/grpc", "host", "h")
			c.data(1, false, "x")
			c.headers(1, true, "t", "1")
			s.headers(1, false, ":status", "103", "link", "l")
			s.headers(1, false, ":status", "200")
			s.data(1, false, "y")
			s.headers(1, true, "grpc-status", "0")
			c.post(3, "")
			s.headers(3, false, ":status", "200")
			s.data(3, true, "")
			return []step{c.take(), s.take()}
		}, `
			1 open
			1 request head POST /grpc host=h 2 transfer=h2 length=-1 | host: h
			1 request body x
			1 request trailers 2 transfer=h2 length=-1 | t: 1
			1 request end complete
			2 open reused
			2 request head POST /v1/x host=api.example 2 transfer=h2 length=-1 reused | accept: */*
			2 request end complete
			1 response head 103 2 transfer=h2 length=-1 interim | link: l
			1 response head 200 2 transfer=h2 length=-1
			1 response body y
			1 response trailers 2 transfer=h2 length=-1 | grpc-status: 0
			1 response end complete
			2 response head 200 2 transfer=h2 length=-1 reused
			2 response end complete
			open=0 opaque=`},
		{"answer-in-its-head-alone", func(c, s *peer) []step {
			c.headers(1, true, ":method", "HEAD", ":path", "/", ":authority", "h")
			s.headers(1, true, ":status", "204")
			return []step{c.take(), s.take()}
		}, `
			1 open
			1 request head HEAD / host=h 2 transfer=h2 length=-1
			1 request end complete
			1 response head 204 2 transfer=h2 length=-1
			1 response end complete
			open=0 opaque=`},
		{"padding-priority-and-continuation", func(c, s *peer) []step {
			b := c.block(":method", "POST", ":path", "/p", ":authority", "h", "a", strings.Repeat("v", 40))
			c.must(c.fr.WriteHeaders(http2.HeadersFrameParam{
				StreamID: 1, BlockFragment: b[:7], PadLength: 9, Priority: http2.PriorityParam{StreamDep: 0, Weight: 9},
			}))
			c.must(c.fr.WriteContinuation(1, false, nil))
			c.must(c.fr.WriteContinuation(1, false, b[7:20]))
			c.must(c.fr.WriteContinuation(1, true, b[20:]))
			c.must(c.fr.WritePriority(1, http2.PriorityParam{StreamDep: 5}))
			c.must(c.fr.WriteDataPadded(1, false, []byte("body"), make([]byte, 255)))
			c.must(c.fr.WriteDataPadded(1, true, nil, make([]byte, 3)))
			b = s.block(":status", "200", "b", "w")
			s.must(s.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b, EndHeaders: true, PadLength: 200}))
			s.must(s.fr.WriteRawFrame(0xbe, 0xff, 77, []byte("extension")))
			s.data(1, true, "ok")
			return []step{c.take(), s.take()}
		}, `
			1 open
			1 request head POST /p host=h 2 transfer=h2 length=-1 | a: ` + strings.Repeat("v", 40) + `
			1 request body body
			1 request end complete
			1 response head 200 2 transfer=h2 length=-1 | b: w
			1 response body ok
			1 response end complete
			open=0 opaque=`},
		{"push-promise-keeps-the-table-in-step", func(c, s *peer) []step {
			c.post(1, "")
			b := s.block(":method", "GET", ":path", "/pushed", "x-pushed", "first")
			s.must(s.fr.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: b[:3], PadLength: 4}))
			s.must(s.fr.WriteContinuation(1, true, b[3:]))
			s.headers(2, false, ":status", "200", "x-table", "second")
			s.data(2, true, "pushed")
			s.headers(1, true, ":status", "200", "x-pushed", "first", "x-table", "second")
			return []step{c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 request end complete
			1 response head 200 2 transfer=h2 length=-1 | x-pushed: first | x-table: second
			1 response end complete
			open=0 opaque=`},
		{"table-size-updates", func(c, s *peer) []step {
			c.post(1, "")
			s.enc.SetMaxDynamicTableSizeLimit(1 << 20)
			s.enc.SetMaxDynamicTableSize(1 << 20)
			s.headers(1, true, ":status", "200", "x-big", "kept")
			c.post(3, "")
			s.enc.SetMaxDynamicTableSize(0)
			s.enc.SetMaxDynamicTableSize(4096)
			s.headers(3, true, ":status", "200", "x-big", "kept")
			return []step{c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 request end complete
			2 open reused
			2 request head POST /v1/x host=api.example 2 transfer=h2 length=-1 reused | accept: */*
			2 request end complete
			1 response head 200 2 transfer=h2 length=-1 | x-big: kept
			1 response end complete
			2 response head 200 2 transfer=h2 length=-1 reused | x-big: kept
			2 response end complete
			open=0 opaque=`},
	})
}

func TestH2Endings(t *testing.T) {
	two := `
		1 open
		` + postHead + `
		1 request end complete
		2 open reused
		2 request head POST /v1/x host=api.example 2 transfer=h2 length=-1 reused | accept: */*
		2 request end complete`
	runH2(t, []h2Case{
		{"client-resets-while-it-asks", func(c, s *peer) []step {
			c.headers(1, false, ":method", "POST", ":path", "/v1/x", ":authority", "api.example", "accept", "*/*")
			c.must(c.fr.WriteRSTStream(1, http2.ErrCodeCancel))
			s.headers(1, true, ":status", "200") // crossed it
			return []step{c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 request end h2-rst code=8 (client)
			1 response end h2-rst code=8 (client)
			open=0 opaque=`},
		{"client-resets-inside-the-answer", func(c, s *peer) []step {
			c.post(1, "")
			s.headers(1, false, ":status", "200")
			s.data(1, false, "a")
			first, answer := c.take(), s.take()
			c.must(c.fr.WriteRSTStream(1, http2.ErrCodeCancel))
			s.data(1, true, "late")
			return []step{first, answer, c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 request end complete
			1 response head 200 2 transfer=h2 length=-1
			1 response body a
			1 response end h2-rst code=8 (client)
			open=0 opaque=`},
		{"service-resets-while-the-client-asks", func(c, s *peer) []step {
			c.headers(1, false, ":method", "POST", ":path", "/v1/x", ":authority", "api.example", "accept", "*/*")
			first := c.take()
			s.must(s.fr.WriteRSTStream(1, http2.ErrCodeRefusedStream))
			c.data(1, true, "late")
			return []step{first, s.take(), c.take()}
		}, `
			1 open
			` + postHead + `
			1 response end h2-rst code=7 (service)
			1 request end h2-rst code=7 (service)
			open=0 opaque=`},
		{"early-answer-then-reset-without-error", func(c, s *peer) []step {
			c.headers(1, false, ":method", "POST", ":path", "/v1/x", ":authority", "api.example", "accept", "*/*")
			s.headers(1, true, ":status", "413")
			s.must(s.fr.WriteRSTStream(1, http2.ErrCodeNo))
			return []step{c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 response head 413 2 transfer=h2 length=-1
			1 response end complete
			1 request end h2-rst (service)
			open=0 opaque=`},
		{"nothing-counts-after-an-early-end", func(c, s *peer) []step {
			c.headers(1, false, ":method", "POST", ":path", "/v1/x", ":authority", "api.example", "accept", "*/*")
			s.headers(1, true, ":status", "413")
			s.data(1, false, "late")
			s.data(1, true, "")
			s.headers(1, true, "late", "trailer")
			return []step{c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 response head 413 2 transfer=h2 length=-1
			1 response end complete
			open=1 opaque=`},
		{"goaway-ends-the-streams-above", func(c, s *peer) []step {
			c.post(1, "")
			c.post(3, "")
			first := c.take()
			s.must(s.fr.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil))
			s.must(s.fr.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings")))
			s.headers(1, true, ":status", "200")
			c.post(5, "")
			return []step{first, s.take(), c.take(), closing(observe.Response, observe.ClosedOrderly), closing(observe.Request, observe.ClosedOrderly)}
		}, two + `
			2 response end h2-rst code=11 (goaway)
			1 response head 200 2 transfer=h2 length=-1
			1 response end complete
			3 open reused
			3 request head POST /v1/x host=api.example 2 transfer=h2 length=-1 reused | accept: */*
			3 request end complete
			3 response end h2-rst code=11 (goaway)
			open=0 opaque=`},
		{"goaway-of-the-client-ends-nothing", func(c, s *peer) []step {
			c.post(1, "")
			c.must(c.fr.WriteGoAway(0, http2.ErrCodeNo, nil))
			s.headers(1, true, ":status", "200")
			return []step{c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 request end complete
			1 response head 200 2 transfer=h2 length=-1
			1 response end complete
			open=0 opaque=`},
		{"connection-ends-inside", func(c, s *peer) []step {
			c.post(1, "")
			c.post(3, "")
			s.headers(1, false, ":status", "200")
			s.data(1, false, "a")
			return []step{c.take(), s.take(), closing(observe.Response, observe.ClosedOrderly), closing(observe.Request, observe.ClosedByPeer)}
		}, two + `
			1 response head 200 2 transfer=h2 length=-1
			1 response body a
			1 response end short
			2 response end closed
			open=0 opaque=`},
		{"connection-reset", func(c, s *peer) []step {
			c.headers(1, false, ":method", "POST", ":path", "/v1/x", ":authority", "api.example", "accept", "*/*")
			return []step{c.take(), closing(observe.Response, observe.ClosedReset), closing(observe.Request, observe.ClosedByPeer)}
		}, `
			1 open
			` + postHead + `
			1 response end reset
			1 request end closed (receiver)
			open=0 opaque=`},
		{"late-frames-of-a-closed-stream", func(c, s *peer) []step {
			c.post(1, "")
			s.headers(1, true, ":status", "200")
			first, answer := c.take(), s.take()
			c.headers(1, true, "late", "trailer")
			c.data(1, true, "late")
			s.data(1, true, "late")
			s.headers(1, true, ":status", "500")
			s.must(s.fr.WriteRSTStream(1, http2.ErrCodeNo))
			return []step{first, answer, c.take(), s.take()}
		}, `
			1 open
			` + postHead + `
			1 request end complete
			1 response head 200 2 transfer=h2 length=-1
			1 response end complete
			open=0 opaque=`},
	})
}

func TestH2Opaque(t *testing.T) {
	raw := func(d observe.Direction, b string) step { return step{do: "push", d: d, p: []byte(b)} }
	opened := `
		1 open
		` + postHead + `
		1 request end complete`
	answer := func(b string) func(c, s *peer) []step {
		return func(c, s *peer) []step {
			c.post(1, "")
			return []step{c.take(), raw(observe.Response, b)}
		}
	}
	runH2(t, []h2Case{
		{"no-preface", func(_, _ *peer) []step { return []step{raw(observe.Request, "PRI * HTTP/2.0\r\n\r\nXX")} },
			`open=0 opaque=malformed`},
		{"bad-index", answer("\x00\x00\x01\x01\x05\x00\x00\x00\x01\xff"), opened + `
			1 response end opaque (hpack)
			open=0 opaque=hpack`},
		{"answer-on-an-unknown-stream", func(c, s *peer) []step {
			c.post(1, "")
			s.headers(7, true, ":status", "200")
			return []step{c.take(), s.take()}
		}, opened + `
			1 response end opaque (pairing)
			open=0 opaque=pairing`},
		{"block-interrupted", answer("\x00\x00\x00\x01\x00\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x00\x01"), opened + `
			1 response end opaque (malformed)
			open=0 opaque=malformed`},
		{"continuation-of-nothing", answer("\x00\x00\x00\x09\x04\x00\x00\x00\x01"), opened + `
			1 response end opaque (malformed)
			open=0 opaque=malformed`},
		{"padding-longer-than-the-frame", answer("\x00\x00\x02\x00\x08\x00\x00\x00\x01\x02x"), opened + `
			1 response end opaque (malformed)
			open=0 opaque=malformed`},
		{"priority-cut", answer("\x00\x00\x04\x01\x24\x00\x00\x00\x01\x00\x00\x00\x00"), opened + `
			1 response end opaque (malformed)
			open=0 opaque=malformed`},
		{"reset-of-wrong-size", answer("\x00\x00\x05\x03\x00\x00\x00\x00\x01"), opened + `
			1 response end opaque (malformed)
			open=0 opaque=malformed`},
		{"data-on-no-stream", answer("\x00\x00\x01\x00\x00\x00\x00\x00\x00x"), opened + `
			1 response end opaque (malformed)
			open=0 opaque=malformed`},
		{"settings-on-a-stream", answer("\x00\x00\x00\x04\x00\x00\x00\x00\x01"), opened + `
			1 response end opaque (malformed)
			open=0 opaque=malformed`},
		{"data-before-the-head", answer("\x00\x00\x01\x00\x00\x00\x00\x00\x01x"), opened + `
			1 response end malformed (header)
			open=0 opaque=malformed`},
		{"end-before-the-head", answer("\x00\x00\x00\x00\x01\x00\x00\x00\x01"), opened + `
			1 response end malformed (header)
			open=0 opaque=malformed`},
		{"no-status", func(c, s *peer) []step {
			c.post(1, "")
			s.headers(1, false, "x", "y")
			return []step{c.take(), s.take()}
		}, opened + `
			1 response end malformed (status line)
			open=0 opaque=malformed`},
		{"client-opens-an-even-stream", func(c, _ *peer) []step {
			c.post(2, "")
			return []step{c.take()}
		}, `open=0 opaque=malformed`},
	})
}

package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

func TestSniffing(t *testing.T) {
	prelude := string(frame(nil, []byte("{}")))
	for _, tt := range []struct {
		name   string
		status int
		media  string
		body   string
		want   call.Framing
	}{
		{"nothing", 200, "application/json", "", call.FramingEmpty},
		{"blanks only", 200, "text/event-stream", "\r\n \t\n", call.FramingEmpty},
		{"mark only", 200, "", "\xef\xbb\xbf", call.FramingEmpty},
		{"object", 200, "application/json", "{}", call.FramingJSON},
		{"object under any label", 200, "text/event-stream", `{"a":1}`, call.FramingJSON},
		{"object after blanks", 200, "", "\n\n  {}", call.FramingJSON},
		{"object after a mark", 200, "", "\xef\xbb\xbf{}", call.FramingJSON},
		{"object after blanks, a mark and blanks", 200, "", "\n\xef\xbb\xbf\n{}", call.FramingJSON},
		{"array", 200, "application/json", "[1]", call.FramingJSON},
		{"two objects", 200, "application/json", "{}\n{}", call.FramingNDJSON},
		{"two objects without a line end", 200, "", "{}{}", call.FramingNDJSON},
		{"one line by its type", 200, "application/x-ndjson", "{}\n", call.FramingNDJSON},
		{"one line by Cohere's type", 200, "application/stream+json", "{}\n", call.FramingNDJSON},
		{"object and text", 200, "", "{} x", call.FramingJSON},
		{"object and array", 200, "", "{}[]", call.FramingJSON},
		{"page", 200, "application/json", "<html>", call.FramingHTML},
		{"page after blanks", 502, "text/html", "\n <!DOCTYPE html>", call.FramingHTML},
		{"XML", 403, "application/xml", "<?xml version='1.0'?><Error/>", call.FramingHTML},
		{"data field", 200, "", "data: x\n\n", call.FramingSSE},
		{"data field without blank", 200, "", "data:x", call.FramingSSE},
		{"event field", 200, "", "event: x\n", call.FramingSSE},
		{"id field", 200, "", "id: 1\n", call.FramingSSE},
		{"retry field", 200, "", "retry: 1\n", call.FramingSSE},
		{"error field", 200, "", "error: {}\n", call.FramingSSE},
		{"comment", 200, "", ": hi\n", call.FramingSSE},
		{"bare colon", 200, "", ":\n", call.FramingSSE},
		{"data field after blank lines", 200, "", "\n\ndata: x\n\n", call.FramingSSE},
		{"data field after a mark", 200, "", "\xef\xbb\xbfdata: x\n\n", call.FramingSSE},
		{"field name only", 200, "", "data", call.FramingText},
		{"field name with a blank", 200, "", "data : x", call.FramingText},
		{"other field name", 200, "text/event-stream", "foo: x\n", call.FramingText},
		{"longer field name", 200, "", "database: x", call.FramingText},
		{"sentence", 503, "text/plain", "no healthy upstream", call.FramingText},
		{"sentence beginning like a field", 500, "", "events are disabled", call.FramingText},
		{"quoted text", 500, "application/json", `"oops"`, call.FramingText},
		{"number", 200, "application/json", "42", call.FramingText},
		{"begun mark", 200, "", "\xef\xbb", call.FramingText},
		{"wrong mark", 200, "", "\xef\xbcdata:", call.FramingText},
		{"binary", 200, "", "\x89PNG\r\n", call.FramingText},
		{
			"event stream by its type",
			200,
			"application/vnd.amazon.eventstream",
			"x",
			call.FramingEventStream,
		},
		{"event stream by its checksum", 200, "", prelude, call.FramingEventStream},
		{
			"wrong checksum",
			200,
			"",
			"\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00",
			call.FramingText,
		},
		{"begun prelude", 200, "", "\x00\x00\x00\x10", call.FramingText},
		{"upgrade", 101, "", "\x81\x05hello", call.FramingOther},
		{"gRPC", 200, "application/grpc+proto", "\x00\x00\x00\x00\x02\x08\x01", call.FramingOther},
		{"gRPC without a body", 200, "application/grpc", "", call.FramingOther},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange{head: wire.ResponseHead{Status: tt.status, MediaType: tt.media}, body: []byte(tt.body), whole: true}
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte} {
				if f, _ := decode(chatMatch(t), call.ModeStream, x, cut); f.Framing != tt.want {
					t.Errorf("%s: framing %s, want %s", name, f.Framing, tt.want)
				}
			}
		})
	}
}

func TestArrayIsAStreamForGeminiOnly(t *testing.T) {
	const body = `[{"a":1},{"b":2}]`
	gemini := func(verb string) wire.Match {
		return matchOf(t, "POST", "generativelanguage.googleapis.com", "/v1beta/models/g:"+verb)
	}
	for _, tt := range []struct {
		name   string
		match  wire.Match
		want   call.Framing
		events int
	}{
		{"streamed", gemini("streamGenerateContent"), call.FramingJSONArray, 2},
		{"plain", gemini("generateContent"), call.FramingJSON, 0},
		{"another dialect", chatMatch(t), call.FramingJSON, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := decode(tt.match, tt.match.PathMode, exchange{head: wire.ResponseHead{Status: 200}, body: []byte(body), whole: true}, byteByByte)
			if f.Framing != tt.want || f.Events != tt.events || !f.Whole {
				t.Errorf("framing %s, %d events, whole %v; want %s, %d, true", f.Framing, f.Events, f.Whole, tt.want, tt.events)
			}
		})
	}
}

func TestArrayElements(t *testing.T) {
	m := matchOf(t, "POST", "generativelanguage.googleapis.com", "/v1beta/models/g:streamGenerateContent")
	for _, tt := range []struct {
		name, body, kinds, odd string
		whole                  bool
	}{
		{"none", "[]", "", "", true},
		{"one", "[{}]", "other", "", true},
		{"numbers", "[1,22, 3]", "other*3", "", true},
		{"strings with brackets", `["]","[",","]`, "other*3", "", true},
		{"nested", `[[[]],{"a":["]"]}]`, "other*2", "", true},
		{"an error", `[{"error":{"code":8,"status":"X","message":"y"}}]`, "error", "", true},
		{"not closed", `[{}`, "other", "", false},
		{"cut in a value", `[{},{"a`, "other", "", false},
		{"cut after a comma", `[{},`, "other", "", false},
		{"two commas", `[{},,{}]`, "other", "bad_json", false},
		{"comma before the end", `[{},]`, "other", "bad_json", false},
		{"no comma", `[{} {}]`, "other", "bad_json", false},
		{"bad value", `[{},{a}]`, "other", "bad_json", false},
		{"text behind", `[{}] x`, "other", "bad_json", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte} {
				f, events := decode(m, call.ModeStream, exchange{head: wire.ResponseHead{Status: 200}, body: []byte(tt.body), whole: true}, cut)
				if got := kinds(events); got != tt.kinds || f.Whole != tt.whole || oddities(f.Oddities) != tt.odd {
					t.Errorf("%s: %q whole=%v odd=%q, want %q %v %q", name, got, f.Whole, oddities(f.Oddities), tt.kinds, tt.whole, tt.odd)
				}
			}
		})
	}
}

// frame builds one message of an AWS event stream.
func frame(headers, payload []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(headers)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = append(append(out, headers...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

func TestEventStream(t *testing.T) {
	vector, err := hex.DecodeString("0000007a00000051ca2c46650b3a6576656e742d7479706507000b6d65737361676553746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2273746f70526561736f6e223a22656e645f7475726e227d5fbf09fc")
	if err != nil {
		t.Fatal(err)
	}
	empty, err := hex.DecodeString("000000100000000005c248eb7d98c8ff")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Clone(vector)
	spoilt[len(spoilt)-10] ^= 1
	spoiltHead := bytes.Clone(vector)
	spoiltHead[9] ^= 1
	short := binary.BigEndian.AppendUint32(nil, 12)
	short = append(short, 0, 0, 0, 0)
	short = binary.BigEndian.AppendUint32(short, crc32.ChecksumIEEE(short))
	wide := binary.BigEndian.AppendUint32(nil, 64)
	wide = binary.BigEndian.AppendUint32(wide, 60)
	wide = binary.BigEndian.AppendUint32(wide, crc32.ChecksumIEEE(wide))
	for _, tt := range []struct {
		name   string
		body   []byte
		events int
		odd    string
		whole  bool
	}{
		{"known message", vector, 1, "", true},
		{"empty message", empty, 1, "", true},
		{
			"several",
			bytes.Join([][]byte{vector, empty, frame(nil, []byte("x")), vector}, nil),
			4,
			"",
			true,
		},
		{
			"cut in the prelude",
			append(bytes.Clone(vector), empty[:5]...),
			1,
			"eventstream_truncated",
			false,
		},
		{
			"cut in the message",
			append(bytes.Clone(vector), vector[:100]...),
			1,
			"eventstream_truncated",
			false,
		},
		{"cut before the last byte", vector[:len(vector)-1], 0, "eventstream_truncated", false},
		{"spoilt payload", append(spoilt, vector...), 0, "eventstream_crc", false},
		{
			"spoilt prelude of the second",
			append(bytes.Clone(vector), spoiltHead...),
			1,
			"eventstream_crc",
			false,
		},
		{"shorter than itself", append(bytes.Clone(vector), short...), 1, "eventstream_crc", false},
		{
			"headers longer than the message",
			append(bytes.Clone(vector), wide...),
			1,
			"eventstream_crc",
			false,
		},
		{"large headers", frame(make([]byte, 130<<10), nil), 1, "oversize", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range map[string]cutter{"at once": allAtOnce, "at random": randomly(3)} {
				x := exchange{head: wire.ResponseHead{Status: 200, MediaType: "application/vnd.amazon.eventstream"}, body: tt.body, whole: true}
				f, events := decode(wire.Match{}, call.ModeStream, x, cut)
				if f.Events != tt.events || len(events) != tt.events || oddities(f.Oddities) != tt.odd || f.Whole != tt.whole {
					t.Errorf("%s: %d events (%d told) odd=%q whole=%v, want %d %q %v", name, f.Events, len(events), oddities(f.Oddities), f.Whole, tt.events, tt.odd, tt.whole)
				}
			}
		})
	}
}

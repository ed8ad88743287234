package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

var eventStream, chunkStream = framing{media: awsMedia}, framing{media: awsMedia, wrapped: true}

// message encodes a message with Amazon's own library; heads are names and values.
func message(t testing.TB, payload string, heads ...string) []byte {
	t.Helper()
	var m eventstream.Message
	for i := 0; i < len(heads); i += 2 {
		m.Headers.Set(heads[i], eventstream.StringValue(heads[i+1]))
	}
	m.Payload = []byte(payload)
	return encoded(t, m)
}

func encoded(t testing.TB, m eventstream.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func event(t testing.TB, name, payload string) []byte {
	return message(t, payload, ":event-type", name, ":content-type", "application/json", ":message-type", "event")
}

// chunk is a message of InvokeModel's stream.
func chunk(t testing.TB, document string) []byte {
	return event(t, "chunk", `{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(document))+`","p":"abcdefghijklmnopqrs"}`)
}

// messages reads a stream with Amazon's own decoder up to its first error.
func messages(body []byte) (out []eventstream.Message, rest int) {
	in := bytes.NewReader(body)
	d := eventstream.NewDecoder()
	for {
		at := in.Len()
		m, err := d.Decode(in, nil)
		if err != nil {
			return out, at
		}
		m.Payload = bytes.Clone(m.Payload)
		out = append(out, m)
	}
}

func header(m eventstream.Message, name string) string {
	if v, ok := m.Headers.Get(name).(eventstream.StringValue); ok {
		return string(v)
	}
	return ""
}

// sameAsMessages compares the decoder with Amazon's. What differs on purpose:
// a repeated header and one that is cut are faults here.
func sameAsMessages(t *testing.T, body []byte) Facts {
	t.Helper()
	got, facts := eventStream.sameAtAnySplit(t, body)
	want, rest := messages(body)
	at := 0
	for i, m := range want {
		size := int(binary.BigEndian.Uint32(body[at:]))
		if at += size; twice(m) || len(encoded(t, m)) != size {
			return facts
		}
		if i >= len(got) {
			t.Fatalf("%q: %d messages, want %d", body, len(got), len(want))
		}
		if kind := header(m, ":message-type"); kind == "exception" || kind == "error" {
			if got[i].kind != KindError {
				t.Fatalf("message %d of %q is %+v, want an error", i, body, got[i])
			}
			continue
		}
		texts, _ := values(m.Payload)
		if got[i].kind == KindContent && (len(texts) != 1 || !sameText(got[i].text, texts[0]) || !sameText(got[i].name, strings.ToValidUTF8(header(m, ":event-type"), "\uFFFD"))) {
			t.Fatalf("message %d of %q is %+v, want %s %q", i, body, got[i], header(m, ":event-type"), texts)
		}
	}
	if len(got) > len(want) && !strings.Contains(oddNames(facts), "oversize") {
		t.Fatalf("%q: %d messages, want %d", body, len(got), len(want))
	}
	if whole := rest == 0; whole != facts.Whole {
		t.Fatalf("%q: whole %v, %d bytes left by the other", body, facts.Whole, rest)
	}
	return facts
}

func twice(m eventstream.Message) bool {
	for i, h := range m.Headers {
		for _, o := range m.Headers[:i] {
			if h.Name == o.Name {
				return true
			}
		}
	}
	return false
}

// TestFramesAgainstAmazonsLibrary reads what it wrote, whole, cut after each
// byte, and with each byte spoilt.
func TestFramesAgainstAmazonsLibrary(t *testing.T) {
	all := eventstream.Message{Payload: []byte(`{"t":"all types"}`)}
	for i, v := range []eventstream.Value{
		eventstream.BoolValue(true), eventstream.BoolValue(false), eventstream.Int8Value(-1), eventstream.Int16Value(300), eventstream.Int32Value(70000),
		eventstream.Int64Value(1 << 40), eventstream.BytesValue("\x00\xff"), eventstream.StringValue("owl"), eventstream.StringValue(""),
		eventstream.TimestampValue(time.UnixMilli(1790000000000)), eventstream.UUIDValue{1, 2, 3},
	} {
		all.Headers.Set(fmt.Sprintf("header-%d", i), v)
	}
	all.Headers.Set(":message-type", eventstream.StringValue("event"))
	all.Headers.Set(":event-type", eventstream.StringValue("typed"))
	stream := bytes.Join([][]byte{
		event(t, "first", `{"t":"a","p":"xyz"}`), message(t, ""), encoded(t, all), event(t, "empty", ""),
		message(t, `{"message":"slow down"}`, ":message-type", "exception", ":exception-type", "throttlingException"), event(t, "last", `{"t":"é"}`),
	}, nil)
	if facts := sameAsMessages(t, stream); facts.Events != 6 || !facts.Whole || !facts.Errored {
		t.Fatalf("%+v", facts)
	}
	for n := 1; n < len(stream); n++ {
		if f := sameAsMessages(t, stream[:n]); f.Whole != (f.Events > 0 && oddNames(f) == "") {
			t.Fatalf("cut after %d bytes: whole=%v %s", n, f.Whole, oddNames(f))
		}
	}
	for i := range stream {
		spoilt := bytes.Clone(stream)
		spoilt[i] ^= 0x20
		if f := sameAsMessages(t, spoilt); f.Whole {
			t.Fatalf("byte %d spoilt: whole", i)
		}
	}
}

// FuzzFrames: any bytes are read alike at any split, and as Amazon's library
// reads them.
func FuzzFrames(f *testing.F) {
	f.Add(event(f, "first", `{"t":"a"}`))
	f.Add(append(event(f, "first", `{"t":"a"}`), message(f, `{"message":"no"}`, ":message-type", "exception")...))
	f.Add(event(f, "x", "not JSON")[:40])
	f.Fuzz(func(t *testing.T, body []byte) {
		sameAsMessages(t, body)
		sameAsMessages(t, resummed(body))
	})
}

// resummed gives every message the checksums that it should have, so that
// spoilt headers are read.
func resummed(body []byte) []byte {
	out := bytes.Clone(body)
	for b := out; len(b) >= 16; {
		n := binary.BigEndian.Uint32(b)
		if n < 16 || int(n) > len(b) {
			break
		}
		binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[:8]))
		binary.BigEndian.PutUint32(b[n-4:], crc32.ChecksumIEEE(b[:n-4]))
		b = b[n:]
	}
	return out
}

// TestBrokenHeaders: a message that is not what it says ends the reading, as a
// bad checksum does.
func TestBrokenHeaders(t *testing.T) {
	good := event(t, "first", `{"t":"a"}`)
	for name, heads := range map[string]string{
		"unknown type":            "\x01a\x0a",
		"name beyond the end":     "\x09abc",
		"value beyond the end":    "\x01a\x07\x00\x09xyz",
		"size cut":                "\x01a\x07\x00",
		"no type":                 "\x01a",
		"twice":                   "\x01a\x00\x01b\x00\x01a\x01",
		"empty value at the end":  "\x01a\x07\x00\x05x",
		"integer beyond the end":  "\x01a\x05\x00\x00",
		"uuid beyond the end":     "\x01a\x09\x00\x00",
		"message type then chaos": "\x0d:message-type\x07\x00\x09exception\xff",
	} {
		t.Run(name, func(t *testing.T) {
			body := bytes.Join([][]byte{good, raw(heads, `{"t":"b"}`), good}, nil)
			got, facts := eventStream.sameAtAnySplit(t, body)
			if len(got) != 1 || oddNames(facts) != "eventstream_crc" || facts.Whole || facts.Errored {
				t.Errorf("%v %s %+v", got, oddNames(facts), facts.Marks)
			}
		})
	}
}

// raw is a message with right checksums around any headers.
func raw(heads, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(heads)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(heads)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, heads...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// TestExceptions: the headers alone say that a message is an error.
func TestExceptions(t *testing.T) {
	for _, tt := range []struct {
		name        string
		body        []byte
		code, text  string
		odd         string
		alsoDecoded bool
	}{
		{name: "exception", body: message(t, `{"message":"slow down"}`, ":message-type", "exception", ":exception-type", "throttlingException"), code: "throttlingException", text: "slow down"},
		{name: "namespace", body: message(t, `{"Message":"m"}`, ":message-type", "exception", ":exception-type", "com.amazon#ModelError"), code: "ModelError", text: "m"},
		{name: "original message", body: message(t, `{"originalMessage":"inner","originalStatusCode":424}`, ":message-type", "exception", ":exception-type", "modelStreamErrorException"), code: "modelStreamErrorException", text: "inner"},
		{name: "both messages", body: message(t, `{"message":"outer","originalMessage":"inner"}`, ":message-type", "exception", ":exception-type", "e"), code: "e", text: "outer"},
		{name: "error frame", body: message(t, "", ":message-type", "error", ":error-code", "InternalFailure", ":error-message", "the owl has left"), code: "InternalFailure", text: "the owl has left"},
		{name: "error frame without text", body: message(t, `{"message":"from the payload"}`, ":message-type", "error", ":error-code", "E"), code: "E", text: "from the payload"},
		{name: "no payload", body: message(t, "", ":message-type", "exception", ":exception-type", "e"), code: "e"},
		{name: "payload is no JSON", body: message(t, "<html>", ":message-type", "exception", ":exception-type", "e"), code: "e", odd: "bad_json"},
		{name: "no type", body: message(t, `{"message":"m"}`, ":message-type", "exception"), text: "m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, f := range []framing{eventStream, chunkStream} {
				got, facts := f.sameAtAnySplit(t, tt.body)
				e := facts.Error
				if len(got) != 1 || got[0].kind != KindError || !facts.Errored || e.Shape.String() != "aws" || e.Code != tt.code || e.Message != tt.text || oddNames(facts) != tt.odd {
					t.Errorf("%v %+v odd=%q", got, e, oddNames(facts))
				}
			}
		})
	}
}

// TestFrameLimits: what is larger than any message is skipped by its length.
func TestFrameLimits(t *testing.T) {
	good := event(t, "first", `{"t":"a"}`)
	wide := raw(strings.Repeat("\x01a\x06\xff\xf0"+strings.Repeat("x", 0xfff0), 3), `{"t":"no"}`)
	long := raw("", strings.Repeat(" ", maxPayload+1))
	for name, big := range map[string][]byte{"headers": wide, "payload": long} {
		got, facts := eventStream.record(bytes.Join([][]byte{good, big, good}, nil), 0)
		if len(got) != 3 || got[1].kind != KindOther || got[2].text != "a" || oddNames(facts) != "oversize" || !facts.Whole {
			t.Errorf("%s: %v %s", name, got, oddNames(facts))
		}
	}
	spoilt := bytes.Clone(wide)
	spoilt[len(spoilt)-1] ^= 1
	if got, facts := eventStream.record(bytes.Join([][]byte{good, spoilt, good}, nil), 0); len(got) != 1 || oddNames(facts) != "eventstream_crc" {
		t.Errorf("too large and spoilt: %v %s", got, oddNames(facts))
	}
}

// TestChunks: documents come out of their wrappers however these are written.
func TestChunks(t *testing.T) {
	long := `{"x":"` + strings.Repeat("owls at night ", 9000) + `","t":"end"}`
	for _, tt := range []struct{ name, payload, text, odd string }{
		{"usual", `{"bytes":"eyJ0IjoiYSJ9","p":"abc"}`, "a", ""},
		{"padding before", `{"p":"abc","bytes":"eyJ0IjoiYSJ9"}`, "a", ""},
		{"blanks", "{ \"bytes\" :\n\"eyJ0IjoiYSJ9\" }", "a", ""},
		{"one equals sign", `{"bytes":"eyJ0IjoiYWEifSA="}`, "aa", ""},
		{"two equals signs", `{"bytes":"eyJ0IjoiYWEifQ=="}`, "aa", ""},
		{"escapes", `{"bytes":"\u0065yJ0I\u006aoiYS\u004a9"}`, "a", ""},
		{"twice", `{"bytes":"eyJ0IjoibyJ9","bytes":"eyJ0IjoiYSJ9"}`, "a", ""},
		{"long", `{"bytes":"` + base64.StdEncoding.EncodeToString([]byte(long)) + `"}`, "end", ""},
		{"no document", `{"p":"abc"}`, "-", ""},
		{"null", `{"bytes":null}`, "-", ""},
		{"nothing", "", "-", "bad_json"},
		{"empty", `{"bytes":""}`, "-", "bad_json"},
		{"no base64", `{"bytes":"eyJ0*joiYSJ9"}`, "-", "bad_json"},
		{"line ends inside", `{"bytes":"eyJ0\nIjoiYSJ9\nAAA"}`, "-", "bad_json"},
		{"group cut", `{"bytes":"eyJ0IjoiYSJ"}`, "-", "bad_json"},
		{"more behind the padding", `{"bytes":"eyJ0IjoiYWEifQ==eyJ0IjoiYSJ9"}`, "-", "bad_json"},
		{"blanks behind the padding", `{"bytes":"eyJ0IjoiYWEifQ==ICAg"}`, "-", "bad_json"},
		{"blanks behind the padding, escaped", `{"bytes":"eyJ0IjoiYWEifQ==\u0049CAg"}`, "-", "bad_json"},
		{"rest of a group", `{"bytes":"eyJ0IjoiYSJ9IC"}`, "-", "bad_json"},
		{"document is no JSON", `{"bytes":"b3dscw=="}`, "-", "bad_json"},
		{"document cut", `{"bytes":"eyJ0IjoiYWEi"}`, "-", "bad_json"},
		{"two documents", `{"bytes":"eyJ0IjoiYSJ9eyJ0IjoiYSJ9"}`, "-", "bad_json"},
		{"wrapper cut", `{"bytes":"eyJ0IjoiYSJ9"`, "-", "bad_json"},
		{"two wrappers", `{"bytes":"eyJ0IjoiYSJ9"}{"bytes":"eyJ0IjoiYSJ9"}`, "-", "bad_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, facts := chunkStream.sameAtAnySplit(t, append(event(t, "chunk", tt.payload), chunk(t, `{"t":"next"}`)...))
			if len(got) != 2 || got[1].text != "next" {
				t.Fatalf("%v", got)
			}
			text := got[0].text
			if got[0].kind != KindContent {
				text = "-"
			}
			if text != tt.text || oddNames(facts) != tt.odd {
				t.Errorf("%q odd=%q, want %q %q", text, oddNames(facts), tt.text, tt.odd)
			}
		})
	}
}

// FuzzChunks: documents come out as encoding/base64 and encoding/json see them.
func FuzzChunks(f *testing.F) {
	f.Add([]byte(`{"t":"a"}`), []byte(`{"bytes":"eyJ0IjoiYSJ9"}`))
	f.Add([]byte(`{"t":"é \" \\"`), []byte(`{"bytes":"ey==J0"}`))
	f.Fuzz(func(t *testing.T, document, wrapper []byte) {
		chunkStream.sameAtAnySplit(t, event(t, "chunk", string(wrapper)))
		got, facts := chunkStream.sameAtAnySplit(t, chunk(t, string(document)))
		texts, whole := values(document)
		if good := whole && len(texts) == 1; good && fits(document) && got[0].kind != KindContent && !facts.Errored {
			t.Fatalf("%q: %+v", document, got)
		} else if got[0].kind == KindContent && (!good || !sameText(got[0].text, texts[0])) && !openNumber(document, int64(len(document))) {
			t.Fatalf("%q: %+v, want %q", document, got, texts)
		}
	})
}

package wire_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// messages encodes an event stream that an archive writes in lines:
//
//	event NAME JSON      exception NAME JSON      error CODE TEXT
//	chunk JSON           a document as InvokeModel wraps it
//	hex DIGITS           bytes as they are
//	spoil                flips a bit in the message before
//	cut ////             drops a byte for each mark
func messages(t testing.TB, text string) []byte {
	t.Helper()
	var out []byte
	last := 0
	for line := range strings.SplitSeq(text, "\n") {
		verb, rest, _ := strings.Cut(line, " ")
		name, payload, _ := strings.Cut(rest, " ")
		at := len(out)
		switch verb {
		case "event":
			out = append(out, message(t, payload, ":event-type", name, ":content-type", "application/json", ":message-type", "event")...)
		case "exception":
			out = append(out, message(t, payload, ":exception-type", name, ":content-type", "application/json", ":message-type", "exception")...)
		case "error":
			out = append(out, message(t, "", ":message-type", "error", ":error-code", name, ":error-message", payload)...)
		case "chunk":
			wrapped := `{"bytes":"` + base64.StdEncoding.EncodeToString([]byte(rest)) + `","p":"abcd"}`
			out = append(out, message(t, wrapped, ":event-type", "chunk", ":content-type", "application/json", ":message-type", "event")...)
		case "hex":
			b, err := hex.DecodeString(rest)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b...)
		case "spoil":
			out[last+20] ^= 1
		case "cut":
			out = out[:len(out)-len(rest)] // one byte for each mark
		default:
			t.Fatalf("unknown message %q", line)
		}
		last = at
	}
	return out
}

// message encodes one with Amazon's own library; heads are names and values.
func message(t testing.TB, payload string, heads ...string) []byte {
	t.Helper()
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i < len(heads); i += 2 {
		m.Headers.Set(heads[i], eventstream.StringValue(heads[i+1]))
	}
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

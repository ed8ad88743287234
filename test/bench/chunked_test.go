package main

import "testing"

func TestChunkedUndoesTheCodingHoweverItIsCut(t *testing.T) {
	const body = "5;x=y\r\nhello\r\nB\r\n world\r\n\r\nx\r\n1\n!\r\n0\r\nTrailer: 1\r\n\r\n"
	const want = "hello world\r\n\r\nx!"
	for size := 1; size <= len(body); size++ {
		var c chunked
		var text []byte
		whole := false
		for i := 0; i < len(body); i += size {
			var err error
			if whole {
				t.Fatalf("pieces of %d: over before its end", size)
			}
			if text, whole, err = c.decode(text, []byte(body[i:min(i+size, len(body))])); err != nil {
				t.Fatal(err)
			}
		}
		if string(text) != want || !whole {
			t.Errorf("pieces of %d: %q, whole %v, want %q and true", size, text, whole, want)
		}
	}
}

func TestChunkedRefusesNonsense(t *testing.T) {
	for name, body := range map[string]string{"no number": "zz\r\n", "empty": "\r\n", "huge": "ffffffffffff\r\n", "lone extension": ";x\r\n"} {
		var c chunked
		if _, _, err := c.decode(nil, []byte(body)); err == nil {
			t.Errorf("%s: no error for %q", name, body)
		}
	}
}

func TestStampOfReadsPaddedNumbers(t *testing.T) {
	for line, want := range map[string]int64{
		`data: {"id":"x","t":          12345,"choices":[]}`: 12345,
		`data: {"t":0}`: 0,
		`data: {"t": 7`: 7,
	} {
		if got, ok := stampOf([]byte(line)); got != want || !ok {
			t.Errorf("stamp of %s is %d, %v, want %d", line, got, ok, want)
		}
	}
	if _, ok := stampOf([]byte(`data: [DONE]`)); ok {
		t.Error("a stamp where there is none")
	}
}

package observe_test

import (
	"slices"
	"strings"
	"testing"

	"llmtap/capture/observe"
)

// interleave cuts both directions by order: its low bit picks the direction,
// the rest how many bytes come at once. What is left comes at the end.
func interleave(client, service, order []byte) []step {
	left := [2][]byte{client, service}
	var out []step
	cut := func(d observe.Direction, n int) {
		n = min(n, len(left[d]))
		if n > 0 {
			out = append(out, step{do: "push", d: d, p: left[d][:n]})
			left[d] = left[d][n:]
		}
	}
	for _, o := range order {
		cut(observe.Direction(o&1), int(o>>1))
	}
	cut(request, len(client))
	cut(response, len(service))
	return append(out, closing(response, observe.ClosedOrderly), closing(request, observe.ClosedOrderly))
}

// sameSplit fails if one-byte pushes give other events than whole ones.
func sameSplit(t *testing.T, cfg observe.Config, steps []step) {
	t.Helper()
	whole, split := play(t, cfg, steps, false), play(t, cfg, steps, true)
	if !slices.Equal(whole, split) {
		t.Errorf("byte by byte\n%s\nat once\n%s", strings.Join(quoted(split), "\n"), strings.Join(quoted(whole), "\n"))
	}
}

// bytesOf joins what each side of the steps sends.
func bytesOf(steps []step) (client, service []byte) {
	for _, s := range steps {
		switch {
		case s.do != "push":
		case s.d == request:
			client = append(client, s.p...)
		default:
			service = append(service, s.p...)
		}
	}
	return client, service
}

func FuzzH1Split(f *testing.F) {
	for _, file := range transcriptFiles(f) {
		for _, tr := range parseTranscripts(f, file) {
			client, service := bytesOf(tr.steps(f))
			f.Add(client, service, []byte{50, 31, 7, 255, 254, 3})
			f.Add(client, service, []byte{254, 254, 255})
		}
	}
	f.Fuzz(func(t *testing.T, client, service, order []byte) {
		limits := observe.Limits{Head: 400, Trailers: 100, ChunkLine: 50, Outstanding: 5}
		sameSplit(t, observe.Config{Limits: limits}, interleave(client, service, order))
	})
}

func FuzzH2Split(f *testing.F) {
	c, s := newPeer(f, request), newPeer(f, response)
	c.post(1, "hello")
	c.post(3, "")
	s.headers(1, false, ":status", "200", "x", "y")
	s.data(1, true, "world")
	s.headers(3, false, ":status", "100")
	s.headers(3, true, ":status", "200", "x", "y")
	f.Add(c.take().p, s.take().p, []byte{254, 255, 3, 2, 17})
	f.Add([]byte(clientPreface+"\x00\x00\x01\x01\x05\x00\x00\x00\x01\xff"), []byte("\x00\x00\x01\x00\x08\x00\x00\x00\x01\xff"), []byte{1})
	f.Fuzz(func(t *testing.T, client, service, order []byte) {
		limits := observe.Limits{Head: 300, Streams: 3}
		sameSplit(t, observe.Config{H2: true, Limits: limits}, interleave(client, service, order))
	})
}

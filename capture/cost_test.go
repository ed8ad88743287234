package capture_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"llmtap/capture/relay"
	"llmtap/internal/call"
)

// overhead is what the proxy says of its own time in one phase.
func (r *rig) overhead(phase string) relay.Histogram {
	s, _ := r.proxy.Stats()
	return s.Overhead[phase]
}

// TestOverheadCountsEachExchange: every exchange has its request and its
// headers in the histograms, once, and its body if a read brought more of it;
// the record has the sum.
func TestOverheadCountsEachExchange(t *testing.T) {
	for _, path := range []string{"relay", "plain", "base-URL"} {
		for _, c := range []struct {
			name   string
			pieces []string
			bodies uint64
		}{
			{"head and body at once", []string{response("200 OK", "application/json", answerBody)}, 0},
			{"head, then a stream", []string{sseHead, chunk(event), chunk(lastEvent), "0\r\n\r\n"}, 1},
		} {
			t.Run(path+"/"+c.name, func(t *testing.T) {
				const calls = 3
				r := newRig(t)
				seen := make(chan struct{}, 1)
				base := r.way(path, func(s net.Conn) {
					br := bufio.NewReader(s)
					for {
						if _, _, err := readRequest(br); err != nil {
							return
						}
						for i, p := range c.pieces {
							if i > 0 && i < 3 && !await(seen) {
								return
							}
							_, _ = io.WriteString(s, p)
						}
					}
				})
				client := r.clientOf(path)
				var sum time.Duration
				for range calls {
					resp, err := client.Post(base+chatPath, "application/json", bytes.NewReader([]byte(streamBody)))
					check(t, err)
					for _, part := range []string{event, lastEvent}[:min(2, len(c.pieces)-1)] {
						seen <- struct{}{}
						_, err := io.ReadFull(resp.Body, make([]byte, len(part)))
						check(t, err)
					}
					_, err = io.Copy(io.Discard, resp.Body)
					check(t, err)
					check(t, resp.Body.Close())
					rec := r.next()
					if rec.Agent.Overhead <= 0 {
						t.Errorf("the record's overhead is %v", rec.Agent.Overhead)
					}
					sum += rec.Agent.Overhead
				}
				want := map[string]uint64{"request": calls, "headers": calls, "body": calls * c.bodies}
				var counted time.Duration
				for phase, n := range want {
					h := r.overhead(phase)
					counted += h.Sum
					if got := h.Count(); got != n {
						t.Errorf("%s counted %d times, want %d", phase, got, n)
					}
					if h.Count() > 0 && h.Sum <= 0 {
						t.Errorf("%s took %v", phase, h.Sum)
					}
				}
				if counted != sum {
					t.Errorf("the phases took %v, the records say %v", counted, sum)
				}
			})
		}
	}
}

// slowBody is more than the sockets between a service and a client hold.
const slowBody = 32 << 20

// TestOverheadIsTheAgentsAlone: neither a slow service, nor a client that sends
// slowly, nor one that does not read is time of ours.
func TestOverheadIsTheAgentsAlone(t *testing.T) {
	const wait = 200 * time.Millisecond
	big := response("200 OK", "text/plain", string(make([]byte, slowBody)))
	pause := func() { <-time.After(wait) }
	for _, path := range []string{"relay", "plain", "base-URL"} {
		t.Run(path, func(t *testing.T) {
			r := newRig(t)
			base := r.way(path, func(s net.Conn) {
				br := bufio.NewReader(s)
				for {
					if _, _, err := readRequest(br); err != nil {
						return
					}
					pause()
					_, _ = io.WriteString(s, big[:200])
					pause()
					_, _ = io.WriteString(s, big[200:])
				}
			})
			client := r.clientOf(path)
			own := time.Hour
			for range 5 { // a busy machine delays one, a wrong measure all
				slowCall(t, client, base+chatPath, pause)
				if own = min(own, r.next().Agent.Overhead); own < wait {
					return
				}
			}
			t.Errorf("%v of ours in a call whose parts waited %v each", own, wait)
		})
	}
}

// slowCall sends half a request, waits, sends the rest, and waits before it
// reads the answer.
func slowCall(t *testing.T, client *http.Client, url string, pause func()) {
	t.Helper()
	in, out := io.Pipe()
	go func() { // ends with the request, which the client reads whole
		_, _ = io.WriteString(out, streamBody[:20])
		pause()
		_, _ = io.WriteString(out, streamBody[20:])
		_ = out.Close()
	}()
	req, err := http.NewRequest(http.MethodPost, url, in)
	check(t, err)
	req.ContentLength = int64(len(streamBody))
	resp, err := client.Do(req)
	check(t, err)
	pause() // as long as the service
	pause() // which cannot send
	pause()
	n, err := io.Copy(io.Discard, resp.Body)
	check(t, err)
	check(t, resp.Body.Close())
	if n != slowBody {
		t.Errorf("read %d bytes", n)
	}
}

// TestOverheadOfEachH2Stream: exchanges that share a connection are counted
// each.
func TestOverheadOfEachH2Stream(t *testing.T) {
	r := newRig(t)
	target, _ := r.faults("h2")
	client := r.client()
	for range 4 {
		resp, err := client.Post("https://"+target+chatPath, "application/json", bytes.NewReader([]byte(`{"model":"healthy","messages":[],"stream":true}`)))
		check(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(t, err)
		check(t, resp.Body.Close())
		if rec := r.next(); rec.Agent.Overhead <= 0 || rec.Agent.View != call.ViewFull {
			t.Errorf("overhead %v, view %v", rec.Agent.Overhead, rec.Agent.View)
		}
	}
	got := fmt.Sprint(r.overhead("request").Count(), r.overhead("headers").Count())
	if got != "4 4" {
		t.Errorf("request and headers counted %s times, want 4 each", got)
	}
}

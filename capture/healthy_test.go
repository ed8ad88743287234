package capture_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
)

// TestRecordsOfHealthyCalls pins every field of the records of the four
// healthy calls; what differs from run to run is masked. UPDATE=1 rewrites them.
func TestRecordsOfHealthyCalls(t *testing.T) {
	for _, c := range []struct{ name, path, body string }{
		{"openai-plain", chatPath, `{"model":"healthy","temperature":0.5,"messages":[{"role":"user","content":"hi"}]}`},
		{"openai-stream", chatPath, `{"model":"healthy","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}`},
		{"azure-plain", "/openai/deployments/gpt4/chat/completions?api-version=2024-10-21", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}],"stream":false}`},
		{"azure-stream", "/openai/deployments/gpt4/chat/completions?api-version=2024-10-21", `{"messages":[{"role":"user","content":"hi"}],"stream":true}`},
	} {
		for _, proto := range []string{"http/1.1", "h2"} {
			t.Run(c.name+"/"+strings.TrimPrefix(proto, "http/"), func(t *testing.T) {
				r := newRig(t)
				target, _ := r.faults(proto)
				req, err := http.NewRequest("POST", "https://"+target+c.path, strings.NewReader(c.body))
				check(t, err)
				req.Header.Set("Authorization", "Bearer sk-test-0123456789abcdef")
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("User-Agent", "OpenAI/Python 1.58.1")
				req.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
				resp, err := r.client().Do(req)
				check(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				check(t, err)
				check(t, resp.Body.Close())
				golden(t, c.name+"-"+strings.NewReplacer("http/", "h", ".", "").Replace(proto), r.next(), target)
			})
		}
	}
}

// settle checks what differs from run to run, and takes it out.
func settle(t *testing.T, rec *call.Record, target string) {
	t.Helper()
	start, tm := rec.Identity.Start, rec.Timing
	last := tm.Dial
	for name, at := range map[string]time.Time{"dial": tm.Dial, "connect": tm.Connect, "tls": tm.TLS, "headers": tm.Headers, "first byte": tm.FirstByte, "last byte": tm.LastByte, "end": tm.End, "request sent": tm.RequestSent} {
		if at.IsZero() {
			t.Errorf("timing: %s did not happen", name)
		}
	}
	for i, at := range []time.Time{tm.Dial, tm.DNS, tm.Connect, tm.TLS, start, tm.Headers, tm.FirstByte, tm.FirstData, tm.FirstContent, tm.LastData, tm.LastByte, tm.End} {
		if at.IsZero() {
			continue
		}
		if at.Before(last) {
			t.Errorf("timing: instant %d is before the one before it: %+v", i, tm)
		}
		last = at
	}
	paced := 0
	for _, b := range rec.Stream.Pace {
		paced += b.Count
	}
	if want := max(0, rec.Stream.ContentEvents-1); paced != want {
		t.Errorf("pace holds %d gaps, want %d", paced, want)
	}
	if s := rec.Stream; s.Events > 0 && (s.Bursts < 1 || s.LargestBurst < 1 || s.LargestBurst > s.Events) {
		t.Errorf("bursts %d, largest %d of %d events", s.Bursts, s.LargestBurst, s.Events)
	}
	a := &rec.Agent
	if a.Overhead <= 0 || len(a.Conn) != 12 || len(rec.Identity.ID) != 20 {
		t.Errorf("lag %v overhead %v conn %q id %q", a.LagMax, a.Overhead, a.Conn, rec.Identity.ID)
	}
	_, number, err := net.SplitHostPort(target)
	check(t, err)
	if a.PeerAddress != "127.0.0.1:"+number || fmt.Sprint(rec.Target.Port) != number {
		t.Errorf("peer %s, port %d, want %s", a.PeerAddress, rec.Target.Port, number)
	}
	rec.Identity.ID, rec.Identity.Start, rec.Timing = "", time.Time{}, call.Timing{}
	rec.Target.Port, a.PeerAddress, a.Conn, a.LagMax, a.Overhead = 0, "", "", 0, 0
	a.BlockedClient, a.BlockedUpstream = 0, 0
	s := &rec.Stream
	s.Pace, s.Bursts, s.LargestBurst, s.MaxGap, s.MaxDataGap = [18]call.PaceBin{}, 0, 0, 0, 0
	rec.Request.URL = strings.ReplaceAll(rec.Request.URL, ":"+number, "")
	for i := range s.Oddities {
		s.Oddities[i].Last = 0
	}
	for _, headers := range [...][]call.Header{rec.Response.Headers, rec.Request.Hints.Headers} { // Go's h2 client sends them in any order
		slices.SortFunc(headers, func(a, b call.Header) int { return strings.Compare(a.Name, b.Name) })
	}
	for i := range rec.Response.Headers {
		if h := &rec.Response.Headers[i]; h.Name == "date" {
			h.Value = ""
		}
	}
}

func golden(t *testing.T, name string, rec call.Record, target string) {
	t.Helper()
	settle(t, &rec, target)
	raw, err := json.MarshalIndent(rec, "", "  ")
	check(t, err)
	got := string(raw) + "\n"
	file := filepath.Join("testdata", "records", name+".json")
	if os.Getenv("UPDATE") == "1" {
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("record (-want +got):\n%s", d)
	}
}

// TestRecordsAreInOrderAndWhole sends many calls over one connection.
func TestRecordsAreInOrderAndWhole(t *testing.T) {
	r := newRig(t)
	target, _ := r.faults("http/1.1")
	client := r.client()
	for i := range 20 {
		body := fmt.Sprintf(`{"model":"m-%d","messages":[],"stream":%v}`, i, i%2 == 0)
		resp, err := client.Post("https://"+target+chatPath, "application/json", strings.NewReader(body))
		check(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(t, err)
		_ = resp.Body.Close()
		rec := r.next()
		if want := fmt.Sprintf("m-%d", i); rec.Target.Model != want || rec.Request.Hints.ReusedConn != (i > 0) {
			t.Fatalf("call %d: model %q reused %v", i, rec.Target.Model, rec.Request.Hints.ReusedConn)
		}
		if (rec.Request.Mode == call.ModeStream) != (i%2 == 0) || !rec.End.Terminal || rec.End.Kind != call.EndEOF {
			t.Fatalf("call %d: mode %v end %+v", i, rec.Request.Mode, rec.End)
		}
		if fresh := !rec.Timing.Dial.IsZero(); fresh != (i == 0) {
			t.Errorf("call %d: dial time of a reused connection: %v", i, rec.Timing.Dial)
		}
	}
	if s, _ := r.proxy.Stats(); s.Active != 0 || len(r.proxy.Live()) != 0 {
		t.Errorf("active %d, live %d after the end", s.Active, len(r.proxy.Live()))
	}
}

package proof_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/test/boards"
)

// TestNewbornSeries feeds counters that no scrape ever saw at 0: three streamed
// failures between two scrapes, a single direct call, and an old client that
// works. increase() alone calls this 100 % success, and a share without its zero
// term has no row for what only failed.
func TestNewbornSeries(t *testing.T) {
	s := newServer(t)
	series := func(b *batch, v float64, stream, kind, name, version, outcome string) {
		b.add("llmtap_calls_total", v, "job", "llmtap", "instance", "a", "server_address", "t", "gen_ai_request_model", "m",
			"gen_ai_request_stream", stream, "client_kind", kind, "client_name", name, "client_version", version, "outcome", outcome)
	}
	at := epoch()
	for step := range 237 { // 59 minutes of scrapes, 15 s apart
		at = epoch().Add(time.Duration(step) * 15 * time.Second)
		s.append(at, func(b *batch) {
			series(b, float64(min(step, 20)), "false", "framework", "jupyter-ai", "2.11.0", "ok")
			if step >= 230 {
				series(b, 1, "false", "direct", "curl", "8.5", "ok")
			}
			if step >= 200 {
				series(b, 3, "true", "framework", "jupyter-ai", "2.29.0", "error")
			}
		})
	}
	fill := everything()
	fill["a_kind"] = ".+"
	for _, c := range []struct {
		board, place string
		by           []string
		want         string
	}{
		{"llmtap-why", "Works or fails", []string{"cell"}, "direct stream=false 1, framework stream=false 1, framework stream=true 0"},
		{"llmtap-why", "Out of how many calls", []string{"cell"}, "direct stream=false 1, framework stream=false 20, framework stream=true 3"},
		{"llmtap-compare", "A: ended ok", nil, "0.875"},
		{"llmtap-versions", "Streamed, by version", []string{"client_version"}, "2.11.0 0, 2.29.0 1, 8.5 0"},
		{"llmtap-versions", "Ended ok, by version", []string{"client_version"}, "2.11.0 1, 2.29.0 0, 8.5 1"},
	} {
		queries := committed(t)
		i := slices.IndexFunc(queries, func(q boards.Query) bool { return q.Board == c.board && q.Place == c.place && q.Ref == "A" })
		expr, err := boards.Fill(queries[i].Expr, fill)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.at(expr, at)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range v {
			words := ""
			for _, l := range c.by {
				words += x.Metric.Get(l) + " "
			}
			got = append(got, fmt.Sprintf("%s%g", words, math.Round(x.F*1e4)/1e4))
		}
		slices.Sort(got)
		if g := strings.Join(got, ", "); g != c.want {
			t.Errorf("%s: got %s, want %s", c.place, g, c.want)
		}
	}
}

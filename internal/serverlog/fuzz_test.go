package serverlog_test

import (
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/serverlog"
)

// FuzzParser: no log makes it panic, how it is cut changes nothing, and what
// comes out is bounded and fit to print.
func FuzzParser(f *testing.F) {
	for _, a := range recorded(f) {
		f.Add([]byte(part(a, "log")), 7)
	}
	f.Add([]byte(failed+done), 1)
	f.Fuzz(func(t *testing.T, log []byte, n int) {
		if n < 1 {
			n = 1
		}
		whole, site := read(string(log), len(log)+1)
		cut, again := read(string(log), n)
		if d := cmp.Diff(whole, cut); d != "" || site != again {
			t.Fatalf("in pieces of %d: site %q, %q\n%s", n, site, again, d)
		}
		for _, e := range whole {
			if !utf8.ValidString(e.Failure.Text) || utf8.RuneCountInString(e.Failure.Text) > 300 || len(e.Failure.Class) > 4200 {
				t.Fatalf("%+v", e)
			}
			for _, r := range e.Failure.Text + e.Failure.Class {
				if unicode.IsControl(r) {
					t.Fatalf("a control character: %q", e.Failure.Text)
				}
			}
			if e.Took < 0 || e.Took > time.Hour {
				t.Fatalf("took %v", e.Took)
			}
		}
		if len(site) > 300 {
			t.Fatalf("site of %d bytes", len(site))
		}
	})
}

// BenchmarkParser reads a real log of a failing server.
func BenchmarkParser(b *testing.B) {
	log := []byte(part(recorded(b)["3.2.0-cacheable-result"], "log"))
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	var p serverlog.Parser
	for b.Loop() {
		p.Write(log, time.Time{}, func(serverlog.Event) {})
	}
}

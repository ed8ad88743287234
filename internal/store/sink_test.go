package store_test

import (
	"testing"

	"llmtap/exporters"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
	"llmtap/internal/store"
)

func TestTheStoreIsASink(t *testing.T) {
	fresh := func(t *testing.T) exporters.Sink {
		c := config(t.TempDir())
		c.Batch.Queue = 4096 // the suite offers thousands at once and wants all
		s, err := store.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { shut(t, s) })
		return s
	}
	sinktest.TestSink(t, fresh, func(t *testing.T, s exporters.Sink, records []call.Record) {
		for _, want := range records {
			got, err := s.(*store.Store).Call(t.Context(), want.Identity.ID)
			if err != nil || got.Response.Status != want.Response.Status || !got.Identity.Start.Equal(want.Identity.Start) {
				t.Errorf("%s: %v", want.Identity.ID, err)
			}
		}
	})
}

var (
	_ exporters.Sink    = (*store.Store)(nil)
	_ exporters.Starter = (*store.Store)(nil)
	_ exporters.Closer  = (*store.Store)(nil)
)

func BenchmarkRecord(b *testing.B) {
	s, err := store.Open(b.Context(), config(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context())
	b.ReportAllocs()
	for i := range b.N {
		r := sinktest.Record(i)
		_ = s.Started(b.Context(), r)
		_ = s.Record(b.Context(), r)
		if i%100 == 99 {
			if _, err := s.Call(b.Context(), r.Identity.ID); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(s.Dropped()["queue_full"]), "dropped")
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"llmtap/exporters"
	"llmtap/exporters/otlp"
	"llmtap/exporters/prom"
	"llmtap/internal/call"
	"llmtap/internal/compare"
	"llmtap/internal/diagnose"
	"llmtap/internal/store"
)

// collector takes spans and forgets them, in a process of its own so that its
// CPU is not booked on the exporter.
func collector(ctx context.Context, _ []string, _ io.Reader, stdout io.Writer) error {
	return serveUntil(ctx, stdout, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	})})
}

// telemetry feeds real records, read from a store, through everything that
// follows the queue in the agent, and prints the CPU that one call costs.
// Arguments: working directory, store with records, collector, number of calls.
func telemetry(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	n, err := strconv.Atoi(args[3])
	if err != nil {
		return fmt.Errorf("bench: number of calls: %w", err)
	}
	records, err := stored(ctx, args[1], 1000)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errors.New("bench: no records to feed")
	}
	if err := os.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+args[2]); err != nil {
		return fmt.Errorf("bench: name collector: %w", err)
	}
	s, err := openSinks(ctx, filepath.Join(args[0], "telemetry"))
	if err != nil {
		return err
	}
	err = s.feed(ctx, records, min(n, 500)) // warm: compiled statements, label children
	before := ownCPU()
	err = errors.Join(err, s.feed(ctx, records, n), s.fan.Close(ctx))
	cost := (ownCPU() - before) / time.Duration(n)
	if st := s.spans.Stats(); err == nil && st.Exported < uint64(n) {
		err = fmt.Errorf("bench: only %d of %d spans were exported", st.Exported, n)
	}
	return errors.Join(err, json.NewEncoder(stdout).Encode(cost))
}

func stored(ctx context.Context, path string, n int) (list []call.Record, err error) {
	st, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		return nil, fmt.Errorf("bench: open records: %w", err)
	}
	defer func() { err = errors.Join(err, st.Close(ctx)) }()
	return st.Calls(ctx, call.Query{Limit: n})
}

// sinkSet is the agent's pipeline from the queue on.
type sinkSet struct {
	join  *compare.Joiner
	fan   *exporters.Fanout
	spans *otlp.Sink
	store *store.Store
	seq   int
}

func openSinks(ctx context.Context, dir string) (*sinkSet, error) {
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "calls.db")})
	if err != nil {
		return nil, err
	}
	metrics, err := prom.New(prom.Config{})
	if err != nil {
		return nil, errors.Join(err, st.Close(ctx))
	}
	spans, err := otlp.New(ctx, otlp.Config{Version: "bench"})
	if err != nil {
		return nil, errors.Join(err, st.Close(ctx))
	}
	return &sinkSet{
		join: compare.NewJoiner(compare.Config{}), spans: spans, store: st,
		fan: exporters.NewFanout(exporters.Named{Name: "prometheus", Sink: metrics}, exporters.Named{Name: "otlp", Sink: spans}, exporters.Named{Name: "store", Sink: st}),
	}, nil
}

// burst is how many calls are handed over before the sinks may catch up: less
// than their queues hold.
const burst = 250

// feed hands over n calls, begun and ended, as if they happened now.
func (s *sinkSet) feed(ctx context.Context, records []call.Record, n int) error {
	var errs []error
	for i := range n {
		r := records[i%len(records)]
		s.seq++
		r.Identity = call.Identity{ID: fmt.Sprintf("%020x", s.seq), Start: time.Now()}
		errs = append(errs, s.fan.Started(ctx, r))
		r = s.join.Join(r)
		r.Diagnosis = diagnose.Classify(r)
		errs = append(errs, s.fan.Record(ctx, r))
		if i%burst == burst-1 {
			errs = append(errs, s.catchUp(ctx))
		}
	}
	return errors.Join(append(errs, s.catchUp(ctx))...)
}

func (s *sinkSet) catchUp(ctx context.Context) error {
	_, err := s.store.Calls(ctx, call.Query{Limit: 1})
	return errors.Join(err, s.spans.Flush(ctx))
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package otlp

import (
	"log/slog"
	"sync"
	"time"
)

// logEvery is how often one line about export errors may appear.
const logEvery = 30 * time.Second

// errorLog is the SDK's error handler: one line per period, with the number of
// those that were left out. What was lost is counted in the ledger.
type errorLog struct {
	log    *slog.Logger
	redact func(string) string

	// mu guards what follows.
	mu      sync.Mutex
	last    time.Time
	skipped int
}

func newErrorLog(log *slog.Logger, redact func(string) string) *errorLog {
	return &errorLog{log: log, redact: redact}
}

// Handle implements otel.ErrorHandler.
func (e *errorLog) Handle(err error) {
	if err == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if !e.last.IsZero() && now.Sub(e.last) < logEvery {
		e.skipped++
		return
	}
	e.log.Warn("span export failed", "error", fit(e.redact(err.Error()), 500), "skipped", e.skipped)
	e.last, e.skipped = now, 0
}

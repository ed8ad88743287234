package otlp

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Reasons for which spans are lost.
const (
	lostQueueFull   = "queue_full"
	lostTimeout     = "timeout"
	lostUnavailable = "unavailable"
	lostRejected    = "rejected"
	lostTooLarge    = "too_large"
	lostShutdown    = "shutdown"
)

// Stats are the loss accounts of a Sink: Created = Exported + sum of Failures
// + Pending at every moment, and Pending is 0 after Close.
type Stats struct {
	Created, Exported, Pending uint64
	// Failures counts lost spans by reason.
	Failures map[string]uint64
}

// ledger keeps the accounts. It is the gate in front of the batch processor,
// whose own drop on a full queue is silent and therefore never reached.
type ledger struct {
	limit uint64 // admitted and not yet settled

	// mu guards all below.
	mu       sync.Mutex
	created  uint64
	exported uint64
	pending  uint64
	failures map[string]uint64
	closed   bool
}

func newLedger(queue int) *ledger {
	// The batch processor's flush marker takes a place in its queue too.
	return &ledger{limit: uint64(max(1, queue-8)), failures: map[string]uint64{}}
}

// admit books a new span and reports whether it may go to the SDK.
func (l *ledger) admit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.created++
	switch {
	case l.closed:
		l.failures[lostShutdown]++
	case l.pending >= l.limit:
		l.failures[lostQueueFull]++
	default:
		l.pending++
		return true
	}
	return false
}

// settle books the result of exporting n spans. After close none is pending:
// they are accounted for already.
func (l *ledger) settle(n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	spans := min(uint64(n), l.pending)
	l.pending -= spans
	lost, reason := lostOf(err, spans)
	l.exported += spans - lost
	if lost > 0 {
		l.failures[reason] += lost
	}
}

// close books what is pending as lost at shutdown.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && l.pending > 0 {
		l.failures[lostShutdown] += l.pending
		l.pending = 0
	}
	l.closed = true
}

func (l *ledger) stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Created: l.created, Exported: l.exported, Pending: l.pending, Failures: maps.Clone(l.failures)}
}

var partial = regexp.MustCompile(`\((\d+) spans rejected\)$`)

// lostOf reads from an export's error how many of n spans were lost, and why.
// A partial success is the one error of which most spans arrived.
func lostOf(err error, n uint64) (lost uint64, reason string) {
	if err == nil {
		return 0, ""
	}
	text := err.Error()
	if m := partial.FindStringSubmatch(text); m != nil {
		rejected, _ := strconv.ParseUint(m[1], 10, 64)
		return min(rejected, n), lostRejected
	}
	return n, lossReason(err, text)
}

func lossReason(err error, text string) string {
	switch code := status.Code(err); {
	case strings.Contains(text, "too large"), strings.Contains(text, ": 413 "), code == codes.ResourceExhausted && strings.Contains(text, "larger than max"):
		return lostTooLarge
	case errors.Is(err, context.DeadlineExceeded), code == codes.DeadlineExceeded, strings.Contains(text, "Client.Timeout"):
		return lostTimeout
	case code == codes.InvalidArgument, code == codes.Unimplemented, code == codes.PermissionDenied, code == codes.Unauthenticated,
		code == codes.NotFound, code == codes.FailedPrecondition, refusal.MatchString(text):
		return lostRejected
	}
	return lostUnavailable
}

// refusal is a 4xx answer in the HTTP exporter's error.
var refusal = regexp.MustCompile(`failed to send to \S+: 4\d\d `)

// counted is a SpanExporter that books what becomes of each batch.
type counted struct {
	sdktrace.SpanExporter
	ledger *ledger
	// stop ends exports in flight once nobody waits for them any more.
	stop <-chan struct{}
}

// ExportSpans implements sdktrace.SpanExporter.
func (c *counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.stop:
			cancel()
		case <-done:
		}
	}()
	err := c.SpanExporter.ExportSpans(ctx, spans)
	close(done)
	<-watched
	c.ledger.settle(len(spans), err)
	return err
}

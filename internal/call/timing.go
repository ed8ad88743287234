package call

import "time"

// Timing holds named instants; a zero one did not happen. Durations are
// derived, never stored. Dial to TLS belong to the upstream connection and are
// zero when it was reused.
type Timing struct {
	Dial         time.Time
	DNS          time.Time // name resolved
	Connect      time.Time // TCP established
	TLS          time.Time // upstream handshake done
	RequestSent  time.Time // last request byte forwarded
	Headers      time.Time // final response head complete
	FirstByte    time.Time // first response body byte
	FirstData    time.Time // first data event
	FirstContent time.Time // first event with model output
	LastData     time.Time
	LastByte     time.Time
	End          time.Time // both sides over
}

// Since returns t - start, or 0 if t did not happen.
func Since(start, t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return t.Sub(start)
}

// PaceBounds are the upper bounds, in seconds, of Stream.Pace: the standard's
// duration buckets (OpenTelemetry GenAI) extended for long reasoning calls.
func PaceBounds() []float64 {
	out := make([]float64, 17)
	for i, b := 0, 0.01; i < len(out); i, b = i+1, b*2 {
		out[i] = b
	}
	return out
}

// Stream answers "how did the answer arrive"; zero for plain answers.
type Stream struct {
	Events        int
	ContentEvents int
	Keepalives    int
	// Bursts counts reads more than 20 ms apart; LargestBurst is in events.
	Bursts       int
	LargestBurst int
	// MaxGap is the longest silence between bytes, MaxDataGap between events.
	MaxGap     time.Duration
	MaxDataGap time.Duration
	// Done: terminal marker; Finish: every choice had a reason; Errored: in-band error.
	Done    bool
	Finish  bool
	Errored bool
	// Oddities are sorted by name; the list of names is closed.
	Oddities []Oddity
	// Pace bins the times between content events by PaceBounds.
	Pace [18]PaceBin
}

// Oddity is a legal or illegal peculiarity of a stream and how often it came.
type Oddity struct {
	Name  string
	Count int
	// Last is when it came last, from Identity.Start; 0 means not known. It
	// tells a client that died of it from one that met it and went on.
	Last time.Duration
}

// PaceBin counts gaps of one bucket and keeps their exact sum.
type PaceBin struct {
	Count int
	Sum   time.Duration
}

// AddPace books one gap between two content events.
func (s *Stream) AddPace(gap time.Duration) {
	i, bound := 0, 10*time.Millisecond
	for ; i < len(s.Pace)-1 && gap > bound; i++ {
		bound *= 2
	}
	s.Pace[i].Count++
	s.Pace[i].Sum += gap
}

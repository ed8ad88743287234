package main

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"io"
	"log/slog"
	"sync"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/client/local"
	"llmtap/internal/serverlog"
	"llmtap/internal/serverlog/tail"
)

const (
	// logTick is how often logs are looked at.
	logTick = 500 * time.Millisecond
	// logSettle is how long an event waits for its call, which may be sealed
	// after the line about it was read.
	logSettle = time.Second
	// maxPending bounds the events of one log that wait.
	maxPending = 64
)

// serverLogs reads the logs of Jupyter servers, those of files and the one of
// what exec runs, and makes records of messages whose call never left. A nil
// one reads nothing.
type serverLogs struct {
	deps     logDeps
	ledger   serverlog.Ledger
	follower *tail.Follower
	// files are the followed logs; the one goroutine has them, and close after it.
	files map[tail.Log]*logSource
	alone bool // nobody but exec's command uses this agent
	// output is the log that exec's command writes; nil without one.
	output     *logSource
	stop, done chan struct{}
	started    bool
}

// logDeps is what the logs' reader needs of the agent.
type logDeps struct {
	// offer hands on a record and never blocks.
	offer func(call.Record)
	// lost counts a record that was not made.
	lost  func(reason string)
	sight func() serverlog.Sight
	// look: the packages of a server may be read.
	look bool
	// named is how records name a user.
	named func(user string) string
	log   *slog.Logger
}

// openServerLogs gets ready to read, if there is anything to read; start reads.
func (a *agent) openServerLogs() error {
	if len(a.s.who.logs) == 0 && !a.parts.output {
		return nil
	}
	l := &serverLogs{
		deps: logDeps{
			offer: func(r call.Record) { a.queue.Sealed(&r) }, lost: a.sinks.lost.add,
			sight: func() serverlog.Sight {
				return serverlog.Sight{Blind: a.s.policy.TunnelOnly, Tunnels: a.proxy.Tunnels()}
			},
			look: a.s.who.process, named: a.s.who.named, log: a.parts.log,
		},
		files: map[tail.Log]*logSource{}, alone: a.parts.output, stop: make(chan struct{}), done: make(chan struct{}),
	}
	var err error
	if l.follower, err = tail.New(a.s.who.logs, l); err != nil {
		return err
	}
	if a.parts.output {
		l.output = l.source("")
	}
	a.listeners.logs = l
	return nil
}

// start begins to read; close ends it.
func (l *serverLogs) start() {
	if l != nil {
		l.started = true
		go l.run()
	}
}

func (l *serverLogs) source(user string) *logSource {
	if user != "" {
		user = l.deps.named(user) // as the records of his calls do
	}
	return &logSource{deps: &l.deps, judge: serverlog.Judge{Ledger: &l.ledger}, about: serverlog.Source{User: user, Alone: l.alone}}
}

// note tells of a call that left. It runs on the data path.
func (l *serverLogs) note(r *call.Record, over bool) {
	if l != nil {
		l.ledger.Note(r, over)
	}
}

func (l *serverLogs) run() {
	defer close(l.done)
	tick := time.NewTicker(logTick)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			l.poll(now)
		case <-l.stop:
			return
		}
	}
}

func (l *serverLogs) poll(now time.Time) {
	l.follower.Poll(now)
	for _, s := range l.files {
		s.settle(now)
	}
	l.output.settle(now)
}

// close reads what is left and judges it. Call it while the queue still takes
// records; it is safe on nil and without start.
func (l *serverLogs) close() {
	if l == nil || !l.started {
		return
	}
	close(l.stop)
	<-l.done
	l.follower.Close()
	l.output.end()
}

// Data implements tail.Handler.
func (l *serverLogs) Data(log tail.Log, b []byte, old bool) {
	s := l.files[log]
	if s == nil {
		s = l.source(log.User)
		l.files[log] = s
	}
	s.read(b, time.Now(), old)
}

// Ended implements tail.Handler.
func (l *serverLogs) Ended(log tail.Log, gone bool) {
	l.files[log].end()
	if gone {
		delete(l.files, log)
	}
}

// Refused implements tail.Handler.
func (l *serverLogs) Refused(log tail.Log, err error) {
	l.deps.log.Warn("a server's log is not read", "log", log.Path, "error", err.Error())
}

// tee returns a writer that passes everything on to w first and unchanged, and
// then reads a copy.
func (l *serverLogs) tee(w io.Writer) io.Writer { return &logTee{w: w, to: l.output} }

// logTee is the output of exec's command. The copy is read after the original
// was written; reading waits for nobody.
type logTee struct {
	w  io.Writer
	to *logSource
}

// Write implements io.Writer with the result of the writer behind.
func (t *logTee) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	if n > 0 {
		t.to.read(b[:min(n, len(b))], time.Now(), false)
	}
	return n, err //nolint:wrapcheck // it stands in for the writer behind
}

// logSource is one log. A nil one reads nothing.
type logSource struct {
	deps *logDeps

	mu      sync.Mutex // guards all below
	parser  serverlog.Parser
	judge   serverlog.Judge
	about   serverlog.Source
	site    string // whose packages about.Client is made of
	last    time.Time
	pending []serverlog.Event // oldest first
	broken  bool              // reading it panicked
	refused bool              // the rate was said to be too high
}

// read takes the next bytes; what old ones tell is no news.
func (s *logSource) read(b []byte, at time.Time, old bool) {
	s.guard(func() {
		s.last = at
		emit := s.wait
		if old {
			emit = func(serverlog.Event) {}
		}
		s.parser.Write(b, at, emit)
		if old {
			s.parser.End(at, emit)
		}
	})
}

// settle judges what has waited long enough.
func (s *logSource) settle(now time.Time) {
	s.guard(func() {
		if now.Sub(s.last) >= logTick {
			s.parser.Flush(now, s.wait)
		}
		for len(s.pending) > 0 && now.Sub(s.pending[0].At) >= logSettle {
			s.decide(s.pending[0])
			s.pending = s.pending[1:]
		}
	})
}

// end judges everything at once: the log is over.
func (s *logSource) end() {
	s.guard(func() {
		s.parser.End(time.Now(), s.wait)
		for _, e := range s.pending {
			s.decide(e)
		}
		s.pending = nil
	})
}

// guard runs f unless reading this log has failed before. A panic ends the
// reading of this log, never the program whose log it is.
func (s *logSource) guard(f func()) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			s.broken = true
			s.deps.lost("panic")
			s.deps.log.Error("reading a server's log failed; it is read no more")
		}
	}()
	f()
}

// wait keeps an event until its call can be known. The caller holds the mutex.
func (s *logSource) wait(e serverlog.Event) {
	if len(s.pending) == maxPending {
		s.deps.lost("log_rate")
		return
	}
	s.pending = append(s.pending, e)
}

// decide makes a record of an event, or not. The caller holds the mutex.
func (s *logSource) decide(e serverlog.Event) {
	if site := s.parser.Site(); site != s.site && s.deps.look {
		s.site, s.about.Client = site, call.Client{Name: "jupyter-ai"}
		local.Site(site).Describe(&s.about.Client)
	}
	r, made, refused := s.judge.Record(e, s.about, s.deps.sight())
	if made {
		r.Identity.ID = recordID(r.Identity.Start)
		s.deps.offer(r)
	}
	if refused {
		s.deps.lost("log_rate")
	}
	if refused && !s.refused {
		s.deps.log.Warn("a server's log tells of more failed messages than are recorded", "user", s.about.User, "per_minute", serverlog.MaxRate)
	}
	s.refused = refused
}

// recordID is an id like those of calls: it sorts by time.
func recordID(at time.Time) string {
	var raw [10]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(raw[:6], ms[2:])
	_, _ = rand.Read(raw[6:]) // it never fails
	return hex.EncodeToString(raw[:])
}

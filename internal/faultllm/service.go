package faultllm

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

const (
	defaultInterval = 20 * time.Millisecond
	defaultChunks   = 10
	// maxLive bounds the requests in progress; more get 503.
	maxLive = 8192
	// maxBody bounds what is kept of a request.
	maxBody = 128 << 20
)

// Config sets up a Service. The zero value is usable.
type Config struct {
	// Now stamps the Date header and the statistics; nil means time.Now.
	Now func() time.Time
	// Logger gets one debug line a request; nil discards.
	Logger *slog.Logger
	// Interval is the pause before each event of a stream unless the query
	// says otherwise; 0 means 20 ms, a negative one no pause.
	Interval time.Duration
	// Chunks is the number of content events of an answer; 0 means 10.
	Chunks int
	// AnyAddress lets Serve take a listener that is not on loopback.
	AnyAddress bool
}

// Service plays the scenarios. It is an http.Handler, safe for concurrent use;
// faults below HTTP work over Serve, and over other servers as far as hijacking
// goes.
type Service struct {
	cfg   Config
	epoch time.Time
	rows  map[string]*row
	// responses are the names of scenarios by the ids of their responses.
	responses map[string]string
	stats     ledger
}

// New returns a service; it starts nothing.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultInterval
	}
	cfg.Interval = max(cfg.Interval, 0)
	if cfg.Chunks <= 0 {
		cfg.Chunks = defaultChunks
	}
	s := &Service{cfg: cfg, epoch: time.Now(), rows: map[string]*row{}}
	s.stats.start()
	for _, r := range table() {
		s.rows[r.ID] = &r
		for _, name := range r.Also {
			s.rows[name] = &r
		}
	}
	s.responses = responseIDs(s.rows)
	return s
}

// Epoch is the instant that the stamps of the bench scenario count from. It
// carries a monotonic reading, so time.Since(Epoch()) compares with a stamp.
func (s *Service) Epoch() time.Time { return s.epoch }

// ServeHTTP answers one request: a chat call by its scenario, GET /scenarios
// with the table (text for Accept: text/plain or ?format=text), GET /stats with
// the Stats.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Date"] = []string{s.cfg.Now().UTC().Format(http.TimeFormat)}
	if !s.stats.enter() {
		w.Header().Set("Retry-After", "1")
		reply(w, http.StatusServiceUnavailable, typeJSON, openaiError("Too many requests at once.", "server_error", "", "overloaded"))
		return
	}
	defer s.stats.leave()
	if l := linkOf(r); l != nil {
		l.requests.Add(1)
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/scenarios":
		s.list(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/stats":
		replyJSON(w, s.Stats())
	default:
		s.chat(w, r)
	}
}

// list answers GET /scenarios.
func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("format") != "text" && !strings.HasPrefix(r.Header.Get("Accept"), "text/plain") {
		replyJSON(w, struct {
			Scenarios []Scenario `json:"scenarios"`
		}{Scenarios()})
		return
	}
	var b strings.Builder
	if err := WriteTable(&b); err != nil {
		reply(w, http.StatusInternalServerError, typeText, err.Error())
		return
	}
	reply(w, http.StatusOK, typeText, b.String())
}

// chat finds the scenario of a call and plays it.
func (s *Service) chat(w http.ResponseWriter, r *http.Request) {
	to, ok := routeOf(r.URL.Path)
	if !ok {
		reply(w, http.StatusNotFound, typeJSON, azureError("404", "Resource not found"))
		return
	}
	if !to.takes(r) {
		w.Header().Set("Allow", to.methods())
		reply(w, http.StatusMethodNotAllowed, typeJSON, invalid("Not allowed to "+r.Method+" here.", "", "method_not_supported"))
		return
	}
	if to.fetch {
		filled, status, words := fetched(to, s.responses, r.URL.Query())
		if status != 0 {
			reply(w, status, typeJSON, invalid(words, "", ""))
			return
		}
		to = filled
	}
	if d := to.dialect; d != nil && d.form.variant != nil {
		to.dialect = d.form.variant(to, r.URL.Query())
	}
	pace, err := s.pacing(r.URL.Query())
	if err != nil {
		reply(w, http.StatusBadRequest, typeJSON, invalid(err.Error(), "", "bad_query"))
		return
	}
	x := &exchange{
		answer: answer{ask: ask{azure: to.azure, dialect: to.dialect, n: 1, prompt: 1, after: to.after}, pace: pace},
		clock:  clock{left: r.Context().Done(), interval: pace.interval, scale: pace.scale},
		w:      w, r: r, svc: s,
	}
	chosen, err := s.choose(x, cmp.Or(r.URL.Query().Get("scenario"), to.deployment))
	if err != nil {
		reply(w, http.StatusBadRequest, typeJSON, invalid(err.Error(), "", "bad_body"))
		return
	}
	if to.stream != flagAbsent {
		x.ask.stream = to.stream
	}
	s.play(x, chosen)
}

// choose reads the request body, unless the named row answers before it, and
// returns the row of the name or else of the body's model.
func (s *Service) choose(x *exchange, name string) (*row, error) {
	if early := s.rows[name]; early != nil && early.early {
		return early, nil
	}
	if err := read(x.r, &x.ask); err != nil {
		return nil, err
	}
	if chosen := s.rows[cmp.Or(name, x.ask.model)]; chosen != nil {
		return chosen, nil
	}
	return &row{Scenario: Scenario{ID: healthyID, Mode: ModeBoth, API: APIAny}, play: healthy}, nil
}

// read takes the request body; a HEAD or GET request has none.
func read(r *http.Request, into *ask) error {
	if r.Method != http.MethodPost {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return fmt.Errorf("faultllm: read request: %w", err)
	}
	if len(body) > maxBody {
		return fmt.Errorf("faultllm: read request: more than %d bytes", maxBody)
	}
	return into.parse(body)
}

// play counts the hit, watches for the client's leaving and runs the row.
func (s *Service) play(x *exchange, chosen *row) {
	x.scenario = chosen.ID
	x.hit = s.stats.hit(chosen.ID)
	s.cfg.Logger.Debug("play scenario", "id", chosen.ID, "hit", x.hit, "stream", x.ask.streams(), "proto", x.r.Proto)
	start := s.cfg.Now()
	leave := func() {
		if x.resets.Load() || linkOf(x.r).stopping() {
			return
		}
		now := s.cfg.Now()
		s.stats.cancel(Cancel{Scenario: chosen.ID, At: now, After: now.Sub(start)})
	}
	done := make(chan struct{})
	stop := context.AfterFunc(x.r.Context(), func() {
		defer close(done)
		leave()
	})
	defer func() {
		switch {
		case !stop():
			<-done
		case x.lost || x.gone(): // the context's channel closes before stop knows
			leave()
		}
	}()
	run(x, chosen)
	if x.lost || x.gone() {
		abort() // a stop of the service must not look like a clean end
	}
}

// run plays the row, or what the call gets in its place.
func run(x *exchange, chosen *row) {
	switch {
	case !chosen.early && !chosen.plays(x.ask.streams()), !x.ask.dialect.knows(chosen):
		healthy(x)
	case chosen.HTTP != "" && (chosen.HTTP == "2") != (x.r.ProtoMajor == 2):
		msg := fmt.Sprintf("Scenario %s exists over HTTP/%s only.", chosen.ID, chosen.HTTP)
		reply(x.w, http.StatusHTTPVersionNotSupported, typeJSON, invalid(msg, "", "http_version"))
	default:
		chosen.play(x)
	}
}

package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// heartbeat keeps proxies from closing a silent feed.
	heartbeat = 15 * time.Second
	// stall is how long one write may take.
	stall = 10 * time.Second
)

// wantsFeed says whether the client asked for server-sent events.
func wantsFeed(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		media, _, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
			return true
		}
	}
	return false
}

// feed follows the hub until the client leaves, stops reading, or the hub ends.
func (a api) feed(w http.ResponseWriter, r *http.Request) {
	sub, since, err := a.cfg.Hub.join(r.Header.Get("Last-Event-ID"))
	if err != nil {
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, "no_feed", err.Error())
		return
	}
	defer a.cfg.Hub.leave(sub)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	f := feedWriter{hub: a.cfg.Hub, sub: sub, own: a.ownEvents(r), w: w, rc: http.NewResponseController(w)}
	if err := f.send("retry: 3000\n: calls as they start and end, findings as they change\n\n"); err != nil {
		return
	}
	for _, m := range since {
		if err := f.message(m); err != nil {
			return
		}
	}
	f.follow(r)
}

// feedWriter writes one feed.
type feedWriter struct {
	hub *Hub
	sub *subscriber
	// own is an event as the reader may see it; ok is false if it is not for him.
	own func(message) (_ message, ok bool)
	w   http.ResponseWriter
	rc  *http.ResponseController
}

func (f feedWriter) follow(r *http.Request) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var err error
	for err == nil {
		select {
		case m := <-f.sub.ch:
			err = f.message(m)
		case <-beat.C:
			err = f.beat()
		case <-f.hub.done:
			f.rest()
			return
		case <-r.Context().Done():
			return
		}
	}
}

// rest sends what was published before the hub ended.
func (f feedWriter) rest() {
	for {
		select {
		case m := <-f.sub.ch:
			if f.message(m) != nil {
				return
			}
		default:
			return
		}
	}
}

// beat writes a comment, or what a reader who was too slow has missed.
func (f feedWriter) beat() error {
	if newest := f.hub.newest(); len(f.sub.ch) == 0 && newest > f.sub.last {
		return f.gap(newest + 1)
	}
	return f.send(": alive\n\n")
}

// message writes one event, and before it how many are missing.
func (f feedWriter) message(m message) error {
	if m.seq <= f.sub.last {
		return nil // already sent from what was remembered
	}
	if m.seq > f.sub.last+1 {
		if err := f.gap(m.seq); err != nil {
			return err
		}
	}
	f.sub.last = m.seq
	m, ok := f.own(m)
	if !ok {
		return nil
	}
	body, err := m.body()
	if err != nil {
		return f.send(": an event has no JSON form\n\n")
	}
	return f.send(fmt.Sprintf("id: %s.%d\nevent: %s\ndata: %s\n\n", f.hub.epoch, m.seq, m.event, body))
}

// ownEvents returns what turns events into those of the feed's reader.
func (a api) ownEvents(r *http.Request) func(message) (message, bool) {
	mine := a.shelf(r)
	return func(m message) (_ message, ok bool) {
		if m.record != nil {
			return m, mine.v.sees(m.record)
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		finding, ok := mine.own(ctx, *m.finding, map[string]bool{})
		m.finding = &finding
		return m, ok
	}
}

// gap says how many events before number next are missing.
func (f feedWriter) gap(next uint64) error {
	missed := next - f.sub.last - 1
	f.sub.last = next - 1
	return f.send(fmt.Sprintf("event: gap\ndata: {\"missed\":%d}\n\n", missed))
}

// send writes and flushes; a reader who does not take it in time is cut off.
func (f feedWriter) send(text string) error {
	if err := f.rc.SetWriteDeadline(time.Now().Add(stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := f.w.Write([]byte(text)); err != nil {
		return err
	}
	return f.rc.Flush()
}

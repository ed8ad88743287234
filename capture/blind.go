package capture

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"llmtap/capture/relay"
	"llmtap/internal/call"
)

// maxBlind bounds the table of unseen connections; the oldest entry goes first.
const maxBlind = 512

type blindKey struct {
	host, reason string
	port         int
}

// blindTable remembers which connections were not looked into, and why, so
// that nobody takes unseen for healthy.
type blindTable struct {
	mu   sync.Mutex
	rows map[blindKey]*call.Tunnel
}

func newBlindTable() *blindTable { return &blindTable{rows: map[blindKey]*call.Tunnel{}} }

// blindOpen is one connection counted in the table.
type blindOpen struct {
	t   *blindTable
	row *call.Tunnel
}

func (b *blindTable) open(host string, port int, reason, detail string) blindOpen {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, now := blindKey{host, reason, port}, time.Now()
	row := b.rows[k]
	if row == nil {
		if len(b.rows) >= maxBlind {
			b.evict()
		}
		row = &call.Tunnel{Host: host, Port: port, Reason: reason, Remedy: blindRemedy(reason), Since: now}
		b.rows[k] = row
	}
	row.Count++
	row.Open++
	row.Last = now
	if detail != "" {
		row.Detail = detail
	}
	return blindOpen{b, row}
}

func (b *blindTable) evict() {
	var oldest blindKey
	var at time.Time
	for k, r := range b.rows {
		if at.IsZero() || r.Last.Before(at) {
			oldest, at = k, r.Last
		}
	}
	delete(b.rows, oldest)
}

func (o blindOpen) done(res relay.Result) {
	o.t.mu.Lock()
	defer o.t.mu.Unlock()
	o.row.Open--
	o.row.Up += res.Up
	o.row.Down += res.Down
	o.row.Last = time.Now()
}

func (b *blindTable) list() []call.Tunnel {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]call.Tunnel, 0, len(b.rows))
	for _, r := range b.rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(x, y call.Tunnel) int {
		return cmp.Or(y.Last.Compare(x.Last), cmp.Compare(x.Host, y.Host), cmp.Compare(x.Reason, y.Reason))
	})
	return out
}

// blindRemedy says in one sentence what would make such a connection visible.
func blindRemedy(reason string) string {
	switch reason {
	case "not_listed":
		return "not an LLM host known to llmtap; add --intercept HOST to look into it"
	case "upstream_tls":
		return "the service's certificate did not verify here; give its CA with --upstream-ca FILE, or mend the certificate"
	case "client_certificate":
		return "the service asks for a client certificate, which cannot be relayed; use a base-URL route without it, or leave it unseen"
	case "distrust":
		return "the client does not trust llmtap's certificate; start it with the variables of `llmtap env`; it is looked into again after an hour, or when llmtap is restarted, which forgets what it learned"
	case "name_constraint":
		return "the authority may not sign for this name; run `llmtap ca rotate` after adding it to the intercepted hosts"
	case "sni", "ech":
		return "the client asked for another name inside TLS than in CONNECT; nothing to do unless it is misconfigured"
	case "old_tls":
		return "the client or service speaks TLS below 1.2; upgrade it"
	case "not_tls":
		return "cleartext inside CONNECT; use http:// without CONNECT, or a base-URL route"
	case "tunnel_only":
		return "llmtap runs with --tunnel-only; restart it without to look into LLM calls"
	}
	return ""
}

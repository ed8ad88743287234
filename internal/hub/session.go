package hub

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

const (
	// life is how long a session lasts at most.
	life = 8 * time.Hour
	// recheck is how long the hub's word about a user is taken: so long a logged
	// out or removed user, or one who is no admin any more, keeps what he had.
	recheck = 5 * time.Minute
	// maxSessions bounds them; beyond it the one that ends first goes.
	maxSessions = 4096
)

// Secrets of two kinds open a session: neither can be used as the other.
const (
	byCookie = "cookie "
	byToken  = "token "
)

// session is one logged-in browser or program.
type session struct {
	user  User
	token string
	// until is its end, asked when the hub was asked last.
	until, asked time.Time
}

// sessions are found by a secret that the client has.
type sessions struct {
	mu  sync.Mutex
	all map[string]session // by digest of the secret
}

// digest is what a secret is kept as.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// random is a secret that nobody can guess.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// find returns the session of a secret that is not over.
func (s *sessions) find(secret string, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[digest(secret)]
	return one, ok && now.Before(one.until)
}

// put keeps a session and makes room for it.
func (s *sessions) put(secret string, one session, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := digest(secret)
	if _, there := s.all[key]; !there && len(s.all) >= maxSessions {
		s.makeRoom(now)
	}
	s.all[key] = one
}

// renew keeps what the hub said anew, unless the browser's session was ended
// meanwhile. A program's token is a session from its first use.
func (s *sessions) renew(secret string, one session, now time.Time) {
	s.mu.Lock()
	_, there := s.all[digest(secret)]
	s.mu.Unlock()
	if there || !strings.HasPrefix(secret, byCookie) {
		s.put(secret, one, now)
	}
}

// makeRoom drops what is over, else what is over first; s.mu is held.
func (s *sessions) makeRoom(now time.Time) {
	first := ""
	for key, one := range s.all {
		if !now.Before(one.until) {
			delete(s.all, key)
		} else if first == "" || one.until.Before(s.all[first].until) {
			first = key
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, first)
	}
}

// end forgets a session.
func (s *sessions) end(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, digest(secret))
}

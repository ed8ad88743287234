package hub_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestLogin(t *testing.T) {
	for user, want := range map[string]string{"ada": "ada false", "bob": "bob false", "root": "root true", "deputy": "deputy true"} {
		s := newSite(t)
		b := s.browser()
		w := b.get(callback(s.grant(user), b.begin(prefix+"call/a?x=1")))
		if w.Code != http.StatusFound || w.Header().Get("Location") != prefix+"call/a?x=1" {
			t.Errorf("%s: %d to %q", user, w.Code, w.Header().Get("Location"))
		}
		if len(b.cookies) != 1 {
			t.Errorf("%s has the cookies %v", user, b.cookies)
		}
		for name, value := range b.cookies {
			if strings.Contains(name+value, "token") || len(value) != 64 {
				t.Errorf("cookie %s=%s", name, value)
			}
		}
		b.shows(prefix, want)
		b.shows(prefix+"api/v1/calls", want)
		if n := s.hub.questions(); n != 1 {
			t.Errorf("the hub was asked %d times", n)
		}
	}
}

// TestSecureBehindHTTPS: the hub's proxy says how the browser came.
func TestSecureBehindHTTPS(t *testing.T) {
	for proto, want := range map[string]bool{"": false, "http": false, "https": true, "https,http": true, "HTTPS , http": true, "http,https": false} {
		w := newSite(t).browser().get(prefix, "X-Forwarded-Proto", proto)
		if got := strings.Contains(w.Header().Get("Set-Cookie"), "Secure"); got != want {
			t.Errorf("%q: %s", proto, w.Header().Get("Set-Cookie"))
		}
	}
}

func TestWhoMayNotUseTheService(t *testing.T) {
	for _, user := range []string{"guest", "odd", "nobody"} {
		s := newSite(t)
		b := s.browser()
		w := b.login(user)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), mayOpen) || len(b.cookies) != 0 {
			t.Errorf("%s: %d %s, cookies %v", user, w.Code, w.Body, b.cookies)
		}
		if w := b.get(prefix, "Authorization", "token token-"+user); w.Code != http.StatusForbidden {
			t.Errorf("%s with a token: %d %s", user, w.Code, w.Body)
		}
	}
}

// TestForgedStates: only a login that this browser began ends in it.
func TestForgedStates(t *testing.T) {
	forge := func(state, next string) string {
		body := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"id":"a","until":99999999999,"next":%q}`, next)))
		_, mac, _ := strings.Cut(state, ".")
		return body + "." + mac
	}
	for name, state := range map[string]func(s *site, b *browser) string{
		"none":            func(*site, *browser) string { return "" },
		"garbage":         func(*site, *browser) string { return "garbage" },
		"no signature":    func(_ *site, b *browser) string { s, _, _ := strings.Cut(b.begin(prefix), "."); return s + "." },
		"another path":    func(_ *site, b *browser) string { return forge(b.begin(prefix), "https://evil.example/") },
		"another browser": func(s *site, _ *browser) string { return s.browser().begin(prefix) },
		"too old": func(s *site, b *browser) string {
			state := b.begin(prefix)
			s.now = s.now.Add(10 * time.Minute)
			return state
		},
		"another process": func(s *site, b *browser) string {
			other := newSite(s.t).browser()
			state := other.begin(prefix)
			b.cookies = other.cookies
			return state
		},
		"used before": func(s *site, b *browser) string {
			state := b.begin(prefix)
			b.get(callback(s.grant("ada"), state))
			b.cookies = map[string]string{}
			return state
		},
	} {
		s := newSite(t)
		b := s.browser()
		text := state(s, b)
		asked, had := s.hub.questions(), len(b.cookies)
		w := b.get(callback(s.grant("bob"), text))
		if w.Code != http.StatusForbidden || w.Header().Get("Location") != "" || len(b.cookies) != had || s.hub.questions() != asked {
			t.Errorf("%s: %d to %q, cookies %v", name, w.Code, w.Header().Get("Location"), b.cookies)
		}
	}
}

// TestACodeIsGoodOnce: one that was read by others opens nothing any more.
func TestACodeIsGoodOnce(t *testing.T) {
	s := newSite(t)
	code, b := s.grant("ada"), s.browser()
	b.get(callback(code, b.begin(prefix)))
	b.shows(prefix, "ada false")
	thief := s.browser()
	w := thief.get(callback(code, thief.begin(prefix)))
	if w.Code != http.StatusForbidden || len(thief.cookies) != 0 || !strings.Contains(w.Body.String(), "does not take this login") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := thief.get(callback("", thief.begin(prefix)) + "&error=access_denied&error_description=%3Cscript%3E"); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "script") {
		t.Errorf("a refusal: %d %s", w.Code, w.Body)
	}
}

// TestTwoTabsLogInAtOnce: neither undoes the other.
func TestTwoTabsLogInAtOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	one, two := b.begin(prefix+"one"), b.begin(prefix+"two")
	for _, tab := range []struct{ state, want string }{{one, "one"}, {two, "two"}} {
		if w := b.get(callback(s.grant("ada"), tab.state)); w.Header().Get("Location") != prefix+tab.want {
			t.Errorf("%d to %q, want %s", w.Code, w.Header().Get("Location"), tab.want)
		}
		s.now = s.now.Add(time.Second)
	}
	b.shows(prefix, "ada false")
}

func TestTheHubIsAway(t *testing.T) {
	for name, status := range map[string]int{"broken": 500, "busy": 503, "redirecting": 302} {
		s := newSite(t)
		b, state, code := s.browser(), "", s.grant("ada")
		state = b.begin(prefix)
		s.hub.set(func() { s.hub.status = status })
		w := b.get(callback(code, state))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(s.log.String(), "could not say who asks") {
			t.Errorf("%s: %d %s, log %s", name, w.Code, w.Body, s.log)
		}
		if w := b.get(prefix+"api/v1/calls", "Authorization", "token token-ada"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s, with a token: %d %s", name, w.Code, w.Body)
		}
	}
	s := newSite(t)
	b := s.browser()
	b.login("ada")
	s.hub.Close()
	b.shows(prefix, "ada false") // for as long as the hub's word is taken
	s.now = s.now.Add(5 * time.Minute)
	if w := b.get(prefix); w.Code != http.StatusServiceUnavailable {
		t.Errorf("nobody to ask: %d %s", w.Code, w.Body)
	}
}

package hub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// loginTime is how long a login may take.
const loginTime = 10 * time.Minute

// state goes with a login to the hub and comes back. It is signed, so that
// nothing about logins has to be remembered, and the browser that began has it
// as a cookie, so that nobody can be logged in by somebody else's link.
type state struct {
	// ID names the cookie: several tabs may log in at once.
	ID string `json:"id"`
	// Until is when it is void, in Unix seconds.
	Until int64 `json:"until"`
	// Next is the path to go to afterwards.
	Next string `json:"next"`
}

func (s state) sealed(key []byte) string {
	b, err := json.Marshal(s)
	if err != nil {
		return "" // a struct of strings always has a JSON form
	}
	text := base64.RawURLEncoding.EncodeToString(b)
	return text + "." + sign(key, text)
}

// openState reads a state that was sealed here and is not void.
func openState(key []byte, text string, now time.Time) (s state, ok bool) {
	body, mac, _ := strings.Cut(text, ".")
	if !hmac.Equal([]byte(mac), []byte(sign(key, body))) {
		return state{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(b, &s) != nil || now.Unix() >= s.Until {
		return state{}, false
	}
	return s, true
}

func sign(key []byte, text string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

package capture

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// ProxyToken is the password of user in the proxy URL: a keyed hash of the
// name, so that nobody can pose as somebody else.
func ProxyToken(secret []byte, user string) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("llmtap proxy token\x00" + user))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// authenticate returns the user of a Proxy-Authorization value, as records name
// him. With auth none the value is not looked at; optional takes calls without a
// token, or with a wrong one, as unknown: a token of a secret that was replaced
// costs a running server its name, not its calls.
func authenticate(cfg Config, header string) (user string, err error) {
	if cfg.Auth == AuthNone || cfg.Auth == "" {
		return "", nil
	}
	name, ok := proven(cfg.Secret, header)
	switch {
	case !ok && cfg.Auth == AuthOptional:
		return "unknown", nil
	case !ok:
		return "", errAuth
	case cfg.Hooks.User != nil:
		name = cfg.Hooks.User(name)
	}
	return name, nil
}

// proven returns the user whose token the value holds.
func proven(secret []byte, header string) (user string, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	user, token, found := strings.Cut(string(raw), ":")
	if err != nil || !found || !strings.EqualFold(scheme, "basic") {
		return "", false
	}
	return user, subtle.ConstantTimeCompare([]byte(token), []byte(ProxyToken(secret, user))) == 1
}

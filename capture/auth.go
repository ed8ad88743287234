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
// him. With auth none
// the value is not looked at; optional takes calls without one as unknown.
func authenticate(cfg Config, header string) (user string, err error) {
	if cfg.Auth == AuthNone || cfg.Auth == "" {
		return "", nil
	}
	if header == "" && cfg.Auth == AuthOptional {
		return "unknown", nil
	}
	scheme, rest, _ := strings.Cut(header, " ")
	raw, derr := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	name, token, ok := strings.Cut(string(raw), ":")
	if derr != nil || !ok || !strings.EqualFold(scheme, "basic") {
		return "", errAuth
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(ProxyToken(cfg.Secret, name))) != 1 {
		return "", errAuth
	}
	if cfg.Hooks.User != nil {
		name = cfg.Hooks.User(name)
	}
	return name, nil
}

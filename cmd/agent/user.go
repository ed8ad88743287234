package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// How records name the user of a proxy token (identity.user).
const (
	userOff  = "off"  // not at all
	userHash = "hash" // by a pseudonym that only this installation can make
	userName = "name" // by name: the admin decided so
)

// namer returns how records name a user. The pseudonym is a keyed hash, so that
// calls of one user stay together and nobody can try names without the key.
func namer(mode string, secret []byte) func(user string) string {
	return func(user string) string {
		switch mode {
		case userName:
			return user
		case userHash:
			m := hmac.New(sha256.New, secret)
			m.Write([]byte("llmtap user\x00" + user))
			return "u-" + hex.EncodeToString(m.Sum(nil)[:6])
		}
		return ""
	}
}

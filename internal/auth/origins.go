package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Origins names addresses in a way that tells which are the same, and not which they are: without the secret nobody can
// try all addresses there are.
type Origins struct{ key []byte }

// originBytes is how much of a hash is kept: no two addresses have the same by chance.
const originBytes = 16

// NewOrigins derives a key from the program's secret.
func NewOrigins(secret []byte) *Origins {
	return &Origins{deriveKey(secret, "risingstars origins v1")}
}

// OriginOf is the name of an address, "" for none.
func (o *Origins) OriginOf(address string) string {
	if address == "" {
		return ""
	}
	mac := hmac.New(sha256.New, o.key)
	mac.Write([]byte(address))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:originBytes])
}

// deriveKey is a key for one purpose, which says nothing about the secret or other keys.
func deriveKey(secret []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

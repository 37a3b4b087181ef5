package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Origins computes keyed hashes (HMAC-SHA256) of addresses. Equal addresses have equal hashes. Without the secret the
// address cannot be found by hashing all possible addresses.
type Origins struct{ key []byte }

// originBytes is the length of an origin: 128 bits of the hash, so a collision of two addresses is practically
// impossible.
const originBytes = 16

// NewOrigins derives the key from the program's secret.
func NewOrigins(secret []byte) *Origins {
	return &Origins{deriveKey(secret, "risingstars origins v1")}
}

// OriginOf is the keyed hash of an address in base64url, or "" for "".
func (o *Origins) OriginOf(address string) string {
	if address == "" {
		return ""
	}
	mac := hmac.New(sha256.New, o.key)
	mac.Write([]byte(address))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:originBytes])
}

// deriveKey derives the key for one purpose from the secret. It reveals nothing about the secret or the other keys.
func deriveKey(secret []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

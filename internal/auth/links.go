package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// SignedLinks makes signed links to media that are not public. A signed link opens one object until it expires, for
// every client that has the link.
type SignedLinks struct {
	key []byte
	old [][]byte // keys of old secrets: verify, but do not sign
	ttl time.Duration
	now func() time.Time
}

// NewSignedLinks makes links that are valid for at least ttl and at most 1.1 ttl. It derives the key from the
// program's secret, so that a link's signature reveals nothing about tokens. Links signed with an old secret stay
// valid until they expire.
func NewSignedLinks(secret []byte, ttl time.Duration, now func() time.Time, old ...[]byte) *SignedLinks {
	const purpose = "risingstars media links v1"
	l := &SignedLinks{key: deriveKey(secret, purpose), ttl: ttl, now: now}
	for _, secret := range old {
		l.old = append(l.old, deriveKey(secret, purpose))
	}
	return l
}

// SignKey returns the query that opens the object under key. It rounds the expiry to a multiple of ttl/10, so that
// the object has the same link during that time and browsers can cache it.
func (l *SignedLinks) SignKey(key string) url.Values {
	step := l.ttl / 10
	expires := strconv.FormatInt(l.now().Add(l.ttl+step).Truncate(step).Unix(), 10)
	return url.Values{"expires": {expires}, "signature": {signatureOf(l.key, key, expires)}}
}

// VerifyQuery reports whether the query has a valid signature for the key and has not expired.
func (l *SignedLinks) VerifyQuery(key string, query url.Values) bool {
	expires := query.Get("expires")
	at, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || l.now().Unix() >= at {
		return false
	}
	given := []byte(query.Get("signature"))
	good := hmac.Equal(given, []byte(signatureOf(l.key, key, expires)))
	for _, old := range l.old {
		good = good || hmac.Equal(given, []byte(signatureOf(old, key, expires)))
	}
	return good
}

// signatureOf is the HMAC-SHA256 of the expiry and the key, in base64url.
func signatureOf(secret []byte, key, expires string) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s\n%s", expires, key)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

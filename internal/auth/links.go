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

// Links signs links to media that are not for everybody: whoever holds one may open that one object until it expires.
type Links struct {
	key []byte
	ttl time.Duration
	now func() time.Time
}

// NewLinks makes links that work for at least ttl. The key is derived from the program's secret, so that a link's
// signature says nothing about tokens.
func NewLinks(secret []byte, ttl time.Duration, now func() time.Time) *Links {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("risingstars media links v1"))
	return &Links{key: mac.Sum(nil), ttl: ttl, now: now}
}

// Query signs an object's key. The time of expiry is rounded up to a tenth of ttl, so that the same object has the
// same link for a while and browsers can cache it.
func (l *Links) Query(key string) url.Values {
	step := l.ttl / 10
	expires := strconv.FormatInt(l.now().Add(l.ttl+step).Truncate(step).Unix(), 10)
	return url.Values{"expires": {expires}, "signature": {l.sign(key, expires)}}
}

// Valid reports whether the query was made for the key and has not expired.
func (l *Links) Valid(key string, query url.Values) bool {
	expires := query.Get("expires")
	at, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || l.now().Unix() >= at {
		return false
	}
	return hmac.Equal([]byte(query.Get("signature")), []byte(l.sign(key, expires)))
}

func (l *Links) sign(key, expires string) string {
	mac := hmac.New(sha256.New, l.key)
	fmt.Fprintf(mac, "%s\n%s", expires, key)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

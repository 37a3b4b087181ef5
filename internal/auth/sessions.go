package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"time"
)

// SessionStore stores sessions by the SHA-256 of their token. Each method is one transaction.
type SessionStore interface {
	AddSession(ctx context.Context, tokenHash string, playerID, generation int64, now, expires time.Time) error
	// Session returns an error if there is no such session. It may return one that has expired.
	Session(ctx context.Context, tokenHash string) (playerID, generation int64, expires time.Time, err error)
	ExtendSession(ctx context.Context, tokenHash string, expires time.Time) error
	DeleteSession(ctx context.Context, tokenHash string) error
}

// SessionLife is how long a browser stays signed in after its last visit. PlayerOfCookie extends a session at most
// once a day.
const SessionLife = 30 * 24 * time.Hour

// Sessions keeps browsers signed in with a cookie that contains only a random token of 256 bits.
type Sessions struct {
	Store  SessionStore
	Clock  func() time.Time
	Secure bool // browsers reach the site over TLS only
}

// cookieName has the prefix __Host- on TLS: browsers then accept the cookie only from this host, over TLS, without a
// Domain attribute (RFC 6265bis).
func (s *Sessions) cookieName() string {
	if s.Secure {
		return "__Host-session"
	}
	return "session"
}

// BeginSession signs a browser in at the player's current session version. It deletes the session of the request's
// cookie, if there is one.
func (s *Sessions) BeginSession(w http.ResponseWriter, r *http.Request, playerID, generation int64) error {
	if err := s.deleteSession(r); err != nil {
		return err
	}
	var random [32]byte
	rand.Read(random[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(random[:])
	now := s.Clock()
	if err := s.Store.AddSession(r.Context(), hashSessionToken(token), playerID, generation, now, now.Add(SessionLife)); err != nil {
		return err
	}
	s.setCookie(w, token, int(SessionLife/time.Second))
	return nil
}

// PlayerOfCookie returns the player of the session cookie and the session version at its sign-in. It returns
// ErrInvalidToken without a cookie or after the expiry, and the store's error if there is no such session. If the
// session was last extended more than a day ago, PlayerOfCookie extends it and sets the cookie again.
func (s *Sessions) PlayerOfCookie(w http.ResponseWriter, r *http.Request) (playerID, generation int64, err error) {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return 0, 0, ErrInvalidToken
	}
	hash := hashSessionToken(cookie.Value)
	playerID, generation, expires, err := s.Store.Session(r.Context(), hash)
	if err != nil {
		return 0, 0, err
	}
	now := s.Clock()
	if !now.Before(expires) {
		return 0, 0, ErrInvalidToken
	}
	if expires.Sub(now) < SessionLife-24*time.Hour {
		if err := s.Store.ExtendSession(r.Context(), hash, now.Add(SessionLife)); err != nil {
			return 0, 0, err
		}
		s.setCookie(w, cookie.Value, int(SessionLife/time.Second))
	}
	return playerID, generation, nil
}

// EndSession deletes the cookie in the browser and the session in the store.
func (s *Sessions) EndSession(w http.ResponseWriter, r *http.Request) error {
	s.setCookie(w, "", -1)
	return s.deleteSession(r)
}

func (s *Sessions) deleteSession(r *http.Request) error {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil //nolint:nilerr // no cookie, no session
	}
	return s.Store.DeleteSession(r.Context(), hashSessionToken(cookie.Value))
}

func (s *Sessions) setCookie(w http.ResponseWriter, token string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// hashSessionToken is the SHA-256 of a token. The store has only the hash, so a leaked database does not reveal valid
// cookies.
func hashSessionToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

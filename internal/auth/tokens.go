package auth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrInvalidToken is returned for every token that does not prove anything: malformed, expired, tampered with, or signed in
// any way but HS256. Which of these it was is nobody's business.
var ErrInvalidToken = errors.New("invalid token")

// Tokens issues and checks JSON Web Tokens (RFC 7519), signed with HS256 (RFC 7518 section 3.2), for players.
type Tokens struct {
	keys   []tokenKey // the first signs
	ttl    time.Duration
	now    func() time.Time
	parser *jwt.Parser
}

// tokenKey is a secret, and the key id by which tokens say that they were signed with it (kid, RFC 7515 section 4.1.4).
type tokenKey struct {
	id     string
	secret []byte
}

// NewTokens makes tokens that are good for ttl, in whole seconds. Each secret should have 32 bytes or more; the old ones
// sign nothing any more, and what they have signed is good until it expires.
func NewTokens(secret []byte, ttl time.Duration, now func() time.Time, old ...[]byte) *Tokens {
	t := &Tokens{ttl: ttl, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(now),
	)}
	for _, secret := range append([][]byte{secret}, old...) {
		t.keys = append(t.keys, tokenKey{keyIDOf(secret), secret})
	}
	return t
}

// keyIDBytes of a hash are enough to tell a few keys apart.
const keyIDBytes = 6

func keyIDOf(secret []byte) string {
	return hex.EncodeToString(deriveKey(secret, "risingstars kid v1")[:keyIDBytes])
}

// claims are what a token says.
type claims struct {
	jwt.RegisteredClaims

	Generation int64 `json:"gen,omitempty"` // the player's session version
}

// IssueToken makes a token for a player of a generation, and says in how many seconds it expires; its exp claim agrees.
func (t *Tokens) IssueToken(playerID, generation int64) (token string, expiresIn int, err error) {
	now := t.now()
	signed := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   strconv.FormatInt(playerID, 10),
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(t.ttl)),
		},
		Generation: generation,
	})
	signed.Header["kid"] = t.keys[0].id
	token, err = signed.SignedString(t.keys[0].secret)
	if err != nil {
		return "", 0, fmt.Errorf("sign a token: %w", err)
	}
	return token, int(t.ttl / time.Second), nil
}

// PlayerOfToken returns whom a token is for and of which generation, or ErrInvalidToken. A token that does not name its key is tried
// with each.
func (t *Tokens) PlayerOfToken(token string) (playerID, generation int64, err error) {
	var c claims
	_, err = t.parser.ParseWithClaims(token, &c, t.verificationKeys)
	if err != nil {
		return 0, 0, ErrInvalidToken
	}
	playerID, err = strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || playerID <= 0 {
		return 0, 0, ErrInvalidToken
	}
	return playerID, c.Generation, nil
}

func (t *Tokens) verificationKeys(token *jwt.Token) (any, error) {
	id, named := token.Header["kid"]
	var set jwt.VerificationKeySet
	for _, key := range t.keys {
		if !named || id == key.id {
			set.Keys = append(set.Keys, key.secret)
		}
	}
	if len(set.Keys) == 0 {
		return nil, ErrInvalidToken
	}
	return set, nil
}

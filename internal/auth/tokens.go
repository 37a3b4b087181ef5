package auth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrInvalidToken is returned for every token that is not valid: malformed, expired, tampered with, or signed with an
// algorithm other than HS256. The client does not learn which it was.
var ErrInvalidToken = errors.New("invalid token")

// Tokens issues and verifies JSON Web Tokens (RFC 7519) for players, signed with HS256 (RFC 7518 section 3.2).
type Tokens struct {
	keys   []tokenKey // the first signs; all verify
	ttl    time.Duration
	now    func() time.Time
	parser *jwt.Parser
}

// tokenKey is a secret and its key id, which a token names in its header (kid, RFC 7515 section 4.1.4).
type tokenKey struct {
	id     string
	secret []byte
}

// NewTokens issues tokens that are valid for ttl, in whole seconds. Each secret should have 32 bytes or more. Old
// secrets only verify: tokens that they signed stay valid until they expire.
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

// keyIDBytes is how many bytes of a hash make a key id. They are enough to distinguish a few keys.
const keyIDBytes = 6

func keyIDOf(secret []byte) string {
	return hex.EncodeToString(deriveKey(secret, "risingstars kid v1")[:keyIDBytes])
}

// claims is the payload of a token.
type claims struct {
	jwt.RegisteredClaims

	Generation int64 `json:"gen,omitempty"` // the player's session version
}

// IssueToken issues a token for a player at a session version. It returns the seconds until the token expires, which
// match its exp claim.
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

// PlayerOfToken returns the player and the session version of a token, or ErrInvalidToken. If the token's header has
// a key id, it tries only that key, else it tries every key.
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

// verificationKeys returns the keys with which to verify a token: the one with its key id, or all keys if it has
// none.
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

package auth

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrToken is returned for every token that does not prove anything: malformed, expired, tampered with, or signed in
// any way but HS256. Which of these it was is nobody's business.
var ErrToken = errors.New("invalid token")

// Tokens issues and checks JSON Web Tokens (RFC 7519), signed with HS256 (RFC 7518 section 3.2), for players.
type Tokens struct {
	key    []byte
	ttl    time.Duration
	now    func() time.Time
	parser *jwt.Parser
}

// NewTokens makes tokens that are good for ttl, in whole seconds. The key should have 32 bytes or more.
func NewTokens(key []byte, ttl time.Duration, now func() time.Time) *Tokens {
	return &Tokens{key: key, ttl: ttl, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(now),
	)}
}

// Issue makes a token for a player and says in how many seconds it expires; its exp claim agrees.
func (t *Tokens) Issue(playerID int64) (token string, expiresIn int, err error) {
	now := t.now()
	claims := jwt.RegisteredClaims{
		Subject:   strconv.FormatInt(playerID, 10),
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(t.ttl)),
	}
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(t.key)
	if err != nil {
		return "", 0, fmt.Errorf("sign a token: %w", err)
	}
	return token, int(t.ttl / time.Second), nil
}

// Player returns whom a token is for, or ErrToken.
func (t *Tokens) Player(token string) (playerID int64, err error) {
	var claims jwt.RegisteredClaims
	_, err = t.parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return t.key, nil })
	if err != nil {
		return 0, ErrToken
	}
	playerID, err = strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil || playerID <= 0 {
		return 0, ErrToken
	}
	return playerID, nil
}

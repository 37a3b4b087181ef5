package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

var (
	key   = []byte("0123456789abcdef0123456789abcdef")
	start = time.Date(2026, 1, 15, 10, 30, 0, 987654321, time.UTC)
)

// clock returns a fixed time, which the test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, id := range []int64{1, 42, 1<<63 - 1} {
		c := &clock{start}
		tokens := NewTokens(key, time.Hour, c.now)

		token, expiresIn, err := tokens.IssueToken(id, 0)

		if err != nil || expiresIn != 3600 {
			t.Fatalf("got expires_in %d, %v", expiresIn, err)
		}
		got, _, err := tokens.PlayerOfToken(token)
		if got != id || err != nil {
			t.Errorf("got %d, %v, want %d", got, err, id)
		}
		header, claims := parts(t, token)
		if diff := cmp.Diff(map[string]any{"alg": "HS256", "typ": "JWT", "kid": keyIDOf(key)}, header); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		if claims["exp"] != float64(start.Unix()+3600) || claims["iat"] != float64(start.Unix()) {
			t.Errorf("exp and iat do not agree with expires_in: %v", claims)
		}
		if len(claims) != 3 {
			t.Errorf("more is told than needed: %v", claims)
		}
	}
}

// parts decodes a token without verifying it.
func parts(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	split := strings.Split(token, ".")
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(split[i])
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	c := &clock{start}
	tokens := NewTokens(key, time.Hour, c.now)
	token, _, err := tokens.IssueToken(7, 0)
	if err != nil {
		t.Fatal(err)
	}
	expires := start.Truncate(time.Second).Add(time.Hour)
	for _, test := range []struct {
		at   time.Time
		good bool
	}{
		{start, true},
		{expires.Add(-time.Second), true},
		{expires.Add(-1), true},
		{expires, false},
		{expires.Add(time.Second), false},
		{expires.Add(1000 * time.Hour), false},
	} {
		c.at = test.at
		id, _, err := tokens.PlayerOfToken(token)
		if test.good && (id != 7 || err != nil) || !test.good && (id != 0 || !errors.Is(err, ErrInvalidToken)) {
			t.Errorf("%s before it expires: got %d, %v", expires.Sub(test.at), id, err)
		}
	}
}

// rsaKey is generated once, because that is slow.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func TestTokensThatProveNothing(t *testing.T) {
	t.Parallel()
	private, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&private.PublicKey)})
	good := jwt.MapClaims{"sub": "7", "iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}
	sign := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		t.Helper()
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	with := func(name string, value any) string {
		t.Helper()
		claims := maps.Clone(good)
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
		return sign(jwt.SigningMethodHS256, key, claims)
	}
	valid := sign(jwt.SigningMethodHS256, key, good)
	split := strings.Split(valid, ".")
	encode := base64.RawURLEncoding.EncodeToString
	tests := map[string]struct {
		token string
		want  int64
	}{
		"good, to show that the others are not wrong in another way": {valid, 7},
		"sub another, good too":     {with("sub", "8"), 8},
		"empty":                     {"", 0},
		"no token":                  {"no token", 0},
		"dots":                      {"..", 0},
		"two parts":                 {split[0] + "." + split[1], 0},
		"four parts":                {valid + ".x", 0},
		"no signature":              {split[0] + "." + split[1] + ".", 0},
		"another's claims":          {split[0] + "." + encode([]byte(`{"sub":"8","exp":4102444800}`)) + "." + split[2], 0},
		"signature changed":         {split[0] + "." + split[1] + "." + flip(split[2]), 0},
		"another key":               {sign(jwt.SigningMethodHS256, []byte("another key of thirty-two bytes.."), good), 0},
		"empty key":                 {sign(jwt.SigningMethodHS256, []byte{}, good), 0},
		"alg none":                  {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good), 0},
		"alg none, signature kept":  {encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + split[1] + "." + split[2], 0},
		"alg None":                  {encode([]byte(`{"alg":"None","typ":"JWT"}`)) + "." + split[1] + ".", 0},
		"alg absent":                {encode([]byte(`{"typ":"JWT"}`)) + "." + split[1] + "." + split[2], 0},
		"HS384":                     {sign(jwt.SigningMethodHS384, key, good), 0},
		"HS512":                     {sign(jwt.SigningMethodHS512, key, good), 0},
		"RS256":                     {sign(jwt.SigningMethodRS256, private, good), 0},
		"HS256 with the public key": {sign(jwt.SigningMethodHS256, public, good), 0},
		"no exp":                    {with("exp", nil), 0},
		"exp passed":                {with("exp", start.Unix()), 0},
		"exp zero":                  {with("exp", 0), 0},
		"not yet":                   {with("nbf", start.Add(time.Minute).Unix()), 0},
		"no sub":                    {with("sub", nil), 0},
		"sub empty":                 {with("sub", ""), 0},
		"sub zero":                  {with("sub", "0"), 0},
		"sub negative":              {with("sub", "-7"), 0},
		"sub a word":                {with("sub", "ana"), 0},
		"sub a number":              {with("sub", 7), 0},
		"sub hexadecimal":           {with("sub", "0x7"), 0},
		"sub with a blank":          {with("sub", " 7"), 0},
		"sub huge":                  {with("sub", "9223372036854775808"), 0},
		"sub very huge":             {with("sub", strings.Repeat("9", 1000)), 0},
		"a link's key":              {sign(jwt.SigningMethodHS256, NewSignedLinks(key, time.Hour, time.Now).key, good), 0},
	}
	c := &clock{start}
	tokens := NewTokens(key, time.Hour, c.now)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := tokens.PlayerOfToken(test.token)
			if got != test.want || (test.want == 0) != errors.Is(err, ErrInvalidToken) {
				t.Errorf("got %d, %v, want %d", got, err, test.want)
			}
			if err != nil && err.Error() != "invalid token" {
				t.Errorf("the error tells why: %v", err)
			}
		})
	}
}

// flip changes the first character, all of whose bits are significant.
func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

// After the secret is changed, tokens that the old secret signed are valid until they expire, and no longer.
func TestKeysAreChanged(t *testing.T) {
	t.Parallel()
	c := &clock{start}
	other := []byte("fedcba9876543210fedcba9876543210")
	before, after := NewTokens(key, time.Hour, c.now), NewTokens(other, time.Hour, c.now, key)
	later := NewTokens(other, time.Hour, c.now)
	issue := func(tokens *Tokens) string {
		token, _, err := tokens.IssueToken(7, 3)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	sign := func(secret []byte, header map[string]any) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "7", "gen": 3, "exp": start.Add(time.Hour).Unix()})
		maps.Copy(token.Header, header)
		text, err := token.SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	old := issue(before)
	tests := map[string]struct {
		tokens *Tokens
		token  string
		good   bool
	}{
		"old before":                         {before, old, true},
		"old after":                          {after, old, true},
		"old later":                          {later, old, false},
		"new after":                          {after, issue(after), true},
		"new later":                          {later, issue(after), true},
		"new before":                         {before, issue(after), false},
		"old, which names no key":            {after, sign(key, nil), true},
		"new, which names no key":            {after, sign(other, nil), true},
		"old, which names the new key":       {after, sign(key, map[string]any{"kid": keyIDOf(other)}), false},
		"new, which names the old key":       {after, sign(other, map[string]any{"kid": keyIDOf(key)}), false},
		"a key that there is not":            {after, sign(key, map[string]any{"kid": "../../etc/passwd"}), false},
		"a key that is no text":              {after, sign(key, map[string]any{"kid": 7}), false},
		"signed with the name of a key":      {after, sign([]byte(keyIDOf(key)), map[string]any{"kid": keyIDOf(key)}), false},
		"of another, which names no key":     {after, sign([]byte("another key of thirty-two bytes.."), nil), false},
		"of another, which names a good key": {after, sign([]byte("another key of thirty-two bytes.."), map[string]any{"kid": keyIDOf(key)}), false},
	}
	for name, test := range tests {
		id, generation, err := test.tokens.PlayerOfToken(test.token)
		if test.good != (err == nil) || test.good && (id != 7 || generation != 3) {
			t.Errorf("%s: got player %d of generation %d, %v", name, id, generation, err)
		}
	}
	c.at = start.Add(time.Hour)
	if _, _, err := after.PlayerOfToken(old); !errors.Is(err, ErrInvalidToken) {
		t.Errorf("old, after it expired: got %v", err)
	}
	if strings.Contains(string(key), keyIDOf(key)) || keyIDOf(key) == keyIDOf(other) {
		t.Errorf("the names of keys are %s and %s", keyIDOf(key), keyIDOf(other))
	}
}

func TestLinksOfAnOldKey(t *testing.T) {
	t.Parallel()
	c := &clock{start}
	other := []byte("fedcba9876543210fedcba9876543210")
	query := NewSignedLinks(key, time.Hour, c.now).SignKey("videos/x")
	got := []bool{
		NewSignedLinks(other, time.Hour, c.now, key).VerifyQuery("videos/x", query), NewSignedLinks(other, time.Hour, c.now).VerifyQuery("videos/x", query),
		NewSignedLinks(other, time.Hour, c.now, key).VerifyQuery("videos/y", query),
		NewSignedLinks(key, time.Hour, c.now).VerifyQuery("videos/x", NewSignedLinks(other, time.Hour, c.now, key).SignKey("videos/x")),
	}
	if diff := cmp.Diff([]bool{true, false, false, false}, got); diff != "" {
		t.Errorf("good links (-want +got):\n%s", diff)
	}
	c.at = start.Add(2 * time.Hour)
	if NewSignedLinks(other, time.Hour, c.now, key).VerifyQuery("videos/x", query) {
		t.Error("it works after it has expired")
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	o := NewOrigins(key)
	if o.OriginOf("10.0.0.1") != NewOrigins(key).OriginOf("10.0.0.1") || o.OriginOf("10.0.0.1") == o.OriginOf("10.0.0.2") || len(o.OriginOf("10.0.0.1")) != 22 {
		t.Errorf("got %q and %q", o.OriginOf("10.0.0.1"), o.OriginOf("10.0.0.2"))
	}
	if o.OriginOf("10.0.0.1") == NewOrigins([]byte("fedcba9876543210fedcba9876543210")).OriginOf("10.0.0.1") {
		t.Error("another secret gives the same")
	}
	if o.OriginOf("") != "" {
		t.Errorf("no address is %q", o.OriginOf(""))
	}
}

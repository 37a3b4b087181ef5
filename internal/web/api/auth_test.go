package api_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

var (
	unauthorized   = refusal{401, "Inicia sesión: hace falta un token válido.", nil}
	unauthorizedEN = refusal{401, "Sign in: a valid token is needed.", nil}
)

// A request without a token does not learn whether the path's id exists, or what is wrong with its body.
func TestCallsThatNeedAToken(t *testing.T) {
	t.Parallel()
	calls := []string{
		"GET /api/auth/me", "POST /api/auth/password", "GET /api/auth/export", "POST /api/auth/delete", "POST /api/videos/upload", "GET /api/videos",
		"GET /api/videos/{id}", "POST /api/videos/{id}/publish", "POST /api/videos/{id}/retry", "DELETE /api/videos/{id}",
		"GET /api/videos/{id}/events", "POST /api/public/videos/{id}/vote", "DELETE /api/public/videos/{id}/vote",
	}
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(call, " ")
			for _, id := range []string{"1", "999999", "abc"} {
				path := strings.Replace(path, "{id}", id, 1)
				c := visitor(t, shared())
				c.do(method, path, "").refuses(unauthorized)
				c.do(method, path+"/", "not a form, not JSON", "Content-Type", "application/json").refuses(unauthorized)
				c.in("en").do(method, path, "", "Content-Type", "multipart/form-data").refuses(unauthorizedEN)
			}
		})
	}
}

func TestCallsThatNeedNoToken(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	c.token = "not a token"
	for _, path := range []string{"/api/public/videos", "/api/public/rankings", "/healthz"} {
		if got := c.get(path); got.status != 200 {
			t.Errorf("%s: got %d: %s", path, got.status, got.body)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	gone := newPlayer(t, shared(), "")
	change(t, shared(), `DELETE FROM players WHERE id = $1`, gone.id)
	me := strconv.FormatInt(p.id, 10)
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	good := func(id string, expires time.Time) string {
		return signed(t, jwt.SigningMethodHS256, []byte(secret), claims(id, expires))
	}
	header, payload, signature := cut(p.token)
	tests := []struct {
		name   string
		header string // value of Authorization
		works  bool
	}{
		{"as it was given", "Bearer " + p.token, true},
		{"made with the same key", "Bearer " + good(me, later), true},
		{"lower case", "bearer " + p.token, true},
		{"upper case", "BEARER " + p.token, true},
		{"missing", "", false},
		{"blank", " ", false},
		{"no scheme", p.token, false},
		{"no token", "Bearer", false},
		{"an empty token", "Bearer ", false},
		{"no token at all", "Bearer not.a.token", false},
		{"one part", "Bearer " + header, false},
		{"no signature", "Bearer " + header + "." + payload + ".", false},
		{"four parts", "Bearer " + p.token + ".x", false},
		{"another scheme", "Basic " + p.token, false},
		{"Basic", "Basic dmFsQGV4YW1wbGUuY29tOnNhbHRv", false},
		{"two tokens", "Bearer " + p.token + " " + p.token, false},
		{"expired", "Bearer " + good(me, earlier), false},
		{"without expiry", "Bearer " + signed(t, jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": me}), false},
		{"expiry as a text", "Bearer " + signed(t, jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": me, "exp": "tomorrow"}), false},
		{"not yet valid", "Bearer " + signed(t, jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": me, "exp": later.Unix(), "nbf": later.Unix()}), false},
		{"another player's claims under this signature", "Bearer " + header + "." + second(good("1", later)) + "." + signature, false},
		{"tampered signature", "Bearer " + header + "." + payload + "." + flipped(signature), false},
		{"another key", "Bearer " + signed(t, jwt.SigningMethodHS256, []byte(strings.ToUpper(secret)), claims(me, later)), false},
		{"an empty key", "Bearer " + signed(t, jwt.SigningMethodHS256, []byte{}, claims(me, later)), false},
		{"HS512", "Bearer " + signed(t, jwt.SigningMethodHS512, []byte(secret), claims(me, later)), false},
		{"HS384", "Bearer " + signed(t, jwt.SigningMethodHS384, []byte(secret), claims(me, later)), false},
		{"alg none", "Bearer " + signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(me, later)), false},
		{"alg none with the signature", "Bearer " + signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(me, later)) + signature, false},
		{"of a player who was deleted", "Bearer " + gone.token, false},
		{"of nobody", "Bearer " + good("999999", later), false},
		{"of player 0", "Bearer " + good("0", later), false},
		{"of player -1", "Bearer " + good("-1", later), false},
		{"of no number", "Bearer " + good("me", later), false},
		{"very long", "Bearer " + strings.Repeat("a", 20_000), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			got := visitor(t, shared()).get("/api/auth/me", "Authorization", test.header)

			if !test.works {
				got.refuses(unauthorized)
			} else if got.status != 200 {
				t.Errorf("got %d: %s", got.status, got.body)
			}
		})
	}
}

func claims(id string, expires time.Time) jwt.MapClaims {
	return jwt.MapClaims{"sub": id, "exp": expires.Unix(), "iat": time.Now().Unix()}
}

func signed(tb testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	tb.Helper()
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func cut(token string) (header, payload, signature string) {
	parts := strings.Split(token, ".")
	return parts[0], parts[1], parts[2]
}

func second(token string) string {
	_, payload, _ := cut(token)
	return payload
}

// flipped changes a character in the middle, all of whose bits are significant.
func flipped(text string) string {
	b := []byte(text)
	if b[10]++; b[10] == 'Z'+1 || b[10] == 'z'+1 || b[10] == '9'+1 || b[10] == '-'+1 || b[10] == '_'+1 {
		b[10] = 'B'
	}
	return string(b)
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "ACCESS_TOKEN_EXPIRE_SECONDS": "2"})
	p := newPlayer(t, s, "")
	testserver.Eventually(t, "a token is used before it expires", func() bool { // a busy machine may need several attempts
		got := p.postJSON("/api/auth/login", credentials(p.email, password))
		var body struct {
			Token     string `json:"access_token"`
			ExpiresIn int    `json:"expires_in"`
		}
		got.decode(200, &body)
		if body.ExpiresIn != 2 || claim(t, body.Token, "exp")-claim(t, body.Token, "iat") != 2 {
			t.Errorf("got %s, want a token for 2 seconds", got.body)
		}
		p.token = body.Token
		return p.get("/api/auth/me").status == 200
	})
	testserver.Eventually(t, "the token expires", func() bool { return p.get("/api/auth/me").status != 200 })
	p.get("/api/auth/me").refuses(unauthorized)
}

package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"risingstars/internal/app/apptest"
)

// player is a signed-in player.
type player struct {
	client
	id    int64
	email string
	name  string
}

const password = "salto-y-canasta"

var players atomic.Int64

// newPlayer signs a new player up and in, with a unique name and email.
func newPlayer(tb testing.TB, s *apptest.Server, city string) player {
	tb.Helper()
	c := visitor(tb, s)
	n := players.Add(1)
	p := player{client: c, email: email(), name: fmt.Sprintf("Player Number %d", n)}
	var profile struct{ ID int64 }
	c.postJSON("/api/auth/signup", signUp(map[string]any{
		"first_name": "Player", "last_name": fmt.Sprintf("Number %d", n), "email": p.email, "city": city,
	})).decode(201, &profile)
	p.id = profile.ID
	p.token = signIn(c, p.email, password)
	return p
}

// as is the same player in another test.
func (p player) as(tb testing.TB) player {
	tb.Helper()
	p.tb = tb
	return p
}

func email() string { return fmt.Sprintf("player%d@example.com", players.Add(1)) }

// signUp is the body of a valid sign-up, with the given members changed, or omitted if they are absent.
func signUp(changes map[string]any) string {
	body := map[string]any{
		"first_name": "Valentina", "last_name": "Ríos", "email": email(), "password1": password, "password2": password,
		"city": "Bogotá", "country": "Colombia",
	}
	maps.Copy(body, changes)
	maps.DeleteFunc(body, func(_ string, v any) bool { return v == absent })
	return text(body)
}

type nothing struct{}

// absent marks a member that signUp omits.
var absent = nothing{}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func signIn(c client, email, password string) (token string) {
	c.tb.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	c.postJSON("/api/auth/login", credentials(email, password)).decode(200, &got)
	return got.Token
}

func credentials(email, password string) string {
	return text(map[string]string{"email": email, "password": password})
}

// path replaces {id} in a path.
func path(format string, id int64) string {
	return strings.Replace(format, "{id}", strconv.FormatInt(id, 10), 1)
}

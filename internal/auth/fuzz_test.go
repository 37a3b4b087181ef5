package auth

import (
	"errors"
	"net/url"
	"testing"
	"time"
)

// A token that this program did not issue is never valid.
func FuzzToken(f *testing.F) {
	c := &clock{start}
	tokens := NewTokens(key, time.Hour, c.now)
	good, _, err := tokens.IssueToken(7, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good + "=")
	f.Add("eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo5OTk5OTk5OTk5fQ.")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		id, generation, err := tokens.PlayerOfToken(token)
		if (err == nil) != (id == 7 && generation == 3 && token == good) || err != nil && !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%q: got %d, %v", token, id, err)
		}
	})
}

// A link never opens another object than the one that it was signed for.
func FuzzLink(f *testing.F) {
	c := &clock{start}
	links := NewSignedLinks(key, time.Hour, c.now)
	good := links.SignKey(object)
	f.Add(object, good.Encode())
	f.Add(object+"\n", good.Encode()+"&expires=1")
	f.Add("", "expires=9223372036854775807&signature=")
	f.Fuzz(func(t *testing.T, object2, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		same := object2 == object && values.Get("expires") == good.Get("expires") && values.Get("signature") == good.Get("signature")
		if got := links.VerifyQuery(object2, values); got != same {
			t.Errorf("%q %q: got %v", object2, query, got)
		}
	})
}

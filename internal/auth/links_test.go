package auth

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const object = "videos/0123456789abcdef0123456789abcdef/original.mp4"

func TestLinks(t *testing.T) {
	t.Parallel()
	c := &clock{start}
	links := NewSignedLinks(key, time.Hour, c.now)
	query := links.SignKey(object)
	expires, err := strconv.ParseInt(query.Get("expires"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	change := func(name, value string) url.Values {
		changed := url.Values{"expires": query["expires"], "signature": query["signature"]}
		changed[name] = []string{value}
		return changed
	}
	tests := map[string]struct {
		at    time.Time
		key   string
		query url.Values
		want  bool
	}{
		"as made":                   {start, object, query, true},
		"after an hour":             {start.Add(time.Hour), object, query, true},
		"just before it expires":    {time.Unix(expires, 0).Add(-1), object, query, true},
		"when it expires":           {time.Unix(expires, 0), object, query, false},
		"a day later":               {start.Add(24 * time.Hour), object, query, false},
		"another key":               {start, strings.Replace(object, "original", "clip", 1), query, false},
		"a key that begins so":      {start, object + "x", query, false},
		"no key":                    {start, "", query, false},
		"expires later":             {start, object, change("expires", strconv.FormatInt(expires+1, 10)), false},
		"expires never":             {start, object, change("expires", "99999999999"), false},
		"expires the same, spelled": {start, object, change("expires", "+"+query.Get("expires")), false},
		"expires with a zero":       {start, object, change("expires", "0"+query.Get("expires")), false},
		"expires not a number":      {start, object, change("expires", "soon"), false},
		"expires empty":             {start, object, change("expires", ""), false},
		"expires huge":              {start, object, change("expires", strings.Repeat("9", 99)), false},
		"signature changed":         {start, object, change("signature", flip(query.Get("signature"))), false},
		"signature cut":             {start, object, change("signature", query.Get("signature")[:42]), false},
		"signature empty":           {start, object, change("signature", ""), false},
		"no query":                  {start, object, url.Values{}, false},
		"nil query":                 {start, object, nil, false},
		"line break between":        {start, "x\n" + object, change("expires", query.Get("expires")+"\nx"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			then := NewSignedLinks(key, time.Hour, func() time.Time { return test.at })
			if got := then.VerifyQuery(test.key, test.query); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestLinksOfAnotherSecret(t *testing.T) {
	t.Parallel()
	c := &clock{start}
	query := NewSignedLinks([]byte("another secret of thirty-two byte"), time.Hour, c.now).SignKey(object)
	if NewSignedLinks(key, time.Hour, c.now).VerifyQuery(object, query) {
		t.Error("a link of another secret is good")
	}
}

func TestLinksAreNotSignedWithTheTokensKey(t *testing.T) {
	t.Parallel()
	links := NewSignedLinks(key, time.Hour, time.Now)
	if cmp.Equal(links.key, key) || len(links.key) != 32 {
		t.Errorf("links are signed with a key of %d bytes, the secret itself: %t", len(links.key), cmp.Equal(links.key, key))
	}
}

// A link is valid for at least ttl and not much longer. Within a tenth of ttl the same object has the same link.
func TestLinksWorkLongEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &clock{start.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "at")))}
		const ttl = time.Hour
		links := NewSignedLinks(key, ttl, c.now)
		made, query := c.at, links.SignKey(object)
		c.at = made.Add(ttl)
		if !links.VerifyQuery(object, query) {
			t.Fatalf("made at %s, it has expired within %s", made, ttl)
		}
		c.at = made.Add(ttl + ttl/10)
		if links.VerifyQuery(object, query) {
			t.Fatalf("made at %s, it is good after %s", made, ttl+ttl/10)
		}
		c.at = made.Truncate(ttl / 10)
		first := links.SignKey(object)
		c.at = made.Truncate(ttl / 10).Add(ttl/10 - 1)
		if diff := cmp.Diff(first, links.SignKey(object)); diff != "" {
			t.Fatalf("links of the same %s (-first +last):\n%s", ttl/10, diff)
		}
	})
}

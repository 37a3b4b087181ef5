package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/web/problem"
)

// seen is what a handler sees of a request.
type seen struct{ Client, Scheme, Host string }

func tell(w http.ResponseWriter, r *http.Request) {
	text, err := json.Marshal(seen{problem.ScopeFromContext(r.Context()).Client, r.URL.Scheme, r.Host})
	if err != nil {
		panic(err) // strings only
	}
	_, _ = w.Write(text)
}

func TestForwarded(t *testing.T) {
	t.Parallel()
	loopback, lan := netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")
	six := netip.MustParsePrefix("fd00::/8")
	direct := seen{"127.0.0.1", "http", ""}
	tests := map[string]struct {
		trusted []netip.Prefix
		header  map[string]string
		want    seen // an empty Host means the requested host
	}{
		"nobody is trusted": {
			nil, map[string]string{"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}, direct,
		},
		"another is trusted": {
			[]netip.Prefix{lan}, map[string]string{"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}, direct,
		},
		"a trusted one says nothing": {[]netip.Prefix{loopback}, nil, direct},
		"a trusted one": {
			[]netip.Prefix{loopback},
			map[string]string{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "stars.example.org"},
			seen{"203.0.113.9", "https", "stars.example.org"},
		},
		"the client made up the beginning": {
			[]netip.Prefix{loopback}, map[string]string{"X-Forwarded-For": "127.0.0.1, 10.0.0.1, 203.0.113.9"}, seen{"203.0.113.9", "http", ""},
		},
		"two trusted ones": {
			[]netip.Prefix{loopback, lan}, map[string]string{"X-Forwarded-For": "1.1.1.1, 203.0.113.9, 10.0.0.1"}, seen{"203.0.113.9", "http", ""},
		},
		"all are trusted":   {[]netip.Prefix{loopback, lan}, map[string]string{"X-Forwarded-For": "10.0.0.2, 10.0.0.1"}, seen{"10.0.0.2", "http", ""}},
		"no address":        {[]netip.Prefix{loopback}, map[string]string{"X-Forwarded-For": "203.0.113.9, unknown"}, direct},
		"IPv6":              {[]netip.Prefix{loopback, six}, map[string]string{"X-Forwarded-For": "2001:db8::1, fd00::1"}, seen{"2001:db8::1", "http", ""}},
		"IPv4 as IPv6":      {[]netip.Prefix{loopback, lan}, map[string]string{"X-Forwarded-For": "203.0.113.9, ::ffff:10.0.0.1"}, seen{"203.0.113.9", "http", ""}},
		"no scheme of ours": {[]netip.Prefix{loopback}, map[string]string{"X-Forwarded-Proto": "javascript"}, direct},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]http.HandlerFunc{"GET /x": tell}, test.trusted...)

			a := s.ask(t, "GET", "/x", test.header)

			var got seen
			check(t, json.Unmarshal([]byte(a.body), &got))
			want := test.want
			if want.Host == "" {
				want.Host = strings.TrimPrefix(s.URL, "http://")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{"GET /x": tell}, netip.MustParsePrefix("127.0.0.1/32"))
	for host, status := range map[string]int{
		"stars.example.org": 200, "stars.example.org:8443": 200, "[2001:db8::1]:80": 200, "a_b-c": 200, strings.Repeat("a", 255): 200,
		strings.Repeat("a", 256): 400, "a,b": 400, `a"b`: 400, "a<b>": 400, "a/b": 400, "a@b": 400, "estrellas.ñ": 400,
	} {
		a := s.ask(t, "GET", "/x", map[string]string{"X-Forwarded-Host": host})
		if status == 400 {
			isProblem(t, a, 400)
		} else if a.StatusCode != status {
			t.Errorf("%q: got %d", host, a.StatusCode)
		}

		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/x", nil)
		check(t, err)
		if strings.ContainsAny(host, `/@ñ"<`) {
			continue // the HTTP client would normalize it
		}
		r.Host = host
		response, err := s.Client().Do(r)
		check(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		check(t, err)
		check(t, response.Body.Close())
		if response.StatusCode != status {
			t.Errorf("Host: %q: got %d", host, response.StatusCode)
		}
	}
}

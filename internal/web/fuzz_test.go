package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// For any values of the headers that proxies write, the client stays an IP address and the host a valid host.
func FuzzForwarded(f *testing.F) {
	f.Add("192.0.2.1, 10.0.0.9", "stars.example.org:443", "https", "0123456789abcdef")
	f.Add("::ffff:10.0.0.1%eth0,,x", "[::1]:80", "javascript", "a b")
	f.Add("10.0.0.1", "a/b?c@d\r\nX: y", "", "\x00")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, way, host, proto, id string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.1:1234"
		r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Host"] = []string{way}, []string{host}
		r.Header["X-Forwarded-Proto"], r.Header[RequestIDHeader] = []string{proto}, []string{id}
		if got := requestID(r); len(got) < 8 || len(got) > 64 || strings.ContainsFunc(got, notInID) {
			t.Errorf("id %q", got)
		}
		inner := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := netip.ParseAddr(clientHost(r)); err != nil {
				t.Errorf("client %q", r.RemoteAddr)
			}
			if len(r.Host) > maxHost || strings.ContainsAny(r.Host, "/?#@ \r\n\"<>") {
				t.Errorf("host %q", r.Host)
			}
			if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
				t.Errorf("scheme %q", r.URL.Scheme)
			}
		})
		forwarded(trusted, hosted(inner)).ServeHTTP(httptest.NewRecorder(), r)
	})
}

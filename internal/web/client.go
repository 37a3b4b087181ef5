package web

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// clientHost is the address that the request came from, without its port.
func clientHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// forwarded makes a request that came through trusted proxies what the client sent: its address, the scheme and the
// host that it asked. What others write into X-Forwarded headers means nothing.
func forwarded(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme = "http"
		if r.TLS != nil {
			r.URL.Scheme = "https"
		}
		if trusts(trusted, clientHost(r)) {
			client := clientBehind(trusted, r)
			r.RemoteAddr = net.JoinHostPort(client, "0") // its port is not known
			r.Host = cmp.Or(r.Header.Get("X-Forwarded-Host"), r.Host)
			if proto := r.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "https" {
				r.URL.Scheme = proto
			}
		}
		next.ServeHTTP(w, r)
	})
}

// clientBehind is the last address of the way of a request that is no trusted proxy: whatever stands before it could be
// made up.
func clientBehind(trusted []netip.Prefix, r *http.Request) string {
	client := clientHost(r)
	way := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(way) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		client = addr.Unmap().WithZone("").String()
		if !trusts(trusted, client) {
			break
		}
	}
	return client
}

func trusts(trusted []netip.Prefix, host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// maxHost is the longest name that DNS has, and its port, in bytes.
const maxHost = 255

// hosted refuses a request to a host of a name that no host can have: it would stand in links, and in caches.
func hosted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Host) > maxHost || strings.ContainsFunc(r.Host, notInHost) {
			problem.WriteProblem(w, r, problem.ProblemForStatus(http.StatusBadRequest, "", lang.PreferredLanguage(r.Header.Get("Accept-Language"))))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// notInHost allows for ports and for addresses of IPv6.
func notInHost(r rune) bool { return notInID(r) && !strings.ContainsRune(".:[]", r) }

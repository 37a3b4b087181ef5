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

// clientHost is the address of the request's peer without the port.
func clientHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// forwarded restores what the client sent if the request came through a trusted proxy: the client's address, the
// scheme and the host, from X-Forwarded-For, -Proto and -Host. It ignores these headers from any other peer, because
// a client can write anything into them.
func forwarded(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme = "http"
		if r.TLS != nil {
			r.URL.Scheme = "https"
		}
		if trusts(trusted, clientHost(r)) {
			client := clientBehind(trusted, r)
			r.RemoteAddr = net.JoinHostPort(client, "0") // the headers do not carry the client's port
			r.Host = cmp.Or(r.Header.Get("X-Forwarded-Host"), r.Host)
			if proto := r.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "https" {
				r.URL.Scheme = proto
			}
		}
		next.ServeHTTP(w, r)
	})
}

// clientBehind walks X-Forwarded-For from its end and returns the first address that is not a trusted proxy. A client
// can forge all entries before that one.
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

// maxHost is the length of the longest DNS name, in bytes. It bounds the Host header with its port.
const maxHost = 255

// hosted answers a request with 400 if its Host header cannot be a host's name. Links and shared caches would
// otherwise repeat that name.
func hosted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Host) > maxHost || strings.ContainsFunc(r.Host, notInHost) {
			problem.WriteProblem(w, r, problem.ProblemForStatus(http.StatusBadRequest, "", lang.PreferredLanguage(r.Header.Get("Accept-Language"))))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// notInHost reports characters that no host has. It allows for ports and IPv6 addresses.
func notInHost(r rune) bool { return notInID(r) && !strings.ContainsRune(".:[]", r) }

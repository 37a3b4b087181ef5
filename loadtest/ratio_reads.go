package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"risingstars/internal/testserver"
)

// compareReads reads rankings and public lists of so many players through nginx; through another nginx of the same
// configuration from two bare servers that give the same bytes; and, where there are more players than in the first of the
// runs, from a platform with as many as that.
func (b *bench) compareReads(h *host, players int) []figure {
	t, mine := b.readers(h, players)
	var few *asker
	if players > b.Players[0] {
		_, few = b.readers(h, b.Players[0])
	}
	var list []figure
	for _, path := range []string{"/api/public/rankings", "/api/public/videos"} {
		body, err := fetch(h.ctx, trusting(h, t.ca), t.url+path)
		h.must(err, "read "+path)
		var addrs []string
		for range 2 {
			_, url := h.bareServer("bytes", "BENCH_BODY="+saved(h, body))
			addrs = append(addrs, strings.TrimPrefix(url, "http://"))
		}
		front := testserver.Nginx(h, "", addrs...)
		plain := newAsker(h, front.URL, front.CA, b.Round)
		var ours, ofBare, ofFew []float64
		for range b.Rounds {
			rate := mine.perSecond(h, mine.get(path))
			ours, ofBare = append(ours, rate), append(ofBare, rate/plain.perSecond(h, plain.get(path)))
			if few != nil {
				ofFew = append(ofFew, rate/few.perSecond(h, few.get(path)))
			}
		}
		what := strings.TrimPrefix(path, "/api/public/") + " through nginx"
		list = append(list, wantAtLeast(what, median(ofBare), "of bare", .5), figure{What: what + ", requests", Value: median(ours), Unit: "requests/s"})
		if few != nil {
			list = append(list, wantAtLeast(what+", beside "+strconv.Itoa(b.Players[0])+" players", median(ofFew), "of those", .95))
		}
	}
	return list
}

// readers start a fleet with so many players, and what asks it.
func (b *bench) readers(h *host, players int) (*target, *asker) {
	t := newTarget(h, fleet, b.program, true)
	seedByNumbers(h, t, players)
	t.start(0, nil)
	return t, newAsker(h, t.url, t.ca, b.Round)
}

func trusting(h *host, ca string) *http.Client {
	text, err := os.ReadFile(ca)
	h.must(err, "read the certificate")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
	}
}

// seedByNumbers makes so many players in 50 cities with a public video each, by a few statements for each table: a million
// by the store's own would take longer than all that is measured.
func seedByNumbers(h *host, t *target, n int) {
	for _, statement := range []string{
		`INSERT INTO players (first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at)
			SELECT 'Nombre' || i, 'Apellido', i || '@example.com', i || '@example.com', '', 'Ciudad ' || (i % 50), 'ciudad ' || (i % 50),
				'', now() FROM generate_series($1::bigint, $2::bigint) AS i`,
		`INSERT INTO videos (player_id, task_id, title, status, failure, votes, token, format, size, run, city_key, search_key,
				uploaded_at, processed_at, published_at)
			SELECT i, '', 'Triple', 'public', '', 0, lpad(to_hex(i), 32, '0'), 'mp4', 1, lpad(to_hex(i), 32, '0'),
				'ciudad ' || (i % 50), 'triple', now(), now(), now() FROM generate_series($1::bigint, $2::bigint) AS i`,
		`INSERT INTO standings (player_id, city_key, votes, reached_at)
			SELECT i, 'ciudad ' || (i % 50), 0, now() FROM generate_series($1::bigint, $2::bigint) AS i`,
	} {
		const atOnce = 50_000 // a statement has the seconds that any of the platform's has
		for first := 1; first <= n; first += atOnce {
			_, err := t.db.ExecContext(h.ctx, statement, first, min(n, first+atOnce-1))
			h.must(err, "make players")
		}
	}
	// Autovacuum would get to it in a minute or so.
	_, err := t.db.ExecContext(h.ctx, `VACUUM ANALYZE`)
	h.must(err, "make players")
}

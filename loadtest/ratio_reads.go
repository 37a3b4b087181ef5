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

// compareReads reads rankings and public lists of a contest with so many players through nginx, and in alternating rounds
// through another nginx with the same configuration from two bare servers that answer with the same bytes. Where there are
// more players than in the smallest contest, it also reads from a platform with as few as that.
func (b *benchmark) compareReads(h *harness, players int) []figure {
	t, mine := b.startFleetForReads(h, players)
	var few *requester
	if players > b.RankedPlayers[0] {
		_, few = b.startFleetForReads(h, b.RankedPlayers[0])
	}
	var list []figure
	for _, path := range []string{"/api/public/rankings", "/api/public/videos"} {
		body, err := fetchBody(h.ctx, clientTrusting(h, t.caFile), t.url+path)
		h.requireNoError(err, "read "+path)
		var addrs []string
		for range 2 {
			_, url := h.startBareServer("bytes", "BENCH_BODY="+saveBody(h, body))
			addrs = append(addrs, strings.TrimPrefix(url, "http://"))
		}
		front := testserver.Nginx(h, "", addrs...)
		plain := newRequester(h, front.URL, front.CA, b.RoundTime)
		var ours, ofBare, ofFew []float64
		for range b.Rounds {
			rate := mine.requestsPerSecond(h, mine.getRequest(path))
			ours, ofBare = append(ours, rate), append(ofBare, rate/plain.requestsPerSecond(h, plain.getRequest(path)))
			if few != nil {
				ofFew = append(ofFew, rate/few.requestsPerSecond(h, few.getRequest(path)))
			}
		}
		what := strings.TrimPrefix(path, "/api/public/") + " through nginx"
		list = append(list, figureAtLeast(what, medianOf(ofBare), "of bare", .5), figure{What: what + ", requests", Value: medianOf(ours), Unit: "requests/s"})
		if few != nil {
			list = append(list, figureAtLeast(what+", beside "+strconv.Itoa(b.RankedPlayers[0])+" players", medianOf(ofFew), "of those", .95))
		}
	}
	return list
}

// startFleetForReads starts a fleet with so many players, and its requester.
func (b *benchmark) startFleetForReads(h *harness, players int) (*target, *requester) {
	t := newTargetWithTables(h, fleet, b.programPath, true)
	insertPlayers(h, t, players)
	t.startProcesses(0, nil)
	return t, newRequester(h, t.url, t.caFile, b.RoundTime)
}

func clientTrusting(h *harness, ca string) *http.Client {
	text, err := os.ReadFile(ca)
	h.requireNoError(err, "read the certificate")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &http.Client{
		Timeout:   10 * time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
	}
}

// insertPlayers inserts players in 50 cities with a public video each, with a few statements for each table: a million
// sign-ups and uploads would take days.
func insertPlayers(h *harness, t *target, n int) {
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
		const atOnce = 50_000 // so that a statement takes about a second
		for first := 1; first <= n; first += atOnce {
			_, err := t.db.ExecContext(h.ctx, statement, first, min(n, first+atOnce-1))
			h.requireNoError(err, "insert players")
		}
	}
	// Autovacuum would do this about a minute later, during the measurement.
	_, err := t.db.ExecContext(h.ctx, `VACUUM ANALYZE`)
	h.requireNoError(err, "insert players")
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// The benchmarks measure whether the cost of a vote or of a page of the ranking grows with the contest. Run:
// go test ./internal/store -run '^$' -bench .

const million = 1_000_000

// BenchmarkVote casts votes from 16 goroutines per processor on SQLite, with few and with many votes in the table.
func BenchmarkVote(b *testing.B) {
	for _, there := range []int{1_000, million} {
		b.Run(fmt.Sprintf("votes=%d", there), func(b *testing.B) {
			const stars = 1_000
			s := benchStore(b)
			seedPlayers(b, s, stars)
			seedVotes(b, s, stars, there)
			signal := contest.VoteSignal{Origin: "QdG7xK2mPz0vLr8nTw5bYA", VoterAge: time.Hour}
			var next atomic.Int64
			next.Store(int64(there))
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := next.Add(1)
					// Foreign keys are off here: the voters do not exist, as in the seeded votes.
					if _, err := s.CastVote(context.Background(), n%stars+1, n/stars+2*million, time.Now(), signal); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "votes/s")
		})
	}
}

// BenchmarkStorm casts votes from sixteen goroutines on a PostgreSQL that flushes its commits: for a thousand players,
// and for only one.
func BenchmarkStorm(b *testing.B) {
	const stars, voters = 1_000, 100_000
	for _, of := range []int64{stars, 1} {
		b.Run(fmt.Sprintf("stars=%d", of), func(b *testing.B) {
			s := stormStore(b, testserver.NewPostgres(b), stars, stars+voters)
			var next atomic.Int64
			b.SetParallelism(16 / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := next.Add(1)
					if _, err := s.AddVote(context.Background(), n%of+1, n+stars, time.Now()); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "votes/s")
		})
	}
}

// stormStore returns a store on PostgreSQL with the players 1 to people, of whom the first stars have a public video
// each.
func stormStore(tb testing.TB, server *testserver.Postgres, stars, people int) *Store {
	tb.Helper()
	url, err := NewMigratedPostgres(server)
	if err != nil {
		tb.Fatal(err)
	}
	db, err := OpenPostgres(url, 16)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	_, err = db.Writer.ExecContext(context.Background(), `
		INSERT INTO players (first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at)
		SELECT 'Nombre', 'Apellido', i, i, '', '', '', '', now() FROM generate_series(1, $1) AS i`, people)
	if err != nil {
		tb.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO videos (player_id, task_id, title, status, failure, votes, token, format, size, run, city_key, search_key, uploaded_at)
			SELECT i, '', 'Triple', 'public', '', 0, lpad(to_hex(i), 32, '0'), 'mp4', 1, '', '', '', now() FROM generate_series(1, $1) AS i`,
		`INSERT INTO standings (player_id, city_key, votes, reached_at) SELECT i, '', 0, now() FROM generate_series(1, $1) AS i`,
	} {
		if _, err := db.Writer.ExecContext(context.Background(), statement, stars); err != nil {
			tb.Fatal(err)
		}
	}
	return New(db, Options{Queue: noQueue{}})
}

// BenchmarkRanking reads pages of ten, near the top and deep, in a small and in a large contest.
func BenchmarkRanking(b *testing.B) {
	for _, players := range []int{1_000, million} {
		s := benchStore(b)
		seedPlayers(b, s, players)
		for _, page := range []int{1, 1_000} {
			for _, city := range []string{"", "Ciudad 7"} {
				b.Run(fmt.Sprintf("players=%d/page=%d/city=%q", players, page, city), func(b *testing.B) {
					q := contest.RankingQuery{Page: contest.Page{Number: page, Limit: 10}, City: city}
					for b.Loop() {
						if _, err := s.RankingPage(context.Background(), q); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// BenchmarkPublic reads the first page of the public videos and their number, for all cities and for one, in a small
// and in a large contest.
func BenchmarkPublic(b *testing.B) {
	for _, players := range []int{1_000, million} {
		s := benchStore(b)
		seedPlayers(b, s, players)
		for _, city := range []string{"", "Ciudad 7"} {
			q := contest.PublicQuery{Page: contest.Page{Number: 1, Limit: 50}, City: city}
			b.Run(fmt.Sprintf("players=%d/city=%q/page", players, city), func(b *testing.B) {
				for b.Loop() {
					if list, err := s.PublicVideos(context.Background(), q); err != nil || len(list) == 0 {
						b.Fatal(len(list), err)
					}
				}
			})
			b.Run(fmt.Sprintf("players=%d/city=%q/count", players, city), func(b *testing.B) {
				for b.Loop() {
					if n, err := s.CountPublicVideos(context.Background(), q); err != nil || n == 0 {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

// BenchmarkImport imports a contest of a hundred thousand players and a million votes into PostgreSQL.
func BenchmarkImport(b *testing.B) {
	server := testserver.SharedPostgres(b)
	s := benchStore(b)
	seedPlayers(b, s, million/10)
	seed(b, s, million, `INSERT INTO votes (video_id, voter_id, player_id, voted_at, before_at, origin, voter_age)
		SELECT i % 1000 + 1, i / 1000 + 1, i % 1000 + 1, '2026-01-15T10:30:00.000000Z', '2026-01-15T10:30:00.000000Z', '', -1 FROM numbers`)
	writer := s.writes.(*group).db
	for _, count := range []string{
		`UPDATE videos SET votes = (SELECT count(*) FROM votes WHERE video_id = videos.id)`,
		`UPDATE standings SET votes = (SELECT count(*) FROM votes WHERE player_id = standings.player_id)`,
	} {
		if _, err := writer.ExecContext(context.Background(), count); err != nil {
			b.Fatal(err)
		}
	}
	from := &DB{Engine: SQLite, Writer: writer, Readers: s.readers}
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprint("bench_", i)
		if err := server.Create(name, ""); err != nil {
			b.Fatal(err)
		}
		to, err := OpenPostgres(server.URL(name), 4)
		if err != nil {
			b.Fatal(err)
		}
		move := Import{From: from, To: to, Queue: noQueue{}}
		if _, err := move.Run(context.Background()); err != nil {
			b.Error(err)
		}
		_ = to.Close()
	}
	b.ReportMetric(float64(b.N)*million/b.Elapsed().Seconds(), "votes/s")
}

func benchStore(b *testing.B) *Store {
	b.Helper()
	db, err := OpenSQLite(context.Background(), filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if _, err := Migrate(context.Background(), db); err != nil {
		b.Fatal(err)
	}
	return New(db, Options{Queue: noQueue{}})
}

// noQueue enqueues nothing. It returns the job id 1.
type noQueue struct{}

func (noQueue) EnqueueTx(context.Context, *sql.Tx, contest.ProcessVideo, int) (string, error) {
	return "1", nil
}

// seedPlayers inserts n players in 50 cities, each with a public video, and with different numbers of votes in the
// ranking.
func seedPlayers(b *testing.B, s *Store, n int) {
	b.Helper()
	seed(b, s, n,
		`INSERT INTO players (first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at)
		SELECT 'Nombre' || i, 'Apellido', i || '@example.com', i || '@example.com', '', 'Ciudad ' || (i % 50), 'ciudad ' || (i % 50), '',
			'2026-01-15T10:30:00.000000Z' FROM numbers`,
		`INSERT INTO videos (player_id, task_id, title, status, failure, votes, token, format, size, run, city_key, search_key, uploaded_at)
		SELECT i, i, 'Triple', 'public', '', 0, printf('%032x', i), 'mp4', 1, printf('%032x', i), 'ciudad ' || (i % 50), 'triple', '2026-01-15T10:30:00.000000Z'
		FROM numbers`,
		`INSERT INTO standings (player_id, city_key, votes, reached_at)
		SELECT i, 'ciudad ' || (i % 50), (i * 7919) % 5000, '2026-01-15T10:30:00.000000Z' FROM numbers`)
}

// seedVotes inserts n votes, spread evenly over the players.
func seedVotes(b *testing.B, s *Store, stars, n int) {
	b.Helper()
	seed(b, s, n, `INSERT INTO votes (video_id, voter_id, player_id, voted_at, before_at, origin, voter_age)
		SELECT i % `+strconv.Itoa(stars)+` + 1, i, i % `+strconv.Itoa(stars)+` + 1, '2026-01-15T10:30:00.000000Z',
			'2026-01-15T10:30:00.000000Z', '', -1 FROM numbers`)
}

// seed runs statements over the numbers 1 to n, with foreign keys off because the voters do not exist.
func seed(b *testing.B, s *Store, n int, statements ...string) {
	b.Helper()
	run := func(query string) {
		if _, err := s.writes.(*group).db.ExecContext(context.Background(), query); err != nil {
			b.Fatal(err)
		}
	}
	run(`PRAGMA foreign_keys = OFF`)
	for _, statement := range statements {
		head, list, _ := strings.Cut(statement, "SELECT")
		run(head + `WITH RECURSIVE numbers (i) AS (
			SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ` + strconv.Itoa(n) + `) SELECT` + list)
	}
	run(`ANALYZE`)
}

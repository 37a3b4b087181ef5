package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// Two stores on one PostgreSQL cast and withdraw votes for a few players while accounts are deleted. Afterwards each
// player's chain leads back to its start, and the counters agree with the rows.
func TestChainsOfTwoStores(t *testing.T) {
	t.Parallel()
	const stars, voters, deleted, turns = 4, 24, 4, 30
	s := stormStore(t, testserver.SharedPostgres(t), stars, stars+voters)
	started := standingsOf(t, s)
	if _, err := s.crowds.db.ExecContext(t.Context(), `CREATE TABLE started AS SELECT player_id, reached_at FROM standings`); err != nil {
		t.Fatal(err)
	}
	stores := []*Store{s, sibling(t, s)}
	var everybody sync.WaitGroup
	for i := range int64(voters) {
		everybody.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i))) // fixed seed
			for range turns {
				store, star := stores[random.IntN(2)], random.Int64N(stars)+1
				change := func() (int, error) { return store.WithdrawVote(context.Background(), star, stars+1+i) }
				if random.IntN(3) > 0 {
					at := time.Now().Add(time.Duration(random.IntN(2000)-1000) * time.Millisecond) // clocks differ by up to 1 s
					change = func() (int, error) { return store.AddVote(context.Background(), star, stars+1+i, at) }
				}
				_, err := change()
				if err != nil && !errors.Is(err, contest.ErrAlreadyVoted) && !errors.Is(err, contest.ErrNotVoted) {
					t.Errorf("voter %d, star %d: %v", i, star, err)
				}
			}
			if i < deleted {
				if _, err := stores[i%2].DeletePlayer(context.Background(), stars+1+i, time.Now()); err != nil {
					t.Errorf("delete voter %d: %v", i, err)
				}
			}
		})
	}
	everybody.Wait()

	wantNone(t, s, "votes whose moment is not their own", `
		SELECT player_id FROM votes GROUP BY player_id, voted_at HAVING count(*) > 1`)
	wantNone(t, s, "votes behind a moment that nobody made", `
		SELECT player_id FROM (SELECT player_id, before_at FROM votes UNION ALL SELECT player_id, before_at FROM votes_taken_back) AS l
		WHERE before_at NOT IN (SELECT voted_at FROM votes WHERE player_id = l.player_id)
			AND before_at NOT IN (SELECT voted_at FROM votes_taken_back WHERE player_id = l.player_id)
			AND before_at NOT IN (SELECT reached_at FROM started WHERE player_id = l.player_id)`)
	wantNone(t, s, "standings that are not those of the votes", `
		SELECT player_id FROM standings AS s WHERE votes <> (SELECT count(*) FROM votes WHERE player_id = s.player_id)
			OR reached_at <> COALESCE((SELECT max(voted_at) FROM votes WHERE player_id = s.player_id),
				(SELECT reached_at FROM started WHERE player_id = s.player_id))`)
	wantNone(t, s, "videos whose votes are not counted", `
		SELECT id FROM videos AS v WHERE votes <> (SELECT count(*) FROM votes WHERE video_id = v.id)`)
	unwind(t, s)
	if diff := cmp.Diff(started, standingsOf(t, s)); diff != "" {
		t.Errorf("standings when all votes are taken back (-want +got):\n%s", diff)
	}
	wantNone(t, s, "links that are left", `SELECT player_id FROM votes_taken_back`)
}

// standingsOf returns each player's number of votes and the moment at which it was reached.
func standingsOf(t *testing.T, s *Store) []string {
	t.Helper()
	return lines(t, s, `SELECT player_id || ': ' || votes || ' since ' || reached_at FROM standings ORDER BY player_id`)
}

// unwind withdraws all votes, not in the order of time.
func unwind(t *testing.T, s *Store) {
	t.Helper()
	for _, pair := range lines(t, s, `SELECT video_id || ' ' || voter_id FROM votes ORDER BY md5(voter_id || ' ' || video_id)`) {
		var videoID, voterID int64
		if _, err := fmt.Sscan(pair, &videoID, &voterID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WithdrawVote(t.Context(), videoID, voterID); err != nil {
			t.Fatal(err)
		}
	}
}

func wantNone(t *testing.T, s *Store, what, query string) {
	t.Helper()
	if rows := lines(t, s, query); len(rows) > 0 {
		t.Errorf("%s: %v", what, rows)
	}
}

func lines(t *testing.T, s *Store, query string) []string {
	t.Helper()
	rows, err := s.readers.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	list, err := all(rows, func(row scanner) (text string, err error) { return text, row.Scan(&text) })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sibling returns a second store on the same database, with its own connections.
func sibling(t *testing.T, s *Store) *Store {
	t.Helper()
	db, err := OpenPostgres(s.crowds.votes.votes.Config().ConnString(), 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return New(db, Options{Queue: noQueue{}})
}

// A batch of votes makes the same chain as the same votes one by one, whatever their clocks say.
func TestChainOfABatch(t *testing.T) {
	t.Parallel()
	const stars, batches = 3, 40
	s := stormStore(t, testserver.SharedPostgres(t), stars, stars+batches*maxGroup)
	begin := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := s.crowds.db.ExecContext(t.Context(), `UPDATE standings SET reached_at = $1`, timestamp(begin)); err != nil {
		t.Fatal(err)
	}
	reached := map[int64]time.Time{1: begin, 2: begin, 3: begin} // by player
	random := rand.New(rand.NewPCG(1, 2))                        // fixed seed
	voter := int64(stars)
	want := map[int64][2]time.Time{} // by voter
	for range batches {
		var batch []*write
		for range 1 + random.IntN(20) {
			voter++
			star := random.Int64N(stars) + 1
			b := &ballot{videoID: star, voterID: voter, at: reached[star].Add(time.Duration(random.IntN(9)-4) * time.Microsecond)}
			batch = append(batch, &write{ctx: t.Context(), ballot: b})
		}
		for _, w := range batch {
			b := w.ballot
			at := following(reached[b.videoID], b.at)
			want[b.voterID] = [2]time.Time{at, reached[b.videoID]}
			reached[b.videoID] = at
		}

		s.crowds.votes.commit(batch)

		for _, w := range batch {
			if w.err != nil {
				t.Fatal(w.err)
			}
		}
	}
	got := map[int64][2]time.Time{}
	rows, err := s.readers.QueryContext(t.Context(), `SELECT voter_id, voted_at, before_at FROM votes`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = all(rows, func(row scanner) (none struct{}, err error) {
		var voter int64
		var at, before time.Time
		err = row.Scan(&voter, (*timestamp)(&at), (*timestamp)(&before))
		got[voter] = [2]time.Time{at, before}
		return none, err
	})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("votes, %v (-want +got):\n%s", err, diff)
	}
	for star, at := range reached {
		var stands bool
		err := s.readers.QueryRowContext(t.Context(), `SELECT reached_at = $1 FROM standings WHERE player_id = $2`, timestamp(at), star).Scan(&stands)
		if !stands || err != nil {
			t.Errorf("star %d does not stand at its last vote, %v", star, err)
		}
	}
}

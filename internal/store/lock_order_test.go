package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// Each operation waits for the first row in the lock order (lock_order.go) without a lock on any later row, which the
// transaction that holds the first may need. Without the order, for example, the deletions of two players who had voted
// for each other each locked their own player's standing and then waited for the other's.
func TestLockOrder(t *testing.T) {
	t.Parallel()
	const (
		deleted  = `UPDATE players SET email_key = '' WHERE id = ` // the lock that a deletion takes
		votesOf2 = `
			WITH stars AS (UPDATE standings SET votes = 1 WHERE player_id <> 2 RETURNING player_id),
			counted AS (UPDATE videos SET votes = 1 WHERE player_id <> 2)
			INSERT INTO votes SELECT 2, player_id, player_id, now(), now(), '', 0 FROM stars`
		ownVideo = `INSERT INTO videos (id, player_id, task_id, title, status, failure, votes, token, format, size, run, city_key, search_key, uploaded_at)
			VALUES (100, 1, '7', 'Triple', '`
		ownVideoEnd = `', '', 0, 'x', 'mp4', 1, '', '', '', now())`
	)
	decision := contest.Decision{By: "Ana", Reason: "farm", At: time.Now()}
	for name, test := range map[string]struct {
		there []string // rows in addition to those of stormStore
		held  string   // statement that another transaction has run
		do    func(context.Context, *Store) error
		free  []string // rows that the waiting operation must not have locked
	}{
		"deletion: players whom it voted for, the lower id": {
			[]string{votesOf2}, deleted + `1`, deletePlayer2,
			[]string{`players WHERE id >= 2`, `standings`, `votes`, `videos`},
		},
		"deletion: its player": {
			[]string{votesOf2}, `SELECT FROM players WHERE id = 2 FOR KEY SHARE`, deletePlayer2,
			[]string{`players WHERE id >= 3`, `standings`, `votes`, `videos`},
		},
		"deletion: players whom it voted for, the higher id": {
			[]string{votesOf2}, deleted + `3`, deletePlayer2,
			[]string{`standings`, `votes`, `videos`},
		},
		"deletion: standings": {
			[]string{votesOf2}, `UPDATE standings SET before_at = reached_at WHERE player_id = 1`, deletePlayer2,
			[]string{`standings WHERE player_id >= 2`, `votes`, `videos`},
		},
		"deletion: votes that do not count": {
			[]string{`INSERT INTO votes_set_aside VALUES (2, 3, 3, now(), '', 0, 'void'), (3, 2, 2, now(), '', 0, 'void')`},
			`SELECT FROM votes_set_aside WHERE voter_id = 2 FOR UPDATE`, deletePlayer2,
			[]string{`votes_set_aside WHERE voter_id = 3`, `sessions`},
		},
		"decision: voters whose votes may count again": {
			[]string{`INSERT INTO votes_set_aside VALUES (3, 1, 1, now(), '', 0, 'void')`}, deleted + `3`,
			func(ctx context.Context, s *Store) error {
				_, err := s.ReinstateVotes(ctx, contest.VoteSelection{PlayerID: 1, VoterID: 3}, decision)
				return err
			},
			[]string{`standings`, `votes_set_aside`},
		},
		"withdrawal: the player whom the vote is for": {
			[]string{votesOf2}, deleted + `1`,
			func(ctx context.Context, s *Store) error {
				_, err := s.WithdrawVote(ctx, 1, 2)
				return err
			},
			[]string{`standings`, `votes`, `videos`},
		},
		"vote on its own: the player whom it is for": {
			nil, deleted + `1`,
			func(ctx context.Context, s *Store) error {
				b := &ballot{videoID: 1, voterID: 3, at: time.Now()}
				return inTransaction(ctx, s.crowds.db, func(tx *sql.Tx) error { return b.giveAlone(ctx, tx) })
			},
			[]string{`standings`, `videos`},
		},
		"votes for one player: the player": {
			nil, deleted + `1`,
			func(ctx context.Context, s *Store) error {
				w := &write{ctx: ctx, ballot: &ballot{videoID: 1, voterID: 3, at: time.Now()}}
				return inTransaction(ctx, s.crowds.db, func(tx *sql.Tx) error {
					_, err := castTogether(ctx, tx, []*write{w})
					return err
				})
			},
			[]string{`standings`, `videos`},
		},
		"publication: the standing": {
			[]string{ownVideo + `processed` + ownVideoEnd}, `UPDATE standings SET before_at = reached_at WHERE player_id = 1`,
			func(ctx context.Context, s *Store) error {
				_, err := s.PublishVideo(ctx, 100, time.Now())
				return err
			},
			[]string{`videos`},
		},
		"retry: the player": {
			[]string{ownVideo + `failed` + ownVideoEnd}, deleted + `1`,
			func(ctx context.Context, s *Store) error {
				_, err := s.RequeueVideo(ctx, 100)
				return err
			},
			[]string{`videos`},
		},
		"restart: the player": {
			[]string{ownVideo + `uploaded` + ownVideoEnd}, deleted + `1`,
			func(ctx context.Context, s *Store) error { return s.Restart(ctx, 100, "7") },
			[]string{`videos`},
		},
		"takeover: the player": {
			[]string{
				ownVideo + `processing` + ownVideoEnd,
				`INSERT INTO river_job (id, state, attempt, max_attempts, kind, args) VALUES
					(7, 'running', 1, 5, 'process_video', '{}'),
					(1, 'available', 0, 5, 'process_video', '{}')`, // job 1 is the new one: the id from noQueue

			}, deleted + `1`,
			func(ctx context.Context, s *Store) error {
				return s.TakeOver(ctx, contest.RunningJob{JobRun: contest.JobRun{VideoID: 100, TaskID: "7"}, Attempt: 1})
			},
			[]string{`videos`, `river_job`},
		},
		"session: the player": {
			[]string{`INSERT INTO sessions VALUES ('expired', 2, '2026-01-15Z')`}, deleted + `1`,
			func(ctx context.Context, s *Store) error {
				return s.AddSession(ctx, "new", 1, 0, time.Now(), time.Now().Add(time.Hour))
			},
			[]string{`sessions`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stormStore(t, testserver.SharedPostgres(t), 3, 5)
			execAll(t, s, test.there...)
			holder := beginTx(t, s)
			if _, err := holder.ExecContext(t.Context(), test.held); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- test.do(context.Background(), s) }() // ends after the holder's transaction
			until(t, "the operation waits", func() bool { return lockWaits(t, s) == 1 })

			for _, rows := range test.free {
				other := beginTx(t, s)
				if _, err := other.ExecContext(t.Context(), `SELECT FROM `+rows+` FOR UPDATE NOWAIT`); err != nil {
					t.Errorf("%s: %v", rows, err)
				}
				if err := other.Rollback(); err != nil {
					t.Fatal(err)
				}
			}

			if err := holder.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func deletePlayer2(ctx context.Context, s *Store) error {
	_, err := s.DeletePlayer(ctx, 2, time.Now())
	return err
}

func execAll(t *testing.T, s *Store, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := s.crowds.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// beginTx begins a transaction, which is rolled back at the end of the test at the latest.
func beginTx(t *testing.T, s *Store) *sql.Tx {
	t.Helper()
	tx, err := s.crowds.db.BeginTx(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// If a vote for a player with a lower id is cast while the deletion waits for its own player, the deletion does not
// wait for that player: it is retried.
func TestDeletionFindsANewVote(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 2)
	retried := make(chan error, maxAttempts)
	s.writes = pooled{retrier{s.crowds.db, func(_ time.Duration, err error) { retried <- err }}, nil}
	voter, star := beginTx(t, s), beginTx(t, s)
	if _, err := voter.ExecContext(t.Context(), `SELECT FROM players WHERE id = 2 FOR KEY SHARE`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- deletePlayer2(context.Background(), s) }() // ends after both transactions
	until(t, "the deletion waits for its player", func() bool { return lockWaits(t, s) == 1 })
	execAll(t, s, `INSERT INTO votes VALUES (2, 1, 1, now(), now(), '', 0)`, `UPDATE standings SET votes = 1`, `UPDATE videos SET votes = 1`)
	if _, err := star.ExecContext(t.Context(), `UPDATE players SET email_key = '' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}

	if err := voter.Rollback(); err != nil {
		t.Fatal(err)
	}

	until(t, "the deletion begins again", func() bool { return len(retried) > 0 })
	if err := star.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := <-retried; !errors.Is(err, errConflict) || len(retried) > 0 {
		t.Errorf("retried for %v, and %d times more", err, len(retried))
	}
	wantNone(t, s, "what is left of the player", `SELECT id :: TEXT FROM players WHERE id = 2 UNION ALL SELECT 'vote' FROM votes
		UNION ALL SELECT 'counter' FROM standings WHERE votes > 0`)
}

// The deletion of expired sessions and the promotion of jobs skip rows that another transaction has locked.
func TestOldRowsThatAreLockedArePassedOver(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 1)
	execAll(t, s, `INSERT INTO sessions VALUES ('locked', 1, '2026-01-15Z'), ('expired', 1, '2026-01-15Z')`,
		`INSERT INTO river_job (id, state, max_attempts, kind, args, priority)
			SELECT id, 'available', 5, 'process_video', '{}', 2 FROM generate_series(1, 2) AS id`)
	holder := beginTx(t, s)
	for _, statement := range []string{
		`UPDATE sessions SET generation = 1 WHERE token_hash = 'locked'`, `UPDATE river_job SET attempt = 1 WHERE id = 1`,
	} {
		if _, err := holder.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}

	if err := s.AddSession(t.Context(), "new", 1, 0, time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	promoted, err := s.Promote(t.Context(), time.Now().Add(time.Hour))

	if promoted != 1 || err != nil {
		t.Errorf("%d jobs were promoted, %v", promoted, err)
	}
	if diff := cmp.Diff([]string{"locked", "new"}, lines(t, s, `SELECT token_hash FROM sessions ORDER BY 1`)); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
}

// Two processes that store the day's ranking at once do it one after the other. The second finds it stored and changes
// nothing.
func TestRankingIsRememberedByOne(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 3, 3)
	holder := beginTx(t, s)
	if _, err := holder.ExecContext(t.Context(), `LOCK TABLE standings_before IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i := range errs {
		both.Go(func() {
			errs[i] = s.RememberRanking(context.Background(), now.Add(time.Duration(i)*time.Second), now.Add(-time.Hour))
		})
	}
	until(t, "both wait", func() bool { return lockWaits(t, s) == 2 })
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	both.Wait()

	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got := lines(t, s, `SELECT count(*) || ' places, taken at ' || count(DISTINCT taken_at) || ' moment' FROM standings_before`); !cmp.Equal(got, []string{"3 places, taken at 1 moment"}) {
		t.Errorf("remembered: %v", got)
	}
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgconn"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// A batch waits for a standing while staff void one of its votes. The statement's snapshot does not have the void vote,
// but the number of decisions differs: the statement fails, and each vote is retried alone.
func TestCrowdThatWaitedForADecision(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 4)
	if _, err := s.crowds.db.ExecContext(t.Context(), `UPDATE videos SET published_at = now()`); err != nil {
		t.Fatal(err)
	}
	var batch []*write
	for voter := int64(3); voter <= 4; voter++ {
		b := &ballot{videoID: 1, voterID: voter, at: time.Now().Truncate(time.Microsecond)}
		batch = append(batch, &write{ctx: t.Context(), do: b.giveAlone, ballot: b})
	}
	var together error
	g := &s.crowds.enter(1).group
	g.observe = func(_ time.Duration, err error) { together = err }
	done := make(chan bool)

	err := inTransaction(t.Context(), s.crowds.db, func(tx *sql.Tx) error {
		_, err := s.affect(t.Context(), tx, 1, func(*contest.Effect) error {
			go func() { // ends after the decision
				defer close(done)
				g.commit(batch)
			}()
			until(t, "the crowd waits for the star", func() bool { return lockWaits(t, s) == 1 })
			_, err := tx.ExecContext(t.Context(), `INSERT INTO votes_set_aside SELECT 3, 1, 1, now(), '', 0, 'void'`)
			return err
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	<-done

	if !missing(together) {
		t.Errorf("together they ended with %v", together)
	}
	if diff := cmp.Diff([]error{contest.ErrAlreadyVoted, nil}, []error{batch[0].err, batch[1].err}, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if got := lines(t, s, `SELECT voter_id || ' of ' || (SELECT votes FROM standings) FROM votes`); !cmp.Equal(got, []string{"4 of 1"}) {
		t.Errorf("votes: %v", got)
	}
}

// missing reports whether the error is a violation of NOT NULL.
func missing(err error) bool {
	failed, ok := errors.AsType[*pgconn.PgError](err)
	return ok && failed.Code == "23502"
}

// A publication that begins before its account is suspended waits for the suspension, and is refused.
func TestPublicationThatWaitsWhileItsAccountIsShut(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 1)
	if _, err := s.crowds.db.ExecContext(t.Context(), `UPDATE videos SET status = 'processed'`); err != nil {
		t.Fatal(err)
	}
	published := make(chan error, 1)

	err := inTransaction(t.Context(), s.crowds.db, func(tx *sql.Tx) error {
		_, err := s.affect(t.Context(), tx, 1, func(*contest.Effect) error {
			go func() { // ends after the decision
				_, err := s.PublishVideo(context.Background(), 1, time.Now())
				published <- err
			}()
			until(t, "the publication waits for the account", func() bool { return lockWaits(t, s) == 1 })
			_, err := tx.ExecContext(t.Context(), `UPDATE players SET shut_at = now() WHERE id = 1`)
			return err
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := <-published; !errors.Is(err, contest.ErrAccountSuspended) {
		t.Errorf("got %v", err)
	}
	if got := lines(t, s, `SELECT status FROM videos`); !cmp.Equal(got, []string{"processed"}) {
		t.Errorf("the video is %v", got)
	}
}

// If one vote of a batch reaches its deadline, only this vote ends; the statement goes on for the others.
func TestTimeOfOneVoteIsNotTheOthers(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 2, 4)
	g := &s.crowds.votes
	give := func(ctx context.Context, video, voter int64) chan error {
		ended := make(chan error, 1)
		go func() { // ends with its result
			ended <- g.runWrite(ctx, &write{ballot: &ballot{videoID: video, voterID: voter, at: time.Now()}})
		}()
		return ended
	}
	conn, err := g.votes.Acquire(t.Context()) // the first batch waits for this connection, the other votes for that batch
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release() // the second Release does nothing
	first := give(t.Context(), 2, 1)
	until(t, "the first leads", func() bool {
		g.line.mu.Lock()
		defer g.line.mu.Unlock()
		return g.line.led && len(g.line.waiting) == 0
	})
	short, end := context.WithCancel(t.Context())
	defer end()
	one := give(short, 1, 3)
	until(t, "one waits", func() bool { return g.line.length() == 1 })
	other := give(t.Context(), 2, 4)
	until(t, "the other waits", func() bool { return g.line.length() == 2 })
	tx, err := s.readers.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `INSERT INTO votes SELECT 3, 1, 1, now(), now(), '', 0`); err != nil {
		t.Fatal(err)
	}
	conn.Release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	until(t, "their batch waits for the vote", func() bool { return lockWaits(t, s) == 1 })

	end()

	if err := <-one; !errors.Is(err, errUnsure) || !errors.Is(err, context.Canceled) {
		t.Errorf("whose time is over: got %v", err)
	}
	if n := lockWaits(t, s); n != 1 {
		t.Errorf("%d statements wait", n)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-other; err != nil {
		t.Errorf("the other: got %v", err)
	}
}

// The statement of a batch is canceled when no vote of the batch has time left.
func TestStatementEndsWithTheLastOfItsVotes(t *testing.T) {
	t.Parallel()
	first, endFirst := context.WithCancel(t.Context())
	last, endLast := context.WithCancel(t.Context())
	ctx, cancel := whileAny([]*write{{ctx: first}, {ctx: last}})
	defer cancel()
	endLast()
	if err := ctx.Err(); err != nil {
		t.Errorf("it ended with one: %v", err)
	}
	endFirst()
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
		t.Error("it has not ended")
	}
}

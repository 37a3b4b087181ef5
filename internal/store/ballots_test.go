package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// Each vote of a batch ends as it would alone. Votes that cannot be cast in the batch end with errNotTogether.
func TestBallotsAreKeptApart(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 3, 9)
	at := func(second int) time.Time { return time.Date(2100, 1, 1, 0, 0, second, 0, time.UTC) }
	if _, err := s.AddVote(t.Context(), 1, 9, at(10)); err != nil {
		t.Fatal(err)
	}
	asked := []struct {
		video, voter int64
		second       int
		err          error
		votes        int
	}{
		{1, 4, 11, nil, 2},
		{1, 9, 12, contest.ErrAlreadyVoted, 0},
		{2, 4, 13, nil, 1},
		{2, 4, 14, contest.ErrAlreadyVoted, 0}, // repeated in the batch
		{1, 1, 15, contest.ErrOwnVideo, 0},
		{99, 5, 16, contest.ErrNoVideo, 0},
		{1, 99, 17, errNotTogether, 0}, // no such voter; looks like a voter whose row is locked
		{1, 5, 5, nil, 3},              // from a clock that is slow
		{1, 6, 18, nil, 4},
	}
	var batch []*write
	for _, a := range asked {
		batch = append(batch, &write{ctx: t.Context(), ballot: &ballot{videoID: a.video, voterID: a.voter, at: at(a.second)}})
	}

	s.crowds.votes.commit(batch)

	for i, a := range asked {
		if got := batch[i]; !errors.Is(got.err, a.err) || got.ballot.votes != a.votes {
			t.Errorf("%d for %d: got %v and %d votes, want %v and %d", a.voter, a.video, got.err, got.ballot.votes, a.err, a.votes)
		}
	}
	type link struct {
		Voter      int64
		At, Before time.Time
	}
	rows, err := s.readers.QueryContext(t.Context(), `SELECT voter_id, voted_at, before_at FROM votes WHERE player_id = 1 ORDER BY voted_at`)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := all(rows, func(row scanner) (l link, err error) {
		return l, row.Scan(&l.Voter, (*timestamp)(&l.At), (*timestamp)(&l.Before))
	})
	if err != nil {
		t.Fatal(err)
	}
	behind := at(11).Add(time.Microsecond)
	want := []link{{9, at(10), chain[0].Before}, {4, at(11), at(10)}, {5, behind, at(11)}, {6, at(18), behind}}
	if diff := cmp.Diff(want, chain); diff != "" {
		t.Errorf("the first star's votes (-want +got):\n%s", diff)
	}
	var standing [3]int64
	err = s.readers.QueryRowContext(t.Context(), `
		SELECT (SELECT votes FROM standings WHERE player_id = 1 AND reached_at = $1), (SELECT votes FROM videos WHERE id = 1),
			(SELECT votes FROM standings WHERE player_id = 2)`, timestamp(at(18))).Scan(&standing[0], &standing[1], &standing[2])
	if diff := cmp.Diff([3]int64{4, 4, 1}, standing); diff != "" || err != nil {
		t.Errorf("counters, %v (-want +got):\n%s", err, diff)
	}
}

// While a transaction has locked a player and a voter, votes that need neither are cast. The others are cast after it
// ends.
func TestVotesPassWhoIsHeld(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 3, 40)
	tx, err := s.readers.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := stand(t.Context(), tx, 1, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.lockForDeletion(t.Context(), tx, 39); err != nil {
		t.Fatal(err)
	}
	held := make(chan error, 11)
	for i := range cap(held) {
		video, voter := int64(1), int64(10+i)
		if i == 10 {
			video, voter = 3, 39
		}
		go func() { // ends after the locks are released
			_, err := s.AddVote(context.Background(), video, voter, time.Now())
			held <- err
		}()
	}
	for i := range 10 {
		if _, err := s.AddVote(t.Context(), 2, int64(21+i), time.Now()); err != nil {
			t.Error(err)
		}
	}
	until(t, "two wait for a lock", func() bool { return lockWaits(t, s) >= 2 })
	select {
	case err := <-held:
		t.Errorf("a vote for the star or of the voter has ended: %v", err)
	default:
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for range cap(held) {
		if err := <-held; err != nil {
			t.Error(err)
		}
	}
	var votes int
	err = s.readers.QueryRowContext(t.Context(), `SELECT votes FROM standings WHERE player_id = 1`).Scan(&votes)
	if votes != 10 || err != nil {
		t.Errorf("the star has %d votes, %v", votes, err)
	}
}

func TestWhatMayComeRightIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"a deadlock", &pgconn.PgError{Code: "40P01"}, true},
		{"a serialization failure", &pgconn.PgError{Code: "40001"}, true},
		{"a lock that was not to be had", &pgconn.PgError{Code: "55P03"}, true},
		{"a statement out of time", &pgconn.PgError{Code: "57014"}, true},
		{"a COMMIT without an answer", errUnsure, true},
		{"a constraint", &pgconn.PgError{Code: "23514"}, false},
	} {
		if err := named("add_vote", test.err); errors.Is(err, contest.ErrUnavailable) != test.want {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}

func TestUnsure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "40001"}, false},
		{&pgconn.PgError{SeverityUnlocalized: "FATAL", Code: "57P01"}, true},
		{context.DeadlineExceeded, true},
		{io.ErrUnexpectedEOF, true}, // lost connection
		{fmt.Errorf("%w: as pgx says it", pgconn.ErrConnClosed), true},
		{pgx.ErrTxCommitRollback, false},
		{sql.ErrTxDone, false},
		{constraint(t), false},
	} {
		if got := unsure(test.err); got != test.want {
			t.Errorf("%v: got %t", test.err, got)
		}
	}
}

// constraint returns SQLite's error for a row that exists already.
func constraint(t *testing.T) error {
	t.Helper()
	_, err := keptTable(t).ExecContext(t.Context(), `INSERT INTO kept (n) VALUES (1), (1)`)
	if err == nil {
		t.Fatal("SQLite refuses nothing")
	}
	return err
}

// lockWaits returns how many connections to the store's database wait for a lock.
func lockWaits(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.crowds.db.QueryRowContext(t.Context(), `
		SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
	if err != nil {
		t.Error(err)
	}
	return n
}

// If the context ends before COMMIT is sent, the commit outcome is known: nothing is committed.
func TestCommitThatIsNotSent(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := inTransaction(ctx, s.crowds.db, func(*sql.Tx) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, errUnsure) {
		t.Errorf("got %v", err)
	}
}

// A batch in which every vote is refused locks no row, so it has nothing to flush.
func TestRefusalsTakeNothing(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 2)
	if _, err := s.AddVote(t.Context(), 1, 2, time.Now()); err != nil {
		t.Fatal(err)
	}
	holder := func() (xmax string) { // the last transaction that locked the standing
		t.Helper()
		if err := s.readers.QueryRowContext(t.Context(), `SELECT CAST(xmax AS TEXT) FROM standings WHERE player_id = 1`).Scan(&xmax); err != nil {
			t.Fatal(err)
		}
		return xmax
	}
	before := holder()
	var told []error
	s.crowds.votes.observe = func(_ time.Duration, err error) { told = append(told, err) }
	for _, test := range []struct {
		video, voter int64
		want         error
	}{{1, 1, contest.ErrOwnVideo}, {1, 2, contest.ErrAlreadyVoted}, {99, 1, contest.ErrNoVideo}} {
		if _, err := s.AddVote(t.Context(), test.video, test.voter, time.Now()); !errors.Is(err, test.want) {
			t.Errorf("got %v, want %v", err, test.want)
		}
	}
	if diff := cmp.Diff([]error{nil, nil, nil}, told, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	if now := holder(); now != before {
		t.Errorf("the star was taken by %s after %s", now, before)
	}
}

// If another process inserts the same vote after the batch's snapshot, the batch fails, and no vote of it is cast.
func TestVoteInsertedByAnotherTransaction(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 2, 4)
	tx, err := s.readers.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	// Do not lock the standing, as every real vote does first. Otherwise the batch would skip the vote before it tries
	// to insert.
	_, err = tx.ExecContext(t.Context(), `INSERT INTO votes SELECT 3, 1, 1, now(), now(), '', 0`)
	if err != nil {
		t.Fatal(err)
	}
	batch := []*write{
		{ctx: t.Context(), ballot: &ballot{videoID: 1, voterID: 3, at: time.Now()}},
		{ctx: t.Context(), ballot: &ballot{videoID: 2, voterID: 4, at: time.Now()}},
	}
	done := make(chan bool)
	go func() { // ends after the transaction
		defer close(done)
		s.crowds.votes.commit(batch)
	}()
	until(t, "the batch waits for the vote", func() bool { return lockWaits(t, s) == 1 })
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	<-done
	for _, w := range batch {
		if !errors.Is(w.err, errNotTogether) {
			t.Errorf("got %v", w.err)
		}
	}
	var votes int
	err = s.readers.QueryRowContext(t.Context(), `SELECT sum(votes) FROM standings`).Scan(&votes)
	if votes != 0 || err != nil {
		t.Errorf("%d votes were counted, %v", votes, err)
	}
}

// The cached plan does not scan votes, even if it was made while the table was empty.
func TestPlanFromBeforeTheFirstVote(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 2)
	if _, err := s.crowds.db.ExecContext(t.Context(), `VACUUM ANALYZE`); err != nil {
		t.Fatal(err)
	}
	conn, err := s.crowds.votes.votes.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	_, err = conn.Exec(t.Context(), `PREPARE cast_votes AS `+castPassing)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `EXPLAIN EXECUTE cast_votes ('{1}', '{2}', '{2026-11-28}', '{""}', '{0}')`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	text := strings.Join(plan, "\n")
	if err != nil || strings.Contains(text, "Seq Scan") || !strings.Contains(text, "votes_by_voter_pkey on votes") {
		t.Errorf("%v\n%s", err, text)
	}
}

// Observe is called for a batch that fails, even though its votes are then retried.
func TestSharedFailuresAreObserved(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 2)
	var told []string
	s.crowds.observe = func(operation string, _ time.Duration, err error) {
		told = append(told, fmt.Sprint(operation, " ", err != nil))
	}
	if _, err := s.crowds.db.ExecContext(t.Context(), `ALTER TABLE votes RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddVote(t.Context(), 1, 2, time.Now()); err == nil {
		t.Error("a vote without a table")
	}
	if diff := cmp.Diff([]string{"votes_together true"}, told); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// holdStars locks all standings, as the deletion of an account does, until letGo is called.
func holdStars(t *testing.T, s *Store) (letGo func()) {
	t.Helper()
	tx, err := s.crowds.db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `UPDATE standings SET before_at = reached_at`); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}

// Votes that wait for row locks use at most half of the connections.
func TestHeldStarsLeaveConnections(t *testing.T) {
	t.Parallel()
	const stars = 20 // the pool has 16 connections
	s := stormStore(t, testserver.SharedPostgres(t), stars, stars+1)
	letGo := holdStars(t, s)
	defer letGo()
	given := make(chan error, stars)
	for i := range stars {
		go func() { // ends after letGo
			_, err := s.AddVote(context.Background(), int64(i+1), stars+1, time.Now())
			given <- err
		}()
	}
	until(t, "half of the connections wait", func() bool { return lockWaits(t, s) == 8 && len(s.crowds.seats) == 8 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 3 { // the other votes wait for the semaphore, without a connection
		if _, err := s.PlayerByID(ctx, 1); err != nil {
			t.Errorf("a reader: %v", err)
		}
		if n := lockWaits(t, s); n != 8 {
			t.Errorf("%d connections wait, want 8", n)
		}
	}
	letGo()
	for range stars {
		if err := <-given; err != nil {
			t.Error(err)
		}
	}
	if n := len(s.crowds.seats); n != 0 {
		t.Errorf("%d seats are taken in the end", n)
	}
}

// One time limit bounds all attempts at a vote, whether it waits for a row lock or for a connection.
func TestVoteHasOneDeadline(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 1, 3)
	s.crowds.time = 300 * time.Millisecond
	defer holdStars(t, s)()
	for _, test := range []struct {
		name        string
		connections int // in the pool; holdStars uses one of them
		vote        func() (int, error)
	}{
		{"for a star", 16, func() (int, error) { return s.AddVote(context.Background(), 1, 2, time.Now()) }},
		{"for a connection", 1, func() (int, error) { return s.WithdrawVote(context.Background(), 1, 3) }},
	} {
		s.crowds.db.SetMaxOpenConns(test.connections)
		ended := make(chan error, 1)
		go func() { // ends at its deadline
			_, err := test.vote()
			ended <- err
		}()
		select {
		case err := <-ended:
			if !errors.Is(err, contest.ErrUnavailable) {
				t.Errorf("waiting %s: got %v", test.name, err)
			}
		case <-time.After(writeTime / 2):
			t.Errorf("waiting %s: it has not ended", test.name)
		}
	}
}

// A batch locks all of its voters before any standing, in the same order as the deletion of an account. Otherwise the
// two could deadlock.
func TestVotersAreTakenBeforeStars(t *testing.T) {
	t.Parallel()
	s := stormStore(t, testserver.SharedPostgres(t), 2, 6)
	for name, give := range map[string]func(context.Context, *sql.Tx) error{
		"together": func(ctx context.Context, tx *sql.Tx) error {
			var batch []*write
			for voter := int64(3); voter <= 6; voter++ {
				batch = append(batch, &write{ctx: ctx, ballot: &ballot{videoID: 1, voterID: voter, at: time.Now()}})
			}
			_, err := castTogether(ctx, tx, batch)
			return err
		},
		"alone": (&ballot{videoID: 1, voterID: 6, at: time.Now()}).giveAlone,
	} {
		t.Run(name, func(t *testing.T) {
			deleting, err := s.crowds.db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = deleting.Rollback() }()
			if err := s.lockForDeletion(t.Context(), deleting, 6); err != nil {
				t.Fatal(err)
			}
			given := make(chan error, 1)
			undone := errors.New("undone")
			go func() { // ends after the voter's lock is released
				given <- inTransaction(context.Background(), s.crowds.db, func(tx *sql.Tx) error {
					return errors.Join(give(context.Background(), tx), undone)
				})
			}()
			until(t, "the vote waits for the voter", func() bool { return lockWaits(t, s) == 1 })
			if _, err := deleting.ExecContext(t.Context(), `SELECT 1 FROM standings WHERE player_id = 1 FOR UPDATE NOWAIT`); err != nil {
				t.Errorf("the star is taken: %v", err)
			}
			if err := deleting.Rollback(); err != nil {
				t.Error(err)
			}
			if err := <-given; !errors.Is(err, undone) || strings.Contains(err.Error(), "SQLSTATE") {
				t.Error(err)
			}
		})
	}
}

// After a panic the health monitor has no waiting call left.
func TestNobodyWaitsAfterAPanic(t *testing.T) {
	t.Parallel()
	db, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "panic.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	watch := &watchman{waiting: map[*waiting]bool{}}
	func() {
		defer func() { _ = recover() }()
		_ = pooled{retrier{db: db.Writer}, watch}.run(t.Context(), func(context.Context, *sql.Tx) error { panic("at the disco") })
	}()
	if diff := cmp.Diff(map[*waiting]bool{}, watch.waiting, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("who waits (-want +got):\n%s", diff)
	}
}

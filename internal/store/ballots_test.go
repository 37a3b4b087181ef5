package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgconn"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// Votes that are given together end each as it would have alone, and those that cannot be are left for later.
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
		{2, 4, 14, contest.ErrAlreadyVoted, 0}, // in the same batch
		{1, 1, 15, contest.ErrOwnVideo, 0},
		{99, 5, 16, contest.ErrNoVideo, 0},
		{1, 99, 17, errNotTogether, 0}, // nobody by that number, or somebody's who holds it
		{1, 5, 5, nil, 3}, // by a clock that is behind
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

// While somebody holds a star and a voter, others' votes for others go on, and theirs are given when they are let go.
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
	if err := hold(t.Context(), tx, 39); err != nil {
		t.Fatal(err)
	}
	held := make(chan error, 11)
	for i := range cap(held) {
		video, voter := int64(1), int64(10+i)
		if i == 10 {
			video, voter = 3, 39
		}
		go func() { // ends when they are let go
			_, err := s.AddVote(context.Background(), video, voter, time.Now())
			held <- err
		}()
	}
	for i := range 10 {
		if _, err := s.AddVote(t.Context(), 2, int64(21+i), time.Now()); err != nil {
			t.Error(err)
		}
	}
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
	} {
		if got := unsure(test.err); got != test.want {
			t.Errorf("%v: got %t", test.err, got)
		}
	}
}

// Whoever panics waits for nothing any more.
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
		_ = pooled{db.Writer, watch}.run(t.Context(), func(context.Context, *sql.Tx) error { panic("at the disco") })
	}()
	if diff := cmp.Diff(map[*waiting]bool{}, watch.waiting, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("who waits (-want +got):\n%s", diff)
	}
}

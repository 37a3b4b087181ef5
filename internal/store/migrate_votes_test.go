package store

import (
	"path/filepath"
	"testing"
	"time"
)

// Votes from before the chain can be withdrawn like later ones: the standing goes back from each to the one before it.
func TestVotesFromBeforeTheyWereAChain(t *testing.T) {
	t.Parallel()
	db, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "chain.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	provider, _, err := migrators(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO players (id, first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at)
			SELECT value, 'a', 'b', value, value, '', '', '', '', '2026-01-15T10:00:00.000000Z' FROM json_each('[1, 2, 3]')`,
		`INSERT INTO videos (id, player_id, task_id, title, status, failure, votes, token, format, size, run, city_key, search_key,
				uploaded_at, published_at)
			VALUES (7, 1, 1, 'Triple', 'public', '', 2, 't', 'mp4', 1, 'r', '', '', '2026-01-15T10:00:00.000000Z', '2026-01-15T10:01:00.000000Z')`,
		`INSERT INTO votes (video_id, voter_id, player_id, voted_at)
			VALUES (7, 2, 1, '2026-01-15T10:03:00.000000Z'), (7, 3, 1, '2026-01-15T10:02:00.000000Z')`,
		`INSERT INTO standings (player_id, city_key, votes, reached_at) VALUES (1, '', 2, '2026-01-15T10:03:00.000000Z')`,
	} {
		if _, err := db.Writer.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := New(db, Options{})
	for _, step := range []struct {
		voter int64
		left  int
		at    string
	}{{2, 1, "2026-01-15T10:02:00.000000Z"}, {3, 0, "2026-01-15T10:01:00.000000Z"}} {
		votes, err := s.WithdrawVote(t.Context(), 7, step.voter)
		if err != nil || votes != step.left {
			t.Errorf("got %d, %v, want %d", votes, err, step.left)
		}
		var reached time.Time
		err = db.Readers.QueryRowContext(t.Context(), `SELECT reached_at FROM standings`).Scan((*timestamp)(&reached))
		if got := reached.Format(timestampLayout); err != nil || got != step.at {
			t.Errorf("the player stands at %s, %v, want %s", got, err, step.at)
		}
	}
}

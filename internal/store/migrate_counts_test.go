package store

import (
	"fmt"
	"path/filepath"
	"testing"

	"risingstars/internal/contest"
	"risingstars/internal/testserver"
)

// The migration counts the videos that are public already, also after it has been rolled back and applied again.
func TestPublicVideosFromBeforeTheyWereCounted(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "counts.db"))
		if err != nil {
			t.Fatal(err)
		}
		countFromBefore(t, db)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server, name := testserver.SharedPostgres(t), "counts_"+contest.NewMediaToken()
		if err := server.Create(name, ""); err != nil {
			t.Fatal(err)
		}
		db, err := OpenPostgres(server.URL(name), 4)
		if err != nil {
			t.Fatal(err)
		}
		countFromBefore(t, db)
	})
}

func countFromBefore(t *testing.T, db *DB) {
	t.Helper()
	defer func() { _ = db.Close() }()
	exec := func(statement string) {
		t.Helper()
		if _, err := db.Writer.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	provider, _, err := migrators(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	exec(`INSERT INTO players (id, first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at)
		VALUES (1, 'a', 'b', 'c', 'c', '', 'Cali', 'cali', '', '2026-01-15T10:00:00.000000Z')`)
	for i, video := range [][2]string{{"public", "cali"}, {"public", "cali"}, {"public", ""}, {"processed", "cali"}} {
		exec(fmt.Sprintf(`INSERT INTO videos (id, player_id, task_id, title, status, failure, votes, token, format, size, run, city_key,
				search_key, uploaded_at)
			VALUES (%d, 1, '', 'Triple', '%s', '', 0, 't%[1]d', 'mp4', 1, 'r', '%[3]s', '', '2026-01-15T10:00:00.000000Z')`, i+1, video[0], video[1]))
	}
	s := New(db, Options{})
	want := func(all, cali int) {
		t.Helper()
		for city, want := range map[string]int{"": all, "Cali": cali} {
			if got, err := s.CountPublicVideos(t.Context(), contest.PublicQuery{City: city}); got != want || err != nil {
				t.Errorf("public videos of %q: got %d, %v, want %d", city, got, err, want)
			}
		}
	}

	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(3, 2)
	exec(`UPDATE videos SET status = 'public' WHERE id = 4`)
	want(4, 3)
	if _, err := provider.DownTo(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	exec(`DELETE FROM videos WHERE id = 1`)
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(3, 2)
}

package api_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"risingstars/internal/app/apptest"
	"risingstars/internal/contest"
)

// change changes a server's database directly.
func change(tb testing.TB, s *apptest.Server, statement string, args ...any) {
	tb.Helper()
	withDatabase(tb, s, func(db *sql.DB) error {
		_, err := db.ExecContext(tb.Context(), statement, args...)
		return err
	})
}

// look reads one value from a server's database.
func look[T any](tb testing.TB, s *apptest.Server, query string, args ...any) T {
	tb.Helper()
	var v T
	withDatabase(tb, s, func(db *sql.DB) error { return db.QueryRowContext(tb.Context(), query, args...).Scan(&v) })
	return v
}

func withDatabase(tb testing.TB, s *apptest.Server, do func(*sql.DB) error) {
	tb.Helper()
	driver, name := "sqlite", "file:"+filepath.Join(s.DataDir, "risingstars.db")+"?_pragma=busy_timeout(10000)"
	if s.DatabaseURL != "" {
		driver, name = "pgx", s.DatabaseURL
	}
	db, err := sql.Open(driver, name)
	if err == nil {
		err = errors.Join(do(db), db.Close())
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// The content of a processed video's objects if no worker made them.
const (
	clipContent   = "not really a clip, but who looks"
	posterContent = "not really a picture"
)

// process marks a video as processed and writes its objects, on a server without a worker.
func process(tb testing.TB, s *apptest.Server, id int64) {
	tb.Helper()
	run := contest.NewMediaToken()
	folder := filepath.Join(mediaFolder(tb, s, id), run)
	err := os.Mkdir(folder, 0o700)
	for name, content := range map[string]string{"clip.mp4": clipContent, "poster.jpg": posterContent} {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	if err != nil {
		tb.Fatal(err)
	}
	change(tb, s, `UPDATE videos SET status = 'processed', run = $1, processed_at = uploaded_at WHERE id = $2`, run, id)
}

// published uploads, processes and publishes a video.
func published(tb testing.TB, s *apptest.Server, p player, named string) int64 {
	tb.Helper()
	id := p.uploaded(named)
	process(tb, s, id)
	if got := p.post(path("/api/videos/{id}/publish", id)); got.status != 200 {
		tb.Fatalf("publish: got %d: %s", got.status, got.body)
	}
	return id
}

// multiply copies a server's only video until there are n.
func multiply(tb testing.TB, s *apptest.Server, n int) {
	tb.Helper()
	change(tb, s, `
		WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)
		INSERT INTO videos (player_id, task_id, title, status, failure, votes, token, format, size, run, city_key,
			search_key, uploaded_at, processed_at, published_at)
		SELECT player_id, task_id, title, status, failure, votes, printf('%032x', n), format, size, run, city_key,
			search_key, uploaded_at, processed_at, published_at
		FROM videos, numbers`, n)
}

// mediaFolder is the folder of a video's objects.
func mediaFolder(tb testing.TB, s *apptest.Server, id int64) string {
	tb.Helper()
	token := look[string](tb, s, `SELECT token FROM videos WHERE id = $1`, id)
	return filepath.Join(s.DataDir, "media", "videos", token)
}

// traces lists what uploads can leave behind: work files, objects and rows.
func traces(tb testing.TB, s *apptest.Server) []string {
	tb.Helper()
	found := append(files(tb, filepath.Join(s.DataDir, "work")), files(tb, filepath.Join(s.DataDir, "media", "videos"))...)
	if look[int](tb, s, `SELECT count(*) FROM videos`) > 0 {
		found = append(found, "rows")
	}
	if look[int](tb, s, `SELECT count(*) FROM river_job`) > 0 {
		found = append(found, "jobs")
	}
	return found
}

// files lists the paths of all files below a folder.
func files(tb testing.TB, folder string) []string {
	tb.Helper()
	var found []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// storedOriginals lists the originals in a server's storage.
func storedOriginals(tb testing.TB, s *apptest.Server) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(s.DataDir, "media", "videos", "*", "original.*"))
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// openDatabase opens the database of a server with these settings.
func openDatabase(tb testing.TB, settings apptest.Settings) *sql.DB {
	tb.Helper()
	open := func() (*store.DB, error) { return store.OpenPostgres(settings["DATABASE_URL"], 4) }
	if settings["DATABASE_URL"] == "" {
		open = func() (*store.DB, error) {
			return store.OpenSQLite(tb.Context(), filepath.Join(settings["DATA_DIR"], "risingstars.db"))
		}
	}
	db := must(open())(tb)
	tb.Cleanup(func() { check(tb, db.Close()) })
	return db.Writer
}

// failMany copies the only video n-1 times; all copies have failed.
func failMany(tb testing.TB, db *sql.DB, n int) {
	tb.Helper()
	must(db.ExecContext(context.Background(), `
		WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)
		INSERT INTO videos (player_id, task_id, title, status, failure, votes, token, format, size, run, city_key, search_key, uploaded_at)
		SELECT player_id, task_id, title, status, failure, votes, token || CAST(n AS TEXT), format, size, run, city_key, search_key, uploaded_at
		FROM videos CROSS JOIN numbers`, n))(tb)
	must(db.ExecContext(context.Background(), `UPDATE videos SET status = 'failed', failure = 'internal'`))(tb)
}

// Long lists are cut. More videos than one page are all retried, once each.
func TestJobsMany(t *testing.T) {
	t.Parallel()
	for name, engine := range engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const many = 450
			settings := engine(t)
			settings["WORKERS"], settings["DATA_DIR"] = "0", t.TempDir()
			server := apptest.Start(t, settings)
			newPlayer(t, server.URL, "ana@example.com").mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
			db := openDatabase(t, settings)
			failMany(t, db, many)

			for _, test := range []struct {
				args []string
				rows int
				note string
			}{
				{nil, 100, "350 more are not listed; --limit=0 lists all\n"},
				{[]string{"--failed", "--limit=449"}, 449, "1 more are not listed; --limit=0 lists all\n"},
				{[]string{"--limit=450"}, many, ""},
				{[]string{"--limit=0"}, many, ""},
			} {
				out := must(run(t, settings, append([]string{"jobs", "list"}, test.args...)...))(t)
				if got := strings.Count(out, " failed "); got != test.rows || !strings.HasSuffix(out, test.note) ||
					strings.Contains(out, "more are") != (test.note != "") {
					t.Errorf("%v: got %d rows, want %d and %q:\n%s", test.args, got, test.rows, test.note, out[max(0, len(out)-100):])
				}
			}
			queued := 0
			testserver.EventuallyMoving(t, "all are queued again", func() (int, bool) {
				out, err := run(t, settings, "jobs", "retry", "--all")
				now := strings.Count(out, "is queued again")
				if !strings.HasSuffix(out, fmt.Sprintf("\n%d queued again, 0 no longer failed\n", now)) {
					t.Fatalf("retry: got %s", out[max(0, len(out)-200):])
				}
				// A busy PostgreSQL may count as unavailable; then the command runs again.
				if err != nil && !strings.Contains(err.Error(), "the server does not answer") || err == nil && queued+now != many {
					t.Fatalf("retry: got %d after %d, %v", now, queued, err)
				}
				queued += now
				return queued, queued == many
			})
			var waiting, jobs int
			check(t, db.QueryRowContext(t.Context(), `SELECT count(*), count(DISTINCT task_id) FROM videos WHERE status = 'uploaded'`).
				Scan(&waiting, &jobs))
			if diff := cmp.Diff([]int{many, many}, []int{waiting, jobs}); diff != "" {
				t.Errorf("videos that wait, and their jobs (-want +got):\n%s", diff)
			}
			if got := must(run(t, settings, "jobs", "retry", "--all"))(t); got != "0 queued again, 0 no longer failed\n" {
				t.Errorf("retry of nothing: got %q", got)
			}
		})
	}
}

// Programs read the list as one JSON object per line.
func TestJobsJSON(t *testing.T) {
	t.Parallel()
	began := time.Now().Truncate(time.Second)
	settings := apptest.Settings{"WORKERS": "0", "DATA_DIR": t.TempDir()}
	server := apptest.Start(t, settings)
	if got := must(run(t, settings, "jobs", "list", "--json"))(t); got != "" {
		t.Errorf("of nothing: got %q", got)
	}
	ana := newPlayer(t, server.URL, "ana@example.com")
	for range 2 {
		ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	}
	execute(t, server.DataDir, `UPDATE videos SET status = 'failed', failure = 'timeout' WHERE id = 1`)
	type line struct {
		VideoID    int64  `json:"video_id"`
		TaskID     string `json:"task_id"`
		Status     string
		Failure    string
		UploadedAt time.Time `json:"uploaded_at"`
		Title      string
	}
	var got []line

	decoder := json.NewDecoder(strings.NewReader(must(run(t, settings, "jobs", "list", "--json"))(t)))
	for decoder.More() {
		var l line
		check(t, decoder.Decode(&l))
		if l.UploadedAt.Before(began) || l.UploadedAt.After(time.Now()) {
			t.Errorf("uploaded at %s, the test began at %s", l.UploadedAt, began)
		}
		l.UploadedAt = time.Time{}
		got = append(got, l)
	}

	want := []line{
		{VideoID: 2, TaskID: "2", Status: "uploaded", Title: "Triple"},
		{VideoID: 1, TaskID: "1", Status: "failed", Failure: "timeout", Title: "Triple"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// A browser that watches a video learns of its retry through Redis. The retry also works while Redis is unavailable.
func TestJobsRetryOnRedis(t *testing.T) {
	t.Parallel()
	shared := testserver.Redis(t)
	settings := apptest.Settings{"WORKERS": "0", "DATA_DIR": t.TempDir(), "REDIS_URL": shared.URL}
	server := apptest.Start(t, settings)
	newPlayer(t, server.URL, "ana@example.com").mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	fail := func() {
		execute(t, server.DataDir, `UPDATE videos SET status = 'failed', failure = 'timeout' WHERE id = 1`)
	}
	heard := shared.Client().PSubscribe(t.Context(), "*")
	defer heard.Close()
	must(heard.Receive(t.Context()))(t) // the subscription has begun

	testserver.Eventually(t, "Redis answers within the platform's limit", func() bool {
		fail()
		return !strings.Contains(must(run(t, settings, "jobs", "retry", "1"))(t), "redis does not answer")
	})

	message := testserver.Within(t, "a message", heard.Channel())
	for !strings.Contains(message.Payload, `"event"`) { // processes also send other messages
		message = testserver.Within(t, "the event", heard.Channel())
	}
	contains(t, message.Payload, `"event":{"VideoID":1,`, `"Status":"uploaded"`)

	shared.Kill()
	fail()
	out := must(run(t, settings, "jobs", "retry", "--all"))(t)
	contains(t, out, "video 1 is queued again as task ", "1 queued again, 0 no longer failed\n", "redis does not answer")
}

package store_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
)

// engine is a kind of database on which the suite runs.
type engine struct {
	name string
	// open makes an empty database with its tables in a folder that is the test's own. Whoever opens it closes it.
	open func(ctx context.Context, dir string) (*store.DB, error)
}

// engines are all there are. A new one is a line here.
func engines() []engine {
	return []engine{
		{"sqlite", openSQLite},
	}
}

// world opens a database of the test's own. It is closed at the end of the test.
func (e engine) world(t *testing.T) *world {
	t.Helper()
	db, err := e.open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return newWorld(t, db)
}

const fileName = "risingstars.db"

// migrated is the content of an empty database with its tables, so that each test need not lay them down again.
var migrated = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := store.OpenSQLite(context.Background(), filepath.Join(dir, fileName))
	if err != nil {
		return nil, err
	}
	_, err = store.Migrate(context.Background(), db)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, fileName))
})

func openSQLite(ctx context.Context, dir string) (*store.DB, error) {
	empty, err := migrated()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileName)
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		return nil, err
	}
	return store.OpenSQLite(ctx, path)
}

// TestMain keeps the properties short unless the command line says otherwise (-rapid.checks=1000).
func TestMain(m *testing.M) {
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["rapid.checks"] {
		if err := flag.Set("rapid.checks", "15"); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// tester is what helpers need of a test or of a run of a property.
type tester interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func check(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a store with the real job queue beside it.
type world struct {
	*store.Store
	db    *store.DB
	queue *jobs.Queue
	river *river.Client[*sql.Tx]
}

func newWorld(t tester, db *store.DB) *world {
	t.Helper()
	queue, err := jobs.NewQueue(db.Writer)
	check(t, err)
	client, err := river.NewClient(riversqlite.New(db.Writer), &river.Config{})
	check(t, err)
	return &world{Store: store.New(db, store.Options{Queue: queue}), db: db, queue: queue, river: client}
}

var start = time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)

// at is so many seconds after the start.
func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// player adds a person, whose names and email follow from one word.
func (w *world) player(t tester, name, city string) contest.Player {
	t.Helper()
	p, err := w.AddPlayer(t.Context(), contest.Player{
		FirstName: name, LastName: "Ríos", Email: name + "@example.org", City: city, Country: "Colombia", CreatedAt: start,
	}, "hash of "+name)
	check(t, err)
	return p
}

// video is what an upload hands to the store.
func video(p contest.Player, title string, uploaded time.Time) contest.Video {
	return contest.Video{
		PlayerID: p.ID, Title: title, Status: contest.Uploaded, UploadedAt: uploaded,
		Media: contest.Media{Token: contest.NewToken(), Format: contest.MP4, Size: 1 << 20},
	}
}

func (w *world) upload(t tester, p contest.Player, title string, uploaded time.Time) contest.Video {
	t.Helper()
	v, err := w.AddVideo(t.Context(), video(p, title, uploaded))
	check(t, err)
	return v
}

// bring takes an uploaded video to a status, on the way that all videos take.
func (w *world) bring(t tester, v contest.Video, to contest.Status) contest.Video {
	t.Helper()
	var err error
	switch to {
	case contest.Uploaded:
	case contest.Failed:
		v, err = w.FailProcessing(t.Context(), v.ID, v.TaskID, contest.FailedUnplayable, nothingElse)
	case contest.Processing:
		v, err = w.BeginProcessing(t.Context(), v.ID, v.TaskID)
	case contest.Processed:
		v = w.bring(t, v, contest.Processing)
		v, err = w.FinishProcessing(t.Context(), v.ID, v.TaskID, contest.NewToken(), v.UploadedAt.Add(time.Minute), nothingElse)
	case contest.Public:
		v = w.bring(t, v, contest.Processed)
		v, err = w.Publish(t.Context(), v.ID, v.ProcessedAt.Add(time.Minute))
	}
	check(t, err)
	return v
}

// public adds a video that everybody can see.
func (w *world) public(t tester, p contest.Player, title string, uploaded time.Time) contest.Video {
	t.Helper()
	return w.bring(t, w.upload(t, p, title, uploaded), contest.Public)
}

// nothingElse is for when the queue has nothing to do in the same transaction.
func nothingElse(*sql.Tx) error { return nil }

// number reads one number from the database.
func (w *world) number(t tester, query string, args ...any) (n int64) {
	t.Helper()
	if err := w.db.Readers.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (w *world) exec(t tester, query string, args ...any) {
	t.Helper()
	if _, err := w.db.Writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// job finds the queue's job by the id that the contest knows it by.
func (w *world) job(t tester, taskID string) *rivertype.JobRow {
	t.Helper()
	id, err := strconv.ParseInt(taskID, 10, 64)
	check(t, err)
	job, err := w.river.JobGet(t.Context(), id)
	check(t, err)
	return job
}

// selected reads all rows of a query.
func selected(t tester, db *sql.DB, query string, args ...any) (list [][]any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	check(t, err)
	defer func() { check(t, rows.Close()) }()
	columns, err := rows.Columns()
	check(t, err)
	for rows.Next() {
		row, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		check(t, rows.Scan(places...))
		list = append(list, row)
	}
	check(t, rows.Err())
	return list
}

// content is every row of the contest and of the queue as text, to show that something changed nothing.
func (w *world) content(t tester) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"players", "videos", "votes", "standings", "river_job"} {
		for _, row := range selected(t, w.db.Readers, "SELECT * FROM "+table+" ORDER BY 1, 2") {
			fmt.Fprintf(&all, "%s %v\n", table, row)
		}
	}
	return all.String()
}

// brokenQueue does what the real queue does, and then fails, where told to.
type brokenQueue struct {
	*jobs.Queue
	fails func() bool
}

var errBroken = errors.New("the queue is broken")

func (q brokenQueue) EnqueueTx(ctx context.Context, tx *sql.Tx, job contest.ProcessVideo) (string, error) {
	id, err := q.Queue.EnqueueTx(ctx, tx, job)
	if q.fails() {
		err = errors.Join(err, errBroken)
	}
	return id, err
}

// broken is the same database by a store whose queue fails.
func (w *world) broken(fails func() bool) *store.Store {
	return store.New(w.db, store.Options{Queue: brokenQueue{w.queue, fails}})
}

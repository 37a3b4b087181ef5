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
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// engine is a database engine on which the suite runs.
type engine struct {
	name string
	// ready skips the test if the machine does not have the engine.
	ready func(testing.TB)
	// open creates an empty database with its tables; SQLite's is a file in dir. The caller closes it.
	open func(ctx context.Context, dir string) (*store.DB, error)
}

// engines returns all engines. To test on another one, add a line here.
func engines() []engine {
	return []engine{
		{"sqlite", func(testing.TB) {}, openSQLite},
		{"postgres", useServer, openPostgres},
	}
}

// world opens a new database for the test and closes it at the end of the test.
func (e engine) world(t *testing.T) *world {
	t.Helper()
	e.ready(t)
	db, err := e.open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return newWorld(t, db)
}

const fileName = "risingstars.db"

// migrated returns the file of an empty, migrated database, so that the migrations run only once.
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
	return openCopy(ctx, dir, empty)
}

// openCopy writes the content of a database file into dir, and opens it.
func openCopy(ctx context.Context, dir string, content []byte) (*store.DB, error) {
	path := filepath.Join(dir, fileName)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return nil, err
	}
	return store.OpenSQLite(ctx, path)
}

// server is the PostgreSQL server of all tests, set by the first test that uses it.
var (
	server  *testserver.Postgres
	useOnce sync.Once
	copies  atomic.Int64
)

func useServer(tb testing.TB) {
	tb.Helper()
	s := testserver.SharedPostgres(tb)
	useOnce.Do(func() { server = s })
}

func openPostgres(context.Context, string) (*store.DB, error) {
	url, err := store.NewMigratedPostgres(server)
	if err != nil {
		return nil, err
	}
	return store.OpenPostgres(url, 12)
}

// TestMain runs 15 checks of each property, unless the command line has -rapid.checks (e.g. -rapid.checks=1000).
func TestMain(m *testing.M) {
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["rapid.checks"] {
		if err := flag.Set("rapid.checks", "15"); err != nil {
			panic(err)
		}
	}
	os.Exit(testserver.Main(m))
}

// tester has the methods that helpers need. *testing.T and *rapid.T implement it.
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

// world is a store with a real job queue.
type world struct {
	*store.Store
	db    *store.DB
	queue *jobs.Queue
	river *river.Client[*sql.Tx]
}

func newWorld(t tester, db *store.DB) *world {
	t.Helper()
	queue, err := jobs.NewQueue(queueOf(db))
	check(t, err)
	client, err := river.NewClient(driverOf(db), &river.Config{})
	check(t, err)
	return &world{Store: store.New(db, store.Options{Queue: queue}), db: db, queue: queue, river: client}
}

func queueOf(db *store.DB) jobs.Database {
	if db.Engine == store.Postgres {
		return jobs.Postgres(db.Writer, nil)
	}
	return jobs.SQLite(db.Writer)
}

func driverOf(db *store.DB) riverdriver.Driver[*sql.Tx] {
	if db.Engine == store.Postgres {
		return riverdatabasesql.New(db.Writer)
	}
	return riversqlite.New(db.Writer)
}

// holder is the id of the run that holds the lease in most tests.
const holder = "a run"

func runOf(v contest.Video) contest.JobRun {
	return contest.JobRun{VideoID: v.ID, TaskID: v.TaskID, HolderID: holder}
}

var start = time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)

// at returns the time so many seconds after start.
func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// player adds a player whose names and email derive from name.
func (w *world) player(t tester, name, city string) contest.Player {
	t.Helper()
	p, err := w.AddPlayer(t.Context(), contest.Player{
		FirstName: name, LastName: "Ríos", Email: name + "@example.org", City: city, Country: "Colombia", CreatedAt: start,
	}, "hash of "+name)
	check(t, err)
	return p
}

// video returns a video as an upload hands it to the store.
func video(p contest.Player, title string, uploaded time.Time) contest.Video {
	return contest.Video{
		PlayerID: p.ID, Title: title, Status: contest.Uploaded, UploadedAt: uploaded,
		Media: contest.Media{Token: contest.NewMediaToken(), Format: contest.MP4, Size: 1 << 20},
	}
}

func (w *world) upload(t tester, p contest.Player, title string, uploaded time.Time) contest.Video {
	t.Helper()
	v, err := w.AddVideo(t.Context(), video(p, title, uploaded))
	check(t, err)
	return v
}

// bring takes an uploaded video to a status, through all statuses before it.
func (w *world) bring(t tester, v contest.Video, to contest.Status) contest.Video {
	t.Helper()
	var err error
	switch to {
	case contest.Uploaded:
	case contest.Failed:
		v, err = w.FailProcessing(t.Context(), runOf(v), contest.FailedUnplayable, nothingElse)
	case contest.Processing:
		v, err = w.BeginProcessing(t.Context(), runOf(v))
	case contest.Processed:
		v = w.bring(t, v, contest.Processing)
		v, err = w.FinishProcessing(t.Context(), runOf(v), contest.NewMediaToken(), v.UploadedAt.Add(time.Minute), nothingElse)
	case contest.Public:
		v = w.bring(t, v, contest.Processed)
		v, err = w.PublishVideo(t.Context(), v.ID, v.ProcessedAt.Add(time.Minute))
	}
	check(t, err)
	return v
}

// public adds a public video.
func (w *world) public(t tester, p contest.Player, title string, uploaded time.Time) contest.Video {
	t.Helper()
	return w.bring(t, w.upload(t, p, title, uploaded), contest.Public)
}

// nothingElse is for calls in which the queue has nothing to do in the same transaction.
func nothingElse(*sql.Tx) error { return nil }

// number runs a query that returns one number.
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

// clearing has the statements that delete all rows except the audit log.
var clearing = []string{
	`DELETE FROM votes`, `DELETE FROM votes_taken_back`, `DELETE FROM votes_set_aside`, `DELETE FROM standings`, `DELETE FROM standings_before`,
	`DELETE FROM sessions`, `DELETE FROM uploads`, `DELETE FROM videos`, `DELETE FROM players`, `DELETE FROM river_job`,
}

// clear empties the database for the next run of a property, which is much faster than creating another one.
func (w *world) clear(t tester) {
	t.Helper()
	execTogether(t, w.db.Writer, clearing)
}

// execTogether runs statements in one transaction.
func execTogether(t tester, db *sql.DB, statements []string) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	check(t, err)
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	for _, statement := range statements {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	check(t, tx.Commit())
}

// job returns the job with the id that is stored with the video.
func (w *world) job(t tester, taskID string) *rivertype.JobRow {
	t.Helper()
	id, err := strconv.ParseInt(taskID, 10, 64)
	check(t, err)
	job, err := w.river.JobGet(t.Context(), id)
	check(t, err)
	return job
}

// args returns the job's arguments without white space, which PostgreSQL adds.
func args(j *rivertype.JobRow) string { return strings.ReplaceAll(string(j.EncodedArgs), " ", "") }

// selected returns all rows of a query.
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

// content returns every row of the contest and of the queue as text, to check that nothing has changed.
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

// brokenQueue enqueues the job and then fails, if fails returns true.
type brokenQueue struct {
	*jobs.Queue
	fails func() bool
}

var errBroken = errors.New("the queue is broken")

func (q brokenQueue) EnqueueTx(ctx context.Context, tx *sql.Tx, job contest.ProcessVideo, before int) (string, error) {
	id, err := q.Queue.EnqueueTx(ctx, tx, job, before)
	if q.fails() {
		err = errors.Join(err, errBroken)
	}
	return id, err
}

// broken returns a store on the same database whose queue fails.
func (w *world) broken(fails func() bool) *store.Store {
	return store.New(w.db, store.Options{Queue: brokenQueue{w.queue, fails}})
}

package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"risingstars/internal/app/apptest"
	"risingstars/internal/blob"
	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/live"
	"risingstars/internal/media"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

// fixture is the platform without its web server: a database, a storage and workers of the test's own.
type fixture struct {
	testing.TB
	db     *store.DB
	store  *store.Store
	blobs  objects
	root   string // of the objects on disk
	videos *contest.Videos
	player contest.Player
	needs  jobs.Needs // may be changed before the workers start
}

// objects adapts the blob storage to the contest's interface.
type objects struct{ *blob.Local }

func (o objects) Walk(ctx context.Context, prefix string, fn func(contest.Object) error) error {
	return o.Local.Walk(ctx, prefix, func(i blob.Info) error {
		return fn(contest.Object{Key: i.Key, Size: i.Size, Modified: i.Modified})
	})
}

// These are slow and the same for all tests, so they are made once.
var (
	findTools = sync.OnceValues(func() (media.Tools, error) { return media.Find(context.Background(), "", "") })
	loadBrand = sync.OnceValues(func() (media.Brand, error) { return media.LoadBrand("", "") })
	newTables = sync.OnceValues(makeTables)
)

// makeTables returns the file of a migrated, empty database.
func makeTables() ([]byte, error) {
	dir, err := os.MkdirTemp("", "risingstars-jobs-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "new.db")
	db, err := store.OpenSQLite(context.Background(), path)
	if err != nil {
		return nil, err
	}
	_, err = store.Migrate(context.Background(), db)
	if err := errors.Join(err, db.Close()); err != nil { // closing merges the WAL into the file
		return nil, err
	}
	return os.ReadFile(path)
}

func setUp(tb testing.TB) *fixture {
	tb.Helper()
	mediatest.Program(tb, "ffmpeg")
	tools := must(findTools())(tb)
	tools.FFmpeg = apptest.SharedRenditions(tb)
	path := filepath.Join(tb.TempDir(), "test.db")
	check(tb, os.WriteFile(path, must(newTables())(tb), 0o600))
	db := must(store.OpenSQLite(tb.Context(), path))(tb)
	tb.Cleanup(func() { check(tb, db.Close()) })
	queue := must(jobs.NewQueue(jobs.SQLite(db.Writer)))(tb)
	f := &fixture{TB: tb, db: db, store: store.New(db, store.Options{Queue: queue}), root: tb.TempDir()}
	f.blobs = objects{must(blob.NewLocal(f.root))(tb)}
	share := live.NewLocal(time.Now)
	f.videos = &contest.Videos{Store: f.store, Storage: f.blobs, Live: share, Clock: time.Now}
	f.player = must(f.store.AddPlayer(tb.Context(), contest.Player{
		FirstName: "Ana", LastName: "Ruiz", Email: "ana@example.com", CreatedAt: time.Now(),
	}, "hash"))(tb)
	brand := must(loadBrand())(tb)
	f.needs = jobs.Needs{
		DB: jobs.SQLite(db.Writer), Store: f.store, Storage: f.blobs, Tools: tools, Brand: must(brand.WriteTo(tb.TempDir()))(tb),
		Live: share, Clock: time.Now, Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
		Metrics: jobs.NewMetrics(prometheus.NewRegistry()), WorkDir: tb.TempDir(),
	}
	return f
}

// path returns the file of an object.
func (f *fixture) path(key string) string { return filepath.Join(f.root, key) }

// work starts n workers, which stop at the end of the test at the latest.
func (f *fixture) work(n int, grace time.Duration) *jobs.Workers {
	f.Helper()
	workers := must(jobs.NewWorkers(n, grace, f.needs))(f)
	check(f, workers.Start(f.Context()))
	f.Cleanup(func() { check(f, workers.Stop(context.Background())) })
	return workers
}

// upload inserts a video and its job, as if the file at path had been uploaded at that time.
func (f *fixture) upload(path string, at time.Time) contest.Video {
	f.Helper()
	v := contest.Video{
		PlayerID: f.player.ID, Title: "Triple", Status: contest.Uploaded, UploadedAt: at.UTC(),
		Media: contest.Media{Token: contest.NewMediaToken(), Format: contest.MP4, Size: 1},
	}
	f.putOriginal(v, path)
	return must(f.store.AddVideo(f.Context(), v))(f)
}

// putOriginal stores a copy of the file at path as the video's original.
func (f *fixture) putOriginal(v contest.Video, path string) {
	f.Helper()
	check(f, f.blobs.PutFile(f.Context(), v.Media.OriginalKey(), copyOf(f, path)))
}

func (f *fixture) video(id int64) contest.Video {
	f.Helper()
	return must(f.store.VideoByID(f.Context(), id))(f)
}

// job is the queue's state of a job.
type job struct {
	State   string
	Attempt int
	Errors  int // failed attempts
}

func (f *fixture) job(taskID string) job {
	f.Helper()
	var j job
	check(f, f.db.Readers.QueryRowContext(f.Context(),
		`SELECT state, attempt, coalesce(json_array_length(errors), 0) FROM river_job WHERE id = $1`, taskID,
	).Scan(&j.State, &j.Attempt, &j.Errors))
	return j
}

func (f *fixture) exec(query string, args ...any) {
	f.Helper()
	must(f.db.Writer.ExecContext(f.Context(), query, args...))(f)
}

// hurry makes a job available without its backoff.
func (f *fixture) hurry(taskID string) {
	f.Helper()
	f.exec(`UPDATE river_job SET state = 'available', scheduled_at = strftime('%Y-%m-%d %H:%M:%f', 'now')
		WHERE id = $1 AND state IN ('available', 'retryable')`, taskID)
}

// ended waits until a job has ended, and skips the backoff between its attempts.
func (f *fixture) ended(taskID string) job {
	f.Helper()
	var j job
	hurried := 0
	f.eventually("the job ends", func() bool {
		j = f.job(taskID)
		if j.Errors > hurried && (j.State == "available" || j.State == "retryable") {
			hurried = j.Errors
			f.hurry(taskID)
		}
		return slices.Contains([]string{"completed", "cancelled", "discarded"}, j.State)
	})
	return j
}

// settled waits until the video's job has ended, and skips the backoff between its attempts.
func (f *fixture) settled(v contest.Video) (contest.Video, job) {
	f.Helper()
	j := f.ended(v.TaskID)
	return f.video(v.ID), j
}

func (f *fixture) eventually(what string, done func() bool) {
	f.Helper()
	testserver.Eventually(f, what, done)
}

// keys lists all objects.
func (f *fixture) keys() []string {
	f.Helper()
	keys := []string{}
	check(f, f.blobs.Walk(f.Context(), "videos/", func(o contest.Object) error {
		keys = append(keys, o.Key)
		return nil
	}))
	slices.Sort(keys)
	return keys
}

// keysOf returns the keys of the objects that the videos should have.
func keysOf(videos ...contest.Video) []string {
	keys := []string{}
	for _, v := range videos {
		keys = append(keys, v.Media.OriginalKey())
		if v.HasRendition() {
			keys = append(keys, v.Media.RenditionKey(), v.Media.PosterKey())
		}
	}
	slices.Sort(keys)
	return keys
}

// wantClean checks that the storage has the objects of these videos and no others, and that no work folder remains.
func (f *fixture) wantClean(videos ...contest.Video) {
	f.Helper()
	if diff := cmp.Diff(keysOf(videos...), f.keys()); diff != "" {
		f.Errorf("objects (-want +got):\n%s", diff)
	}
	f.eventually("the work folder is empty", func() bool { return len(must(os.ReadDir(f.needs.WorkDir))(f)) == 0 })
}

// want compares a video and its job with the expected states.
func want(tb testing.TB, v contest.Video, j job, status contest.Status, why contest.Failure, wantJob job) {
	tb.Helper()
	if diff := cmp.Diff([]any{status, why, wantJob}, []any{v.Status, v.Failure, j}); diff != "" {
		tb.Errorf("status, failure and job (-want +got):\n%s", diff)
	}
}

// must returns a result without its error, which fails the test: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		check(tb, err)
		return v
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func copyOf(tb testing.TB, path string) string {
	tb.Helper()
	data := must(os.ReadFile(path))(tb)
	f := must(os.CreateTemp(tb.TempDir(), "copy-*"))(tb)
	_, err := f.Write(data)
	check(tb, errors.Join(err, f.Close()))
	return f.Name()
}

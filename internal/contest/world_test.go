package contest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"risingstars/internal/auth"
	"risingstars/internal/blob"
	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/live"
	"risingstars/internal/store"
)

// world is the contest on a real database and a real folder. Only FFmpeg's judgement is given.
type world struct {
	players  *contest.Players
	accounts *contest.Accounts
	videos   *contest.Videos
	votes    *contest.Votes
	store    *store.Store
	db       *store.DB
	blobs    *blob.Local
	live     *live.Local
	clock    *clock
	dir      string // for work files
	media    string // the folder of the storage
}

var start = time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	db := openDB(t)
	queue, err := jobs.NewQueue(jobs.SQLite(db.Writer))
	check(t, err)
	media := filepath.Join(t.TempDir(), "media")
	blobs, err := blob.NewLocal(media)
	check(t, err)
	passwords, err := auth.NewPasswords(4, 2)
	check(t, err)
	w := &world{db: db, blobs: blobs, clock: &clock{at: start}, dir: t.TempDir(), media: media}
	w.store = store.New(db, store.Options{Queue: queue})
	w.live = live.NewLocal(w.clock.now)
	w.players = &contest.Players{Store: w.store, Passwords: passwords, Clock: w.clock.now}
	w.videos = &contest.Videos{
		Store: w.store, Storage: disk{blobs}, Inspector: judged{format: contest.MP4}, Live: w.live, Clock: w.clock.now,
	}
	w.accounts = &contest.Accounts{
		Store: w.store, Players: w.players, Passwords: passwords, Storage: disk{blobs}, Live: w.live, Clock: w.clock.now,
	}
	w.votes = &contest.Votes{Store: w.store, Live: w.live, Clock: w.clock.now}
	return w
}

// migrated is the content of an empty database with its tables, so that each test need not lay them down again.
var migrated = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "contest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "empty.db")
	db, err := store.OpenSQLite(context.Background(), path)
	if err != nil {
		return nil, err
	}
	_, err = store.Migrate(context.Background(), db)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func openDB(t *testing.T) *store.DB {
	t.Helper()
	empty, err := migrated()
	check(t, err)
	path := filepath.Join(t.TempDir(), "risingstars.db")
	check(t, os.WriteFile(path, empty, 0o600))
	db, err := store.OpenSQLite(t.Context(), path)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// judged is a judgement about every file.
type judged struct {
	format contest.Format
	err    error
}

func (j judged) InspectFile(context.Context, string) (contest.Format, error) { return j.format, j.err }

// disk is the contest's view of the storage, as the program wires it.
type disk struct{ *blob.Local }

func (d disk) Walk(ctx context.Context, prefix string, fn func(contest.Object) error) error {
	return d.Local.Walk(ctx, prefix, func(i blob.Info) error {
		return fn(contest.Object{Key: i.Key, Size: i.Size, Modified: i.Modified})
	})
}

// player signs a player up.
func (w *world) player(t *testing.T, first, city string) contest.Player {
	t.Helper()
	p, err := w.store.AddPlayer(t.Context(), contest.Player{
		FirstName: first, LastName: "Ríos", Email: first + "@example.org", City: city, CreatedAt: w.clock.now(),
	}, "no hash")
	check(t, err)
	return p
}

// file writes a work file.
func (w *world) file(t *testing.T, content string) string {
	t.Helper()
	f, err := os.CreateTemp(w.dir, "upload-*")
	check(t, err)
	_, err = f.WriteString(content)
	check(t, errors.Join(err, f.Close()))
	return f.Name()
}

func (w *world) upload(t *testing.T, p contest.Player, title string) contest.Video {
	t.Helper()
	v, err := w.videos.AcceptUpload(t.Context(), p, contest.Upload{Title: title, Path: w.file(t, "clip"), Size: 4})
	check(t, err)
	return v
}

// process takes a video through a run of processing that makes these objects.
func (w *world) process(t *testing.T, v contest.Video) contest.Video {
	t.Helper()
	_, err := w.store.BeginProcessing(t.Context(), runOf(v))
	check(t, err)
	v.Media.Run = contest.NewMediaToken()
	check(t, w.blobs.PutFile(t.Context(), v.Media.RenditionKey(), w.file(t, "processed")))
	check(t, w.blobs.PutFile(t.Context(), v.Media.PosterKey(), w.file(t, "poster")))
	v, err = w.store.FinishProcessing(t.Context(), runOf(v), v.Media.Run, w.clock.now(), nothingElse)
	check(t, err)
	return v
}

func (w *world) fail(t *testing.T, v contest.Video) contest.Video {
	t.Helper()
	v, err := w.store.FailProcessing(t.Context(), runOf(v), contest.FailedUnplayable, nothingElse)
	check(t, err)
	return v
}

func (w *world) publish(t *testing.T, p contest.Player, title string) contest.Video {
	t.Helper()
	v, err := w.videos.PublishVideo(t.Context(), p, w.process(t, w.upload(t, p, title)).ID)
	check(t, err)
	return v
}

// objects lists the keys in storage.
func (w *world) objects(t *testing.T) []string {
	t.Helper()
	keys := []string{}
	check(t, w.blobs.Walk(t.Context(), "videos/", func(i blob.Info) error {
		keys = append(keys, i.Key)
		return nil
	}))
	return keys
}

// rows counts what a query selects.
func (w *world) rows(t *testing.T, from string) int {
	t.Helper()
	var n int
	check(t, w.db.Readers.QueryRowContext(t.Context(), fmt.Sprintf("SELECT count(*) FROM %s", from)).Scan(&n))
	return n
}

// stale reports whether answers of a topic that are cached by remember are made again.
func (w *world) stale(t *testing.T, topic contest.Topic) bool {
	t.Helper()
	made := false
	_, err := w.live.Fetch(t.Context(), topic, "key", func(context.Context) ([]byte, error) {
		made = true
		return nil, nil
	})
	check(t, err)
	return made
}

func (w *world) remember(t *testing.T) {
	t.Helper()
	for _, topic := range []contest.Topic{contest.VotesChanged, contest.VideosChanged} {
		w.stale(t, topic)
		if w.stale(t, topic) {
			t.Fatalf("answers of topic %s are not cached at all", topic)
		}
	}
}

// news is the latest event of a watch, or the zero one.
func news(watch *live.Watch) contest.Event {
	select {
	case e := <-watch.News():
		return e
	default:
		return contest.Event{}
	}
}

// nothingElse is for when no queue has a job to complete.
func nothingElse(*sql.Tx) error { return nil }

// runOf is a run of the video's job.
func runOf(v contest.Video) contest.JobRun {
	return contest.JobRun{VideoID: v.ID, TaskID: v.TaskID, HolderID: "a run"}
}

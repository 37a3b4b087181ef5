package uploads

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tus/tusd/v2/pkg/handler"

	"risingstars/internal/blob"
	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
	"risingstars/internal/web/problem"
)

// front is one player's uploads, with a clock that the test sets.
type front struct {
	*Uploads
	t    *testing.T
	db   *store.DB
	now  time.Time
	full error // what Room returns

	ended []error // the calls of Ended

	commits *commits
	media   string // the folder of the originals
}

// commits is the store; the test can make its next commit fail.
type commits struct {
	*store.Store

	lost, failing bool   // the commit succeeds but returns an error; the commit fails
	before        func() // called before the commit if it is not nil
}

// AddVideoFromPartialUpload implements contest.VideoStore.
func (c *commits) AddVideoFromPartialUpload(ctx context.Context, v contest.Video, partialID string) (contest.Video, error) {
	if c.before != nil {
		c.before()
	}
	lost, failing := c.lost, c.failing
	c.lost, c.failing = false, false
	if failing {
		return v, contest.ErrUnavailable
	}
	v, err := c.Store.AddVideoFromPartialUpload(ctx, v, partialID)
	if lost {
		err = errors.Join(err, contest.ErrUnavailable)
	}
	return v, err
}

// queue accepts every job.
type queue struct{}

func (queue) EnqueueTx(context.Context, *sql.Tx, contest.ProcessVideo, int) (string, error) {
	return "1", nil
}

// inspector accepts every file as a video.
type inspector struct{}

func (inspector) InspectFile(context.Context, string) (contest.Format, error) {
	return contest.MP4, nil
}

// folder is the contest's storage on a local folder.
type folder struct {
	contest.Storage
	*blob.Local
}

func (d folder) PutFile(ctx context.Context, key, path string) error {
	return d.Local.PutFile(ctx, key, path)
}
func (d folder) DeletePrefix(ctx context.Context, prefix string) error {
	return d.Local.DeletePrefix(ctx, prefix)
}
func (d folder) Delete(ctx context.Context, key string) error { return d.Local.Delete(ctx, key) }
func (d folder) Walk(ctx context.Context, prefix string, fn func(contest.Object) error) error {
	return d.Local.Walk(ctx, prefix, func(i blob.Info) error { return fn(contest.Object(i)) })
}

func newFront(t *testing.T) *front {
	t.Helper()
	return newFrontWith(t, testserver.Patience)
}

// newFrontWith is newFront with a LockLimit.
func newFrontWith(t *testing.T, lockLimit time.Duration) *front {
	t.Helper()
	db, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	_, err = store.Migrate(t.Context(), db)
	check(t, err)
	f := &front{t: t, db: db, now: time.Now()} // the files' modification times are the system's
	s := store.New(db, store.Options{Queue: queue{}, UploadsAtOnce: atOnce, Clock: func() time.Time { return f.now }})
	p, err := s.AddPlayer(t.Context(), contest.Player{FirstName: "Ana", LastName: "Ríos", Email: "a@example.org", CreatedAt: f.now}, "hash")
	check(t, err)
	f.commits = &commits{Store: s}
	f.media = filepath.Join(t.TempDir(), "media")
	blobs, err := blob.NewLocal(f.media)
	check(t, err)
	clock := func() time.Time { return f.now }
	f.Uploads, err = New(Needs{
		Videos: &contest.Videos{
			Store: f.commits, Storage: folder{Local: blobs}, Inspector: inspector{}, Live: live.NewLocal(clock), Clock: clock,
		},
		LockLimit: lockLimit,
		Received:  func(int64) {}, Ended: func(err error) { f.ended = append(f.ended, err) },
		Store: s, Room: func() error { return f.full }, Dir: filepath.Join(t.TempDir(), "uploads"), MaxSize: 1 << 20,
		Clock: clock, Log: slog.New(slog.DiscardHandler),
		Caller: func(http.ResponseWriter, *http.Request) (contest.Player, error) { return p, nil },
	})
	check(t, err)
	return f
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *front) ask(method, path, body string, header ...string) *http.Response {
	f.t.Helper()
	r := httptest.NewRequestWithContext(problem.WithScope(f.t.Context(), &problem.Scope{ID: "x"}), method, path, strings.NewReader(body))
	r.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

// begin creates an upload of size bytes and returns its path.
func (f *front) begin(size int) (path string) {
	f.t.Helper()
	got := f.ask("POST", Path, "", "Upload-Length", strconv.Itoa(size),
		"Upload-Metadata", "title "+base64.StdEncoding.EncodeToString([]byte("Triple")))
	if got.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(got.Body)
		f.t.Fatalf("got %s %s", got.Status, text)
	}
	return got.Header.Get("Location")
}

func (f *front) send(path, piece string, offset int) int {
	f.t.Helper()
	return f.ask("PATCH", path, piece, "Upload-Offset", strconv.Itoa(offset), "Content-Type", "application/offset+octet-stream").StatusCode
}

// holds compares the files of unfinished uploads with the expected ones.
func (f *front) holds(what string, want ...string) {
	f.t.Helper()
	entries, err := os.ReadDir(f.Dir)
	check(f.t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff(want, names); diff != "" {
		f.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (f *front) sweep() int {
	f.t.Helper()
	n, err := f.Sweep(f.t.Context())
	check(f.t, err)
	return n
}

// An incomplete upload is removed a day after its creation, with its files. An upload that has not expired stays.
func TestUploadsExpire(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	old := f.begin(100)
	if status := f.send(old, "12345", 0); status != http.StatusNoContent {
		t.Fatalf("got %d", status)
	}
	f.now = f.now.Add(Life - time.Minute)
	young := f.begin(100)
	if n := f.sweep(); n != 0 {
		t.Errorf("%d were removed within their time", n)
	}
	if got := f.ask("HEAD", old, ""); got.StatusCode != http.StatusOK || got.Header.Get("Upload-Offset") != "5" {
		t.Errorf("within its time: got %s, offset %s", got.Status, got.Header.Get("Upload-Offset"))
	}

	f.now = f.now.Add(2 * time.Minute)

	if got := f.ask("HEAD", old, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("expired, not yet swept: got %s", got.Status)
	}
	if status := f.send(old, "67890", 5); status != http.StatusNotFound {
		t.Errorf("a piece for what has expired: got %d", status)
	}
	if n := f.sweep(); n != 1 {
		t.Errorf("%d were removed, want 1", n)
	}
	id := strings.TrimPrefix(young, Path+"/")
	f.holds("files", id, id+".info")
	if got := f.ask("HEAD", young, ""); got.StatusCode != http.StatusOK {
		t.Errorf("the other: got %s", got.Status)
	}
}

// The row of an upload that has become a video stays until it expires, without files.
func TestFinishedUploadsExpire(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	path := f.begin(100)
	id := strings.TrimPrefix(path, Path+"/")
	_, err := f.db.Writer.ExecContext(t.Context(), `UPDATE uploads SET video_id = 7 WHERE id = $1`, id)
	check(t, errors.Join(err, f.removeFiles(id)))

	f.now = f.now.Add(Life - time.Minute)
	n := f.sweep()
	got := f.ask("HEAD", path, "")
	if n != 0 || got.StatusCode != http.StatusOK || got.Header.Get("Upload-Offset") != "100" || got.Header.Get("Video-Id") != "7" {
		t.Errorf("within its time: %d were removed, got %s %v", n, got.Status, got.Header)
	}

	f.now = f.now.Add(2 * time.Minute)
	if got := f.ask("HEAD", path, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("expired: got %s", got.Status)
	}
	if n := f.sweep(); n != 1 {
		t.Errorf("%d were removed, want 1", n)
	}
}

const atOnce = 4

// The number of a player's unfinished uploads is bounded. Expired and terminated uploads do not count.
func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	var last string
	for range atOnce {
		last = f.begin(100)
	}
	more := func() *http.Response {
		return f.ask("POST", Path, "", "Upload-Length", "9", "Upload-Metadata", "title "+base64.StdEncoding.EncodeToString([]byte("x")))
	}
	if got := more(); got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("one more: got %s, Retry-After %q", got.Status, got.Header.Get("Retry-After"))
	}
	if got := f.ask("DELETE", last, ""); got.StatusCode != http.StatusNoContent {
		t.Errorf("giving one up: got %s", got.Status)
	}
	f.begin(100)
	f.now = f.now.Add(Life)
	f.begin(100)
}

// beside is another process with the same files and database, whose clock differs by ahead.
func (f *front) beside(ahead time.Duration) *front {
	f.t.Helper()
	other, clock := *f, func() time.Time { return f.now.Add(ahead) }
	other.commits = &commits{Store: store.New(f.db, store.Options{Queue: queue{}, UploadsAtOnce: atOnce, Clock: clock})}
	needs := f.Needs
	needs.Store, needs.Clock = other.commits.Store, clock
	needs.Videos = &contest.Videos{
		Store: other.commits, Storage: f.Videos.Storage, Inspector: f.Videos.Inspector, Live: f.Videos.Live, Clock: clock,
	}
	uploads, err := New(needs)
	check(f.t, err)
	other.Uploads = uploads
	return &other
}

// An upload that is created at one process can be finished at another whose clock is off by a minute. Neither process
// sweeps it before it expires.
func TestClocksAMinuteApart(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Minute, -time.Minute} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			f := newFront(t)
			other := f.beside(ahead)
			path, cut := f.begin(10), f.begin(10)
			if status := f.send(path, "01234", 0); status != http.StatusNoContent {
				t.Fatalf("the first half: got %d", status)
			}
			if status := other.send(path, "56789", 5); status != http.StatusNoContent {
				t.Fatalf("the second half: got %d", status)
			}
			for name, process := range map[string]*front{"here": f, "there": other} {
				if got := process.ask(http.MethodHead, path, ""); got.Header.Get("Video-Id") != "1" {
					t.Errorf("%s: got %s %v", name, got.Status, got.Header)
				}
				removed, err := process.Videos.SweepOrphanedObjects(t.Context(), process.Clock().Add(-time.Hour)) // an hour of grace
				if removed != 0 || err != nil {
					t.Errorf("%s: %d objects were swept, %v", name, removed, err)
				}
			}
			f.now = f.now.Add(Life - 2*time.Minute)
			if n := other.sweep(); n != 0 {
				t.Errorf("%d were removed within their time", n)
			}
			if got := other.ask(http.MethodHead, cut, ""); got.StatusCode != http.StatusOK {
				t.Errorf("one that was cut: got %s", got.Status)
			}
			f.now = f.now.Add(4 * time.Minute)
			if n := other.sweep(); n != 2 {
				t.Errorf("%d were removed after their time, want 2", n)
			}
		})
	}
}

// A file without a row is removed only when it is old, because its row may not be committed yet.
func TestFilesWithoutARow(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	check(t, os.WriteFile(filepath.Join(f.Dir, "stray"), []byte("x"), 0o600))
	f.sweep()
	f.holds("young files", "stray")
	f.now = f.now.Add(Life + time.Minute)
	f.sweep()
	f.holds("old files")
}

// Two lockers behave like two processes that share a folder.
func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check(t, os.WriteFile(infoPath(dir, "x"), nil, 0o600))
	newLock := func(id string) handler.Lock {
		l, err := newLocker(dir).NewLock(id)
		check(t, err)
		return l
	}
	first, second := newLock("x"), newLock("x")
	check(t, first.Lock(t.Context(), func() {}))
	limited, cancel := context.WithTimeout(t.Context(), 3*lockEvery)
	defer cancel()
	if err := second.Lock(limited, func() {}); !errors.Is(err, handler.ErrLockTimeout) {
		t.Errorf("while another has it: got %v", err)
	}

	waits := make(chan error)
	go func() { waits <- second.Lock(t.Context(), func() {}) }() // ends with the test
	check(t, first.Unlock())

	check(t, <-waits)
	check(t, second.Unlock())
	if err := newLock("nothing").Lock(t.Context(), func() {}); !errors.Is(err, handler.ErrNotFound) {
		t.Errorf("without a file: got %v", err)
	}
}

// Without free space, uploads are neither created nor continued. Existing uploads can still be queried and deleted.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	path := f.begin(10)
	f.full = contest.ErrNoSpace
	tests := map[string]struct {
		method, path string
		want         int
	}{
		"begin":   {http.MethodPost, Path, http.StatusInsufficientStorage},
		"go on":   {http.MethodPatch, path, http.StatusInsufficientStorage},
		"ask":     {http.MethodHead, path, http.StatusOK},
		"give up": {http.MethodDelete, path, http.StatusNoContent},
	}
	for _, name := range []string{"begin", "go on", "ask", "give up"} {
		test := tests[name]
		got := f.ask(test.method, test.path, "x", "Upload-Length", "10", "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		if got.StatusCode != test.want {
			t.Errorf("%s: got %s", name, got.Status)
		}
	}
}

// If the disk fails, the answer is 503 with Retry-After, and an upload that could not be created leaves no row.
func TestTroubleWithTheDisk(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	path := f.begin(10)
	away := f.Dir + ".away"
	check(t, os.Rename(f.Dir, away))
	check(t, os.WriteFile(f.Dir, nil, 0o600)) // a file in place of the folder, so that nothing can be created in it
	got := f.ask(http.MethodPost, Path, "", "Upload-Length", "10", "Upload-Metadata", "title VHJpcGxl")
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("begin: got %s", got.Status)
	}
	check(t, os.Remove(f.Dir))
	check(t, os.Rename(away, f.Dir))
	var under int
	check(t, f.db.Readers.QueryRowContext(t.Context(), `SELECT count(*) FROM uploads WHERE video_id = 0`).Scan(&under))
	if under != 1 {
		t.Errorf("%d uploads are under way", under)
	}
	if got := f.ask(http.MethodHead, path, ""); got.StatusCode != http.StatusOK {
		t.Errorf("the one before: got %s", got.Status)
	}
	check(t, os.Truncate(f.path(path[len(Path)+1:])+".info", 10)) // as if the program had crashed while writing it
	if got := f.ask(http.MethodHead, path, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("one that was not made to the end: got %s", got.Status)
	}
}

// If the commit at the end of an upload fails, or its answer is lost, the client retries and finds one video with the
// whole file.
func TestCommitThatFails(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]commits{"not committed": {failing: true}, "answer lost": {lost: true}} {
		for _, method := range []string{http.MethodHead, http.MethodPatch} {
			t.Run(name+", then "+method, func(t *testing.T) {
				t.Parallel()
				f := newFront(t)
				path := f.begin(10)
				f.commits.lost, f.commits.failing = fails.lost, fails.failing
				if status := f.send(path, "0123456789", 0); status != http.StatusServiceUnavailable {
					t.Fatalf("got %d", status)
				}

				got := f.ask(method, path, "", "Upload-Offset", "10", "Content-Type", "application/offset+octet-stream")

				if got.StatusCode >= http.StatusBadRequest || got.Header.Get("Upload-Offset") != "10" || got.Header.Get("Video-Id") != "1" {
					t.Errorf("got %s %v", got.Status, got.Header)
				}
				if fails.failing && len(f.ended) != 1 {
					t.Errorf("one upload ended %d times: %v", len(f.ended), f.ended)
				}
				v, err := f.commits.VideoByID(t.Context(), 1)
				check(t, err)
				content, err := os.ReadFile(filepath.Join(f.media, v.Media.OriginalKey()))
				check(t, err)
				if string(content) != "0123456789" {
					t.Errorf("the original has %q", content)
				}
				var videos int
				check(t, f.db.Readers.QueryRowContext(t.Context(), `SELECT count(*) FROM videos`).Scan(&videos))
				if videos != 1 {
					t.Errorf("%d videos", videos)
				}
				f.now = f.now.Add(Life + time.Minute)
				f.sweep()
				f.holds("files when its time is over")
			})
		}
	}
}

// The original of an upload that was complete before a crash is not swept after the restart while its commit is
// pending.
func TestSweepBeforeTheCommit(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	path := f.begin(10)
	f.commits.failing = true
	if status := f.send(path, "0123456789", 0); status != http.StatusServiceUnavailable {
		t.Fatalf("got %d", status)
	}
	old := time.Now().Add(-time.Hour)
	check(t, os.Chtimes(f.path(strings.TrimPrefix(path, Path+"/")), old, old))
	started := time.Now().Add(-time.Second) // file systems have coarser timestamps
	f.commits.before = func() {
		removed, err := f.Videos.SweepOrphanedObjects(t.Context(), started)
		if removed != 0 || err != nil {
			t.Errorf("%d objects were swept, %v", removed, err)
		}
	}
	if got := f.ask(http.MethodHead, path, ""); got.StatusCode != http.StatusOK || got.Header.Get("Video-Id") != "1" {
		t.Fatalf("got %s %v", got.Status, got.Header)
	}
	v, err := f.commits.VideoByID(t.Context(), 1)
	check(t, err)
	content, err := os.ReadFile(filepath.Join(f.media, v.Media.OriginalKey()))
	check(t, err)
	if string(content) != "0123456789" {
		t.Errorf("the original has %q", content)
	}
}

// A finished upload is answered without free space as well, because it needs none.
func TestNoSpaceForWhatIsFinished(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	path := f.begin(10)
	if status := f.send(path, "0123456789", 0); status != http.StatusNoContent {
		t.Fatalf("got %d", status)
	}
	f.full = contest.ErrNoSpace
	if status := f.send(path, "", 10); status != http.StatusNoContent {
		t.Errorf("asked again: got %d", status)
	}
}

// A request that does not get the upload's lock in time is answered with 423 and Retry-After. The lock may be held by a
// request of the same process, or by another process as a file lock.
func TestUploadInUse(t *testing.T) {
	t.Parallel()
	f := newFrontWith(t, 4*lockEvery)
	path := f.begin(10)
	id := strings.TrimPrefix(path, Path+"/")
	for name, others := range map[string]locker{"here": f.locks, "elsewhere": newLocker(f.Dir)} {
		held, err := others.NewLock(id)
		check(t, err)
		check(t, held.Lock(t.Context(), func() {}))
		for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete} {
			got := f.ask(method, path, "", "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
			if got.StatusCode != http.StatusLocked || got.Header.Get("Retry-After") == "" || got.Header.Get("Content-Type") != problem.MediaType {
				t.Errorf("%s, %s: got %s %v", name, method, got.Status, got.Header)
			}
		}
		check(t, held.Unlock())
	}
	if status := f.send(path, "01234", 0); status != http.StatusNoContent {
		t.Errorf("afterwards: got %d", status)
	}
}

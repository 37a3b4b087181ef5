package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
)

func TestOpenSQLiteSettings(t *testing.T) {
	t.Parallel()
	db, err := openSQLite(t.Context(), t.TempDir())
	check(t, err)
	defer func() { check(t, db.Close()) }()
	for _, pool := range []struct {
		name string
		db   *sql.DB
		want map[string]string
	}{
		{"writer", db.Writer, map[string]string{
			"journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000", "synchronous": "2", "query_only": "0",
		}},
		{"readers", db.Readers, map[string]string{
			"journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "1",
		}},
	} {
		for pragma, want := range pool.want {
			var got string
			check(t, pool.db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
			if got != want {
				t.Errorf("%s: %s is %s, want %s", pool.name, pragma, got, want)
			}
		}
	}
	if _, err := db.Readers.ExecContext(t.Context(), `DELETE FROM players`); err == nil {
		t.Error("a reader can write")
	}
	if _, err := db.Writer.ExecContext(t.Context(), `INSERT INTO votes VALUES (1, 1, 1, 'x')`); err == nil {
		t.Error("a vote for no video is taken: foreign keys are off")
	}
	if _, err := db.Writer.ExecContext(t.Context(), `SELECT "no such column"`); err == nil {
		t.Error("a name in double quotes is taken for text")
	}
}

// The database has emails and password hashes, so only its owner may read it. The mode of an existing file is
// corrected.
func TestOpenSQLiteIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	check(t, os.WriteFile(path, nil, 0o644))
	check(t, os.Chmod(path, 0o644)) // independent of the umask
	db, err := store.OpenSQLite(t.Context(), path)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	_, err = store.Migrate(t.Context(), db)
	check(t, err)

	files, err := filepath.Glob(path + "*")
	check(t, err)

	if len(files) < 3 {
		t.Errorf("got %v, want the database, its log and its index", files)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		check(t, err)
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: mode %o, want 600", filepath.Base(file), got)
		}
	}
}

func TestOpenSQLiteAtAnyPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "with blank", "¿qué?", "a#b", "100%", "%41", "a&b=c", "file:x", "?mode=ro"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), name)
			check(t, os.Mkdir(dir, 0o700))
			db, err := openSQLite(t.Context(), dir)
			check(t, err)
			w := newWorld(t, db)
			w.player(t, "ana", "")
			if n := w.number(t, `SELECT count(*) FROM players`); n != 1 {
				t.Errorf("%d players are there", n)
			}
			check(t, db.Close())
			again, err := store.OpenSQLite(t.Context(), filepath.Join(dir, fileName))
			check(t, err)
			if n := newWorld(t, again).number(t, `SELECT count(*) FROM players`); n != 1 {
				t.Errorf("%d players are there when it is opened again", n)
			}
			check(t, again.Close())
		})
	}
}

func TestOpenSQLiteWhereItCannot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	check(t, os.WriteFile(garbage, []byte(strings.Repeat("this is no database ", 100)), 0o600))
	for _, path := range []string{filepath.Join(dir, "no", "such", "folder.db"), dir, garbage} {
		db, err := store.OpenSQLite(t.Context(), path)
		if err == nil {
			t.Errorf("%s was opened", path)
			_ = db.Close()
			continue
		}
		if !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not say which file: %v", err)
		}
	}
}

// A copy of the files of an open database has everything that was committed, and nothing of an open transaction.
func TestWhatIsCommittedIsInTheFiles(t *testing.T) {
	t.Parallel()
	dir, crashed := t.TempDir(), t.TempDir()
	db, err := openSQLite(t.Context(), dir)
	check(t, err)
	defer func() { check(t, db.Close()) }()
	w := newWorld(t, db)
	want := w.public(t, w.player(t, "ana", ""), "Clavada", start)
	check(t, second(w.AddVote(t.Context(), want.ID, w.player(t, "beto", "").ID, at(900))))
	tx, err := db.Writer.BeginTx(t.Context(), nil)
	check(t, err)
	_, err = tx.ExecContext(t.Context(), `DELETE FROM votes`)
	check(t, err)
	for _, suffix := range []string{"", "-wal"} { // "-shm" is shared memory, which a crash of the machine loses
		bytes, err := os.ReadFile(filepath.Join(dir, fileName) + suffix)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(crashed, fileName)+suffix, bytes, 0o600))
	}
	check(t, tx.Rollback())

	again, err := store.OpenSQLite(t.Context(), filepath.Join(crashed, fileName))
	check(t, err)
	defer func() { check(t, again.Close()) }()
	after := newWorld(t, again)

	got, err := after.VideoByID(t.Context(), want.ID)
	check(t, err)
	if got.Votes != 1 || got.Status != contest.Public {
		t.Errorf("got %+v", got)
	}
	after.agree(t)
	var integrity string
	check(t, again.Writer.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&integrity))
	if integrity != "ok" {
		t.Error(integrity)
	}
}

// victim is an environment variable with the database's folder. If it is set, the test below runs the program to kill.
const victim = "RISINGSTARS_TEST_VICTIM"

// After the process is killed, every video that it has acknowledged exists, with its job.
func TestKilledProgramLosesNothingThatItAcknowledged(t *testing.T) {
	if dir := os.Getenv(victim); dir != "" {
		uploadForEver(dir)
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), victim+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	acknowledged := []int64{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		id, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			break // the kill cut off the line
		}
		if acknowledged = append(acknowledged, id); len(acknowledged) == 30 {
			check(t, cmd.Process.Kill())
		}
	}
	if cmd.Wait() == nil || len(acknowledged) < 30 {
		t.Fatalf("it was not killed in the middle of its work, but ended after %d videos", len(acknowledged))
	}

	db, err := store.OpenSQLite(t.Context(), filepath.Join(dir, fileName))
	check(t, err)
	defer func() { check(t, db.Close()) }()
	w := newWorld(t, db)
	for _, id := range acknowledged {
		v, err := w.VideoByID(t.Context(), id)
		if err != nil {
			t.Fatalf("video %d was acknowledged: %v", id, err)
		}
		if args := string(w.job(t, v.TaskID).EncodedArgs); args != fmt.Sprintf(`{"video_id":%d}`, id) {
			t.Errorf("video %d has the job %s", id, args)
		}
	}
	if videos, jobs := w.number(t, `SELECT count(*) FROM videos`), w.number(t, `SELECT count(*) FROM river_job`); videos != jobs {
		t.Errorf("%d videos, %d jobs", videos, jobs)
	}
}

// uploadForEver adds videos from four goroutines, and prints the id of each after its commit.
func uploadForEver(dir string) {
	die := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	}
	ctx := context.Background()
	db, err := openSQLite(ctx, dir)
	die(err)
	queue, err := jobs.NewQueue(jobs.SQLite(db.Writer))
	die(err)
	s := store.New(db, store.Options{Queue: queue})
	p, err := s.AddPlayer(ctx, contest.Player{FirstName: "Ana", LastName: "B", Email: "a@b.co", CreatedAt: start}, "h")
	die(err)
	failed := make(chan error)
	for range 4 {
		go func() { // ends with the process
			for {
				v, err := s.AddVideo(ctx, video(p, "Clavada", start))
				if err == nil {
					_, err = os.Stdout.WriteString(strconv.FormatInt(v.ID, 10) + "\n")
				}
				if err != nil {
					failed <- err
				}
			}
		}()
	}
	die(errors.Join(<-failed))
}

package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newLocal(t *testing.T) *Local {
	t.Helper()
	l, err := NewLocal(filepath.Join(t.TempDir(), "media"))
	check(t, err)
	return l
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file writes a file for PutFile, in a folder on the storage's file system.
func file(t *testing.T, content string) string {
	t.Helper()
	return fileIn(t, t.TempDir(), content)
}

func fileIn(t *testing.T, dir, content string) string {
	t.Helper()
	path := filepath.Join(dir, "upload")
	check(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func put(t *testing.T, l *Local, key, content string) {
	t.Helper()
	check(t, l.PutFile(t.Context(), key, file(t, content)))
}

// read returns the content of an object.
func read(t *testing.T, l *Local, key string) string {
	t.Helper()
	f, _, err := l.Open(t.Context(), key)
	check(t, err)
	content, err := io.ReadAll(f)
	check(t, errors.Join(err, f.Close()))
	return string(content)
}

// tree lists every file and folder below the root.
func tree(t *testing.T, l *Local) []string {
	t.Helper()
	all := []string{}
	check(t, filepath.WalkDir(l.root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && path != l.root {
			name := strings.TrimPrefix(path, l.root+"/")
			if entry.IsDir() {
				name += "/"
			}
			all = append(all, name)
		}
		return err
	}))
	return all
}

// otherFileSystem is a folder on another file system than the temporary folder.
func otherFileSystem(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	var here, there syscall.Stat_t
	check(t, syscall.Stat(t.TempDir(), &here))
	if err := syscall.Stat(memory, &there); err != nil || here.Dev == there.Dev {
		t.Skipf("%s is not another file system than %s: %v", memory, t.TempDir(), err)
	}
	dir, err := os.MkdirTemp(memory, "risingstars-*") //nolint:usetesting // whose folders are on the first one
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	return dir
}

func TestPutFile(t *testing.T) {
	t.Parallel()
	folders := map[string]func(*testing.T) string{
		"same file system":    func(t *testing.T) string { t.Helper(); return t.TempDir() },
		"another file system": otherFileSystem,
	}
	for name, folder := range folders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			l := newLocal(t)
			content := strings.Repeat("0123456789", 100_000)
			path := fileIn(t, dir, content)

			check(t, l.PutFile(t.Context(), "videos/a/b/clip.mp4", path))

			if got := read(t, l, "videos/a/b/clip.mp4"); got != content {
				t.Errorf("it holds %d bytes, want %d", len(got), len(content))
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the file that was moved: %v", err)
			}
			stat, err := os.Stat(filepath.Join(l.root, "videos/a/b/clip.mp4"))
			check(t, err)
			if stat.Mode() != 0o640 { // a web server of the same group can read it
				t.Errorf("its mode is %s", stat.Mode())
			}
			if diff := cmp.Diff([]string{"videos/", "videos/a/", "videos/a/b/", "videos/a/b/clip.mp4"}, tree(t, l)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPutFileOnTheSameFileSystemCopiesNothing(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	path := file(t, "clip")
	before, err := os.Stat(path)
	check(t, err)
	check(t, l.PutFile(t.Context(), "clip.mp4", path))
	after, err := os.Stat(filepath.Join(l.root, "clip.mp4"))
	check(t, err)
	if !os.SameFile(before, after) {
		t.Error("the object is another file than the one that was put")
	}
}

// Keys are random and never reused. If one were reused, a concurrent reader would get either the old or the new
// object, whole.
func TestPutFileTwiceReplacesAtOnce(t *testing.T) {
	t.Parallel()
	folders := map[string]func(*testing.T) string{
		"same file system":    func(t *testing.T) string { t.Helper(); return t.TempDir() },
		"another file system": otherFileSystem,
	}
	for name, folder := range folders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			l := newLocal(t)
			put(t, l, "a/clip.mp4", "first")
			reader, _, err := l.Open(t.Context(), "a/clip.mp4")
			check(t, err)

			check(t, l.PutFile(t.Context(), "a/clip.mp4", fileIn(t, dir, "the second")))

			if got := read(t, l, "a/clip.mp4"); got != "the second" {
				t.Errorf("got %q", got)
			}
			old, err := io.ReadAll(reader)
			check(t, errors.Join(err, reader.Close()))
			if string(old) != "first" {
				t.Errorf("who was reading got %q", old)
			}
		})
	}
}

func TestPutFileThatFailsLeavesNoObject(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx  context.Context //nolint:containedctx // one call's
		path func(*testing.T) string
		want error
	}{
		"no file": {t.Context(), func(t *testing.T) string {
			t.Helper()
			return filepath.Join(t.TempDir(), "missing")
		}, fs.ErrNotExist},
		"ended while copying": {ended, func(t *testing.T) string {
			t.Helper()
			return fileIn(t, otherFileSystem(t), "clip")
		}, context.Canceled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLocal(t)
			path := test.path(t)

			err := l.PutFile(test.ctx, "videos/a/clip.mp4", path)

			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			for _, name := range tree(t, l) {
				if !strings.HasSuffix(name, "/") {
					t.Errorf("%s stays", name)
				}
			}
		})
	}
}

func TestPutFileIntoAFileIsRefused(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "a", "an object")
	path := file(t, "clip")
	if err := l.PutFile(t.Context(), "a/clip.mp4", path); err == nil {
		t.Error("an object is a folder")
	}
	if got := read(t, l, "a"); got != "an object" {
		t.Errorf("got %q", got)
	}
}

func TestPutFileByManyAtOnce(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	want := []string{}
	var all sync.WaitGroup
	for _, key := range []string{"x/y/1", "x/y/2", "x/z/1", "x/z/2", "w/1", "w/2", "x/y/3", "x/y/4"} {
		path := file(t, key)
		want = append(want, key)
		all.Go(func() {
			if err := l.PutFile(t.Context(), key, path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := []string{}
	for _, name := range tree(t, l) {
		if !strings.HasSuffix(name, "/") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "a/b/clip.mp4", "0123456789")
	modified := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	check(t, os.Chtimes(filepath.Join(l.root, "a/b/clip.mp4"), modified, modified))

	f, info, err := l.Open(t.Context(), "a/b/clip.mp4")
	check(t, err)
	defer func() { check(t, f.Close()) }()

	info.Modified = info.Modified.UTC()
	if diff := cmp.Diff(Info{Key: "a/b/clip.mp4", Size: 10, Modified: modified}, info); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
	if _, err := f.Seek(7, io.SeekStart); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(f)
	if string(rest) != "789" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "a/clip.mp4", "clip")
	for _, key := range []string{
		"none", "a/none", "none/none",
		"a",            // a folder
		"a/clip.mp4/x", // below an object's file
	} {
		if f, _, err := l.Open(t.Context(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("open %q: got %v, want %v", key, err, ErrNotFound)
			if f != nil {
				_ = f.Close()
			}
		}
		if key == "a" {
			continue
		}
		if err := l.Fetch(t.Context(), key, filepath.Join(t.TempDir(), "work")); !errors.Is(err, ErrNotFound) {
			t.Errorf("fetch %q: got %v, want %v", key, err, ErrNotFound)
		}
		if err := l.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
		if err := l.DeletePrefix(t.Context(), key+"/"); err != nil {
			t.Errorf("delete %q: %v", key+"/", err)
		}
		if err := l.Walk(t.Context(), key+"/", func(i Info) error { return errors.New(i.Key) }); err != nil {
			t.Errorf("walk %q: %v", key+"/", err)
		}
	}
	if got := read(t, l, "a/clip.mp4"); got != "clip" {
		t.Errorf("got %q", got)
	}
}

func TestHostileKeys(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	outside := filepath.Join(filepath.Dir(l.root), "outside")
	check(t, os.WriteFile(outside, []byte("secret"), 0o600))
	put(t, l, "inside", "clip")
	for _, key := range []string{
		"", ".", "..", "/", "../outside", "x/../../outside", "x/../inside", "./inside", "x/./y", "a//b", "a/", "/abs", outside,
		"a/..", "..\\outside", "a\\b", "a\x00b", "\x00",
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			path := file(t, "evil")
			calls := map[string]error{
				"put":    l.PutFile(t.Context(), key, path),
				"fetch":  l.Fetch(t.Context(), key, filepath.Join(t.TempDir(), "work")),
				"delete": l.Delete(t.Context(), key),
			}
			if !strings.HasSuffix(key, "/") || key == "/" { // such a key is a valid prefix
				calls["walk"] = l.Walk(t.Context(), key+"/", func(Info) error { return nil })
				calls["delete prefix"] = l.DeletePrefix(t.Context(), key+"/")
			}
			for call, err := range calls {
				if err == nil {
					t.Errorf("%s took it", call)
				}
			}
			if f, _, err := l.Open(t.Context(), key); !errors.Is(err, ErrNotFound) {
				t.Errorf("open: got %v, want %v", err, ErrNotFound)
				if f != nil {
					_ = f.Close()
				}
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("the file to put: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		content, err := os.ReadFile(outside)
		if string(content) != "secret" || err != nil {
			t.Errorf("outside holds %q, %v", content, err)
		}
		if diff := cmp.Diff([]string{"inside"}, tree(t, l)); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	})
}

func TestFetch(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "a/clip.mp4", "clip")
	object, err := os.Stat(filepath.Join(l.root, "a/clip.mp4"))
	check(t, err)
	tests := map[string]struct {
		dir  func(*testing.T) string
		link bool
	}{
		"same file system":    {func(t *testing.T) string { t.Helper(); return t.TempDir() }, true},
		"another file system": {otherFileSystem, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(test.dir(t), "work")

			check(t, l.Fetch(t.Context(), "a/clip.mp4", path))

			content, err := os.ReadFile(path)
			if string(content) != "clip" || err != nil {
				t.Errorf("got %q, %v", content, err)
			}
			fetched, err := os.Stat(path)
			check(t, err)
			if got := os.SameFile(object, fetched); got != test.link {
				t.Errorf("the same bytes under a second name: got %t, want %t", got, test.link)
			}
			if err := l.Fetch(t.Context(), "a/clip.mp4", path); !errors.Is(err, fs.ErrExist) {
				t.Errorf("onto a file that is there: got %v, want %v", err, fs.ErrExist)
			}
			check(t, os.Remove(path))
			if got := read(t, l, "a/clip.mp4"); got != "clip" {
				t.Errorf("the object holds %q when the work file is gone", got)
			}
		})
	}
}

func TestFetchIntoAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "a/clip.mp4", "clip")
	err := l.Fetch(t.Context(), "a/clip.mp4", filepath.Join(t.TempDir(), "none", "work"))
	if err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("got %v: the object is there", err)
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "a/clip.mp4", "clip")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Fetch(ctx, "a/clip.mp4", filepath.Join(otherFileSystem(t), "work")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	for _, key := range []string{"videos/a/original.mp4", "videos/a/run/clip.mp4", "videos/a/run/poster.jpg", "videos/b/original.mp4"} {
		put(t, l, key, "x")
	}
	steps := []struct {
		key  string
		want []string
	}{
		{"videos/a/run/clip.mp4", []string{
			"videos/", "videos/a/", "videos/a/original.mp4", "videos/a/run/", "videos/a/run/poster.jpg", "videos/b/", "videos/b/original.mp4",
		}},
		{"videos/a/run/poster.jpg", []string{"videos/", "videos/a/", "videos/a/original.mp4", "videos/b/", "videos/b/original.mp4"}},
		{"videos/a/run/poster.jpg", []string{"videos/", "videos/a/", "videos/a/original.mp4", "videos/b/", "videos/b/original.mp4"}}, // again
		{"videos/a/original.mp4", []string{"videos/", "videos/b/", "videos/b/original.mp4"}},
		{"videos/b/original.mp4", []string{"videos/"}},
	}
	for _, step := range steps {
		check(t, l.Delete(t.Context(), step.key))
		if diff := cmp.Diff(step.want, tree(t, l)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.key, diff)
		}
	}
	put(t, l, "videos/c/original.mp4", "x") // folders that were removed are created again
}

func TestDeletePrefix(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	for _, key := range []string{"videos/a/original.mp4", "videos/a/run/clip.mp4", "videos/ab/original.mp4", "videos/a.txt"} {
		put(t, l, key, "x")
	}
	for range 2 { // the second call changes nothing
		check(t, l.DeletePrefix(t.Context(), "videos/a/"))
		if diff := cmp.Diff([]string{"videos/", "videos/a.txt", "videos/ab/", "videos/ab/original.mp4"}, tree(t, l)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	for _, key := range []string{"videos/a/original.mp4", "videos/a/run/clip.mp4", "videos/ab/x", "videos/x", "other/y"} {
		put(t, l, key, key)
	}
	tests := map[string][]string{
		"videos/":       {"videos/a/original.mp4", "videos/a/run/clip.mp4", "videos/ab/x", "videos/x"},
		"videos/a/":     {"videos/a/original.mp4", "videos/a/run/clip.mp4"},
		"videos/a/run/": {"videos/a/run/clip.mp4"},
		"none/":         {},
	}
	for prefix, want := range tests {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			got := []string{}
			check(t, l.Walk(t.Context(), prefix, func(i Info) error {
				got = append(got, i.Key)
				if i.Size != int64(len(i.Key)) || time.Since(i.Modified) > time.Hour {
					t.Errorf("got %+v", i)
				}
				return nil
			}))
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWalkPassesOverWhatGoesAway(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	for _, key := range []string{"videos/a/1", "videos/b/1", "videos/c/1"} {
		put(t, l, key, "x")
	}
	n := 0
	check(t, l.Walk(t.Context(), "videos/", func(Info) error {
		n++
		return l.DeletePrefix(t.Context(), "videos/") // all objects
	}))
	if n != 1 {
		t.Errorf("%d objects were seen after all were gone", n)
	}
}

func TestWalkEnds(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "videos/a/1", "x")
	put(t, l, "videos/a/2", "x")
	errEnough := errors.New("enough")
	n := 0
	if err := l.Walk(t.Context(), "videos/", func(Info) error { n++; return errEnough }); !errors.Is(err, errEnough) || n != 1 {
		t.Errorf("got %v after %d objects, want %v after 1", err, n, errEnough)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Walk(ctx, "videos/", func(Info) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	check(t, l.Check(t.Context()))
	if got := tree(t, l); len(got) > 0 {
		t.Errorf("it leaves %q", got)
	}
	fresh, old := filepath.Join(l.root, ".check-1"), filepath.Join(l.root, ".check-2") // left by crashed programs
	check(t, os.WriteFile(fresh, nil, 0o600))
	check(t, os.WriteFile(old, nil, 0o600))
	before := time.Now().Add(-2 * time.Hour)
	check(t, os.Chtimes(old, before, before))
	check(t, l.Check(t.Context()))
	if got := tree(t, l); len(got) != 1 {
		t.Errorf("it leaves %q", got)
	}
	check(t, os.Remove(fresh))
	check(t, os.Remove(l.root))
	if l.Check(t.Context()) == nil {
		t.Error("there is no folder, and it works")
	}
}

func TestNewLocal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 { // the second call finds the folder
		if _, err := NewLocal(filepath.Join(dir, "new", "media")); err != nil {
			t.Error(err)
		}
	}
	taken := filepath.Join(dir, "taken")
	check(t, os.WriteFile(taken, nil, 0o600))
	if _, err := NewLocal(taken); err == nil {
		t.Error("a file is taken for a folder")
	}
}

func TestWalkRemovesFoldersLeftEmpty(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	put(t, l, "videos/a/1", "x")
	long := time.Now().Add(-2 * emptyFolderAge)
	for _, name := range []string{"videos/b", "videos/c", "videos/a"} {
		folder := filepath.Join(l.root, name)
		check(t, os.MkdirAll(folder, 0o750))
		if name != "videos/c" {
			check(t, os.Chtimes(folder, long, long))
		}
	}

	check(t, l.Walk(t.Context(), "videos/", func(Info) error { return nil }))

	got := map[string]bool{}
	for _, name := range []string{"a", "b", "c"} {
		_, err := os.Stat(filepath.Join(l.root, "videos", name))
		got[name] = err == nil
	}
	if diff := cmp.Diff(map[string]bool{"a": true, "b": false, "c": true}, got); diff != "" {
		t.Errorf("folders that stay (-want +got):\n%s", diff)
	}
}

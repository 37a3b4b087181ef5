package blob_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/blob"
	"risingstars/internal/testserver"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func options(server *testserver.S3) blob.S3Options {
	return blob.S3Options{
		Bucket: server.Bucket, Prefix: "contest", Endpoint: server.Addr, PathStyle: true, Plain: true,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey,
	}
}

func newS3(t *testing.T, o blob.S3Options) *blob.S3 {
	t.Helper()
	s, err := blob.NewS3(o)
	check(t, err)
	return s
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upload")
	check(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func put(t *testing.T, s blob.Storage, key, content string) {
	t.Helper()
	check(t, s.PutFile(t.Context(), key, file(t, content)))
}

func read(t *testing.T, s blob.Storage, key string) string {
	t.Helper()
	f, _, err := s.Open(t.Context(), key)
	check(t, err)
	content, err := io.ReadAll(f)
	check(t, errors.Join(err, f.Close()))
	return string(content)
}

func keys(t *testing.T, s blob.Storage, prefix string) []string {
	t.Helper()
	list := []string{}
	check(t, s.Walk(t.Context(), prefix, func(i blob.Info) error {
		list = append(list, i.Key)
		if time.Since(i.Modified) > time.Hour || i.Size == 0 {
			t.Errorf("got %+v", i)
		}
		return nil
	}))
	slices.Sort(list)
	return list
}

// both runs a test of what every storage must do.
func both(t *testing.T, test func(*testing.T, blob.Storage)) {
	t.Helper()
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		l, err := blob.NewLocal(filepath.Join(t.TempDir(), "media"))
		check(t, err)
		test(t, l)
	})
	for name, owner := range map[string]string{"s3": "", "s3 of an owner": "test-access"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(testserver.NewS3(t))
			o.Owner = owner
			test(t, newS3(t, o))
		})
	}
}

func TestStorageKeeps(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s blob.Storage) {
		t.Helper()
		path := file(t, "clip")
		check(t, s.PutFile(t.Context(), "videos/a/clip.mp4", path))
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file that was moved: %v", err)
		}
		if got := read(t, s, "videos/a/clip.mp4"); got != "clip" {
			t.Errorf("it holds %q", got)
		}
		work := filepath.Join(t.TempDir(), "work")
		check(t, s.Fetch(t.Context(), "videos/a/clip.mp4", work))
		got, err := os.ReadFile(work)
		check(t, err)
		if string(got) != "clip" {
			t.Errorf("the fetched file holds %q", got)
		}
		if err := s.Fetch(t.Context(), "videos/a/clip.mp4", work); !errors.Is(err, fs.ErrExist) {
			t.Errorf("onto a file that is there: got %v, want %v", err, fs.ErrExist)
		}
		check(t, s.Check(t.Context()))
	})
}

func TestStorageReadsFromAnywhere(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s blob.Storage) {
		t.Helper()
		put(t, s, "a/clip", "0123456789")
		f, info, err := s.Open(t.Context(), "a/clip")
		check(t, err)
		defer func() { check(t, f.Close()) }()
		if info.Size != 10 || info.Key != "a/clip" {
			t.Errorf("got %+v", info)
		}
		for _, step := range []struct {
			offset int64
			whence int
			want   string
		}{{4, io.SeekStart, "45"}, {1, io.SeekCurrent, "78"}, {-3, io.SeekEnd, "78"}, {0, io.SeekStart, "01"}} {
			_, err := f.Seek(step.offset, step.whence)
			check(t, err)
			got := make([]byte, 2)
			_, err = io.ReadFull(f, got)
			check(t, err)
			if string(got) != step.want {
				t.Errorf("from %d, %d: got %q, want %q", step.offset, step.whence, got, step.want)
			}
		}
	})
}

func TestStorageHasNone(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s blob.Storage) {
		t.Helper()
		put(t, s, "a/clip", "x")
		for _, key := range []string{"a", "a/none", "none/clip", "a/clip/x"} {
			if _, _, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("open %s: %v", key, err)
			}
			if err := s.Fetch(t.Context(), key, filepath.Join(t.TempDir(), "work")); key != "a" && !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("fetch %s: %v", key, err)
			}
		}
		check(t, s.Delete(t.Context(), "a/none"))
		for _, key := range []string{"", ".", "..", "../x", "/x", "a//b", "a/"} {
			if err := s.PutFile(t.Context(), key, file(t, "x")); err == nil {
				t.Errorf("%q is taken for a key", key)
			}
		}
	})
}

func TestStorageListsAndRemoves(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s blob.Storage) {
		t.Helper()
		for _, key := range []string{"videos/a/1", "videos/a/b/2", "videos/ab/3", "other/4"} {
			put(t, s, key, "x")
		}
		if diff := cmp.Diff([]string{"videos/a/1", "videos/a/b/2", "videos/ab/3"}, keys(t, s, "videos/")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		for range 2 { // the second call changes nothing
			check(t, s.DeletePrefix(t.Context(), "videos/a/"))
			check(t, s.Delete(t.Context(), "other/4"))
		}
		if diff := cmp.Diff([]string{"videos/ab/3"}, keys(t, s, "videos/")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{}, keys(t, s, "other/")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}

func TestStorageEndsWithItsContext(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s blob.Storage) {
		t.Helper()
		put(t, s, "a/1", "x")
		put(t, s, "a/2", "x")
		errEnough := errors.New("enough")
		if err := s.Walk(t.Context(), "a/", func(blob.Info) error { return errEnough }); !errors.Is(err, errEnough) {
			t.Errorf("got %v, want %v", err, errEnough)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Walk(ctx, "a/", func(blob.Info) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
}

// A file of several parts is uploaded and downloaded with little memory.
func TestS3StreamsInParts(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	s := newS3(t, options(testserver.NewS3(t)))
	const size, most = 100 << 20, 24 << 20 // bytes
	path := filepath.Join(t.TempDir(), "upload")
	content := strings.Repeat("0123456789abcdef", 64<<10)
	f, err := os.Create(path)
	check(t, err)
	for range size >> 20 {
		_, err := f.WriteString(content)
		check(t, err)
	}
	check(t, f.Close())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	check(t, s.PutFile(t.Context(), "a/clip", path))
	check(t, s.Fetch(t.Context(), "a/clip", path))
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > most {
		t.Errorf("%d MiB were allocated to put and fetch %d MiB", got>>20, size>>20)
	}
	f, err = os.Open(path)
	check(t, err)
	defer func() { check(t, f.Close()) }()
	part := make([]byte, 1<<20)
	for i := range size >> 20 {
		if _, err := io.ReadFull(f, part); err != nil || string(part) != content {
			t.Fatalf("MiB %d is another: %v", i, err)
		}
	}
}

func TestS3SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := testserver.NewS3(t)
	for name, test := range map[string]struct {
		change func(*blob.S3Options)
		want   string
	}{
		"no bucket":    {func(o *blob.S3Options) { o.Bucket = "none" }, "bucket does not exist"},
		"wrong secret": {func(o *blob.S3Options) { o.SecretKey = "wrong" }, "signature"},
		"wrong key":    {func(o *blob.S3Options) { o.AccessKey = "wrong" }, "access key"},
		"wrong owner":  {func(o *blob.S3Options) { o.Owner = "another-owner" }, "denied"},
		"wrong region": {func(o *blob.S3Options) { o.Region = "eu-west-1" }, "region"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(server)
			test.change(&o)
			err := newS3(t, o).Check(t.Context())
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), test.want) || errors.Is(err, blob.ErrNotFound) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), o.SecretKey) && o.SecretKey != "wrong" {
				t.Error("the error has the secret")
			}
		})
	}
}

package blob_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"risingstars/internal/blob"
	"risingstars/internal/testserver"
)

// spoiling is a storage that changes or loses the objects that are put into it.
type spoiling struct {
	blob.Storage

	lose bool
}

func (s spoiling) PutFile(ctx context.Context, key, path string) error {
	if s.lose {
		return os.Remove(path)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("CLIP"), 0o600)); err != nil {
		return err
	}
	return s.Storage.PutFile(ctx, key, path)
}

func TestCopyFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, to blob.Storage) {
		t.Helper()
		from, err := blob.NewLocal(t.TempDir())
		check(t, err)
		put(t, from, "a/clip", "clip")
		for _, lose := range []bool{false, true} {
			copied, err := blob.CopyObject(t.Context(), from, spoiling{to, lose}, "a/clip", t.TempDir())
			if copied || !errors.Is(err, blob.ErrDiffers) || errors.Is(err, blob.ErrNotFound) {
				t.Errorf("lost %t: got %t, %v, want %v", lose, copied, err, blob.ErrDiffers)
			}
			if _, _, err := to.Open(t.Context(), "a/clip"); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("what differs stays: %v", err)
			}
		}
		if copied, err := blob.CopyObject(t.Context(), from, to, "a/clip", t.TempDir()); !copied || err != nil {
			t.Errorf("the next try: got %t, %v", copied, err)
		}
	})
}

func TestS3LinkWorksWithoutCredentials(t *testing.T) {
	t.Parallel()
	s := newS3(t, options(testserver.NewS3(t)))
	put(t, s, "a/clip", "0123456789")
	link, err := s.PresignedLink(t.Context(), "a/clip", "video/mp4")
	check(t, err)
	if again, err := s.PresignedLink(t.Context(), "a/clip", "video/mp4"); again != link || err != nil {
		t.Errorf("the second link is another: %v", err)
	}
	for url, want := range map[string]int{link: http.StatusPartialContent, link + "0": http.StatusForbidden} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		check(t, err)
		request.Header.Set("Range", "bytes=2-3")
		answer, err := new(http.Client).Do(request)
		check(t, err)
		body, err := io.ReadAll(answer.Body)
		check(t, errors.Join(err, answer.Body.Close()))
		if answer.StatusCode != want || (want < 300 && (string(body) != "23" || answer.Header.Get("Content-Type") != "video/mp4")) {
			t.Errorf("got %s: %s, want %d", answer.Status, body, want)
		}
	}
}

func TestS3ThatIsDown(t *testing.T) {
	t.Parallel()
	server := testserver.NewS3(t)
	s := newS3(t, options(server))
	put(t, s, "a/clip", "clip")
	path, work := file(t, "other"), filepath.Join(t.TempDir(), "work")
	server.Stop(syscall.SIGTERM)
	if s.PutFile(t.Context(), "a/other", path) == nil || s.Fetch(t.Context(), "a/clip", work) == nil {
		t.Error("nobody answers, and it works")
	}
	if _, err := os.Stat(work); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part of the fetched file stays: %v", err)
	}
	server.Restart()
	check(t, s.PutFile(t.Context(), "a/other", path))
	check(t, s.Fetch(t.Context(), "a/clip", work))
}

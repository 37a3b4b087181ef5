package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// An S3 server dies while an upload is stored: the upload is refused and leaves no objects. It dies while a worker
// fetches an original: the job is retried and succeeds after the server is back.
func TestS3DiesUnderThePlatform(t *testing.T) {
	t.Parallel()
	server := testserver.NewS3(t)
	var onPut, onFetch atomic.Bool // whether the server dies at that moment
	relay := testserver.NewRelay(t, server.Addr, func(toServer bool, carried int64) bool {
		if deadly := map[bool]*atomic.Bool{true: &onPut, false: &onFetch}[toServer]; carried > 32<<10 && deadly.CompareAndSwap(true, false) {
			server.Kill()
		}
		return true
	})
	settings := onS3(server, "")
	settings["STORAGE_URL"] = strings.Replace(settings["STORAGE_URL"], server.Addr, relay.Addr, 1)
	settings["WORKERS"], settings["DATA_DIR"] = "0", t.TempDir()
	clip := mediatest.Clip(t, mediatest.Spec{Width: 1280, Height: 720, Moving: true, Seconds: 3}) // larger than the socket buffers
	s := apptest.Start(t, settings)
	ana := newPlayer(t, s.URL, "ana@example.com")

	onPut.Store(true)
	if _, err := ana.upload(s.URL, "Triple", clip, func() {}); err == nil || onPut.Load() {
		t.Errorf("an upload while the server dies: got %v", err)
	}
	server.Restart()
	if got := ana.videos(t, s.URL); len(got) != 0 {
		t.Errorf("the refused upload is listed: %+v", got)
	}
	if got := inBucket(t, server); len(got) != 0 {
		t.Errorf("the bucket has %q", got)
	}
	id := ana.mustUpload(t, s.URL, clip)
	check(t, s.Stop())

	onFetch.Store(true)
	settings["WORKERS"] = "1"
	s = apptest.Start(t, settings)
	testserver.Eventually(t, "an attempt fails", func() bool { return strings.Contains(s.Log(), "tried again") })
	server.Restart()
	ana.waitFor(t, s.URL, id, "processed")
	if got := inBucket(t, server); len(got) != 3 {
		t.Errorf("the bucket has %q, want an original, a clip and a poster", got)
	}
}

// The sweep aborts old multipart uploads in the bucket, if the bucket is the contest's.
func TestSweepOfUploadsInParts(t *testing.T) {
	t.Parallel()
	server := testserver.NewS3(t)
	client := must(minio.NewCore(server.Addr, &minio.Options{Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, "")}))(t)
	for key, age := range map[string]time.Duration{
		"contest/videos/a/original.mp4": 4 * time.Hour, "contest/videos/b/original.mp4": time.Hour, "others/c": 4 * time.Hour,
	} {
		id := must(client.NewMultipartUpload(t.Context(), server.Bucket, key, minio.PutObjectOptions{}))(t)
		place := must(filepath.Glob(filepath.Join(server.Dir, ".sgwtmp", "multipart", "*", id)))(t)
		if len(place) != 1 {
			t.Fatalf("the server keeps an upload in %q", place)
		}
		begun := time.Now().Add(-age)
		check(t, os.Chtimes(place[0], begun, begun))
	}
	under := func() (list []string) {
		for u := range client.ListIncompleteUploads(t.Context(), server.Bucket, "", true) {
			check(t, u.Err)
			list = append(list, u.Key)
		}
		return list
	}
	if got := under(); len(got) != 3 {
		t.Fatalf("uploads are under way to %q", got)
	}

	s := apptest.Start(t, onS3(server, ""))

	testserver.Eventually(t, "the old one is gone", func() bool { return len(under()) < 3 })
	if diff := cmp.Diff([]string{"contest/videos/b/original.mp4", "others/c"}, under()); diff != "" {
		t.Errorf("uploads that are under way (-want +got):\n%s", diff)
	}
	testserver.Eventually(t, "the log says so", func() bool { return strings.Contains(s.Log(), "swept objects that belong to no video") })
}

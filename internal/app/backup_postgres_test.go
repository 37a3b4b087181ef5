package app_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// The procedure in docs/operations.md for backing up a fleet: pg_dump first, then storage copy, during uploads and
// votes; and the restore into another database and another folder.
func TestBackupOfAFleet(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	star, id, people := f.publicVideo(40)
	url := f.web[0].url
	for _, fan := range people[:20] {
		check(t, fan.vote(url, id))
	}
	second := star.mustUpload(t, url, mediatest.Clip(t, mediatest.Spec{})) // stays unprocessed: there are no workers
	stop := make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = people[20+i%20].vote(url, id) // from the second round on they are refused
			if _, err := star.upload(url, fmt.Sprint("Triple ", i), mediatest.Clip(t, mediatest.Spec{}), func() {}); err != nil {
				t.Errorf("upload: %v", err)
			}
		}
	})
	dump, copied := filepath.Join(t.TempDir(), "contest.dump"), "file://"+filepath.Join(t.TempDir(), "media")
	postgresTool(t, "pg_dump", "-Fc", "-f", dump, f.settings["DATABASE_URL"])
	must(run(t, f.with(nil), "storage", "copy", copied))(t)
	close(stop)
	load.Wait()

	restoredURL := testserver.SharedPostgres(t).NewDatabase(t, "")
	postgresTool(t, "pg_restore", "--no-owner", "--exit-on-error", "-d", restoredURL, dump)
	media := filepath.Join(t.TempDir(), "media")
	must(run(t, f.with(nil), "storage", "copy", copied, "file://"+media))(t)
	f.settings["DATABASE_URL"], f.settings["STORAGE_URL"] = restoredURL, "file://"+media
	restored := f.serve(testserver.FreeAddr(t), nil)
	f.work(nil)

	for _, fan := range people[:20] { // with the tokens from before the backup
		if err := fan.vote(restored.url, id); err == nil || !strings.Contains(err.Error(), "already voted") {
			t.Errorf("the vote of %s: %v", fan.email, err)
		}
	}
	for _, v := range star.videos(t, restored.url) { // each has its original, so it can be processed
		if v.ID == second || v.ID == id {
			star.waitFor(t, restored.url, v.ID, map[int64]string{id: "public", second: "processed"}[v.ID])
		}
		answer := must(httpClient.Get(original(t, star, restored.url, v.ID)))(t)
		check(t, answer.Body.Close())
		if diff := cmp.Diff(http.StatusOK, answer.StatusCode); diff != "" {
			t.Errorf("the original of video %d (-want +got):\n%s", v.ID, diff)
		}
	}
}

func original(tb testing.TB, p player, url string, id int64) string {
	tb.Helper()
	var v struct {
		OriginalURL string `json:"original_url"`
	}
	must(call(http.MethodGet, fmt.Sprintf("%s/api/videos/%d", url, id), p.token, "", nil, &v))(tb)
	return v.OriginalURL
}

func postgresTool(tb testing.TB, name string, args ...string) {
	tb.Helper()
	path := testserver.Program(tb, name, os.Getenv("RISINGSTARS_TEST_POSTGRES"), "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin")
	out, err := exec.CommandContext(tb.Context(), path, args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, out)
	}
}

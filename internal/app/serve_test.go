package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

func TestOneServerForEachDataDir(t *testing.T) {
	t.Parallel()
	first := apptest.Start(t, nil)
	settings := apptest.Settings{"DATA_DIR": first.DataDir, "LISTEN_ADDR": "127.0.0.1:0"}

	_, err := run(t, settings, "serve")

	want := "another risingstars serves from " + first.DataDir + ": stop it, or choose another DATA_DIR"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	newPlayer(t, first.URL, "ana@example.com")
	check(t, first.Stop())
	apptest.Start(t, apptest.Settings{"DATA_DIR": first.DataDir})
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	var config net.ListenConfig
	taken := must(config.Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	defer taken.Close()
	for _, setting := range []string{"LISTEN_ADDR", "METRICS_ADDR"} {
		settings := apptest.Settings{"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0"}
		settings[setting] = taken.Addr().String()

		_, err := run(t, settings, "serve")

		if err == nil {
			t.Fatalf("%s: got no error", setting)
		}
		contains(t, err.Error(), setting+": ", taken.Addr().String(), "address already in use", "(is another program using it?)")
	}
}

func TestMetricsAddr(t *testing.T) {
	t.Parallel()
	addr := testserver.FreeAddr(t)
	server := apptest.Start(t, apptest.Settings{"METRICS_ADDR": addr})

	status, page := get(t, "http://"+addr+"/metrics")
	public, _ := get(t, server.URL+"/metrics")

	if diff := cmp.Diff([]int{http.StatusOK, http.StatusNotFound}, []int{status, public}); diff != "" {
		t.Errorf("status of its own page and of the public one (-want +got):\n%s", diff)
	}
	contains(t, page, `risingstars_jobs{state="available"} 0`, `risingstars_jobs{state="discarded"} 0`, `risingstars_build_info{version="dev"} 1`,
		`risingstars_processing_failures_total{then="for good"} 0`, "go_goroutines ")
	check(t, server.Stop())
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the listener for metrics is still there after the stop: %v", err)
	}
}

func TestLogInJSON(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{"LOG_FORMAT": "json", "WORKERS": "1"})
	ana := newPlayer(t, server.URL, "ana@example.com")
	id := ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	ana.waitFor(t, server.URL, id, "processed")
	request := must(http.NewRequest(http.MethodGet, server.URL+"/nowhere?secret=1", nil))(t)
	request.Header.Set("X-Request-Id", "from-a-proxy-1")
	answer := must(httpClient.Do(request))(t)
	check(t, answer.Body.Close())
	check(t, server.Stop())

	type line struct {
		Time      time.Time `json:"time"`
		Level     string    `json:"level"`
		Message   string    `json:"msg"`
		RequestID string    `json:"request_id"`
		Method    string    `json:"method"`
		Path      string    `json:"path"`
		Status    int       `json:"status"`
	}
	var lines []line
	for text := range strings.Lines(server.Log()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if l.Time.IsZero() || l.Level == "" || l.Message == "" || l.Message == "request" && l.RequestID == "" {
			t.Errorf("a line lacks something: %s", text)
		}
		l.Time = time.Time{}
		lines = append(lines, l)
	}
	for _, want := range []line{
		{Level: "INFO", Message: "request", RequestID: "from-a-proxy-1", Method: "GET", Path: "/nowhere", Status: 404},
		{Level: "INFO", Message: "ready"}, {Level: "INFO", Message: "processed"}, {Level: "INFO", Message: "stopped"},
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %+v in:\n%s", want, server.Log())
		}
	}
	for _, secret := range []string{password, ana.token, "secret=1"} {
		if strings.Contains(server.Log(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, server.Log())
		}
	}
}

// A process without workers accepts uploads, which wait for a process with workers.
func TestNoWorkers(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "WORKERS": "0"}
	server := apptest.Start(t, settings)
	ana := newPlayer(t, server.URL, "ana@example.com")
	id := ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	check(t, server.Stop())
	wantRow(t, server.DataDir, "uploaded", "available", 0)

	settings["WORKERS"] = "1"
	server = apptest.Start(t, settings)

	ana.waitFor(t, server.URL, id, "processed")
}

func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	gate := apptest.NewGate(t)
	server := apptest.Start(t, apptest.Settings{"WORKERS": "2", "FFMPEG": gate.FFmpeg})
	ana := newPlayer(t, server.URL, "ana@example.com")
	for range 3 {
		ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	}

	testserver.Eventually(t, "two are being processed", func() bool { return len(gate.Arrived(t)) == 2 })

	statuses := []string{}
	for _, v := range ana.videos(t, server.URL) {
		statuses = append(statuses, v.Status)
	}
	if diff := cmp.Diff([]string{"uploaded", "processing", "processing"}, statuses); diff != "" { // newest first
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	_, page := get(t, server.URL+"/metrics")
	contains(t, page, `risingstars_jobs{state="running"} 2`, `risingstars_jobs{state="available"} 1`)
	gate.Open(t)
	for id := range int64(3) {
		ana.waitFor(t, server.URL, id+1, "processed")
	}
}

// Objects without a row are deleted at start; objects with a row are kept.
func TestSweepAtStart(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "WORKERS": "1"}
	server := apptest.Start(t, settings)
	ana := newPlayer(t, server.URL, "ana@example.com")
	id := ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{}))
	ana.waitFor(t, server.URL, id, "processed")
	check(t, server.Stop())
	media := filepath.Join(server.DataDir, "media")
	list := rows(t, server.DataDir)
	other := strings.Repeat("0123456789abcdef", 2)
	for _, path := range []string{
		filepath.Join(other, "original.mp4"), filepath.Join(other, other, "clip.mp4"), filepath.Join(other, ".part-123"),
		filepath.Join(list[0].Token, other, "clip.mp4"), filepath.Join(list[0].Token, "original.mov"), "stray",
	} {
		orphan(t, filepath.Join(media, "videos", path), 0)
	}
	orphan(t, filepath.Join(server.DataDir, "work", "upload-1"), 0)

	server = apptest.Start(t, settings)

	testserver.Eventually(t, "only what belongs to the video is in the storage", func() bool {
		return cmp.Equal(objects(list), ofVideos(files(t, media)))
	})
	if diff := cmp.Diff([]string{}, files(t, filepath.Join(server.DataDir, "work"))); diff != "" {
		t.Errorf("work files (-want +got):\n%s", diff)
	}
}

// In a storage that other processes may use, only old objects are deleted: a new one may be about to get its row.
func TestSweepLeavesFreshObjects(t *testing.T) {
	t.Parallel()
	media := t.TempDir()
	settings := apptest.Settings{"STORAGE_URL": "file://" + media, "DATA_DIR": t.TempDir()}
	first := apptest.Start(t, settings)
	testserver.Eventually(t, "the storage is marked", func() bool { return len(files(t, media)) == 1 })
	check(t, first.Stop())
	fresh := filepath.Join("videos", strings.Repeat("a", 32), "original.mp4")
	old := filepath.Join("videos", strings.Repeat("b", 32), "original.mp4") // walked after the fresh one
	orphan(t, filepath.Join(media, fresh), time.Hour)
	orphan(t, filepath.Join(media, old), 4*time.Hour)

	apptest.Start(t, settings)

	testserver.Eventually(t, "the old one is gone", func() bool { return !slices.Contains(files(t, media), old) })
	if diff := cmp.Diff([]string{fresh}, ofVideos(files(t, media))); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// The storage of another contest, as after a mistake in DATABASE_URL, is not changed.
func TestSweepLeavesAnothersStorage(t *testing.T) {
	t.Parallel()
	media := t.TempDir()
	settings := apptest.Settings{"STORAGE_URL": "file://" + media, "WORKERS": "1"}
	owner := apptest.Start(t, settings)
	ana := newPlayer(t, owner.URL, "ana@example.com")
	ana.waitFor(t, owner.URL, ana.mustUpload(t, owner.URL, mediatest.Clip(t, mediatest.Spec{})), "processed")
	check(t, owner.Stop())
	before := files(t, media)
	for _, path := range before {
		at := time.Now().Add(-24 * time.Hour)
		check(t, os.Chtimes(filepath.Join(media, path), at, at))
	}

	stranger := apptest.Start(t, settings)

	testserver.Eventually(t, "the log says so", func() bool { return strings.Contains(stranger.Log(), "belongs to another contest") })
	if diff := cmp.Diff(before, files(t, media)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// orphan makes a file without a row, with the given age.
func orphan(tb testing.TB, path string, age time.Duration) {
	tb.Helper()
	check(tb, os.MkdirAll(filepath.Dir(path), 0o750))
	check(tb, os.WriteFile(path, []byte("orphan"), 0o600))
	at := time.Now().Add(-age)
	check(tb, os.Chtimes(path, at, at))
}

func get(tb testing.TB, url string) (status int, body string) {
	tb.Helper()
	request := must(http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil))(tb)
	answer := must(httpClient.Do(request))(tb)
	defer answer.Body.Close()
	return answer.StatusCode, string(must(io.ReadAll(answer.Body))(tb))
}

// A server that listens on all addresses prints one that a local browser can open, and says that there are others.
func TestListenEverywhere(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0"} {
		server := apptest.Start(t, apptest.Settings{"LISTEN_ADDR": addr, "WORKERS": "0"})
		if !regexp.MustCompile(`web site +http://localhost:\d+/ \(and at every address of this machine\)\n`).MatchString(server.Screen()) {
			t.Errorf("%s: got\n%s", addr, server.Screen())
		}
		must(call(http.MethodGet, server.URL+"/readyz", "", "", nil, nil))(t)
	}
}

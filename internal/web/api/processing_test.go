package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// From the upload to the ranking with real FFmpeg: the states that an owner sees only move forward.
func TestProcessing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "FFMPEG": "ffmpeg"})
	p, fan := newPlayer(t, s, "Bogotá"), newPlayer(t, s, "")
	id := p.uploaded("Triple")
	events := make(chan []event, 1)
	stream := p.follow(id)
	go func() { events <- all(stream) }()

	seen := p.watch(id)

	checkForward(t, id, <-events)
	if got := seen[len(seen)-1]; got.Status != "processed" || got.Progress != 100 {
		t.Fatalf("got %+v", got)
	}
	p.get(path("/api/videos/{id}", id)).is(200, described(id, "Triple", "processed", map[string]any{
		"processed_at": "TIME", "processed_url": "signed clip.mp4", "poster_url": "signed poster.jpg", "progress": 100,
	}))
	d := p.detail(id)
	checkRendition(t, visitor(t, s), d)
	for _, link := range []string{d.Processed, d.Poster} {
		bare, _, _ := strings.Cut(link, "?")
		visitor(t, s).get(bare).refuses(noVideo)
	}
	fan.post(path("/api/public/videos/{id}/vote", id)).refuses(noVideo)

	p.post(path("/api/videos/{id}/publish", id)).decode(200, &struct{}{})

	d = p.detail(id)
	checkRendition(t, visitor(t, s), d)
	fan.post(path("/api/public/videos/{id}/vote", id)).is(200, `{"message": "Vote successfully registered", "votes": 1}`)
	p.get("/api/public/rankings").is(200, text([]any{
		map[string]any{"position": 1, "username": p.name, "city": "Bogotá", "votes": 1},
	}))
	checkMetricsOfProcessing(t, fan.get("/metrics").body)
	if left := files(t, filepath.Join(s.DataDir, "work")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func all(s stream) (list []event) {
	for {
		e, ok := s.read()
		if !ok {
			return list
		}
		list = append(list, e)
	}
}

// watch polls a video until it is settled, and returns its states.
func (c client) watch(id int64) (seen []detail) {
	c.tb.Helper()
	testserver.EventuallyMoving(c.tb, "the video settles", func() (state string, done bool) {
		d := c.detail(id)
		if n := len(seen); n > 0 && (rank(d.Status) < rank(seen[n-1].Status) || d.Progress < seen[n-1].Progress) {
			c.tb.Errorf("after %+v comes %+v", seen[n-1], d)
		}
		seen = append(seen, d)
		return fmt.Sprintf("%s, %d %%", d.Status, d.Progress), d.Status == "processed" || d.Status == "failed"
	})
	return seen
}

func rank(status string) int {
	return map[string]int{"uploaded": 1, "processing": 2, "processed": 3, "failed": 3, "public": 4}[status]
}

// checkForward checks the events of a stream from the upload to the end.
func checkForward(t *testing.T, id int64, events []event) {
	t.Helper()
	if len(events) < 5 {
		t.Fatalf("got %d events, want the progress: %v", len(events), events)
	}
	status, progress := "", -1
	for i, e := range events {
		var now struct {
			VideoID       int64 `json:"video_id"`
			Status        string
			Progress      int
			FailureReason *string `json:"failure_reason"`
		}
		d := json.NewDecoder(strings.NewReader(e.Data))
		d.DisallowUnknownFields()
		if err := d.Decode(&now); err != nil {
			t.Fatalf("event %v: %v", e, err)
		}
		if e.ID != strconv.Itoa(i+1) || e.Name != "" || now.VideoID != id || now.FailureReason != nil {
			t.Errorf("event %d: got %v", i, e)
		}
		if rank(now.Status) < rank(status) || now.Progress < progress || now.Progress > 100 {
			t.Errorf("after %s %d comes %v", status, progress, e)
		}
		if (now.Status == "processed") != (now.Progress == 100) {
			t.Errorf("event %d: got %v, want 100 with processed only", i, e)
		}
		status, progress = now.Status, now.Progress
	}
	if status != "processed" {
		t.Errorf("the stream ended with %s", status)
	}
}

// checkRendition requests the links of a processed video as a browser does.
func checkRendition(t *testing.T, c client, d detail) {
	t.Helper()
	rendition := c.get(d.Processed)
	if rendition.status != 200 {
		t.Fatalf("the clip: got %d %s", rendition.status, rendition.body)
	}
	file := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(file, []byte(rendition.body), 0o600); err != nil {
		t.Fatal(err)
	}
	streams := mediatest.Streams(t, file)
	if len(streams) != 1 {
		t.Fatalf("got %d streams, want one", len(streams))
	}
	want := map[string]any{"codec_name": "h264", "pix_fmt": "yuv420p", "width": 1280.0, "height": 720.0, "sample_aspect_ratio": "1:1"}
	got := map[string]any{}
	for name := range want {
		got[name] = streams[0][name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the clip (-want +got):\n%s", diff)
	}
	poster, err := jpeg.DecodeConfig(bytes.NewReader([]byte(c.get(d.Poster).body)))
	if err != nil || poster.Width != 1280 || poster.Height != 720 {
		t.Errorf("the poster: got %d×%d, %v", poster.Width, poster.Height, err)
	}
}

func checkMetricsOfProcessing(t *testing.T, page string) {
	t.Helper()
	for _, line := range []string{
		"risingstars_ffmpeg_seconds_per_clip_second_count 1", "risingstars_ffmpeg_duration_seconds_count 1",
		`risingstars_processing_failures_total{then="for good"} 0`, `risingstars_jobs{state="completed"} 1`,
		`risingstars_jobs{state="running"} 0`, `risingstars_votes_total{change="given"} 1`,
		"risingstars_processing_wait_seconds_count 1", "risingstars_processing_ready_seconds_count 1",
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("the metrics lack %q", line)
		}
	}
}

// A clip with a valid header and corrupt frames fails in processing. Its player sees the reason and can retry.
func TestProcessingFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "DATA_DIR": dir})
	p := newPlayer(t, s, "")
	id := p.uploaded("Triple")
	original := filepath.Join(mediaFolder(t, s, id), "original.mp4")
	write := func(content string) {
		if err := os.WriteFile(original, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(noisy(clip(t)))
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = apptest.Start(t, apptest.Settings{"WORKERS": "1", "FFMPEG": "ffmpeg", "DATA_DIR": dir})
	p.url = s.URL

	p.watch(id)

	reason := "El video no se pudo decodificar. Expórtalo de nuevo como MP4 (H.264 o HEVC) y vuelve a subirlo."
	failed := described(id, "Triple", "failed", map[string]any{"failure_reason": reason})
	p.get(path("/api/videos/{id}", id)).is(200, failed)
	p.post(path("/api/videos/{id}/publish", id)).refuses(refusal{400, "El video aún no está procesado.", nil})
	if page := p.get("/metrics").body; !strings.Contains(page, `risingstars_processing_failures_total{then="for good"} 1`) {
		t.Error("the failure is not counted")
	}

	write(clip(t))
	p.post(path("/api/videos/{id}/retry", id)).is(200, described(id, "Triple", "uploaded", nil))
	seen := p.watch(id)
	if got := seen[len(seen)-1]; got.Status != "processed" || got.Failure != nil {
		t.Errorf("tried again: got %+v", got)
	}
}

// If a video is deleted during processing, all its files are removed and FFmpeg is stopped.
func TestDeleteWhileProcessing(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "FFMPEG": "ffmpeg", "STOP_GRACE": "10s"})
	p := newPlayer(t, s, "")
	long := mediatest.Spec{Width: 640, Height: 360, FPS: "30", Seconds: 12, Moving: true}
	var made struct {
		ID int64 `json:"video_id"`
	}
	p.upload(title("Triple"), video(content(t, long))).decode(201, &made)
	stream, folder := p.follow(made.ID), mediaFolder(t, s, made.ID)
	testserver.Eventually(t, "FFmpeg runs", func() bool { return runs(t, s.DataDir) })

	p.delete(path("/api/videos/{id}", made.ID)).decode(200, &struct{}{})

	events := all(stream)
	if last := events[len(events)-1]; last.Name != "deleted" {
		t.Errorf("the last event: got %v, want deleted", last)
	}
	p.get(path("/api/videos/{id}", made.ID)).refuses(noVideo)
	testserver.Eventually(t, "FFmpeg has ended", func() bool { return !runs(t, s.DataDir) })
	testserver.Eventually(t, "no work file is left", func() bool {
		return len(files(t, filepath.Join(s.DataDir, "work"))) == 0
	})
	if left := files(t, folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	testserver.Eventually(t, "no job is left", func() bool {
		return look[int](t, s, `SELECT count(*) FROM river_job WHERE finalized_at IS NULL`) == 0
	})
}

// runs reports whether an FFmpeg process has the folder in its command line.
func runs(t *testing.T, dir string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if lines == nil {
		t.Skip("needs /proc")
	}
	for _, line := range lines {
		words, err := os.ReadFile(line)
		if err != nil {
			continue // the process has ended
		}
		if bytes.Contains(words, []byte("ffmpeg")) && bytes.Contains(words, []byte(dir)) {
			return true
		}
	}
	return false
}

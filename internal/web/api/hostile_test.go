package api_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

// reasons are the sentences of the refusals of a file.
var reasons = map[string]string{
	"empty":            "El archivo está vacío.",
	"not_video":        notAVideo.Detail,
	"no_video":         noPicture.Detail,
	"truncated":        truncated.Detail,
	"unplayable":       unplayable.Detail,
	"too_many_pixels":  "La imagen del video supera 8K (7680×4320).",
	"too_long":         "El video dura más de 10 minutos.",
	"too_many_streams": "El archivo contiene demasiadas pistas.",
	"bad_frame_rate":   "El video tiene una frecuencia de cuadros que no se admite: más de 240 por segundo, o ninguna.",
}

// foundByRendering are files whose first frame is valid: the upload is accepted, and the processing fails.
var foundByRendering = []string{"frames of ten hours, as a second"}

// A hostile file is refused with a clear sentence or accepted. In both cases no URL or file that it refers to is
// opened.
func TestHostileUploads(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	bait := mediatest.Bait{URL: listen(t, &calls), File: filepath.Join(t.TempDir(), "secret.jpg")}
	if err := os.WriteFile(bait.File, mediatest.Secret(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "")
	for _, h := range mediatest.Hostiles(bait) {
		t.Run(h.Name, func(t *testing.T) {
			want := h.Want
			for _, name := range foundByRendering {
				if h.Name == name {
					want = ""
				}
			}

			got := p.as(t).upload(title("Triple"), video(string(h.Data)))

			switch {
			case want == "" || got.status == 201 && want == mediatest.Any:
				if got.status != 201 {
					t.Errorf("got %d: %s", got.status, got.body)
				}
			case want == mediatest.Any:
				if r := got.refusal(); r.Status != 400 {
					t.Errorf("got %+v", r)
				}
			default:
				got.refuses(refusal{400, reasons[want], nil})
			}
			if strings.Contains(got.body, bait.File) || strings.Contains(got.body, bait.URL) {
				t.Errorf("the answer shows where it led: %s", got.body)
			}
		})
	}
	if n := calls.Load(); n > 0 {
		t.Errorf("%d calls to the listener", n)
	}
	if left := files(t, filepath.Join(s.DataDir, "work")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// If only rendering finds the fault, processing fails once and finally, as an unplayable video.
func TestHostileFileFailsForGood(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "FFMPEG": "ffmpeg"})
	p := newPlayer(t, s, "")
	for _, h := range mediatest.Hostiles(mediatest.Bait{}) {
		if h.Name != foundByRendering[0] {
			continue
		}
		var made struct {
			ID int64 `json:"video_id"`
		}
		p.upload(title("Triple"), video(string(h.Data))).decode(201, &made)

		seen := p.watch(made.ID)

		const want = "El video no se pudo decodificar. Expórtalo de nuevo como MP4 (H.264 o HEVC) y vuelve a subirlo."
		if last := seen[len(seen)-1]; last.Status != "failed" || last.Failure == nil || *last.Failure != want {
			t.Errorf("got %+v", last)
		}
	}
}

// listen counts connections, which must not happen.
func listen(t *testing.T, calls *atomic.Int64) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends when the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

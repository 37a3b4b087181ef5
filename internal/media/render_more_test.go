package media

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
)

// A light gray in HDR, at about 200 cd/m², is light gray in the rendition: neither clipped nor dark.
func TestRenderHDR(t *testing.T) {
	t.Parallel()
	for _, transfer := range []string{"smpte2084", "arib-std-b67"} {
		t.Run(transfer, func(t *testing.T) {
			t.Parallel()
			if !tools(t).Tonemap {
				t.Skip("this FFmpeg has no zscale")
			}

			r, made := render(t, mediatest.Clip(t, mediatest.Spec{Codec: "libx265", HDR: transfer, Color: "0x949494"}))

			if !r.Clip.HDR {
				t.Error("not taken for HDR")
			}
			checkStream(t, r.Dest, made.Frames)
			got := mediatest.Pictures(t, r.Dest, curtainFrames+10)[0].NRGBAAt(Width/2, Height/2)
			if distance(got, color.NRGBA{got.G, got.G, got.G, 255}) > 6 {
				t.Errorf("got %v, want grey", got)
			}
			if got.G < 110 || got.G > 240 {
				t.Errorf("got brightness %d, want a light grey", got.G)
			}
		})
	}
}

// An event at one second of the clip is at one second of the play, also if the picture begins later than the sound.
func TestRenderLatePicture(t *testing.T) {
	t.Parallel()
	source := mediatest.Late(t, mediatest.Spec{Seconds: 2, WhiteFrom: 1}, 0.7)

	r, made := render(t, source)

	if made.PlayFrames != 60 {
		t.Errorf("got %d frames of play, want 60", made.PlayFrames)
	}
	pictures := mediatest.Pictures(t, r.Dest, curtainFrames+27, curtainFrames+33)
	checkSpots(t, "before", pictures[0], quarters(Width, Height))
	checkSpots(t, "after", pictures[1], whitened(quarters(Width, Height)))
}

// A clip that was trimmed on a phone: its first frames are hidden by an edit list.
func TestRenderTrimmed(t *testing.T) {
	t.Parallel()
	source := mediatest.Trimmed(t, mediatest.Spec{Seconds: 1, WhiteFrom: 0.4}, 0.5)

	r, made := render(t, source)

	if made.PlayFrames != 15 {
		t.Errorf("got %d frames of play, want 15", made.PlayFrames)
	}
	checkSpots(t, "play", mediatest.Pictures(t, r.Dest, curtainFrames)[0], []spot{{100, 100, white}})
}

// The picture's size may change within the stream.
func TestRenderChangingSize(t *testing.T) {
	t.Parallel()
	source := mediatest.Joined(t, mediatest.Spec{}, mediatest.Spec{Width: 640, Height: 360})

	r, made := render(t, source)

	checkPictures(t, r.Dest, made.PlayFrames, 0, quarters(Width, Height))
	if made.PlayFrames < 58 || made.PlayFrames > 61 {
		t.Errorf("got %d frames of play, want about 60", made.PlayFrames)
	}
}

func TestRenderDamaged(t *testing.T) {
	t.Parallel()
	spec := mediatest.Spec{Moving: true, Seconds: 2}
	hidden := copyOf(t, mediatest.Trimmed(t, mediatest.Spec{Moving: true}, 0.5), func(data []byte) []byte {
		at := bytes.Index(data, []byte("mdat")) + 4
		return append(data[:at], bytes.Repeat([]byte{0xa5}, len(data)-at)...)
	})
	appended := copyOf(t, mediatest.Clip(t, spec), func(data []byte) []byte {
		return append(data, bytes.Repeat([]byte("garbage\xff"), 1000)...)
	})
	tests := []struct {
		name     string
		source   string
		want     Reason
		min, max int // frames of play
	}{
		{"in the middle", withNoise(t, spec, 0.3, 0.5), "", 55, 61},
		{"at the end", withNoise(t, spec, 0.7, 1), "", 30, 61},
		{"nearly everywhere", withNoise(t, spec, 0.05, 1), Unplayable, 0, 0},
		{"everywhere, the first picture hidden", hidden, Unplayable, 0, 0},
		{"garbage appended", appended, "", 60, 60},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := renderOf(t, test.source)

			made, err := runRender(t, tools(t), r)

			if got := ReasonOf(err); got != test.want || (err != nil) != (test.want != "") {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if made.PlayFrames < test.min || made.PlayFrames > test.max {
				t.Errorf("got %d frames of play, want %d to %d", made.PlayFrames, test.min, test.max)
			}
			if err != nil {
				checkEmpty(t, filepath.Dir(r.Dest))
			}
		})
	}
}

// A full disk or a missing folder is not a refusal of the file.
func TestRenderTrouble(t *testing.T) {
	t.Parallel()
	r := renderOf(t, mediatest.Clip(t, mediatest.Spec{}))
	noFolder, fullDisk, fullForPoster := r, r, r
	noFolder.Dest = filepath.Join(t.TempDir(), "nowhere", "clip.mp4")
	fullDisk.Dest = fullDevice(t)
	fullForPoster.Poster = fullDevice(t)
	for name, r := range map[string]Render{"no folder": noFolder, "full": fullDisk, "full for the poster": fullForPoster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := runRender(t, tools(t), r)

			if err == nil || ReasonOf(err) != "" {
				t.Errorf("got %v, want an error and no verdict", err)
			}
		})
	}
}

// fullDevice returns a removable symbolic link to a device on which every write fails.
func fullDevice(t *testing.T) string {
	t.Helper()
	const device = "/dev/full"
	if _, err := os.Stat(device); err != nil {
		t.Skip(err)
	}
	link := filepath.Join(t.TempDir(), "full")
	if err := os.Symlink(device, link); err != nil {
		t.Fatal(err)
	}
	return link
}

func TestRenderCanceled(t *testing.T) {
	t.Parallel()
	r := unendingRender(t)

	err := cancelDuring(t, r, context.Canceled, func() {})

	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it canceled", err)
	}
	checkEmpty(t, filepath.Dir(r.Dest))
}

// unendingRender reads from a pipe that gets two thirds of a clip and stays open: FFmpeg renders these and then
// waits, so it cannot end by itself. They are more frames than FFmpeg reads before it begins to render.
func unendingRender(t *testing.T) Render {
	t.Helper()
	clip := mediatest.Clip(t, mediatest.Spec{Moving: true, Seconds: 3})
	r := renderOf(t, clip)
	r.Source = filepath.Join(t.TempDir(), "pipe.mp4")
	if err := syscall.Mkfifo(r.Source, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(r.Source, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	data := read(t, clip)
	var writing sync.WaitGroup
	writing.Go(func() { // ends with the pipe at the latest
		_, _ = pipe.Write(data[:len(data)/3*2])
	})
	t.Cleanup(func() {
		_ = pipe.Close()
		writing.Wait()
	})
	return r
}

// cancelDuring cancels a rendition with a cause at its first progress, after a call of during, and returns its error.
func cancelDuring(t *testing.T, r Render, cause error, during func()) error {
	t.Helper()
	defer mediatest.Acquire(t)()
	ctx, stop := context.WithTimeoutCause(t.Context(), 5*time.Minute, errors.New("there was no progress"))
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.Progress = func(int) {
		if ctx.Err() == nil {
			during()
			cancel(cause)
		}
	}
	_, err := tools(t).Render(ctx, r)
	return err
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string(nil), names); diff != "" {
		t.Errorf("files left (-want +got):\n%s", diff)
	}
}

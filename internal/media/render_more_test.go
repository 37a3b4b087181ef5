package media

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
)

// A light grey of HDR, at about 200 cd/m², comes out light and grey: neither blown out nor sunk.
func TestRenderHDR(t *testing.T) {
	t.Parallel()
	for _, transfer := range []string{"smpte2084", "arib-std-b67"} {
		t.Run(transfer, func(t *testing.T) {
			t.Parallel()
			if !tools(t).Tonemap {
				t.Skip("this FFmpeg has no zscale")
			}

			clip, r, made := render(t, mediatest.Clip(t, mediatest.Spec{Codec: "libx265", HDR: transfer, Color: "0x949494"}))

			if !clip.HDR {
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

// What happens at one second of the clip happens at one second of the play, whatever the frame rate does.
func TestRenderKeepsTime(t *testing.T) {
	t.Parallel()
	clip := func(spec mediatest.Spec) string {
		spec.Seconds, spec.WhiteFrom = 2, 1
		return mediatest.Clip(t, spec)
	}
	sources := map[string]string{
		"constant":                 clip(mediatest.Spec{FPS: "60"}),
		"variable":                 clip(mediatest.Spec{VFR: true}),
		"slow":                     clip(mediatest.Spec{FPS: "10"}),
		"picture later than sound": mediatest.Late(t, mediatest.Spec{Seconds: 2, WhiteFrom: 1}, 0.7),
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, r, made := render(t, source)

			if made.PlayFrames != 60 {
				t.Errorf("got %d frames of play, want 60", made.PlayFrames)
			}
			pictures := mediatest.Pictures(t, r.Dest, curtainFrames+27, curtainFrames+33)
			checkSpots(t, "before", pictures[0], quarters(Width, Height))
			checkSpots(t, "after", pictures[1], []spot{{100, 100, white}, {1100, 600, white}})
		})
	}
}

// Where a clip was filmed is nobody's business.
func TestRenderDropsMetadata(t *testing.T) {
	t.Parallel()
	source := mediatest.Clip(t, mediatest.Spec{Place: true, Container: "mov"})
	secrets := []string{"+04.6097", "secret title"}
	for _, secret := range secrets {
		if !bytes.Contains(read(t, source), []byte(secret)) {
			t.Fatalf("the source does not hold %q", secret)
		}
	}

	_, r, _ := render(t, source)

	for _, secret := range secrets {
		for _, path := range []string{r.Dest, r.Poster} {
			if bytes.Contains(read(t, path), []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(path), secret)
			}
		}
	}
}

// A clip that a phone has trimmed: its first frames are hidden by an edit list.
func TestRenderTrimmed(t *testing.T) {
	t.Parallel()
	source := mediatest.Trimmed(t, mediatest.Spec{Seconds: 1, WhiteFrom: 0.4}, 0.5)

	_, r, made := render(t, source)

	if made.PlayFrames != 15 {
		t.Errorf("got %d frames of play, want 15", made.PlayFrames)
	}
	checkSpots(t, "play", mediatest.Pictures(t, r.Dest, curtainFrames)[0], []spot{{100, 100, white}})
}

// The picture's size may change in mid-stream.
func TestRenderChangingSize(t *testing.T) {
	t.Parallel()
	source := mediatest.Joined(t, mediatest.Spec{}, mediatest.Spec{Width: 640, Height: 360})

	_, r, made := render(t, source)

	checkPictures(t, r.Dest, made.PlayFrames, quarters(Width, Height))
	if made.PlayFrames < 58 || made.PlayFrames > 61 {
		t.Errorf("got %d frames of play, want about 60", made.PlayFrames)
	}
}

func TestRenderDamaged(t *testing.T) {
	t.Parallel()
	spec := mediatest.Spec{Moving: true, Seconds: 4}
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
		{"in the middle", withNoise(t, spec, 0.3, 0.5), "", 115, 121},
		{"at the end", withNoise(t, spec, 0.7, 1), "", 60, 121},
		{"nearly everywhere", withNoise(t, spec, 0.05, 1), Unplayable, 0, 0},
		{"everywhere, the first picture hidden", hidden, Unplayable, 0, 0},
		{"garbage appended", appended, "", 120, 120},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			clip, err := tools(t).Probe(t.Context(), test.source)
			if err != nil {
				t.Fatal(err)
			}

			made, err := tools(t).Render(t.Context(), Render{
				Clip: clip, Source: test.source, Brand: brandFiles(t),
				Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
			})

			if got := ReasonOf(err); got != test.want || (err != nil) != (test.want != "") {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if made.PlayFrames < test.min || made.PlayFrames > test.max {
				t.Errorf("got %d frames of play, want %d to %d", made.PlayFrames, test.min, test.max)
			}
			if err != nil {
				checkEmpty(t, dir)
			}
		})
	}
}

func TestRenderProgress(t *testing.T) {
	t.Parallel()
	source := mediatest.Clip(t, mediatest.Spec{Moving: true, Width: 1280, Height: 720, Seconds: 3})
	clip, err := tools(t).Probe(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var got []int

	_, err = tools(t).Render(t.Context(), Render{
		Clip: clip, Source: source, Brand: brandFiles(t),
		Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
		Progress: func(percent int) { got = append(got, percent) },
	})
	if err != nil {
		t.Fatal(err)
	}

	if len(got) < 2 || got[len(got)-1] != 100 {
		t.Errorf("got %v, want percentages up to 100", got)
	}
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			t.Errorf("got %v, want them to rise", got)
		}
	}
}

// A full disk, or a folder that is not there, is no verdict about the file.
func TestRenderTrouble(t *testing.T) {
	t.Parallel()
	source := mediatest.Clip(t, mediatest.Spec{})
	clip, err := tools(t).Probe(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	r := Render{
		Clip: clip, Source: source, Brand: brandFiles(t),
		Dest: filepath.Join(t.TempDir(), "clip.mp4"), Poster: filepath.Join(t.TempDir(), "poster.jpg"),
	}
	noFolder, fullDisk, fullForPoster := r, r, r
	noFolder.Dest = filepath.Join(t.TempDir(), "nowhere", "clip.mp4")
	fullDisk.Dest = fullDevice(t)
	fullForPoster.Poster = fullDevice(t)
	for name, r := range map[string]Render{"no folder": noFolder, "full": fullDisk, "full for the poster": fullForPoster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := tools(t).Render(t.Context(), r)

			if err == nil || ReasonOf(err) != "" {
				t.Errorf("got %v, want an error and no verdict", err)
			}
		})
	}
}

// fullDevice is a link, which may be removed, to a device that takes nothing.
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
	source := mediatest.Clip(t, mediatest.Spec{Moving: true, Width: 1280, Height: 720, Seconds: 10})
	clip, err := tools(t).Probe(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()

	_, err = tools(t).Render(ctx, Render{
		Clip: clip, Source: source, Brand: brandFiles(t),
		Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
		Progress: func(int) { cancel() },
	})

	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it canceled", err)
	}
	checkEmpty(t, dir)
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

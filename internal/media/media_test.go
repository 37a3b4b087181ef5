package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"risingstars/internal/media/mediatest"
)

// findTools finds the installed FFmpeg once, and sandboxes it as far as this machine supports it.
var findTools = sync.OnceValues(func() (Tools, error) {
	t, err := Find(context.Background(), "", "")
	if err != nil {
		return t, err
	}
	t, _, err = t.Confine(context.Background())
	return t, err
})

func tools(tb testing.TB) Tools {
	tb.Helper()
	mediatest.Program(tb, "ffmpeg")
	t, err := findTools()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// testBrand is a curtain of another size than the rendition, teal with a white center, and a watermark of 120×40,
// magenta with a transparent edge of 10.
var testBrand = sync.OnceValue(func() Brand {
	curtain := image.NewNRGBA(image.Rect(0, 0, 640, 360))
	draw.Draw(curtain, curtain.Rect, image.NewUniform(teal), image.Point{}, draw.Src)
	draw.Draw(curtain, image.Rect(270, 130, 370, 230), image.White, image.Point{}, draw.Src)
	watermark := image.NewNRGBA(image.Rect(0, 0, 120, 40))
	draw.Draw(watermark, watermark.Rect.Inset(10), image.NewUniform(magenta), image.Point{}, draw.Src)
	return Brand{Curtain: encodePNG(curtain), Watermark: encodePNG(watermark)}
})

func encodePNG(picture image.Image) []byte {
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		panic(err) // cannot fail in memory
	}
	return data.Bytes()
}

func brandFiles(tb testing.TB) BrandFiles {
	tb.Helper()
	brand := testBrand()
	return BrandFiles{Curtain: fileOf(tb, "curtain.png", brand.Curtain), Watermark: fileOf(tb, "watermark.png", brand.Watermark)}
}

// probe probes a file in a slot of the semaphore.
func probe(tb testing.TB, tools Tools, path string) (Clip, error) {
	tb.Helper()
	defer mediatest.Acquire(tb)()
	return tools.Probe(tb.Context(), path)
}

// inspect inspects a file in a slot of the semaphore.
func inspect(tb testing.TB, tools Tools, path string) (Container, error) {
	tb.Helper()
	defer mediatest.Acquire(tb)()
	return tools.InspectFile(tb.Context(), path)
}

// renderOf probes a file and returns the Render for it, with outputs in a temporary folder of the test.
func renderOf(tb testing.TB, source string) Render {
	tb.Helper()
	clip, err := probe(tb, tools(tb), source)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	return Render{
		Clip: clip, Source: source, Brand: brandFiles(tb),
		Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
	}
}

// runRender renders in a slot of the semaphore, and checks that the percentages increase to 100.
func runRender(tb testing.TB, tools Tools, r Render) (Rendition, error) {
	tb.Helper()
	defer mediatest.Acquire(tb)()
	var percents []int
	r.Progress = func(percent int) { percents = append(percents, percent) }
	made, err := tools.Render(tb.Context(), r)
	if !slices.IsSorted(percents) || len(percents) != len(slices.Compact(slices.Clone(percents))) {
		tb.Errorf("got the percentages %v, want them to rise", percents)
	}
	if n := len(percents); err == nil && (n < 2 || percents[n-1] != 100) {
		tb.Errorf("got the percentages %v, want some up to 100", percents)
	}
	return made, err
}

// render probes and renders a clip.
func render(tb testing.TB, source string) (Render, Rendition) {
	tb.Helper()
	r := renderOf(tb, source)
	made, err := runRender(tb, tools(tb), r)
	if err != nil {
		tb.Fatal(err)
	}
	return r, made
}

// The colors in the pictures of mediatest and of testBrand.
var (
	red     = color.NRGBA{255, 0, 0, 255}
	green   = color.NRGBA{0, 255, 0, 255}
	blue    = color.NRGBA{0, 0, 255, 255}
	yellow  = color.NRGBA{255, 255, 0, 255}
	black   = color.NRGBA{0, 0, 0, 255}
	white   = color.NRGBA{255, 255, 255, 255}
	teal    = color.NRGBA{0, 128, 128, 255}
	cyan    = color.NRGBA{0, 255, 255, 255}
	magenta = color.NRGBA{255, 0, 255, 255}
)

// spot is a point of a picture and the color expected there.
type spot struct {
	X, Y int
	Want color.NRGBA
}

// checkSpots compares colors with a tolerance for compression and conversion.
func checkSpots(tb testing.TB, what string, picture image.Image, spots []spot) {
	tb.Helper()
	const tolerance = 24
	for _, s := range spots {
		got := color.NRGBAModel.Convert(picture.At(s.X, s.Y)).(color.NRGBA)
		if distance(got, s.Want) > tolerance {
			tb.Errorf("%s at (%d, %d): got %v, want %v", what, s.X, s.Y, got, s.Want)
		}
	}
}

// distance returns the largest difference of a color component.
func distance(a, b color.NRGBA) int {
	d := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return max(d(a.R, b.R), d(a.G, b.G), d(a.B, b.B))
}

// copyOf writes a changed copy of a file.
func copyOf(tb testing.TB, source string, change func([]byte) []byte) string {
	tb.Helper()
	data, err := os.ReadFile(source)
	if err != nil {
		tb.Fatal(err)
	}
	return fileOf(tb, "clip.mp4", change(data))
}

func fileOf(tb testing.TB, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

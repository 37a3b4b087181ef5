package app_test

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

var (
	teal    = color.NRGBA{0, 128, 128, 255}
	magenta = color.NRGBA{255, 0, 255, 255}
	gray    = color.NRGBA{128, 128, 128, 255}
)

// picture writes a PNG of one color and returns its path.
func picture(tb testing.TB, width, height int, c color.Color) string {
	tb.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	f := must(os.Create(filepath.Join(tb.TempDir(), "picture.png")))(tb)
	check(tb, png.Encode(f, img))
	check(tb, f.Close())
	return f.Name()
}

func TestOwnBrand(t *testing.T) {
	t.Parallel()
	server := apptest.Start(t, apptest.Settings{
		"BRAND_CURTAIN": picture(t, 1280, 720, teal), "BRAND_WATERMARK": picture(t, 200, 100, magenta),
		"FFMPEG": "ffmpeg",
	})
	ana := newPlayer(t, server.URL, "ana@example.com")
	id := ana.mustUpload(t, server.URL, mediatest.Clip(t, mediatest.Spec{Color: "gray"}))

	ana.waitFor(t, server.URL, id, "processed")

	clip := filepath.Join(server.DataDir, "media", rows(t, server.DataDir)[0].clip())
	frames := mediatest.Pictures(t, clip, 0, 90, 179) // the first frame, one of the clip, the last
	for _, spot := range []struct {
		frame, x, y int
		want        color.NRGBA
	}{
		{0, 640, 360, teal},
		{0, 1280 - 24 - 100, 24 + 50, teal},
		{1, 1280 - 24 - 100, 24 + 50, magenta},
		{1, 640, 360, gray},
		{2, 640, 360, teal},
	} {
		got := frames[spot.frame].NRGBAAt(spot.x, spot.y)
		if !alike(got, spot.want) {
			t.Errorf("picture %d at (%d, %d): got %v, want %v", spot.frame, spot.x, spot.y, got, spot.want)
		}
	}
}

// alike compares colors with a tolerance for lossy compression.
func alike(a, b color.NRGBA) bool {
	near := func(x, y uint8) bool { return max(int(x)-int(y), int(y)-int(x)) <= 24 }
	return near(a.R, b.R) && near(a.G, b.G) && near(a.B, b.B)
}

// An unusable image is reported at start, not at the first video.
func TestBadBrand(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	whole := must(os.ReadFile(picture(t, 1280, 720, teal)))(t)
	file := func(data []byte) string {
		path := filepath.Join(t.TempDir(), "brand.png")
		check(t, os.WriteFile(path, data, 0o600))
		return path
	}
	tests := []struct{ name, setting, path string }{
		{"no picture", "BRAND_CURTAIN", file([]byte("no picture"))},
		{"cut short", "BRAND_CURTAIN", file(whole[:len(whole)/2])},
		{"empty", "BRAND_WATERMARK", file(nil)},
		{"too large", "BRAND_WATERMARK", picture(t, 1280, 720, magenta)},
		{"too small", "BRAND_CURTAIN", picture(t, 640, 360, teal)},
		{"not as wide", "BRAND_CURTAIN", picture(t, 1280, 960, teal)},
		{"a folder", "BRAND_WATERMARK", t.TempDir()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, err := run(t, apptest.Settings{
				"DATA_DIR": t.TempDir(), "LISTEN_ADDR": "127.0.0.1:0", test.setting: test.path,
			}, "serve")

			if err == nil || !strings.Contains(err.Error(), test.path) || !strings.Contains(err.Error(), test.setting) {
				t.Errorf("got %v, want it to name %s and %s", err, test.setting, test.path)
			}
		})
	}
}

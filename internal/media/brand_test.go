package media

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuiltInBrand(t *testing.T) {
	t.Parallel()
	brand, err := LoadBrand("", "")
	if err != nil {
		t.Fatal(err)
	}

	curtain, err := png.DecodeConfig(bytes.NewReader(brand.Curtain))
	if err != nil || curtain.Width != Width || curtain.Height != Height {
		t.Errorf("curtain of %d×%d: %v", curtain.Width, curtain.Height, err)
	}
	watermark, err := png.Decode(bytes.NewReader(brand.Watermark))
	if err != nil {
		t.Fatal(err)
	}
	if w := watermark.Bounds().Dx(); w < 100 || w > 320 {
		t.Errorf("watermark is %d wide, want something seen that does not hide the play", w)
	}
	if _, _, _, alpha := watermark.At(0, 0).RGBA(); alpha == 0xffff {
		t.Error("the watermark is not transparent at its edge")
	}
}

func TestLoadBrand(t *testing.T) {
	t.Parallel()
	good, err := LoadBrand("", "")
	if err != nil {
		t.Fatal(err)
	}
	curtain, watermark := fileOf(t, "c.png", good.Curtain), fileOf(t, "w.png", good.Watermark)

	got, err := LoadBrand(curtain, watermark)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(good, got); diff != "" {
		t.Errorf("brand (-want +got):\n%s", diff)
	}
}

func TestLoadBrandRefuses(t *testing.T) {
	t.Parallel()
	large := encodePNG(image.NewGray(image.Rect(0, 0, 8000, 10)))
	tests := []struct {
		name string
		path string
		want string // in the error, besides the path
	}{
		{"missing", filepath.Join(t.TempDir(), "none.png"), "no such file"},
		{"text", fileOf(t, "text.png", []byte("hello")), "is not a PNG image"},
		{"large", fileOf(t, "large.png", large), "is 8000×10"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for setting, load := range map[string]func() (Brand, error){
				"curtain":   func() (Brand, error) { return LoadBrand(test.path, "") },
				"watermark": func() (Brand, error) { return LoadBrand("", test.path) },
			} {
				_, err := load()
				for _, want := range []string{setting, test.path, test.want} {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: got %v, want it to say %q", setting, err, want)
					}
				}
			}
		})
	}
}

// An image of a wrong size is refused with its size and the allowed sizes.
func TestBrandMeasures(t *testing.T) {
	t.Parallel()
	const curtain = "and must be from 1280×720 to 7680×4320 and as wide as 1280×720 is"
	const watermark = "and must be from 32×16 to 640×360"
	tests := []struct {
		width, height      int
		curtain, watermark string // "" if it fits
	}{
		{1280, 720, "", watermark},
		{1920, 1080, "", watermark},
		{3840, 2160, "", watermark},
		{1366, 768, "", watermark}, // 16:9 rounded to whole pixels
		{640, 360, curtain, ""},
		{1280, 800, curtain, watermark},
		{720, 1280, curtain, watermark},
		{7682, 4321, curtain, watermark},
		{32, 16, curtain, ""},
		{31, 16, curtain, watermark},
		{1, 1, curtain, watermark},
	}
	for _, test := range tests {
		name := fmt.Sprintf("%d×%d", test.width, test.height)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := fileOf(t, "image.png", encodePNG(image.NewGray(image.Rect(0, 0, test.width, test.height))))
			_, asCurtain := LoadBrand(path, "")
			_, asWatermark := LoadBrand("", path)
			for want, err := range map[string]error{test.curtain: asCurtain, test.watermark + " ": asWatermark} {
				want = strings.TrimSpace(want)
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), "is "+name+", "+want)) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

// A truncated image is refused, whichever of the two it is.
func TestBrandCutShort(t *testing.T) {
	t.Parallel()
	good, err := LoadBrand("", "")
	if err != nil {
		t.Fatal(err)
	}
	curtain := fileOf(t, "c.png", good.Curtain[:len(good.Curtain)/2])
	watermark := fileOf(t, "w.png", good.Watermark[:len(good.Watermark)/2])
	_, asCurtain := LoadBrand(curtain, "")
	_, asWatermark := LoadBrand("", watermark)
	for path, err := range map[string]error{curtain: asCurtain, watermark: asWatermark} {
		if err == nil || !strings.Contains(err.Error(), path+" cannot be decoded") {
			t.Errorf("got %v, want it to say that %s cannot be decoded", err, path)
		}
	}
}

func TestBrandWriteTo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "here")
	brand := testBrand()

	first, err := brand.WriteTo(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := brand.WriteTo(dir)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("written again elsewhere (-first +second):\n%s", diff)
	}
	got := Brand{Curtain: read(t, first.Curtain), Watermark: read(t, first.Watermark)}
	if diff := cmp.Diff(brand, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v, want two files", entries, err)
	}
}

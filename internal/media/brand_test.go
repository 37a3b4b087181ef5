package media

import (
	"bytes"
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
	good := testBrand()
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
	good := testBrand().Curtain
	large := encodePNG(image.NewGray(image.Rect(0, 0, 8000, 10)))
	tests := []struct {
		name string
		path string
		want string // in the error, beside the path
	}{
		{"missing", filepath.Join(t.TempDir(), "none.png"), "no such file"},
		{"text", fileOf(t, "text.png", []byte("hello")), "is not a PNG image"},
		{"cut", fileOf(t, "cut.png", good[:len(good)/2]), "cannot be decoded"},
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

package media

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
)

//go:embed brand/curtain.png
var defaultCurtain []byte

//go:embed brand/watermark.png
var defaultWatermark []byte

const maxImageBytes = 32 << 20

// measure is the allowed size of an organizer's image, in pixels.
type measure struct {
	least, most image.Point
	wide        bool // 16:9, rounded to whole pixels
}

// A curtain fills the picture: it may be larger, and is scaled down then. A watermark is not scaled; it must be
// visible without covering much of the clip.
var (
	curtainMeasure   = measure{image.Pt(Width, Height), image.Pt(7680, 4320), true}
	watermarkMeasure = measure{image.Pt(32, 16), image.Pt(640, 360), false}
)

// refuse returns an error with the actual and the allowed size if the image does not fit.
func (m measure) refuse(width, height int) error {
	wanted := fmt.Sprintf("from %d×%d to %d×%d", m.least.X, m.least.Y, m.most.X, m.most.Y)
	off := width*Height - height*Width // in pixels of width, times Height
	fits := width >= m.least.X && height >= m.least.Y && width <= m.most.X && height <= m.most.Y
	if m.wide {
		wanted += fmt.Sprintf(" and as wide as %d×%d is", Width, Height)
		fits = fits && max(off, -off) <= Width
	}
	if fits {
		return nil
	}
	return fmt.Errorf("is %d×%d, and must be %s", width, height, wanted)
}

// Brand is the contest's two images, as PNG files in memory: the curtain before and after the clip (its transparency
// is ignored) and the watermark over it.
type Brand struct {
	Curtain, Watermark []byte
}

// LoadBrand reads each image from a PNG file, or uses the built-in one if the path is "". Its errors name the file:
// not a PNG, not decodable, or of a wrong size.
func LoadBrand(curtain, watermark string) (Brand, error) {
	b := Brand{Curtain: defaultCurtain, Watermark: defaultWatermark}
	var err error
	if curtain != "" {
		if b.Curtain, err = loadPNG(curtain, curtainMeasure); err != nil {
			return Brand{}, fmt.Errorf("media: curtain image: %w", err)
		}
	}
	if watermark != "" {
		if b.Watermark, err = loadPNG(watermark, watermarkMeasure); err != nil {
			return Brand{}, fmt.Errorf("media: watermark image: %w", err)
		}
	}
	return b, nil
}

func loadPNG(path string, wanted measure) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxImageBytes {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are allowed", path, info.Size(), maxImageBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s is not a PNG image: %w", path, err)
	}
	if err := wanted.refuse(config.Width, config.Height); err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("%s cannot be decoded: %w", path, err)
	}
	return data, nil
}

// BrandFiles are the paths of a Brand's images on disk, where FFmpeg reads them.
type BrandFiles struct {
	Curtain, Watermark string // paths
}

// WriteTo writes the images into a folder, which it creates. The file names are derived from the content, so several
// processes may share the folder, and an existing image is not written again. Nothing deletes them.
func (b Brand) WriteTo(dir string) (BrandFiles, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return BrandFiles{}, fmt.Errorf("media: brand folder: %w", err)
	}
	var files BrandFiles
	var err error
	if files.Curtain, err = writeByContent(dir, "curtain", b.Curtain); err != nil {
		return BrandFiles{}, fmt.Errorf("media: write curtain image: %w", err)
	}
	if files.Watermark, err = writeByContent(dir, "watermark", b.Watermark); err != nil {
		return BrandFiles{}, fmt.Errorf("media: write watermark image: %w", err)
	}
	return files, nil
}

func writeByContent(dir, name string, data []byte) (path string, err error) {
	path = filepath.Join(dir, fmt.Sprintf("%s-%x.png", name, sha256.Sum256(data)))
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, data) {
		return path, nil
	}
	f, err := os.CreateTemp(dir, name+"-*.tmp")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(f.Name(), path)
}

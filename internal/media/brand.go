package media

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
)

//go:embed brand/curtain.png
var defaultCurtain []byte

//go:embed brand/watermark.png
var defaultWatermark []byte

// The largest images an organizer may bring. A curtain of another shape than 1280×720 is shown whole, with bars.
// A watermark is shown in its own size and must leave room for the play.
const (
	maxCurtainWidth, maxCurtainHeight     = 7680, 4320
	maxWatermarkWidth, maxWatermarkHeight = 640, 360
	maxImageBytes                         = 32 << 20
)

// Brand is the contest's two images, as PNG files in memory: the curtain before and after the play (its transparency is
// ignored) and the watermark over it.
type Brand struct {
	Curtain, Watermark []byte
}

// LoadBrand takes each image from a PNG file, or the built-in one where the path is "". It refuses what is not a PNG,
// cannot be decoded or is too large, naming the file.
func LoadBrand(curtain, watermark string) (Brand, error) {
	b := Brand{Curtain: defaultCurtain, Watermark: defaultWatermark}
	var err error
	if curtain != "" {
		if b.Curtain, err = loadPNG(curtain, maxCurtainWidth, maxCurtainHeight); err != nil {
			return Brand{}, fmt.Errorf("media: curtain image: %w", err)
		}
	}
	if watermark != "" {
		if b.Watermark, err = loadPNG(watermark, maxWatermarkWidth, maxWatermarkHeight); err != nil {
			return Brand{}, fmt.Errorf("media: watermark image: %w", err)
		}
	}
	return b, nil
}

func loadPNG(path string, maxWidth, maxHeight int) ([]byte, error) {
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
	if config.Width > maxWidth || config.Height > maxHeight {
		return nil, fmt.Errorf("%s is %d×%d, at most %d×%d is allowed", path, config.Width, config.Height, maxWidth, maxHeight)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("%s cannot be decoded: %w", path, err)
	}
	return data, nil
}

// BrandFiles are the images of a Brand where FFmpeg can read them.
type BrandFiles struct {
	Curtain, Watermark string // paths
}

// WriteTo puts the images into a folder, which it makes. The files are named by their content, so several processes may
// share the folder, and an image that is there already is not written again. Nothing removes them.
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

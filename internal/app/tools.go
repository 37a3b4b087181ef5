package app

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"risingstars/internal/config"
	"risingstars/internal/media"
)

var errUnconfined = errors.New("SANDBOX is required, and FFmpeg cannot be confined here")

// findTools finds FFmpeg, sandboxes it as SANDBOX says, and runs it once: ffprobe, which inspects uploads, and ffmpeg
// too if the process renders videos. The tests run concurrently, since each takes a tenth of a second.
func findTools(ctx context.Context, s *config.Settings, renders bool) (media.Tools, media.Protection, error) {
	found, err := media.Locate(s.FFmpeg, s.FFprobe)
	if err != nil {
		return found, media.Protection{}, err
	}
	found.MaxMemory, found.MaxCPU = uint64(max(s.FFmpegMemory, 0)), s.FFmpegTime
	var confined media.Tools
	var protection media.Protection
	var tonemap bool
	var both errgroup.Group
	both.Go(func() (err error) {
		confined, protection, err = confine(ctx, s, found)
		return err
	})
	both.Go(func() (err error) {
		if renders {
			tonemap, err = found.CanTonemap(ctx)
		}
		return err
	})
	err = both.Wait()
	confined.Tonemap = tonemap
	return confined, protection, err
}

// confine sandboxes FFmpeg as SANDBOX says.
func confine(ctx context.Context, s *config.Settings, tools media.Tools) (media.Tools, media.Protection, error) {
	if s.Sandbox == config.SandboxOff {
		return tools, media.Protection{Why: "SANDBOX is off"}, tools.Judges(ctx)
	}
	tools, protection, err := tools.Confine(ctx)
	if err != nil {
		if protection.Why == "" { // it fails in the sandbox
			err = fmt.Errorf("%w (SANDBOX=off runs it all the same)", err)
		}
		return tools, protection, err
	}
	if s.Sandbox == config.SandboxRequired && !protection.Complete() {
		return tools, protection, fmt.Errorf("%w: %s", errUnconfined, protection)
	}
	return tools, protection, nil
}

// loadBrand loads the curtain and the watermark. Its errors name the setting.
func loadBrand(s *config.Settings) (brand media.Brand, err error) {
	if _, err := media.LoadBrand(s.BrandCurtain, ""); err != nil {
		return brand, fmt.Errorf("BRAND_CURTAIN: %w (give another PNG, or none for ANB's own)", err)
	}
	if brand, err = media.LoadBrand(s.BrandCurtain, s.BrandWatermark); err != nil {
		return brand, fmt.Errorf("BRAND_WATERMARK: %w (give another PNG, or none for ANB's own)", err)
	}
	return brand, nil
}

// logProtection logs once how completely FFmpeg is sandboxed.
func (p *platform) logProtection() {
	if !p.protection.Complete() {
		p.log.Warn("FFmpeg is not confined in all respects", "protection", p.protection.String())
		return
	}
	p.log.Info("FFmpeg is confined", "protection", p.protection.String())
}

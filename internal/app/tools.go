package app

import (
	"context"
	"errors"
	"fmt"

	"risingstars/internal/config"
	"risingstars/internal/media"
)

var errUnconfined = errors.New("SANDBOX is required, and FFmpeg cannot be confined here")

// findTools finds FFmpeg and confines it as SANDBOX says.
func findTools(ctx context.Context, s *config.Settings) (media.Tools, media.Protection, error) {
	tools, err := media.Find(ctx, s.FFmpeg, s.FFprobe)
	if err != nil {
		return tools, media.Protection{}, err
	}
	tools.MaxMemory, tools.MaxTime = uint64(max(s.FFmpegMemory, 0)), s.FFmpegTime
	if s.Sandbox == config.SandboxOff {
		return tools, media.Protection{Why: "SANDBOX is off"}, nil
	}
	tools, protection, err := tools.Confine(ctx)
	if err != nil {
		return tools, protection, fmt.Errorf("%w (SANDBOX=off runs it all the same)", err)
	}
	if s.Sandbox == config.SandboxRequired && !protection.Complete() {
		return tools, protection, fmt.Errorf("%w: %s", errUnconfined, protection)
	}
	return tools, protection, nil
}

// loadBrand loads what the contest shows as its own. Its error names the setting.
func loadBrand(s *config.Settings) (brand media.Brand, err error) {
	if _, err := media.LoadBrand(s.BrandCurtain, ""); err != nil {
		return brand, fmt.Errorf("BRAND_CURTAIN: %w (give another PNG, or none for ANB's own)", err)
	}
	if brand, err = media.LoadBrand(s.BrandCurtain, s.BrandWatermark); err != nil {
		return brand, fmt.Errorf("BRAND_WATERMARK: %w (give another PNG, or none for ANB's own)", err)
	}
	return brand, nil
}

// logProtection says once how far a hostile video is shut in.
func (p *platform) logProtection() {
	if !p.protection.Complete() {
		p.log.Warn("FFmpeg is not confined in all respects", "protection", p.protection.String())
		return
	}
	p.log.Info("FFmpeg is confined", "protection", p.protection.String())
}

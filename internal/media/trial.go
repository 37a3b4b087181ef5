package media

import (
	"context"
	_ "embed" // the clip
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrInstallation is in the chain of errors that the installed FFmpeg causes for every file: it does not run, does
// not know an option, lacks a decoder, or produces a wrong result. A retry succeeds after the installation is
// repaired.
var ErrInstallation = errors.New("media: the installed FFmpeg cannot do what is needed")

// trialClip is 3 frames of 64×48 at 30 a second, H.264 in MP4:
//
//	ffmpeg -f lavfi -i testsrc2=size=64x48:rate=30 -frames:v 3 -pix_fmt yuv420p -c:v libx264 -profile:v baseline -crf 40 -bf 0 \
//	    -bsf:v filter_units=remove_types=6 -fflags +bitexact -flags:v +bitexact -movflags +faststart trial.mp4
//
//go:embed trial.mp4
var trialClip []byte

const trialFrames, trialWidth, trialHeight = 3, 64, 48

// TryProbe runs a full probe of a tiny clip. Its error wraps ErrInstallation, unless a failure of the machine
// prevented the trial.
func (t Tools) TryProbe(ctx context.Context) error {
	return inTrialFolder(func(dir string) error {
		_, err := t.tryProbe(ctx, filepath.Join(dir, "trial.mp4"))
		return err
	})
}

// TryRender probes and renders a tiny clip with the contest's curtain and watermark. Its errors are like those of
// TryProbe.
func (t Tools) TryRender(ctx context.Context, brand BrandFiles) error {
	return inTrialFolder(func(dir string) error {
		r := Render{
			Source: filepath.Join(dir, "trial.mp4"), Brand: brand,
			Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
		}
		var err error
		if r.Clip, err = t.tryProbe(ctx, r.Source); err != nil {
			return err
		}
		made, err := t.render(ctx, r)
		if err == nil && made.PlayFrames != trialFrames {
			err = fmt.Errorf("media: it made %d frames of %d", made.PlayFrames, trialFrames)
		}
		return installationError(ctx, err)
	})
}

func (t Tools) tryProbe(ctx context.Context, path string) (Clip, error) {
	got, err := t.runFFprobe(ctx, path, renderNiceness)
	want := Clip{Codec: "h264", Width: trialWidth, Height: trialHeight, Duration: trialFrames * time.Second / FrameRate, FrameRate: FrameRate}
	if err == nil && (got.Codec != want.Codec || got.Width != want.Width || got.Height != want.Height ||
		got.Duration != want.Duration || got.FrameRate != want.FrameRate) {
		err = fmt.Errorf("media: it describes the trial clip as %s of %d×%d, %v at %v frames a second",
			got.Codec, got.Width, got.Height, got.Duration, got.FrameRate)
	}
	return got, installationError(ctx, err)
}

// inTrialFolder calls do with a temporary folder that contains the trial clip, and removes it afterwards.
func inTrialFolder(do func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "risingstars-trial-")
	if err != nil {
		return fmt.Errorf("media: try FFmpeg: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.WriteFile(filepath.Join(dir, "trial.mp4"), trialClip, 0o600); err != nil {
		return fmt.Errorf("media: try FFmpeg: %w", err)
	}
	return do(dir)
}

// installationError marks the error of a trial with ErrInstallation, unless the error is about the machine's state at
// the moment.
func installationError(ctx context.Context, err error) error {
	failed, ran := errors.AsType[*RunError](err)
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, ErrTooSlow), ran && (failed.killed() || strings.Contains(failed.Tail, diskFull)):
		return err
	case ReasonOf(err) != "": // must not count as a refusal of another file
		return fmt.Errorf("%w: %s", ErrInstallation, strings.TrimPrefix(err.Error(), "media: "))
	}
	return fmt.Errorf("%w: %w", ErrInstallation, err)
}

// blame decides whether the installation caused an error of an FFmpeg program. If a trial with the same program fails
// too, it did; otherwise blame returns err unchanged. So no message of any FFmpeg version needs to be recognized.
func blame(ctx context.Context, err error, try func(context.Context) error) error {
	reason := ReasonOf(err)
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrTooSlow) || !fromFFmpeg(reason) {
		return err
	}
	tried := try(ctx)
	if tried == nil || reason == "" && !errors.Is(tried, ErrInstallation) {
		return err
	}
	return fmt.Errorf("%w (with the file itself: %s)", tried, err.Error())
}

// fromFFmpeg reports whether the program may have caused a refusal with this reason, or, for "", an error that is not
// a refusal.
func fromFFmpeg(reason Reason) bool {
	return slices.Contains([]Reason{"", Unplayable, NoVideo, BadFrameRate}, reason)
}

// videoDecoders lists the decoders of each video codec in decoders; one of them is enough. The decoder av1 needs a
// graphics card.
var videoDecoders = map[string][]string{
	"h264": {"h264"}, "hevc": {"hevc"}, "mpeg4": {"mpeg4"}, "h263": {"h263"}, "mjpeg": {"mjpeg"}, "vp8": {"vp8"}, "vp9": {"vp9"},
	"av1": {"libdav1d", "libaom-av1"}, "prores": {"prores"}, "dnxhd": {"dnxhd"},
	"mpeg1video": {"mpeg1video"}, "mpeg2video": {"mpeg2video"},
}

// checkDecoder returns an error that wraps ErrInstallation if FFmpeg lacks every decoder of a codec in videoDecoders.
func (t Tools) checkDecoder(ctx context.Context, codec string) error {
	usable, known := videoDecoders[codec]
	if !known {
		return nil
	}
	listing, err := t.ask(ctx, t.FFprobe, "-decoders")
	if err != nil {
		return installationError(ctx, err)
	}
	for _, decoder := range usable {
		if lists(listing, decoder) {
			return nil
		}
	}
	return fmt.Errorf("%w: it has no decoder for %s (%s)", ErrInstallation, codec, strings.Join(usable, " or "))
}

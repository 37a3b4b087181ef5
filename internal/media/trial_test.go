package media

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"risingstars/internal/media/mediatest"
)

// lacking returns a script around an FFmpeg program that refuses an option like FFmpeg 5.1 refuses an unknown one,
// with the same exit status and message.
func lacking(tb testing.TB, program, option string) string {
	tb.Helper()
	return script(tb, fmt.Sprintf(`for argument; do
	case "$argument" in
		*%s*) echo "Unrecognized option '$argument'." >&2; exit 1 ;;
	esac
done
exec %q "$@"`, option, program))
}

func script(tb testing.TB, text string) string {
	tb.Helper()
	path := fileOf(tb, "program", []byte("#!/bin/sh\n"+text+"\n"))
	if err := os.Chmod(path, 0o700); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestTry(t *testing.T) {
	t.Parallel()

	if err := tools(t).TryProbe(t.Context()); err != nil {
		t.Errorf("probe: %v", err)
	}
	if err := tools(t).TryRender(t.Context(), brandFiles(t)); err != nil {
		t.Errorf("render: %v", err)
	}
}

// If FFmpeg lacks a feature that every file needs, no file is refused for it.
func TestInstallationIsToBlame(t *testing.T) {
	t.Parallel()
	unusual := mediatest.Clip(t, mediatest.Spec{Codec: "mpeg4"})
	good := mediatest.Clip(t, mediatest.Spec{Frames: 2})
	clip, err := tools(t).Probe(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	whole := tools(t)
	tests := []struct {
		name    string
		ffprobe string // of the broken tools
		ffmpeg  string
		says    string // a part of the error
	}{
		{"a section that ffprobe does not know", lacking(t, whole.FFprobe, "side_data"), "", "Unrecognized option"},
		{"an ffprobe that says nothing", script(t, "exit 1"), "", "exit status 1"},
		{"an ffprobe that crashes", script(t, "kill -ILL $$"), "", "signal"},
		{"an ffprobe that knows no streams", script(t, `echo '{"format": {"nb_streams": 1}}'`), "", "no video track"},
		{"an ffprobe that is not there", filepath.Join(t.TempDir(), "ffprobe"), "", "no such file"},
		{"an option that ffmpeg does not know", "", lacking(t, whole.FFmpeg, "codec_whitelist"), "Unrecognized option"},
		{"an encoder that does not know a level", "", lacking(t, whole.FFmpeg, "4.0"), "Unrecognized option"},
		{"an ffmpeg that makes nothing", "", script(t, "exit 0"), "no picture"},
		{"an ffmpeg of another rate", "", script(t, fmt.Sprintf(
			`before=; for argument; do shift; [ "$before" != -r ] || argument=25; before=$argument; set -- "$@" "$argument"; done; exec %q "$@"`, whole.FFmpeg)), "no picture"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			broken := tools(t)
			var errs []error
			if test.ffprobe != "" {
				broken.FFprobe = test.ffprobe
				_, err := broken.Probe(t.Context(), good)
				_, inspectErr := broken.InspectFile(t.Context(), unusual)
				errs = append(errs, err, inspectErr)
			} else {
				broken.FFmpeg = test.ffmpeg
				dir := t.TempDir()
				_, err := broken.Render(t.Context(), Render{
					Clip: clip, Source: good, Brand: brandFiles(t),
					Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
				})
				errs = append(errs, err, broken.TryRender(t.Context(), brandFiles(t)))
			}
			for _, err := range errs {
				if !errors.Is(err, ErrInstallation) || ReasonOf(err) != "" || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got %v, want %v that says %q, and no verdict", err, ErrInstallation, test.says)
				}
			}
		})
	}
}

// A decoder that FFmpeg should have and lacks is an installation error. A codec for which no decoder is expected is a
// refusal of the file.
func TestCheckDecoder(t *testing.T) {
	t.Parallel()
	whole := tools(t)
	poor := tools(t)
	poor.FFprobe = script(t, fmt.Sprintf(`%q "$@" | grep -v hevc`, whole.FFprobe))

	if err := whole.checkDecoder(t.Context(), "hevc"); err != nil {
		t.Errorf("with the decoder: %v", err)
	}
	if err := poor.checkDecoder(t.Context(), "hevc"); !errors.Is(err, ErrInstallation) {
		t.Errorf("without the decoder: got %v, want %v", err, ErrInstallation)
	}
	if err := poor.checkDecoder(t.Context(), "cinepak"); err != nil {
		t.Errorf("another codec: %v", err)
	}
}

package media

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"risingstars/internal/media/mediatest"
)

func TestFind(t *testing.T) {
	t.Parallel()
	mediatest.Program(t, "ffmpeg")
	found, err := Find(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}

	got, err := Find(t.Context(), found.FFmpeg, found.FFprobe)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(found, got, cmpopts.IgnoreUnexported(Tools{})); diff != "" {
		t.Errorf("by path and by name (-name +path):\n%s", diff)
	}
	if !filepath.IsAbs(got.FFmpeg) || !filepath.IsAbs(got.FFprobe) || got.Threads != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()

	_, err := Find(t.Context(), "no-such-ffmpeg", "")

	if err == nil || !strings.Contains(err.Error(), "install FFmpeg") {
		t.Errorf("got %v, want advice", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()

	findings, err := tools(t).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	for _, f := range findings {
		if f.Required && !f.OK {
			t.Errorf("lacks %s", f.Name)
		}
	}
}

// A program that runs and supports nothing lacks every feature.
func TestCheckFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}

	findings, err := Tools{FFmpeg: program, FFprobe: program}.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	got := map[string]Finding{}
	for _, f := range findings {
		got[f.Name] = f
	}
	want := map[string]Finding{
		"ffmpeg":          {"ffmpeg", true, true, ""},
		"encoder libx264": {"encoder libx264", false, true, "install an FFmpeg that has it"},
		"filter zscale":   {"filter zscale", false, false, paleHDR},
	}
	for name, w := range want {
		if diff := cmp.Diff(w, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

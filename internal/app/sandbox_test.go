package app_test

import (
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// The screen and the log show how completely FFmpeg is sandboxed.
func TestServeSaysHowFFmpegIsConfined(t *testing.T) {
	t.Parallel()
	const filter = "seccomp: no network, no other processes; limits of memory, time and output"
	confined := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	contains(t, confined.Screen(), "  protection  ", filter)
	testserver.Eventually(t, "it is logged", func() bool { // log lines are buffered for a moment
		return strings.Contains(confined.Log(), "FFmpeg is ") && strings.Contains(confined.Log(), filter)
	})

	open := apptest.Start(t, apptest.Settings{"WORKERS": "0", "SANDBOX": "off"})
	contains(t, open.Screen(), "(SANDBOX is off)")
	contains(t, open.Log(), "level=WARN msg=\"FFmpeg is not confined in all respects\"")
}

func TestServeWithoutTheRequiredSandbox(t *testing.T) {
	t.Parallel()
	script := apptest.Script(t, `exec ffmpeg "$@"`)

	_, err := run(t, apptest.Settings{"DATA_DIR": t.TempDir(), "FFMPEG": script, "SANDBOX": "required"}, "serve")

	if err == nil || !strings.Contains(err.Error(), "SANDBOX is required") {
		t.Errorf("got %v, want a refusal", err)
	}
}

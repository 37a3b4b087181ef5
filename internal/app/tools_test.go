package app

import (
	"os/exec"
	"testing"

	"risingstars/internal/config"
	"risingstars/internal/media/mediatest"
)

// A process that renders videos does not start if ffmpeg does not run. A process that only inspects uploads starts
// without ffmpeg, but not without ffprobe.
func TestToolsThatDoNotRun(t *testing.T) {
	t.Parallel()
	ffmpeg, ffprobe := mediatest.Program(t, "ffmpeg"), mediatest.Program(t, "ffprobe")
	broken, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		ffmpeg, ffprobe string
		renders, starts bool
	}{
		"renders":                 {ffmpeg, ffprobe, true, true},
		"renders without ffmpeg":  {broken, ffprobe, true, false},
		"renders without ffprobe": {ffmpeg, broken, true, false},
		"judges":                  {ffmpeg, ffprobe, false, true},
		"judges without ffmpeg":   {broken, ffprobe, false, true},
		"judges without ffprobe":  {ffmpeg, broken, false, false},
	}
	for name, test := range tests {
		for _, sandbox := range []string{config.SandboxOff, config.SandboxAuto} {
			t.Run(name+", sandbox "+sandbox, func(t *testing.T) {
				t.Parallel()
				s := &config.Settings{FFmpeg: test.ffmpeg, FFprobe: test.ffprobe, Sandbox: sandbox}

				tools, _, err := findTools(t.Context(), s, test.renders)

				if (err == nil) != test.starts {
					t.Errorf("got %v", err)
				}
				if err == nil && (tools.FFmpeg != test.ffmpeg || tools.FFprobe != test.ffprobe) {
					t.Errorf("got %+v", tools)
				}
			})
		}
	}
}

package media

import (
	"math"
	"strings"
	"testing"
)

// Any output of ffprobe results in a clip within the limits, or an error.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"packets_and_frames":[{"type":"frame","stream_index":0,"width":320,"height":180,"pix_fmt":"yuv420p"}],`+
		`"streams":[{"index":0,"codec_name":"h264","width":320,"height":180,"sample_aspect_ratio":"64:45","avg_frame_rate":"30000/1001",`+
		`"duration":"1.001","side_data_list":[{"displaymatrix":"00000000: 0 65536 0\n00000001: -65536 0 0\n"}]}],`+
		`"format":{"nb_streams":1,"duration":"1.001"}}`), "")
	f.Add([]byte(`{"error":{"code":-5,"string":"Input/output error"}}`), "Picture size 99999x99999 is invalid")
	f.Add([]byte(`{"packets_and_frames":[{"type":"packet","flags":"KD"}],"streams":[{"width":-1,"height":1e3,"avg_frame_rate":"1/0"}]}`), "")
	f.Fuzz(func(t *testing.T, output []byte, tail string) {
		for _, runErr := range []error{nil, &RunError{Tail: tail, code: 1}} {
			r, err := parseReport(output, runErr)
			if err != nil {
				continue
			}
			c, err := r.clip()
			if err != nil {
				if ReasonOf(err) == "" {
					t.Fatalf("not a refusal: %v", err)
				}
				continue
			}
			checkWithin(t, c)
		}
	})
}

// checkWithin checks an accepted clip and the filter graph for it against the limits.
func checkWithin(t *testing.T, c Clip) {
	t.Helper()
	if c.Width < 1 || c.Height < 1 || c.Width > MaxPixels/c.Height || c.Duration < 0 || c.Duration > MaxDuration ||
		!(c.FrameRate > 0 && c.FrameRate < MaxFrameRate+1) || c.SAR.Num < 1 || c.SAR.Den < 1 {
		t.Errorf("beyond the limits: %+v", c)
	}
	width, height := c.displayed()
	p := fit(width, height)
	if p.Width < 2 || p.Height < 2 || p.X < 0 || p.Y < 0 || p.X+p.Width > Width || p.Y+p.Height > Height {
		t.Errorf("placed at %+v: %+v", p, c)
	}
	if limit := cpuLimit(c); limit < renderBaseCPU || limit > renderMaxCPU || math.IsNaN(width) {
		t.Errorf("takes %v: %+v", limit, c)
	}
	if text := graph(c, true); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("%s", text)
	}
}

func FuzzTurn(f *testing.F) {
	f.Add("\n00000000:            0       65536           0\n00000001:       -65536           0           0\n00000002:            0           0  1073741824\n")
	f.Add("00000000: nan inf -0\n00000001: 1e999 0 0\n")
	f.Fuzz(func(t *testing.T, matrix string) {
		if turn := parseTurn(matrix); turn.Degrees%90 != 0 || turn.Degrees < 0 || turn.Degrees > 270 {
			t.Errorf("%+v", turn)
		}
	})
}

// The output of a program becomes one line of text, without the folders that it must not show.
func FuzzTail(f *testing.F) {
	f.Add([]byte("[mov] error\r\nfile:/secret/folder/clip.mp4: Invalid data\n\xff\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got tail
		for len(text) > 0 {
			n := min(len(text), 100)
			if _, err := got.Write(text[:n]); err != nil {
				t.Fatal(err)
			}
			text = text[n:]
		}
		line := got.text([]string{"/secret/folder/clip.mp4"})
		if len(got.data) > tailBytes || strings.ContainsAny(line, "\r\n") || strings.Contains(line, "/secret/folder/clip.mp4") {
			t.Errorf("%q", line)
		}
		saysTooManyPixels(line)
	})
}

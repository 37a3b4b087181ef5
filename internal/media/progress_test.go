package media

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		written []string
		want    []int
		frames  int
	}{
		{"blocks", []string{"frame=10\nfps=1\nprogress=continue\n", "frame=50\nprogress=continue\n"}, []int{10, 50}, 50},
		{"in pieces", []string{"fra", "me=1", "0\nframe=", " 2", "0 \r\n"}, []int{10, 20}, 20},
		{"the same per cent", []string{"frame=10\nframe=10\nframe=10\n"}, []int{10}, 10},
		{"falling", []string{"frame=50\nframe=10\n"}, []int{50}, 50},
		{"more than expected", []string{"frame=100\nframe=250\n"}, []int{99}, 250},
		{"nonsense", []string{"frame=x\nframe=-3\n=\n\nframe=99999999999999999999\nnoframe=7\n"}, nil, 0},
		{"unended line", []string{"frame=10\nframe=20"}, []int{10}, 10},
		{"long line", []string{strings.Repeat("x", 5000), "\nframe=30\n"}, []int{30}, 30},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []int
			p := &progress{Total: 100, Report: func(percent int) { got = append(got, percent) }}

			for _, text := range test.written {
				if n, err := p.Write([]byte(text)); n != len(text) || err != nil {
					t.Fatalf("wrote %d of %d: %v", n, len(text), err)
				}
			}

			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if int(p.frames.Load()) != test.frames {
				t.Errorf("got %d frames, want %d", p.frames.Load(), test.frames)
			}
		})
	}
}

func FuzzProgress(f *testing.F) {
	f.Add("frame=10\nfps=30\nout_time=00:00:01\nprogress=continue\nframe=20\nprogress=end\n", 7)
	f.Add("frame=\n\n=\nframe=1e9\r\n", 1)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		last := 0
		p := &progress{Total: 50, Report: func(percent int) {
			if percent <= last || percent > 99 {
				t.Errorf("%d after %d", percent, last)
			}
			last = percent
		}}
		piece = max(1, piece)
		for rest := text; rest != ""; {
			n := min(piece, len(rest))
			if written, err := p.Write([]byte(rest[:n])); written != n || err != nil {
				t.Fatalf("wrote %d of %d: %v", written, n, err)
			}
			rest = rest[n:]
		}
		if len(p.line) > maxProgressLine || p.frames.Load() < 0 {
			t.Errorf("kept %d bytes, %d frames", len(p.line), p.frames.Load())
		}
	})
}

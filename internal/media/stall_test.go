package media

import (
	"slices"
	"testing"
	"time"
)

// A program that computes or writes frames, however slowly, makes progress. One that does neither is stalled after a
// number of consecutive checks.
func TestStallWatch(t *testing.T) {
	t.Parallel()
	const least = 100 * time.Millisecond
	type sample struct {
		cpu    time.Duration
		frames int64
	}
	looks := func(n int, s sample) []sample { return slices.Repeat([]sample{s}, n) }
	tests := []struct {
		name    string
		samples []sample
		want    bool
	}{
		{"never ran", looks(stallChecks, sample{}), true},
		{"not yet", looks(stallChecks-1, sample{}), false},
		{"stopped", looks(stallChecks+1, sample{time.Second, 100}), true},
		{"computed just in time", slices.Concat(looks(stallChecks, sample{least, 0}), looks(stallChecks, sample{2 * least, 0})), false},
		{"computed too little", slices.Concat(looks(stallChecks, sample{least, 0}), looks(1, sample{2*least - 1, 0})), true},
		{"wrote a frame just in time", slices.Concat(looks(stallChecks, sample{least, 1}), looks(stallChecks, sample{least, 2})), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			watch := stallWatch{least: least}
			stalled := false

			for _, s := range test.samples {
				stalled = watch.look(s.cpu, s.frames)
			}

			if stalled != test.want {
				t.Errorf("got %t, want %t", stalled, test.want)
			}
		})
	}
}

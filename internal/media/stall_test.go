package media

import (
	"slices"
	"testing"
	"time"
)

// A program that uses processor time or writes, however slowly, makes progress; one that does neither is stalled after a
// number of looks in a row.
func TestStallWatch(t *testing.T) {
	t.Parallel()
	type sample struct {
		cpu     time.Duration
		written int64
	}
	idle := func(looks int, s sample) []sample { return slices.Repeat([]sample{s}, looks) }
	tests := []struct {
		name    string
		samples []sample
		want    bool
	}{
		{"never ran", idle(stallChecks, sample{}), true},
		{"not yet", idle(stallChecks-1, sample{}), false},
		{"stopped", idle(stallChecks+1, sample{time.Second, 100}), true},
		{"ran a little just in time", slices.Concat(idle(stallChecks, sample{1, 0}), idle(stallChecks, sample{2, 0})), false},
		{"wrote a little just in time", slices.Concat(idle(stallChecks, sample{1, 1}), idle(stallChecks, sample{1, 2})), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var watch stallWatch
			stalled := false

			for _, s := range test.samples {
				stalled = watch.look(s.cpu, s.written)
			}

			if stalled != test.want {
				t.Errorf("got %t, want %t", stalled, test.want)
			}
		})
	}
}

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A platform has a capacity of some users; the search must end at most a third below the lowest number that fails.
func TestNextRampUsers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		bears int
		want  []int
	}{
		{"as many as the ramps", 300, []int{100, 200, 300, 600, 450}},
		{"between two ramps", 130, []int{100, 200, 150}},
		{"fewer than the first ramp", 30, []int{100, 50, 25, 37}},
		{"none", 0, []int{100, 50, 25, 12, 6, 3, 1}},
		{"more than anybody tries", 100_000, []int{100, 200, 300, 600, 1200, 2400, 4800}},
		{"three times the ramps", 1000, []int{100, 200, 300, 600, 1200, 900}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var passed, failed, got []int
			for n := fullSizing.nextRampUsers(nil, nil); n > 0 && len(got) < 20; n = fullSizing.nextRampUsers(passed, failed) {
				got = append(got, n)
				if n <= c.bears {
					passed = append(passed, n)
				} else {
					failed = append(failed, n)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

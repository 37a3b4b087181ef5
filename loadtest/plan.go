package main

import (
	"fmt"
	"time"

	"risingstars/loadtest/crowd"
)

// shape is how long the runs take and how many take part. --scale and --quick make it smaller.
type shape struct {
	SmokeUsers  int
	Smoke       time.Duration
	Ramps       []int
	Up, Held    time.Duration
	Sustained   time.Duration
	Most        int // users beyond which nobody goes on doubling
	LocustMost  int // users of one Locust process, which uses one processor
	Drain       time.Duration
	Stars       int
	Storm       int // voters at once
	Voters      int // in all
	Crowd       int // who watch at once
	Rounds      int // of each ratio
	Round       time.Duration
	Batch       int // videos of a round of workers, at least
	Concurrency []int
	Players     []int // in the rankings that are read
}

// full is the whole suite.
var full = shape{
	SmokeUsers: 5, Smoke: time.Minute, Ramps: []int{100, 200, 300}, Up: 3 * time.Minute, Held: 5 * time.Minute,
	Sustained: 5 * time.Minute, Most: 4800, LocustMost: 300, Drain: 10 * time.Minute, Stars: 20, Storm: 100, Voters: 20_000,
	Crowd: 400, Rounds: 5, Round: 2 * time.Second, Batch: 4, Concurrency: []int{1, 2, 4}, Players: []int{1_000, 1_000_000},
}

// quick tries every part of the suite. Its figures say nothing.
var quick = shape{
	SmokeUsers: 2, Smoke: 3 * time.Second, Ramps: []int{3}, Up: time.Second, Held: 3 * time.Second,
	Sustained: 3 * time.Second, Most: 4, LocustMost: 2, Drain: 10 * time.Minute, Stars: 3, Storm: 4, Voters: 200,
	Crowd: 4, Rounds: 1, Round: 300 * time.Millisecond, Batch: 2, Concurrency: []int{2}, Players: []int{1_000},
}

// scaled makes users and times smaller or larger.
func (s shape) scaled(by float64) shape {
	users := func(n int) int { return max(1, int(float64(n)*by)) }
	times := func(d time.Duration) time.Duration {
		return max(time.Second, time.Duration(float64(d)*by).Round(time.Second))
	}
	ramps := make([]int, len(s.Ramps))
	for i, n := range s.Ramps {
		ramps[i] = users(n)
	}
	s.Ramps, s.SmokeUsers, s.Most, s.Storm, s.Crowd = ramps, users(s.SmokeUsers), users(s.Most), users(s.Storm), users(s.Crowd)
	s.Voters, s.LocustMost = users(s.Voters), users(s.LocustMost)
	s.Smoke, s.Up, s.Held, s.Sustained = times(s.Smoke), times(s.Up), times(s.Held), times(s.Sustained)
	return s
}

// smoke is the first run: few people, each clip rendered by FFmpeg.
func (s shape) smoke(target string) load {
	return load{
		Name: target + "-smoke", Target: target, Scenario: mix, Users: s.SmokeUsers, Up: time.Second,
		Held: s.Smoke, Drain: s.Drain, Real: true, Stars: 1, Timed: true,
	}
}

// mix is a run of the upload scenario with so many users.
func (s shape) mix(target string, users int) load {
	return load{
		Name: fmt.Sprintf("%s-ramp-%d", target, users), Target: target, Scenario: mix, Users: users,
		Up: s.Up, Held: s.Held, Drain: s.Drain, Stars: s.Stars, Timed: true,
	}
}

// sustained is a run at 80 % of the highest number of users that passed.
func (s shape) sustained(target string, highest int) load {
	l := s.mix(target, max(1, highest*8/10))
	l.Name, l.Up, l.Held = target+"-sustained", min(s.Up, 30*time.Second), s.Sustained
	return l
}

func (s shape) votes(target string) load {
	return load{
		Name: target + "-votes", Target: target, Scenario: crowd.Votes, Users: s.Storm, Voters: s.Voters,
		Up: max(time.Second, s.Up/10), Held: min(s.Held, time.Minute), Drain: s.Drain, Stars: s.Stars, Timed: true,
	}
}

func (s shape) gallery(target string) load {
	return load{
		Name: target + "-gallery", Target: target, Scenario: crowd.Gallery, Users: s.Crowd,
		Up: max(time.Second, s.Up/6), Held: min(s.Held, 2*time.Minute), Drain: s.Drain, Stars: s.Stars, Timed: true,
	}
}

// search says with how many users to go on, given which numbers have passed and which have failed; 0 says that the most
// that the platform bears is known well enough. First come the ramps, in order, up to the first that fails. If all pass,
// users are doubled until one fails; if none does, halved until one passes; then the
// gap is halved until it is a third of what failed.
func (s shape) search(passed, failed []int) int {
	best, worst := 0, 0
	for _, n := range passed {
		best = max(best, n)
	}
	for _, n := range failed {
		if worst == 0 || n < worst {
			worst = n
		}
	}
	switch {
	case worst == 0:
		for _, n := range s.Ramps {
			if n > best {
				return n
			}
		}
		if best*2 <= s.Most {
			return best * 2
		}
		return 0
	case best == 0:
		return worst / 2 // 0 in the end: not even one
	}
	if worst-best <= max(1, worst/3) {
		return 0
	}
	return (best + worst) / 2
}

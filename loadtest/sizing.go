package main

import (
	"fmt"
	"time"

	"risingstars/loadtest/crowd"
)

// sizing is how long the runs take and how many take part. --scale and --quick make it smaller.
type sizing struct {
	SmokeUsers        int
	Smoke             time.Duration
	Ramps             []int
	RampUp, Hold      time.Duration
	Sustained         time.Duration
	MaxUsers          int // users beyond which nobody goes on doubling
	UsersPerLocust    int // users of one Locust process, which uses one processor
	DrainLimit        time.Duration
	PublicVideos      int
	VotersAtOnce      int // voters at once
	Voters            int // in all
	Viewers           int // who watch at once
	Rounds            int // of each ratio
	RoundTime         time.Duration
	WorkerBatch       int // videos of a round of workers, at least
	WorkerConcurrency []int
	RankedPlayers     []int // in the rankings that are read
}

// fullSizing is the whole suite.
var fullSizing = sizing{
	SmokeUsers: 5, Smoke: time.Minute, Ramps: []int{100, 200, 300}, RampUp: 3 * time.Minute, Hold: 5 * time.Minute,
	Sustained: 5 * time.Minute, MaxUsers: 4800, UsersPerLocust: 300, DrainLimit: 10 * time.Minute, PublicVideos: 20, VotersAtOnce: 100, Voters: 20_000,
	Viewers: 400, Rounds: 5, RoundTime: 2 * time.Second, WorkerBatch: 4, WorkerConcurrency: []int{1, 2, 4}, RankedPlayers: []int{1_000, 1_000_000},
}

// quickSizing tries every part of the suite. Its figures say nothing.
var quickSizing = sizing{
	SmokeUsers: 2, Smoke: 3 * time.Second, Ramps: []int{3}, RampUp: time.Second, Hold: 3 * time.Second,
	Sustained: 3 * time.Second, MaxUsers: 4, UsersPerLocust: 2, DrainLimit: 10 * time.Minute, PublicVideos: 3, VotersAtOnce: 4, Voters: 200,
	Viewers: 4, Rounds: 1, RoundTime: 300 * time.Millisecond, WorkerBatch: 2, WorkerConcurrency: []int{2}, RankedPlayers: []int{1_000},
}

// scaledBy makes users and times smaller or larger.
func (s sizing) scaledBy(by float64) sizing {
	users := func(n int) int { return max(1, int(float64(n)*by)) }
	times := func(d time.Duration) time.Duration {
		return max(time.Second, time.Duration(float64(d)*by).Round(time.Second))
	}
	ramps := make([]int, len(s.Ramps))
	for i, n := range s.Ramps {
		ramps[i] = users(n)
	}
	s.Ramps, s.SmokeUsers, s.MaxUsers, s.VotersAtOnce, s.Viewers = ramps, users(s.SmokeUsers), users(s.MaxUsers), users(s.VotersAtOnce), users(s.Viewers)
	s.Voters, s.UsersPerLocust = users(s.Voters), users(s.UsersPerLocust)
	s.Smoke, s.RampUp, s.Hold, s.Sustained = times(s.Smoke), times(s.RampUp), times(s.Hold), times(s.Sustained)
	return s
}

// smokeRun is the first run: few people, each clip rendered by FFmpeg.
func (s sizing) smokeRun(target string) loadRun {
	return loadRun{
		Name: target + "-smoke", Target: target, Scenario: scenarioMix, Users: s.SmokeUsers, RampUp: time.Second,
		Hold: s.Smoke, DrainLimit: s.DrainLimit, RenderEveryClip: true, PublicVideos: 1, TimesCount: true,
	}
}

// rampRun is a run of the upload scenario with so many users.
func (s sizing) rampRun(target string, users int) loadRun {
	return loadRun{
		Name: fmt.Sprintf("%s-ramp-%d", target, users), Target: target, Scenario: scenarioMix, Users: users,
		RampUp: s.RampUp, Hold: s.Hold, DrainLimit: s.DrainLimit, PublicVideos: s.PublicVideos, TimesCount: true,
	}
}

// sustainedRun is a run at 80 % of the highest number of users that passed.
func (s sizing) sustainedRun(target string, highest int) loadRun {
	l := s.rampRun(target, max(1, highest*8/10))
	l.Name, l.RampUp, l.Hold = target+"-sustained", min(s.RampUp, 30*time.Second), s.Sustained
	return l
}

func (s sizing) voteStormRun(target string) loadRun {
	return loadRun{
		Name: target + "-votes", Target: target, Scenario: crowd.Votes, Users: s.VotersAtOnce, Voters: s.Voters,
		RampUp: max(time.Second, s.RampUp/10), Hold: min(s.Hold, time.Minute), DrainLimit: s.DrainLimit, PublicVideos: s.PublicVideos, TimesCount: true,
	}
}

func (s sizing) galleryRun(target string) loadRun {
	return loadRun{
		Name: target + "-gallery", Target: target, Scenario: crowd.Gallery, Users: s.Viewers,
		RampUp: max(time.Second, s.RampUp/6), Hold: min(s.Hold, 2*time.Minute), DrainLimit: s.DrainLimit, PublicVideos: s.PublicVideos, TimesCount: true,
	}
}

// nextRampUsers says with how many users to go on, given which numbers have passed and which have failed; 0 says that the most
// that the platform bears is known well enough. First come the ramps, in order, up to the first that fails. If all pass,
// users are doubled until one fails; if none does, halved until one passes; then the
// gap is halved until it is a third of what failed.
func (s sizing) nextRampUsers(passed, failed []int) int {
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
		if best*2 <= s.MaxUsers {
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

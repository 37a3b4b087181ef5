package main

import (
	"fmt"
	"time"

	"risingstars/loadtest/crowd"
)

// sizing is how long the runs take and how many users they have. --scale and --quick make it smaller.
type sizing struct {
	SmokeUsers        int
	Smoke             time.Duration
	Ramps             []int
	RampUp, Hold      time.Duration
	Sustained         time.Duration
	MaxUsers          int // at which the search for the maximum ends
	UsersPerLocust    int // users of one Locust process, which uses one processor
	DrainLimit        time.Duration
	PublicVideos      int
	VotersAtOnce      int
	Voters            int // accounts that vote
	Viewers           int // at once
	Rounds            int // of each comparison
	RoundTime         time.Duration
	WorkerBatch       int // videos of a round of workers, at least
	WorkerConcurrency []int
	RankedPlayers     []int // sizes of the rankings that are read
}

// fullSizing is for figures to publish.
var fullSizing = sizing{
	SmokeUsers: 5, Smoke: time.Minute, Ramps: []int{100, 200, 300}, RampUp: 3 * time.Minute, Hold: 5 * time.Minute,
	Sustained: 5 * time.Minute, MaxUsers: 4800, UsersPerLocust: 300, DrainLimit: 10 * time.Minute, PublicVideos: 20, VotersAtOnce: 100, Voters: 20_000,
	Viewers: 400, Rounds: 5, RoundTime: 2 * time.Second, WorkerBatch: 4, WorkerConcurrency: []int{1, 2, 4}, RankedPlayers: []int{1_000, 1_000_000},
}

// quickSizing is for trying every part of the suite.
var quickSizing = sizing{
	SmokeUsers: 2, Ramps: []int{3}, RampUp: time.Second, MaxUsers: 4, UsersPerLocust: 2, DrainLimit: 10 * time.Minute, PublicVideos: 3, VotersAtOnce: 4, Voters: 200,
	Viewers: 4, Rounds: 1, RoundTime: 300 * time.Millisecond, WorkerBatch: 2, WorkerConcurrency: []int{2}, RankedPlayers: []int{1_000},
}

// scaledBy multiplies users and times by a factor.
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

// smokeRun is the first run: few users, and FFmpeg renders every clip.
func (s sizing) smokeRun(target string) loadRun {
	return loadRun{
		Name: target + "-smoke", Target: target, Scenario: scenarioMix, Users: s.SmokeUsers, RampUp: time.Second,
		Hold: s.Smoke, DrainLimit: s.DrainLimit, RenderEveryClip: true, PublicVideos: 1, TimesCount: true,
	}
}

// rampRun is a run of players who upload.
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

// nextRampUsers is the number of users of the next run in the search for the maximum, given the numbers that passed and
// those that failed; 0 ends the search. First come the ramps in order, up to the first that fails. If all pass, users are
// doubled until a run fails; if none passes, they are halved until one does. Then the gap between the highest that passed
// and the lowest that failed is halved until it is at most a third of the latter.
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

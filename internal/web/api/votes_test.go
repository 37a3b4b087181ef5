package api_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
)

var alreadyVoted = refusal{400, "You have already voted for this video", nil}

func TestVote(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		owner, fan, other := newPlayer(t, s, ""), newPlayer(t, s, ""), newPlayer(t, s, "")
		first, second := published(t, s, owner, "Triple"), published(t, s, owner, "Bandeja")
		vote := path("/api/public/videos/{id}/vote", first)
		notVoted := refusal{404, "No has votado por este video.", nil}

		fan.delete(vote).refuses(notVoted)
		fan.in("en").delete(vote).refuses(refusal{404, "You have not voted for this video.", nil})
		fan.post(vote).is(200, `{"message": "Vote successfully registered", "votes": 1}`)
		fan.post(vote).refuses(alreadyVoted)
		fan.in("en").post(vote + "/").refuses(alreadyVoted)
		other.in("en").post(vote).is(200, `{"message": "Vote successfully registered", "votes": 2}`)
		fan.post(path("/api/public/videos/{id}/vote", second)).is(200, `{"message": "Vote successfully registered", "votes": 1}`)
		owner.get(path("/api/videos/{id}", first)).is(200, described(first, "Triple", "public", map[string]any{
			"processed_at": "TIME", "processed_url": "open clip.mp4", "poster_url": "open poster.jpg", "progress": 100, "votes": 2,
		}))
		fan.delete(vote).is(200, `{"message": "Vote successfully removed", "votes": 1}`)
		fan.delete(vote).refuses(notVoted)
		fan.post(vote).is(200, `{"message": "Vote successfully registered", "votes": 2}`)
	})
}

func TestVoteRefuses(t *testing.T) {
	t.Parallel()
	owner, fan := newPlayer(t, shared(), ""), newPlayer(t, shared(), "")
	public, private := published(t, shared(), owner, "Triple"), owner.uploaded("Bandeja")
	own := path("/api/public/videos/{id}/vote", public)
	owner.post(own).refuses(refusal{403, "No puedes votar por tu propio video.", nil})
	owner.in("en").post(own).refuses(refusal{403, "You cannot vote for your own video.", nil})
	owner.delete(own).refuses(refusal{404, "No has votado por este video.", nil})
	for _, status := range []string{"uploaded", "processing", "processed", "failed"} {
		change(t, shared(), `UPDATE videos SET status = $1 WHERE id = $2`, status, private)
		for _, p := range []player{fan, owner} {
			p.post(path("/api/public/videos/{id}/vote", private)).refuses(noVideo)
			p.delete(path("/api/public/videos/{id}/vote", private)).refuses(noVideo)
		}
	}
	fan.in("en").post("/api/public/videos/999999/vote").refuses(noVideo)
}

// A voter has one vote for a video, however many requests race.
func TestVotesOfOnePersonRace(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		owner, fan := newPlayer(t, s, ""), newPlayer(t, s, "")
		id := published(t, s, owner, "Triple")
		counts := race(40, func() int { return fan.post(path("/api/public/videos/{id}/vote", id)).status })
		if diff := cmp.Diff(map[int]int{200: 1, 400: 39}, counts); diff != "" {
			t.Errorf("votes (-want +got):\n%s", diff)
		}
		if got := look[int](t, s, `SELECT votes FROM videos WHERE id = $1`, id); got != 1 {
			t.Errorf("got %d votes, want 1", got)
		}
		counts = race(40, func() int { return fan.delete(path("/api/public/videos/{id}/vote", id)).status })
		if diff := cmp.Diff(map[int]int{200: 1, 404: 39}, counts); diff != "" {
			t.Errorf("votes taken back (-want +got):\n%s", diff)
		}
	})
}

// Concurrent votes of many voters all succeed.
func TestVotesOfManyRace(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		owner := newPlayer(t, s, "")
		id := published(t, s, owner, "Triple")
		fans := make(chan player, 20)
		for range cap(fans) {
			fans <- newPlayer(t, s, "")
		}
		counts := race(cap(fans), func() int { fan := <-fans; return fan.post(path("/api/public/videos/{id}/vote", id)).status })
		if diff := cmp.Diff(map[int]int{200: 20}, counts); diff != "" {
			t.Errorf("votes (-want +got):\n%s", diff)
		}
		if got := look[int](t, s, `SELECT votes FROM videos WHERE id = $1`, id); got != 20 {
			t.Errorf("got %d votes, want 20", got)
		}
	})
}

// race calls do n times concurrently and counts the results.
func race(n int, do func() int) map[int]int {
	var mu sync.Mutex
	counts := map[int]int{}
	var group sync.WaitGroup
	begin := make(chan struct{})
	for range n {
		group.Go(func() {
			<-begin
			result := do()
			mu.Lock()
			defer mu.Unlock()
			counts[result]++
		})
	}
	close(begin)
	group.Wait()
	return counts
}

// Of two concurrent sign-ups with one email, one is refused.
func TestSignUpsRace(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		c, address := visitor(t, s), email()
		counts := race(10, func() int { return c.postJSON("/api/auth/signup", signUp(map[string]any{"email": address})).status })
		if diff := cmp.Diff(map[int]int{201: 1, 400: 9}, counts); diff != "" {
			t.Errorf("sign-ups (-want +got):\n%s", diff)
		}
	})
}

func TestTooManyVotes(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "RATE_LIMIT": "on", "LIMIT_VOTES": "120/1h"})
	fan, other := newPlayer(t, s, ""), newPlayer(t, s, "")
	counts := race(150, func() int { return fan.post("/api/public/videos/1/vote").status })
	if diff := cmp.Diff(map[int]int{404: 120, 429: 30}, counts); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	got := fan.post("/api/public/videos/1/vote")
	got.refuses(refusal{429, "Demasiados intentos. Espera un momento y vuelve a probar.", nil})
	if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 {
		t.Errorf("got Retry-After %q", got.header.Get("Retry-After"))
	}
	other.post("/api/public/videos/1/vote").refuses(noVideo)
}

func TestVotesAreCounted(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	owner, fan := newPlayer(t, s, ""), newPlayer(t, s, "")
	vote := path("/api/public/videos/{id}/vote", published(t, s, owner, "Triple"))
	fan.post(vote)
	fan.post(vote)
	fan.delete(vote)
	page := fan.get("/metrics").body
	for _, line := range []string{
		`risingstars_votes_total{change="given"} 1`, `risingstars_votes_total{change="taken back"} 1`,
		`risingstars_vote_refusals_total{reason="already_voted"} 1`,
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("the metrics lack %q", line)
		}
	}
}

package contest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

var decided = contest.Decision{By: "alba", Reason: "bought votes"}

func (w *world) moderation() *contest.Moderation {
	return &contest.Moderation{Store: w.store, Live: w.live, Clock: w.clock.now}
}

// What is hidden nobody sees or votes for, its owner can neither publish nor delete it, and it comes back as it was.
func TestHiddenVideo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana, fan := w.player(t, "ana", "Bogotá"), w.player(t, "fan", "")
	v := w.publish(t, ana, "Triple")
	_, err := w.votes.CastVote(t.Context(), fan, v.ID, "")
	check(t, err)
	m := w.moderation()

	effect, err := m.HideVideo(t.Context(), v.ID, decided)
	check(t, err)

	got := []any{effect.Player.ID, effect.Votes, effect.Before, effect.After, effect.Videos[0].Hidden}
	want := []any{ana.ID, 1, contest.PlayerScore{Votes: 1, Position: 1}, contest.PlayerScore{}, contest.HiddenByOrganizer}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effect (-want +got):\n%s", diff)
	}
	_, public := w.videos.PublicVideo(t.Context(), v.ID)
	_, vote := w.votes.CastVote(t.Context(), w.player(t, "beto", ""), v.ID, "")
	_, takeBack := w.votes.WithdrawVote(t.Context(), fan, v.ID)
	_, publish := w.videos.PublishVideo(t.Context(), ana, v.ID)
	remove := w.videos.DeleteVideo(t.Context(), ana, v.ID)
	_, again := m.HideVideo(t.Context(), v.ID, decided)
	errs := []error{public, vote, takeBack, publish, remove, again}
	for i, want := range []error{contest.ErrNoVideo, contest.ErrNoVideo, contest.ErrNoVideo, contest.ErrHidden, contest.ErrHidden, contest.ErrHidden} {
		if !errors.Is(errs[i], want) {
			t.Errorf("%d: got %v, want %v", i, errs[i], want)
		}
	}
	now, part, err := w.videos.VideoByMediaKey(t.Context(), v.Media.RenditionKey())
	check(t, err)
	if now.IsOpenToPublic(part) {
		t.Error("everybody may have the clip")
	}

	_, err = m.UnhideVideo(t.Context(), v.ID, decided)
	check(t, err)
	shown, err := w.videos.PublicVideo(t.Context(), v.ID)
	check(t, err)
	if shown.Votes != 1 || !shown.PublishedAt.Equal(v.PublishedAt) {
		t.Errorf("it came back as %+v", shown)
	}
	if _, err := m.UnhideVideo(t.Context(), v.ID, decided); !errors.Is(err, contest.ErrNotHidden) {
		t.Errorf("a second time: %v", err)
	}
}

// Who is shut out has no session and no public video, and is told so at the right password only. A video that was hidden by itself
// stays so when the account is opened.
func TestShutAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana, err := w.players.SignUp(t.Context(), contest.SignUp{
		FirstName: "Ana", LastName: "Ríos", Email: "ana@example.org", Password1: "salto-y-canasta", Password2: "salto-y-canasta",
	})
	check(t, err)
	first, other := w.publish(t, ana, "Triple"), w.publish(t, ana, "Triple")
	m := w.moderation()
	_, err = m.SuspendAccount(t.Context(), ana.ID, decided)
	check(t, err)
	_, err = m.HideVideo(t.Context(), other.ID, decided)
	check(t, err)

	_, right := w.players.SignIn(t.Context(), "ana@example.org", "salto-y-canasta")
	_, wrong := w.players.SignIn(t.Context(), "ana@example.org", "salto-y-otra")
	_, token := w.players.PlayerWithSessionVersion(t.Context(), ana.ID, ana.SessionVersion)
	_, next := w.players.PlayerWithSessionVersion(t.Context(), ana.ID, ana.SessionVersion+1)
	_, again := m.SuspendAccount(t.Context(), ana.ID, decided)
	_, show := m.UnhideVideo(t.Context(), other.ID, decided)
	_, nobody := m.SuspendAccount(t.Context(), 4711, decided)
	errs := []error{right, wrong, token, next, again, show, nobody}
	for i, want := range []error{
		contest.ErrAccountSuspended, contest.ErrBadCredentials, contest.ErrNotSignedIn, contest.ErrNotSignedIn, contest.ErrAccountSuspended,
		contest.ErrAccountSuspended, contest.ErrNoPlayer,
	} {
		if !errors.Is(errs[i], want) {
			t.Errorf("%d: got %v, want %v", i, errs[i], want)
		}
	}

	_, err = m.ReinstateAccount(t.Context(), ana.ID, decided)
	check(t, err)
	_, err = w.players.SignIn(t.Context(), "ana@example.org", "salto-y-canasta")
	check(t, err)
	_, err = w.videos.PublicVideo(t.Context(), first.ID)
	check(t, err)
	if _, err := w.videos.PublicVideo(t.Context(), other.ID); !errors.Is(err, contest.ErrNoVideo) {
		t.Errorf("the video that was hidden by itself: %v", err)
	}
	if _, err := m.ReinstateAccount(t.Context(), ana.ID, decided); !errors.Is(err, contest.ErrAccountNotSuspended) {
		t.Errorf("a second time: %v", err)
	}
}

// A void vote does not count and cannot be given again; restored, it counts as when it was given.
func TestVoidVotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana, beto := w.player(t, "ana", ""), w.player(t, "beto", "")
	ofAna, ofBeto := w.publish(t, ana, "Triple"), w.publish(t, beto, "Triple")
	fans := []contest.Player{w.player(t, "f1", ""), w.player(t, "f2", ""), w.player(t, "f3", "")}
	vote := func(fan contest.Player, v contest.Video, origin string) (int, error) {
		return w.votes.CastVote(t.Context(), fan, v.ID, origin)
	}
	for i, fan := range fans {
		_, err := vote(fan, ofAna, []string{"school", "school", "home"}[i])
		check(t, err)
	}
	_, err := vote(fans[0], ofBeto, "school")
	check(t, err)
	m := w.moderation()

	effects, err := m.VoidVotes(t.Context(), contest.VoteSelection{PlayerID: ana.ID, Origin: "school"}, decided)
	check(t, err)

	if len(effects) != 1 || effects[0].Votes != 2 || effects[0].After.Votes != 1 {
		t.Errorf("got %+v", effects)
	}
	if _, err := vote(fans[0], ofAna, "elsewhere"); !errors.Is(err, contest.ErrAlreadyVoted) {
		t.Errorf("given again: %v", err)
	}
	if _, err := w.votes.WithdrawVote(t.Context(), fans[0], ofAna.ID); !errors.Is(err, contest.ErrNotVoted) {
		t.Errorf("taken back: %v", err)
	}
	given, err := w.store.VotesCastBy(t.Context(), fans[0].ID)
	check(t, err)
	if len(given) != 2 || given[0].Counts == given[1].Counts {
		t.Errorf("the voter's own data: %+v", given)
	}

	effects, err = m.ReinstateVotes(t.Context(), contest.VoteSelection{VoterID: fans[0].ID}, decided)
	check(t, err)
	if len(effects) != 1 || effects[0].After.Votes != 2 {
		t.Errorf("restored: %+v", effects)
	}
	effects, err = m.VoidVotes(t.Context(), contest.VoteSelection{VoterID: fans[0].ID}, decided)
	check(t, err)
	if len(effects) != 2 {
		t.Errorf("an account's votes for everybody: %+v", effects)
	}
}

// A decision names who and why, votes are named by an account or an origin, and a trial leaves everything as it was.
func TestDecisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ana := w.player(t, "ana", "")
	v := w.publish(t, ana, "Triple")
	m := w.moderation()
	for want, d := range map[string]contest.Decision{
		"reason: missing": {By: "alba"}, "as: missing": {Reason: "x"}, "reason: not_text": {By: "alba", Reason: "a\nb"},
		"reason: too_long": {By: "alba", Reason: strings.Repeat("x", contest.MaxReason+1)},
	} {
		if _, err := m.HideVideo(t.Context(), v.ID, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for _, q := range []contest.VoteSelection{{}, {VideoID: v.ID}, {Origin: "school"}, {PlayerID: ana.ID}} {
		if _, err := m.VoidVotes(t.Context(), q, decided); err == nil {
			t.Errorf("%+v is taken", q)
		}
	}
	acts := func() []contest.AuditEntry {
		list, err := w.store.AuditEntries(t.Context(), contest.AuditQuery{PlayerID: ana.ID, Limit: 10})
		check(t, err)
		return list
	}
	before := acts()
	trial := decided
	trial.DryRun = true
	watch := w.live.Watch(t.Context(), v.ID)
	defer watch.Close()
	w.remember(t)
	_, hide := m.HideVideo(t.Context(), v.ID, trial)
	_, shut := m.SuspendAccount(t.Context(), ana.ID, trial)
	check(t, errors.Join(hide, shut))
	if diff := cmp.Diff(before, acts()); diff != "" {
		t.Errorf("the log after a trial (-want +got):\n%s", diff)
	}
	_, err := w.videos.PublicVideo(t.Context(), v.ID)
	check(t, err)
	if w.stale(t, contest.VotesChanged) || w.stale(t, contest.VideosChanged) || news(watch) != (contest.Event{}) {
		t.Error("a trial is told")
	}

	_, err = m.HideVideo(t.Context(), v.ID, decided)
	check(t, err)
	if !w.stale(t, contest.VotesChanged) || !w.stale(t, contest.VideosChanged) || news(watch).Status != contest.Processed {
		t.Error("what is done is not told")
	}
	want := contest.AuditEntry{At: start, Actor: contest.ByOrganizer, Action: contest.HidVideo, PlayerID: ana.ID, VideoID: v.ID, Detail: "alba: bought votes"}
	got := acts()[0]
	got.ID = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("act (-want +got):\n%s", diff)
	}
}

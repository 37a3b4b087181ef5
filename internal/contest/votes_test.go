package contest_test

import (
	"errors"
	"testing"

	"risingstars/internal/contest"
)

func TestVote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	star, fan := w.player(t, "ana", ""), w.player(t, "beto", "")
	v := w.publish(t, star, "Clavada")
	w.remember(t)

	n, err := w.votes.CastVote(t.Context(), fan, v.ID, "")

	if n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if !w.stale(t, contest.VotesChanged) {
		t.Error("cached rankings do not notice a vote")
	}
	if n, err = w.votes.CastVote(t.Context(), fan, v.ID, ""); n != 0 || !errors.Is(err, contest.ErrAlreadyVoted) {
		t.Errorf("again: got %d, %v, want %v", n, err, contest.ErrAlreadyVoted)
	}
	if w.stale(t, contest.VotesChanged) {
		t.Error("cached rankings are dropped where nothing changed")
	}
	n, err = w.votes.WithdrawVote(t.Context(), fan, v.ID)
	if n != 0 || err != nil {
		t.Errorf("take back: got %d, %v", n, err)
	}
	if !w.stale(t, contest.VotesChanged) {
		t.Error("cached rankings do not notice that a vote was taken back")
	}
	if n, err = w.votes.WithdrawVote(t.Context(), fan, v.ID); n != 0 || !errors.Is(err, contest.ErrNotVoted) {
		t.Errorf("take back again: got %d, %v, want %v", n, err, contest.ErrNotVoted)
	}
	if n, err = w.votes.CastVote(t.Context(), fan, v.ID, ""); n != 1 || err != nil {
		t.Errorf("once more: got %d, %v", n, err)
	}
}

func TestVoteRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	star, fan := w.player(t, "ana", ""), w.player(t, "beto", "")
	public := w.publish(t, star, "public").ID
	private := w.process(t, w.upload(t, star, "processed")).ID
	tests := map[string]struct {
		voter          contest.Player
		video          int64
		vote, takeBack error
	}{
		"own":               {star, public, contest.ErrOwnVideo, contest.ErrNotVoted},
		"not public":        {fan, private, contest.ErrNoVideo, contest.ErrNoVideo},
		"own, not public":   {star, private, contest.ErrNoVideo, contest.ErrNoVideo},
		"not there":         {fan, 99, contest.ErrNoVideo, contest.ErrNoVideo},
		"not voted for yet": {fan, public, nil, nil},
	}
	for name, test := range tests {
		if _, err := w.votes.CastVote(t.Context(), test.voter, test.video, ""); !errors.Is(err, test.vote) {
			t.Errorf("%s: vote: got %v, want %v", name, err, test.vote)
		}
		if _, err := w.votes.WithdrawVote(t.Context(), test.voter, test.video); !errors.Is(err, test.takeBack) {
			t.Errorf("%s: take back: got %v, want %v", name, err, test.takeBack)
		}
	}
}

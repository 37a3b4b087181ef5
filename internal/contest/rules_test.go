package contest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

// statuses are all there are, and what a player may do with a video in each.
var statuses = []struct {
	status                 contest.Status
	publish, retry, delete error
	vote                   error // by another player
	settled                bool
}{
	{contest.Uploaded, contest.ErrNotProcessed, contest.ErrNotFailed, nil, contest.ErrNoVideo, false},
	{contest.Processing, contest.ErrNotProcessed, contest.ErrNotFailed, nil, contest.ErrNoVideo, false},
	{contest.Processed, nil, contest.ErrNotFailed, nil, contest.ErrNoVideo, true},
	{contest.Public, nil, contest.ErrNotFailed, contest.ErrPublic, nil, true},
	{contest.Failed, contest.ErrNotProcessed, nil, nil, contest.ErrNoVideo, true},
}

func TestRulesByStatus(t *testing.T) {
	t.Parallel()
	owner, other := contest.Player{ID: 1}, contest.Player{ID: 2}
	for _, s := range statuses {
		t.Run(string(s.status), func(t *testing.T) {
			t.Parallel()
			v := contest.Video{PlayerID: owner.ID, Status: s.status}
			own := s.vote
			if s.vote == nil {
				own = contest.ErrOwnVideo // nobody learns of a video by voting for it, not even its owner
			}
			for rule, it := range map[string]struct{ got, want error }{
				"publish":  {v.CanPublish(), s.publish},
				"retry":    {v.CanRetry(), s.retry},
				"delete":   {v.CanDelete(), s.delete},
				"vote":     {v.CanReceiveVoteFrom(other), s.vote},
				"vote own": {v.CanReceiveVoteFrom(owner), own},
			} {
				if !errors.Is(it.got, it.want) {
					t.Errorf("%s: got %v, want %v", rule, it.got, it.want)
				}
			}
			if got := s.status.IsSettled(); got != s.settled {
				t.Errorf("settled: got %t", got)
			}
			for part, want := range map[contest.Part]bool{
				contest.NoPart: false, contest.OriginalPart: false,
				contest.RenditionPart: s.status == contest.Public, contest.PosterPart: s.status == contest.Public,
			} {
				if got := v.IsOpenToPublic(part); got != want {
					t.Errorf("part %d is open to all: got %t, want %t", part, got, want)
				}
			}
		})
	}
}

func TestOwnedBy(t *testing.T) {
	t.Parallel()
	v := contest.Video{PlayerID: 1, Status: contest.Public}
	if err := v.CheckOwner(contest.Player{ID: 1}); err != nil {
		t.Errorf("owner: %v", err)
	}
	if err := v.CheckOwner(contest.Player{ID: 2}); !errors.Is(err, contest.ErrNotOwner) {
		t.Errorf("other: got %v, want %v", err, contest.ErrNotOwner)
	}
}

func TestPageOffset(t *testing.T) {
	t.Parallel()
	tests := []struct {
		page contest.Page
		want int
	}{
		{contest.Page{Number: 1, Limit: 10}, 0},
		{contest.Page{Number: 2, Limit: 10}, 10},
		{contest.Page{Number: 3, Limit: 1}, 2},
		{contest.Page{Number: contest.MaxPage, Limit: contest.MaxLimit}, 999_999_900},
	}
	for _, test := range tests {
		if got := test.page.Offset(); got != test.want {
			t.Errorf("%+v: got %d, want %d", test.page, got, test.want)
		}
	}
}

func TestErrorsSayNothingOfValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want string
	}{
		{&contest.InvalidError{Fields: []contest.Field{{"email", contest.NotEmail, 0}, {"title", contest.TooLong, 255}}},
			"invalid: email: not_email, title: too_long"},
		{&contest.TooManyError{RetryAfter: 1500 * time.Millisecond}, "too many requests; again in 1.5s"},
		{contest.ErrNoVideo, "there is no such video"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.err.Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

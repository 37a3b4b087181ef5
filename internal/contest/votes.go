package contest

import (
	"context"
	"strings"
	"time"
)

// VoteStore keeps the votes and the ranking that follows from them. Each method is one transaction.
type VoteStore interface {
	// VideoByID returns ErrNoVideo if there is none.
	VideoByID(ctx context.Context, id int64) (Video, error)
	// CastVote enters a vote with what is known of where it came from, counts it, and returns the video's votes. It
	// refuses what Video.CanReceiveVoteFrom refuses, and returns ErrAlreadyVoted if the person has voted for the video, whatever races.
	CastVote(ctx context.Context, videoID, voterID int64, at time.Time, from VoteSignal) (int, error)
	// WithdrawVote takes a vote back and returns the video's votes. It returns ErrNotVoted if there is none.
	WithdrawVote(ctx context.Context, videoID, voterID int64) (int, error)
	// HasVoted reports whether the person has voted for the video.
	HasVoted(ctx context.Context, videoID, voterID int64) (bool, error)
	// RankingPage lists a page of the players with public videos.
	RankingPage(ctx context.Context, q RankingQuery) ([]Standing, error)
	// RankingPosition returns the player's position in the nation, or ErrNoPlayer if the player has no public video.
	RankingPosition(ctx context.Context, playerID int64) (int, error)
	// RememberRanking stores all positions for Standing.PreviousPosition, unless positions stored after olderThan exist.
	RememberRanking(ctx context.Context, at, olderThan time.Time) error
}

// Votes takes the public's votes and ranks the players by them.
type Votes struct {
	Store   VoteStore
	Live    Live
	Clock   Clock
	Observe func(VoteChange, error) // called with each change's outcome, for metrics; may be nil
}

// VoteChange is what a voter does: cast or withdraw.
type VoteChange string

// The changes.
const (
	VoteCast      VoteChange = "given"
	VoteWithdrawn VoteChange = "taken back"
)

// CastVote casts the voter's one vote for a public video of another player, and returns the video's votes. The origin is stored
// as part of its VoteSignal. It returns ErrNoVideo, ErrOwnVideo or ErrAlreadyVoted. The store checks Video.CanReceiveVoteFrom
// in the transaction that inserts the vote: a check before it would cost a round trip and could be outdated.
func (s *Votes) CastVote(ctx context.Context, voter Player, videoID int64, origin string) (votes int, err error) {
	defer s.observeChange(VoteCast, &err)
	now := s.Clock.currentTime()
	age := max(0, now.Sub(voter.CreatedAt).Truncate(time.Second))
	votes, err = s.Store.CastVote(ctx, videoID, voter.ID, now, VoteSignal{Origin: origin, VoterAge: age})
	if err != nil {
		return 0, err
	}
	s.Live.InvalidateCache(ctx, VotesChanged)
	return votes, nil
}

// WithdrawVote withdraws the voter's vote for a video and returns the video's votes. It returns ErrNoVideo or ErrNotVoted.
func (s *Votes) WithdrawVote(ctx context.Context, voter Player, videoID int64) (votes int, err error) {
	defer s.observeChange(VoteWithdrawn, &err)
	v, err := s.Store.VideoByID(ctx, videoID)
	if err != nil {
		return 0, err
	}
	if v.Status != Public {
		return 0, ErrNoVideo
	}
	votes, err = s.Store.WithdrawVote(ctx, videoID, voter.ID)
	if err != nil {
		return 0, err
	}
	s.Live.InvalidateCache(ctx, VotesChanged)
	return votes, nil
}

func (s *Votes) observeChange(change VoteChange, err *error) {
	if s.Observe != nil {
		s.Observe(change, *err)
	}
}

// HasVoted reports whether the person's vote for a video stands.
func (s *Votes) HasVoted(ctx context.Context, voter Player, videoID int64) (bool, error) {
	return s.Store.HasVoted(ctx, videoID, voter.ID)
}

// RankingPosition is the player's position in the nation. It returns ErrNoPlayer if the player has no public video.
func (s *Votes) RankingPosition(ctx context.Context, playerID int64) (int, error) {
	return s.Store.RankingPosition(ctx, playerID)
}

// RememberRanking keeps the ranking once a day, at the first call after midnight UTC, so that the site can show who has
// moved since.
func (s *Votes) RememberRanking(ctx context.Context) error {
	now := s.Clock.currentTime()
	return s.Store.RememberRanking(ctx, now, now.Truncate(24*time.Hour))
}

// RankingQuery asks for a page of the ranking. The page is 1 or more, the limit 1 to MaxLimit.
type RankingQuery struct {
	Page Page
	City string // whole name, whatever case and accents; "" for the nation
}

// Standing is one player's row in the ranking.
//
// Players are ranked by the votes of all their public videos together. Among players with equal votes, the first to reach
// the number ranks higher: the moment is that of the latest vote that still counts (for a player without votes, of the first
// publication), so withdrawing a late vote restores the earlier moment. Then the smaller id.
type Standing struct {
	Position         int // 1, 2, 3 … over the whole ranking that was asked for, without gaps or repeats
	PlayerID         int64
	Username         string // first and last name
	City             string
	Votes            int
	PreviousPosition int // the position in the same ranking when it was last remembered, 0 if none
}

// RankingPage lists a page of the players who have a public video.
func (s *Votes) RankingPage(ctx context.Context, q RankingQuery) ([]Standing, error) {
	q.City = strings.TrimSpace(q.City)
	return s.Store.RankingPage(ctx, q)
}

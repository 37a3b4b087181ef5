package contest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What the audit log keeps of a decision.
const (
	MaxReason    = 500 // characters
	MaxOrganizer = 100 // characters of a name
)

// Decision is what an organizer has decided, and why.
type Decision struct {
	By     string // the organizer's name
	Reason string
	At     time.Time // set by Moderation
	DryRun bool      // a dry run: the effect is computed and rolled back
}

// Effect is what a decision changes for one player.
type Effect struct {
	Player        Player
	Videos        []Video // hidden or unhidden by the decision
	Votes         int     // voided or reinstated by the decision
	Before, After PlayerScore
}

// PlayerScore is a player's counted votes and position.
type PlayerScore struct {
	Votes    int // that count
	Position int // in the nation, 0 without a public video
}

// VoteSelection selects votes of one origin for a video or a player, or votes that one account cast. Zero fields select
// everything.
type VoteSelection struct {
	VideoID  int64
	PlayerID int64 // who received the votes
	VoterID  int64 // who cast the votes
	Origin   string
	Young    time.Duration // only votes of accounts younger than this when they voted
}

// validate refuses a selection that would reach votes of unrelated voters.
func (q VoteSelection) validate() error {
	var bad fieldFaults
	if q.VoterID == 0 && q.Origin == "" {
		bad.addFault("origin", Missing, 0)
	}
	if q.VoterID == 0 && q.VideoID == 0 && q.PlayerID == 0 {
		bad.addFault("video", Missing, 0)
	}
	return bad.asError()
}

// ModerationStore applies the organizers' decisions. Each method is one transaction, which also writes the audit log and
// updates counters and ranking. It rolls a dry run back.
type ModerationStore interface {
	// HideVideo takes a video out of the public. It returns ErrNoVideo, or what Video.CanHide refuses.
	HideVideo(ctx context.Context, id int64, d Decision) (Effect, error)
	// UnhideVideo brings it back with its votes. It returns ErrNoVideo, what Video.CanUnhide refuses, or ErrAccountSuspended.
	UnhideVideo(ctx context.Context, id int64, d Decision) (Effect, error)
	// SuspendAccount ends the player's sessions and tokens and hides its videos. It returns ErrNoPlayer or ErrAccountSuspended.
	SuspendAccount(ctx context.Context, playerID int64, d Decision) (Effect, error)
	// ReinstateAccount undoes SuspendAccount, but for sessions and tokens. It returns ErrNoPlayer or ErrAccountNotSuspended.
	ReinstateAccount(ctx context.Context, playerID int64, d Decision) (Effect, error)
	// PlayersVotedFor lists the ids of the players who received the selected votes: the void ones, or the counted ones.
	PlayersVotedFor(ctx context.Context, q VoteSelection, void bool) ([]int64, error)
	// VoidVotes voids the selected votes for the selection's player. Their voters cannot cast them again. It returns
	// ErrNoPlayer. Without such votes it does nothing.
	VoidVotes(ctx context.Context, q VoteSelection, d Decision) (Effect, error)
	// ReinstateVotes counts void votes for the selection's player again. It returns ErrNoPlayer.
	ReinstateVotes(ctx context.Context, q VoteSelection, d Decision) (Effect, error)
}

// Moderation lets organizers act against cheating. Every decision can be undone.
type Moderation struct {
	Store ModerationStore
	Live  Live
	Clock Clock
}

// HideVideo takes a video out of the public: lists, ranking, media and votes. Its votes are kept. It returns *InvalidError for a
// decision without a reason, as all of these do, ErrNoVideo, or what Video.CanHide refuses.
func (m *Moderation) HideVideo(ctx context.Context, videoID int64, d Decision) (Effect, error) {
	return m.decideOne(ctx, d, videoID, m.Store.HideVideo)
}

// UnhideVideo unhides a video, which counts its votes again. It returns ErrNoVideo, or what Video.CanUnhide refuses.
func (m *Moderation) UnhideVideo(ctx context.Context, videoID int64, d Decision) (Effect, error) {
	return m.decideOne(ctx, d, videoID, m.Store.UnhideVideo)
}

// SuspendAccount suspends an account: its player cannot sign in, and its videos are hidden. Votes that it has cast count as before. It returns
// ErrNoPlayer or ErrAccountSuspended.
func (m *Moderation) SuspendAccount(ctx context.Context, playerID int64, d Decision) (Effect, error) {
	return m.decideOne(ctx, d, playerID, m.Store.SuspendAccount)
}

// ReinstateAccount reinstates a suspended account, and unhides its videos. It returns ErrNoPlayer or ErrAccountNotSuspended.
func (m *Moderation) ReinstateAccount(ctx context.Context, playerID int64, d Decision) (Effect, error) {
	return m.decideOne(ctx, d, playerID, m.Store.ReinstateAccount)
}

// VoidVotes voids the selected votes, for public and hidden videos alike. Each player who received some is decided in a
// transaction of its own and gets an Effect: decisions before an error stay, and repeating the call completes the rest. It
// returns *InvalidError for a selection that names neither an account nor an origin.
func (m *Moderation) VoidVotes(ctx context.Context, q VoteSelection, d Decision) ([]Effect, error) {
	return m.decideForEachPlayer(ctx, q, d, false, m.Store.VoidVotes)
}

// ReinstateVotes reinstates void votes: it undoes Void.
func (m *Moderation) ReinstateVotes(ctx context.Context, q VoteSelection, d Decision) ([]Effect, error) {
	return m.decideForEachPlayer(ctx, q, d, true, m.Store.ReinstateVotes)
}

func (m *Moderation) decideOne(ctx context.Context, d Decision, id int64, do func(context.Context, int64, Decision) (Effect, error)) (Effect, error) {
	d, err := m.validateDecision(d)
	if err != nil {
		return Effect{}, err
	}
	e, err := do(ctx, id, d)
	if err == nil && !d.DryRun {
		m.publishEffects(ctx, e)
	}
	return e, err
}

func (m *Moderation) decideForEachPlayer(ctx context.Context, q VoteSelection, d Decision, void bool,
	do func(context.Context, VoteSelection, Decision) (Effect, error),
) (list []Effect, err error) {
	if err := q.validate(); err != nil {
		return nil, err
	}
	d, err = m.validateDecision(d)
	if err != nil {
		return nil, err
	}
	players, err := m.Store.PlayersVotedFor(ctx, q, void)
	if err != nil {
		return nil, err
	}
	defer func() {
		if len(list) > 0 && !d.DryRun {
			m.publishEffects(ctx, list...)
		}
	}()
	for i, id := range players {
		var e Effect
		if err = ctx.Err(); err == nil {
			q.PlayerID = id
			e, err = do(ctx, q, d)
		}
		switch {
		case errors.Is(err, ErrNoPlayer): // the account was deleted since
		case err != nil:
			return list, fmt.Errorf("player %d, the first of %d who are left: %w", id, len(players)-i, err)
		case e.Votes > 0: // 0 if the votes were withdrawn since
			list = append(list, e)
		}
	}
	return list, nil
}

// validateDecision requires a name and a reason, which the audit log keeps.
func (m *Moderation) validateDecision(d Decision) (Decision, error) {
	var bad fieldFaults
	d.By = bad.checkLine("as", strings.TrimSpace(d.By), MaxOrganizer, false)
	d.Reason = bad.checkLine("reason", strings.TrimSpace(d.Reason), MaxReason, false)
	d.At = m.Clock.currentTime()
	return d, bad.asError()
}

// publishEffects invalidates the caches and tells subscribers of the videos, after the commit.
func (m *Moderation) publishEffects(ctx context.Context, effects ...Effect) {
	ctx = context.WithoutCancel(ctx)
	m.Live.InvalidateCache(ctx, VideosChanged)
	m.Live.InvalidateCache(ctx, VotesChanged)
	for _, e := range effects {
		for _, v := range e.Videos {
			m.Live.PublishEvent(ctx, Event{VideoID: v.ID, Status: v.Status, Progress: 100})
		}
	}
}

// AuditEntry is the line of the audit log that says so. more is what it was about besides a player and a video, "" for nothing.
func (d Decision) AuditEntry(action Action, playerID, videoID int64, more string) AuditEntry {
	detail := fmt.Sprintf("%s: %s", d.By, d.Reason)
	if more != "" {
		detail += " (" + more + ")"
	}
	return AuditEntry{At: d.At, Actor: ByOrganizer, Action: action, PlayerID: playerID, VideoID: videoID, Detail: detail}
}

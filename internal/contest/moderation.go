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
	At     time.Time // 0 to be filled in
	Trial  bool      // a dry run: the effect is computed and rolled back
}

// Effect is what a decision does to a player.
type Effect struct {
	Player        Player
	Videos        []Video // that go out of the public, or come back
	Votes         int     // that no longer count, or count again
	Before, After Tally
}

// Tally is where a player stands.
type Tally struct {
	Votes    int // that count
	Position int // in the nation, 0 without a public video
}

// Selection names votes of one origin for a video or a player, or votes that one account has given. What is zero does not
// matter.
type Selection struct {
	VideoID  int64
	PlayerID int64 // who got them
	VoterID  int64 // who gave them
	Origin   string
	Young    time.Duration // only of accounts that were not so old when they voted
}

// check refuses what would take votes from people who happen to have nothing in common.
func (q Selection) check() error {
	var bad fields
	if q.VoterID == 0 && q.Origin == "" {
		bad.add("origin", Missing, 0)
	}
	if q.VoterID == 0 && q.VideoID == 0 && q.PlayerID == 0 {
		bad.add("video", Missing, 0)
	}
	return bad.err()
}

// ModerationStore does what organizers decide. Each method is one transaction with its lines in the audit log, after which counts
// and ranking are those of the votes that count; of a trial it keeps nothing.
type ModerationStore interface {
	// HideVideo takes a video out of the public. It returns ErrNoVideo, or what Video.CanHide refuses.
	HideVideo(ctx context.Context, id int64, d Decision) (Effect, error)
	// ShowVideo brings it back with its votes. It returns ErrNoVideo, what Video.CanShow refuses, or ErrAccountShut.
	ShowVideo(ctx context.Context, id int64, d Decision) (Effect, error)
	// ShutAccount ends the player's sessions and tokens and hides its videos. It returns ErrNoPlayer or ErrAccountShut.
	ShutAccount(ctx context.Context, playerID int64, d Decision) (Effect, error)
	// OpenAccount undoes ShutAccount, but for sessions and tokens. It returns ErrNoPlayer or ErrAccountOpen.
	OpenAccount(ctx context.Context, playerID int64, d Decision) (Effect, error)
	// PlayersVotedFor lists whose videos the votes are for that are selected, by id: of those that are void, or of all others.
	PlayersVotedFor(ctx context.Context, q Selection, void bool) ([]int64, error)
	// VoidVotes lets votes for the selection's player count no longer; those who gave them cannot give them again. It returns
	// ErrNoPlayer. Without such votes it does nothing.
	VoidVotes(ctx context.Context, q Selection, d Decision) (Effect, error)
	// RestoreVotes lets votes for the selection's player count that were void. It returns ErrNoPlayer.
	RestoreVotes(ctx context.Context, q Selection, d Decision) (Effect, error)
}

// Moderation lets organizers act against cheating. Whatever they do can be undone.
type Moderation struct {
	Store ModerationStore
	Live  Live
	Clock Clock
}

// Hide takes a video out of the public: lists, ranking, media and votes. Its votes are kept. It returns *InvalidError for a
// decision without a reason, as all of these do, ErrNoVideo, or what Video.CanHide refuses.
func (m *Moderation) Hide(ctx context.Context, videoID int64, d Decision) (Effect, error) {
	return m.one(ctx, d, videoID, m.Store.HideVideo)
}

// Show unhides a video, which counts its votes again. It returns ErrNoVideo, or what Video.CanShow refuses.
func (m *Moderation) Show(ctx context.Context, videoID int64, d Decision) (Effect, error) {
	return m.one(ctx, d, videoID, m.Store.ShowVideo)
}

// Shut suspends an account: its player cannot sign in, and its videos are hidden. Votes that it has cast count as before. It returns
// ErrNoPlayer or ErrAccountShut.
func (m *Moderation) Shut(ctx context.Context, playerID int64, d Decision) (Effect, error) {
	return m.one(ctx, d, playerID, m.Store.ShutAccount)
}

// Open reinstates a suspended account, and unhides its videos. It returns ErrNoPlayer or ErrAccountOpen.
func (m *Moderation) Open(ctx context.Context, playerID int64, d Decision) (Effect, error) {
	return m.one(ctx, d, playerID, m.Store.OpenAccount)
}

// Void lets votes count no longer, whether what they are for can be seen or not. There is an effect for each player who had some,
// and each is a decision of its own: what was done before an error stays done, and the same again does the rest. It returns
// *InvalidError for a selection that names neither an account nor an origin.
func (m *Moderation) Void(ctx context.Context, q Selection, d Decision) ([]Effect, error) {
	return m.some(ctx, q, d, false, m.Store.VoidVotes)
}

// Restore reinstates void votes: it undoes Void.
func (m *Moderation) Restore(ctx context.Context, q Selection, d Decision) ([]Effect, error) {
	return m.some(ctx, q, d, true, m.Store.RestoreVotes)
}

func (m *Moderation) one(ctx context.Context, d Decision, id int64, do func(context.Context, int64, Decision) (Effect, error)) (Effect, error) {
	d, err := m.decided(d)
	if err != nil {
		return Effect{}, err
	}
	e, err := do(ctx, id, d)
	if err == nil && !d.Trial {
		m.tell(ctx, e)
	}
	return e, err
}

func (m *Moderation) some(ctx context.Context, q Selection, d Decision, void bool,
	do func(context.Context, Selection, Decision) (Effect, error),
) (list []Effect, err error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	d, err = m.decided(d)
	if err != nil {
		return nil, err
	}
	players, err := m.Store.PlayersVotedFor(ctx, q, void)
	if err != nil {
		return nil, err
	}
	defer func() {
		if len(list) > 0 && !d.Trial {
			m.tell(ctx, list...)
		}
	}()
	for i, id := range players {
		var e Effect
		if err = ctx.Err(); err == nil {
			q.PlayerID = id
			e, err = do(ctx, q, d)
		}
		switch {
		case errors.Is(err, ErrNoPlayer): // has left meanwhile
		case err != nil:
			return list, fmt.Errorf("player %d, the first of %d who are left: %w", id, len(players)-i, err)
		case e.Votes > 0: // none, if they were taken back meanwhile
			list = append(list, e)
		}
	}
	return list, nil
}

// decided applies the rules to a decision: the log says of each who it was and why.
func (m *Moderation) decided(d Decision) (Decision, error) {
	var bad fields
	d.By = bad.line("as", strings.TrimSpace(d.By), MaxOrganizer, false)
	d.Reason = bad.line("reason", strings.TrimSpace(d.Reason), MaxReason, false)
	d.At = m.Clock.now()
	return d, bad.err()
}

// tell lets everybody look again.
func (m *Moderation) tell(ctx context.Context, effects ...Effect) {
	ctx = context.WithoutCancel(ctx)
	m.Live.Forget(ctx, VideosChanged)
	m.Live.Forget(ctx, VotesChanged)
	for _, e := range effects {
		for _, v := range e.Videos {
			m.Live.Announce(ctx, Event{VideoID: v.ID, Status: v.Status, Progress: 100})
		}
	}
}

// Act is the line of the audit log that says so. more is what it was about besides a player and a video, "" for nothing.
func (d Decision) Act(action Action, playerID, videoID int64, more string) Act {
	detail := fmt.Sprintf("%s: %s", d.By, d.Reason)
	if more != "" {
		detail += " (" + more + ")"
	}
	return Act{At: d.At, Actor: ByOrganizer, Action: action, PlayerID: playerID, VideoID: videoID, Detail: detail}
}

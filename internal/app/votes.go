package app

import (
	"errors"
	"fmt"
	"time"

	"risingstars/internal/contest"
)

type votesMenu struct {
	Suspicious suspicious   `cmd:"" help:"List from where many votes of young accounts came for one player."`
	Void       voidVotes    `cmd:"" help:"Let votes of one origin or one account count no longer. They cannot be given again."`
	Restore    restoreVotes `cmd:"" help:"Let votes that are void count again."`
}

// selected are the flags that select votes.
type selected struct {
	Video   int64         `placeholder:"ID" help:"Those for this video."`
	Player  int64         `placeholder:"ID" help:"Those for this player, whatever the video."`
	Cluster string        `placeholder:"ORIGIN" help:"Those from this origin, as votes suspicious lists it; needs --video or --player."`
	Voter   string        `placeholder:"EMAIL" help:"Those that this account (its email, or its player's id) has given."`
	Young   time.Duration `placeholder:"DURATION" help:"Only those of accounts that were not so old when they voted, such as 1h."`
}

// selection looks up the voter. The contest decides whether the flags together select narrowly enough.
func (c selected) selection(r *runner, d *data) (q contest.VoteSelection, err error) {
	q = contest.VoteSelection{VideoID: c.Video, PlayerID: c.Player, Origin: c.Cluster, Young: c.Young}
	if c.Video < 0 || c.Player < 0 || c.Young < 0 {
		return q, errors.New("ids and times must not be negative")
	}
	if c.Voter != "" {
		q.VoterID, err = accountOf(r.ctx, d, c.Voter)
	}
	return q, err
}

type voidVotes struct {
	act      `embed:""`
	selected `embed:""`
}

// Run voids votes.
func (c voidVotes) Run(r *runner) error {
	return c.moderation(r, func(m *contest.Moderation, d *data, decision contest.Decision) (report, error) {
		q, err := c.selection(r, d)
		if err != nil {
			return report{}, err
		}
		effects, err := m.VoidVotes(r.ctx, q, decision)
		return someVotes(report{votes: "void", effects: effects}, err)
	})
}

type restoreVotes struct {
	act      `embed:""`
	selected `embed:""`
}

// Run reinstates votes.
func (c restoreVotes) Run(r *runner) error {
	return c.moderation(r, func(m *contest.Moderation, d *data, decision contest.Decision) (report, error) {
		q, err := c.selection(r, d)
		if err != nil {
			return report{}, err
		}
		effects, err := m.ReinstateVotes(r.ctx, q, decision)
		return someVotes(report{votes: "no longer void", effects: effects}, err)
	})
}

// someVotes returns an error if no vote was changed: the flags contain a mistake, or the command was run before.
func someVotes(p report, err error) (report, error) {
	if err != nil {
		return p, fmt.Errorf("votes: %w", err)
	}
	if len(p.effects) == 0 {
		return p, errors.New("there are no such votes")
	}
	return p, nil
}

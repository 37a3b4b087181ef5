package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"risingstars/internal/contest"
)

type accountsMenu struct {
	Shut shutAccount `cmd:"" help:"Shut an account: nobody signs in, and its videos are hidden. Votes that it has given still count."`
	Open openAccount `cmd:"" help:"Open an account that was shut, and show its videos."`
}

type shutAccount struct {
	act `embed:""`

	Account string `arg:"" name:"email" help:"Of the account, or its player's id."`
}

// Run suspends an account and prints what the suspension does not change.
func (c shutAccount) Run(r *runner) error {
	return c.moderation(r, func(m *contest.Moderation, d *data, decision contest.Decision) (report, error) {
		p := report{account: "shut", votes: "set aside", notes: []string{
			"All browsers and programs are signed out of it. The votes that it has given still count; to void them:",
			fmt.Sprintf("  risingstars votes void --voter %s --reason TEXT", c.Account),
		}}
		return onAccount(r.ctx, d, m.SuspendAccount, c.Account, decision, p)
	})
}

type openAccount struct {
	act `embed:""`

	Account string `arg:"" name:"email" help:"Of the account, or its player's id."`
}

// Run reinstates an account.
func (c openAccount) Run(r *runner) error {
	return c.moderation(r, func(m *contest.Moderation, d *data, decision contest.Decision) (report, error) {
		return onAccount(r.ctx, d, m.ReinstateAccount, c.Account, decision, report{account: "open", votes: "counted again"})
	})
}

func onAccount(ctx context.Context, d *data, do func(context.Context, int64, contest.Decision) (contest.Effect, error),
	account string, decision contest.Decision, p report,
) (report, error) {
	id, err := accountOf(ctx, d, account)
	if err != nil {
		return p, err
	}
	e, err := do(ctx, id, decision)
	if errors.Is(err, contest.ErrAccountSuspended) {
		return p, fmt.Errorf("account %s is shut already", account)
	}
	if err != nil {
		return p, fmt.Errorf("account %s: %w", account, err)
	}
	p.effects = []contest.Effect{e}
	return p, nil
}

// accountOf returns the id of the account with an email address, or the id that is given.
func accountOf(ctx context.Context, d *data, account string) (int64, error) {
	if id, err := strconv.ParseInt(account, 10, 64); err == nil && id > 0 {
		return id, nil
	}
	p, _, err := d.store.CredentialsByEmail(ctx, account)
	if errors.Is(err, contest.ErrBadCredentials) {
		return 0, fmt.Errorf("nobody has an account with the email %s", account)
	}
	return p.ID, err
}

package app

import (
	"errors"
	"fmt"
	"time"

	"risingstars/internal/auth"
	"risingstars/internal/contest"
)

type newPassword struct {
	Email string `arg:"" help:"Of the player's account."`
}

// Run sets a new password and prints it, which is the only time that it is shown. It takes effect at once on a
// running server.
func (c newPassword) Run(r *runner) (err error) {
	d, err := openCurrent(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	hasher, err := auth.NewPasswords(r.settings.PasswordCost, 1)
	if err != nil {
		return err
	}
	accounts := contest.Accounts{
		Store: d.store, Players: &contest.Players{Store: d.store}, Passwords: passwords{hasher}, Clock: time.Now,
	}
	p, password, err := accounts.ResetPassword(r.ctx, c.Email)
	if errors.Is(err, contest.ErrNoPlayer) {
		return fmt.Errorf("nobody has an account with the email %s", c.Email)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%s\n", password)
	fmt.Fprintf(r.errOut, "This is the password of %s, player %d, from now on; it is not shown again, and the player should change it at /cuenta.\n"+
		"All browsers and programs are signed out of the account.\n", p.PublicName(), p.ID)
	return nil
}

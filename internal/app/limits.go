package app

import (
	"context"
	"errors"
	"time"

	"risingstars/internal/config"
	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/limit"
)

// maxSignInWait caps the backoff after failed sign-ins to one account from one address.
const maxSignInWait = 15 * time.Minute

func (p *platform) limits() *limit.Limits {
	s := p.settings
	rule := func(name string, r config.Rate, most time.Duration) live.Rule {
		return live.Rule{Name: name, Burst: r.Burst, Every: r.Every, Most: most}
	}
	l := &limit.Limits{Shared: p.live, Rules: limit.Rules{
		SignUps:              rule("sign-ups by address", s.SignUpLimit, 0),
		FailedSignIns:        rule("failed sign-ins by account and address", s.FailedSignInLimit, max(maxSignInWait, s.FailedSignInLimit.Every)),
		FailedSignInsAddress: rule("failed sign-ins by address", s.FailedSignInsAddress, 0),
		FailedSignInsAccount: rule("failed sign-ins by account", s.FailedSignInsAccount, 0),
		Votes:                rule("votes by person", s.VoteLimit, 0),
		VotesAddress:         rule("votes by address", s.VoteLimitAddress, 0),
		UploadsAtOnce:        s.UploadsAtOnce, MinUploadRate: s.MinUploadRate,
	}, Slowed: p.noteSlowed}
	if s.RateLimit == "off" {
		l.Shared = live.Unlimited{}
	}
	return l
}

// noteSlowed enters in the audit log that sign-ins to an account are throttled. It stores neither the email nor the
// address: an email without an account may belong to a person who does not use the platform.
func (p *platform) noteSlowed(ctx context.Context, account, address string) {
	owner, _, err := p.data.store.CredentialsByEmail(ctx, account)
	if err == nil || errors.Is(err, contest.ErrBadCredentials) {
		err = p.data.store.RecordAuditEntry(ctx, contest.AuditEntry{
			At: time.Now().UTC(), Actor: contest.ByPlayer, Action: contest.ThrottledSignIn, PlayerID: owner.ID,
			Detail: "from origin " + p.origins.OriginOf(address),
		})
	}
	if err != nil {
		p.log.Error("note that a sign-in is slowed", "error", err)
	}
}

package app

import (
	"time"

	"risingstars/internal/config"
	"risingstars/internal/live"
	"risingstars/internal/web/limit"
)

// maxSignInWait is the longest that wrong passwords of one account from one address make wait.
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
	}}
	if s.RateLimit == "off" {
		l.Shared = live.Unlimited{}
	}
	return l
}

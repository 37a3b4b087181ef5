// Package limit bounds what one person, one account and one address may do. The API and the site share its counts, and
// so do all processes that share a Redis.
package limit

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/live"
)

// Shared is where it is counted.
type Shared interface {
	// Take counts one doing. It returns 0, or how long to wait where the rule does not allow it.
	Take(ctx context.Context, rule live.Rule, key string) time.Duration
	// Wait is Take without counting.
	Wait(ctx context.Context, rule live.Rule, key string) time.Duration
	// Give takes back one doing that was counted.
	Give(ctx context.Context, rule live.Rule, key string)
	// Hold counts something that goes on until release is called, and reports whether there is room.
	Hold(ctx context.Context, name, key string, most int) (release func(), ok bool)
}

// Rules are how much is allowed. An address may be a whole school behind one router, so what goes by address is generous.
type Rules struct {
	SignUps              live.Rule // by address
	FailedSignIns        live.Rule // by account and address together
	FailedSignInsAddress live.Rule // by address, whatever the account
	FailedSignInsAccount live.Rule // by account, whatever the address
	Votes                live.Rule // by person
	VotesAddress         live.Rule // by address
	UploadsAtOnce        int       // by player
	MinUploadRate        int64     // bytes a second, 0 for any
}

// guessedAccount is by account and address while an account has more failures than its rule allows, from whatever addresses. The
// owner, from an address of their own, is let in at the first try.
var guessedAccount = live.Rule{Name: "failed sign-ins of an account that is being guessed", Burst: 2, Every: 5 * time.Minute, Most: time.Hour}

// What is told of sign-ins that have to wait, so that an attack is a few lines and not as many as it has tries: one an hour for
// each account and address, and with all of them a hundred and then one a minute.
var (
	toldOne = live.Rule{Name: "slowed sign-ins that are told by account and address", Burst: 1, Every: time.Hour}
	toldAll = live.Rule{Name: "slowed sign-ins that are told", Burst: 100, Every: time.Minute}
)

// Limits apply the rules.
type Limits struct {
	Shared
	Rules

	// Slowed is told that whoever tries an account's password at an address has to wait, in a context that does not end with the
	// request: who hangs up at once is told of as well. nil for nobody.
	Slowed func(ctx context.Context, account, address string)
}

// AllowSignUp counts a sign-up from an address. It returns *contest.TooManyError.
func (l *Limits) AllowSignUp(ctx context.Context, client string) error {
	return l.takeToken(ctx, l.SignUps, NetworkOf(client))
}

// LimitSignIn lets somebody at an address try an account's password, by check. Only failures are counted, but a try counts
// while it is under way, so that many at once win nothing. It returns *contest.TooManyError, or what check returned.
//
// Nobody can shut an account's owner out from another address: what a stranger uses up is the allowance of that stranger's
// address, and what many strangers use up leaves each further address a try.
func (l *Limits) LimitSignIn(ctx context.Context, account, client string, check func() error) error {
	account = strings.ToLower(strings.TrimSpace(account))
	address := NetworkOf(client)
	both := account + " " + address
	tries := &takenTokens{limits: l}
	err := tries.takeToken(ctx, l.FailedSignIns, both)
	if err == nil {
		err = tries.takeToken(ctx, l.FailedSignInsAddress, address)
	}
	if err == nil && tries.takeToken(ctx, l.FailedSignInsAccount, account) != nil {
		err = tries.takeToken(ctx, guessedAccount, both)
	}
	if err != nil {
		l.recordThrottled(ctx, account, address)
	} else {
		err = check()
	}
	if errors.Is(err, contest.ErrBadCredentials) || errors.Is(err, contest.ErrWrongPassword) {
		return err
	}
	tries.refundTokens(ctx)
	return err
}

// recordTimeout is the longest that telling takes.
const recordTimeout = 5 * time.Second

func (l *Limits) recordThrottled(ctx context.Context, account, address string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if l.Slowed != nil && l.Take(ctx, toldOne, account+" "+address) == 0 && l.Take(ctx, toldAll, "") == 0 {
		l.Slowed(ctx, account, address)
	}
}

// takenTokens are doings that were counted, and may be taken back.
type takenTokens struct {
	limits *Limits
	rules  []live.Rule
	keys   []string
}

func (t *takenTokens) takeToken(ctx context.Context, rule live.Rule, key string) error {
	err := t.limits.takeToken(ctx, rule, key)
	if err == nil {
		t.rules, t.keys = append(t.rules, rule), append(t.keys, key)
	}
	return err
}

func (t *takenTokens) refundTokens(ctx context.Context) {
	for i := range t.rules {
		t.limits.Give(ctx, t.rules[i], t.keys[i])
	}
}

// AllowVote counts a vote, given or taken back, of a person at an address. It returns *contest.TooManyError.
func (l *Limits) AllowVote(ctx context.Context, playerID int64, client string) error {
	if err := l.takeToken(ctx, l.Votes, strconv.FormatInt(playerID, 10)); err != nil {
		return err
	}
	return l.takeToken(ctx, l.VotesAddress, NetworkOf(client))
}

// uploadRetryAfter is when to ask again for room, which comes when an upload ends.
const uploadRetryAfter = 10 * time.Second

// AcquireUpload counts an upload of a player until release is called. It returns *contest.TooManyError.
func (l *Limits) AcquireUpload(ctx context.Context, playerID int64) (release func(), err error) {
	release, ok := l.Hold(ctx, "uploads by player", strconv.FormatInt(playerID, 10), l.UploadsAtOnce)
	if !ok {
		return nil, &contest.TooManyError{RetryAfter: uploadRetryAfter}
	}
	return release, nil
}

func (l *Limits) takeToken(ctx context.Context, rule live.Rule, key string) error {
	if wait := l.Take(ctx, rule, key); wait > 0 {
		return &contest.TooManyError{RetryAfter: wait}
	}
	return nil
}

// network64 is how many bits of an IPv6 address are one household's or one phone's: the rest, its owner may choose.
const network64 = 64

// NetworkOf is what counts as one address: an address of IPv4, or the network of 64 bits of one of IPv6.
func NetworkOf(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return client
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, network64).Masked().String()
}

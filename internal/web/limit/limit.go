// Package limit applies the rate limits and semaphores to accounts and addresses, and the minimum rate to bodies. The
// API and the site share the counts, and so do all processes that share a Redis.
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

// Shared counts, in this process's memory or in Redis.
type Shared interface {
	// Take counts one event. It returns 0 if the rule allows the event, else the time after which to retry; a refused
	// event is not counted.
	Take(ctx context.Context, rule live.Rule, key string) time.Duration
	// Wait peeks: it returns what Take would return, and counts nothing.
	Wait(ctx context.Context, rule live.Rule, key string) time.Duration
	// Give refunds one event that Take counted.
	Give(ctx context.Context, rule live.Rule, key string)
	// Hold acquires a slot of the semaphore with most slots; release frees it. ok is false if all slots are in use.
	Hold(ctx context.Context, name, key string, most int) (release func(), ok bool)
}

// Rules are the limits. A whole school can share one address behind a router, so the limits by address are generous.
type Rules struct {
	SignUps              live.Rule // by address
	FailedSignIns        live.Rule // by account and address together
	FailedSignInsAddress live.Rule // by address, whatever the account
	FailedSignInsAccount live.Rule // by account, whatever the address
	Votes                live.Rule // by account
	VotesAddress         live.Rule // by address
	UploadsAtOnce        int       // semaphore, by player
	MinUploadRate        int64     // bytes per second; 0 for no minimum
}

// guessedAccount applies by account and address while the account has more failed sign-ins than FailedSignInsAccount
// allows, from all addresses together. It lets the owner sign in at the first attempt from an address of their own.
var guessedAccount = live.Rule{Name: "failed sign-ins of an account that is being guessed", Burst: 2, Every: 5 * time.Minute, Most: time.Hour}

// Rate limits of the reports about throttled sign-ins, so that an attack makes a few log lines and not one per
// attempt: one per hour for each account and address, and over all of them a burst of a hundred and then one per
// minute.
var (
	toldOne = live.Rule{Name: "slowed sign-ins that are told by account and address", Burst: 1, Every: time.Hour}
	toldAll = live.Rule{Name: "slowed sign-ins that are told", Burst: 100, Every: time.Minute}
)

// Limits applies the rules.
type Limits struct {
	Shared
	Rules

	// Slowed is called when a sign-in attempt at an account from an address is throttled. Its context does not end
	// with the request, so a client that disconnects at once is reported as well. It may be nil.
	Slowed func(ctx context.Context, account, address string)
}

// AllowSignUp counts a sign-up from an address. It returns *contest.TooManyError if the address has reached its
// limit.
func (l *Limits) AllowSignUp(ctx context.Context, client string) error {
	return l.takeToken(ctx, l.SignUps, NetworkOf(client))
}

// LimitSignIn runs check, which compares an account's password, within the rate limits of failed sign-ins. It counts
// the attempt before check runs and refunds it unless the password was wrong, so that concurrent attempts cannot
// exceed the limit. It returns *contest.TooManyError, or the error of check.
//
// An attacker at one address cannot lock out the owner at another. The attempts of an address use up the limit of
// that address only. When the limit of the account is used up, guessedAccount still allows each further address a burst of
// attempts.
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

// recordTimeout bounds the call of Slowed, including its rate limits.
const recordTimeout = 5 * time.Second

// recordThrottled calls Slowed unless the limits of such reports are exceeded.
func (l *Limits) recordThrottled(ctx context.Context, account, address string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if l.Slowed != nil && l.Take(ctx, toldOne, account+" "+address) == 0 && l.Take(ctx, toldAll, "") == 0 {
		l.Slowed(ctx, account, address)
	}
}

// takenTokens remembers counted events, so that they can be refunded.
type takenTokens struct {
	limits *Limits
	rules  []live.Rule
	keys   []string
}

// takeToken counts an event and remembers it for refundTokens.
func (t *takenTokens) takeToken(ctx context.Context, rule live.Rule, key string) error {
	err := t.limits.takeToken(ctx, rule, key)
	if err == nil {
		t.rules, t.keys = append(t.rules, rule), append(t.keys, key)
	}
	return err
}

// refundTokens refunds all remembered events.
func (t *takenTokens) refundTokens(ctx context.Context) {
	for i := range t.rules {
		t.limits.Give(ctx, t.rules[i], t.keys[i])
	}
}

// AllowVote counts a cast or withdrawn vote by account, then by address. It returns *contest.TooManyError if either
// has reached its limit.
func (l *Limits) AllowVote(ctx context.Context, playerID int64, client string) error {
	if err := l.takeToken(ctx, l.Votes, strconv.FormatInt(playerID, 10)); err != nil {
		return err
	}
	return l.takeToken(ctx, l.VotesAddress, NetworkOf(client))
}

// uploadRetryAfter is the Retry-After of a refused concurrent upload. A slot becomes free when another upload ends.
const uploadRetryAfter = 10 * time.Second

// AcquireUpload acquires a slot of the player's semaphore of uploads; release frees it. It returns
// *contest.TooManyError if the player already has UploadsAtOnce uploads.
func (l *Limits) AcquireUpload(ctx context.Context, playerID int64) (release func(), err error) {
	release, ok := l.Hold(ctx, "uploads by player", strconv.FormatInt(playerID, 10), l.UploadsAtOnce)
	if !ok {
		return nil, &contest.TooManyError{RetryAfter: uploadRetryAfter}
	}
	return release, nil
}

// takeToken counts an event by key, or returns *contest.TooManyError with the time after which to retry.
func (l *Limits) takeToken(ctx context.Context, rule live.Rule, key string) error {
	if wait := l.Take(ctx, rule, key); wait > 0 {
		return &contest.TooManyError{RetryAfter: wait}
	}
	return nil
}

// network64 is the prefix length that a provider assigns to one household or phone. Its owner can choose the other
// bits of an IPv6 address freely.
const network64 = 64

// NetworkOf is the unit that a limit by address counts: an IPv4 address, or the /64 network of an IPv6 address. It
// returns a string that is no address unchanged.
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

// Package auth proves who somebody is: passwords, tokens, and signed links to media.
package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// maxPasswordBytes is as far as bcrypt reads.
const maxPasswordBytes = 72

// ErrBusy is returned when so many passwords are being hashed that one has waited for its turn in vain.
var ErrBusy = errors.New("too many passwords at once")

// saltAndHash is how many characters of bcrypt's alphabet follow the cost: 128 bits of salt, and 184 of the hash.
const saltAndHash = 22 + 31

// slotTimeout is how long a password waits for its turn.
const slotTimeout = 3 * time.Second

// Passwords hashes and compares with bcrypt. A semaphore bounds how many do so at once, so that hashing never has all
// processors: a call waits up to patience to acquire a slot, gets ErrBusy otherwise, and releases the slot at its end.
type Passwords struct {
	cost  int
	dummy []byte // compared where there is no account, for the same time; written down, since computing one took 60 ms of each start
	slots chan struct{}
}

// NewPasswords makes a hasher with a work factor from bcrypt.MinCost (4, for tests) to bcrypt.MaxCost (31);
// 10 is usual. atOnce is 1 or more.
func NewPasswords(cost, atOnce int) (*Passwords, error) {
	dummy := fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat(".", saltAndHash))
	if _, err := bcrypt.Cost(dummy); err != nil {
		return nil, fmt.Errorf("prepare passwords: %w", err)
	}
	return &Passwords{cost: cost, dummy: dummy, slots: make(chan struct{}, atOnce)}, nil
}

// Hash makes the hash to keep. The password has at most 72 bytes.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.acquireSlot(ctx); err != nil {
		return "", err
	}
	defer p.releaseSlot()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), p.cost)
	if err != nil {
		return "", fmt.Errorf("bcrypt: %w", err)
	}
	return string(hash), nil
}

// Matches reports whether password made hash. An empty hash never matches, and takes as long as a real one.
func (p *Passwords) Matches(ctx context.Context, hash, password string) (bool, error) {
	if err := p.acquireSlot(ctx); err != nil {
		return false, err
	}
	defer p.releaseSlot()
	known := hash != "" && len(password) <= maxPasswordBytes
	if !known {
		hash = string(p.dummy)
		password = password[:min(len(password), maxPasswordBytes)]
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, fmt.Errorf("bcrypt: %w", err)
	}
	return known && err == nil, nil
}

func (p *Passwords) acquireSlot(ctx context.Context) error {
	timer := time.NewTimer(slotTimeout)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
}

func (p *Passwords) releaseSlot() { <-p.slots }

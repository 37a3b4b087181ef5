// Package auth authenticates: it hashes passwords and issues and verifies tokens, sessions, and signed links to
// media. It also computes the keyed hashes of addresses.
package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// maxPasswordBytes is the longest password that bcrypt accepts.
const maxPasswordBytes = 72

// ErrBusy is returned if a call waited slotTimeout for a free slot of the semaphore.
var ErrBusy = errors.New("too many passwords at once")

// saltAndHash is how many characters follow the cost in a bcrypt hash: 128 bits of salt and 184 bits of hash.
const saltAndHash = 22 + 31

// slotTimeout is how long a call waits to acquire a slot.
const slotTimeout = 3 * time.Second

// Passwords hashes and compares passwords with bcrypt. A semaphore bounds the concurrent calls, so that hashing never
// occupies all processors. A call waits up to slotTimeout to acquire a slot, else it returns ErrBusy.
type Passwords struct {
	cost  int
	dummy []byte // compared if there is no account, to take as long; a constant, since hashing one took 60 ms per start
	slots chan struct{}
}

// NewPasswords makes a hasher with a work factor from bcrypt.MinCost (4, for tests) to bcrypt.MaxCost (31); 10 is
// usual. atOnce is the number of slots, 1 or more.
func NewPasswords(cost, atOnce int) (*Passwords, error) {
	dummy := fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat(".", saltAndHash))
	if _, err := bcrypt.Cost(dummy); err != nil {
		return nil, fmt.Errorf("prepare passwords: %w", err)
	}
	return &Passwords{cost: cost, dummy: dummy, slots: make(chan struct{}, atOnce)}, nil
}

// Hash returns the bcrypt hash of a password of at most 72 bytes. It returns ErrBusy if no slot becomes free.
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

// Matches reports whether hash is the hash of password. An empty hash never matches, and takes as long as a real one,
// so that the time does not reveal whether an account exists. It returns ErrBusy if no slot becomes free, and an
// error for a malformed hash.
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

// acquireSlot acquires a slot of the semaphore. It returns ErrBusy after slotTimeout, or the error of ctx if that
// ends first.
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

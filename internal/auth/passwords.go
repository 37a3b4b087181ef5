// Package auth proves who somebody is: passwords, tokens, and signed links to media.
package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/crypto/bcrypt"
)

// maxBytes is as far as bcrypt reads.
const maxBytes = 72

// Passwords hashes and compares with bcrypt. As many at once as there are processors; the others wait.
type Passwords struct {
	cost  int
	dummy []byte // compared where there is no account, for the same time
	slots chan struct{}
}

// NewPasswords makes a hasher with a work factor from bcrypt.MinCost (4, for tests) to bcrypt.MaxCost (31);
// 10 is usual.
func NewPasswords(cost int) (*Passwords, error) {
	dummy, err := bcrypt.GenerateFromPassword([]byte("nobody's password"), cost)
	if err != nil {
		return nil, fmt.Errorf("prepare passwords: %w", err)
	}
	return &Passwords{cost: cost, dummy: dummy, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}, nil
}

// Hash makes the hash to keep. The password has at most 72 bytes.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), p.cost)
	if err != nil {
		return "", fmt.Errorf("bcrypt: %w", err)
	}
	return string(hash), nil
}

// Matches reports whether password made hash. An empty hash never matches, and takes as long as a real one.
func (p *Passwords) Matches(ctx context.Context, hash, password string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	known := hash != "" && len(password) <= maxBytes
	if !known {
		hash = string(p.dummy)
		password = password[:min(len(password), maxBytes)]
	}
	err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, fmt.Errorf("bcrypt: %w", err)
	}
	return known && err == nil, nil
}

func (p *Passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
}

func (p *Passwords) leave() { <-p.slots }

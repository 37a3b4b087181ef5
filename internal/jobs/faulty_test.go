package jobs_test

import (
	"context"
	"errors"
	"slices"

	"risingstars/internal/jobs"
)

// faulty is a storage whose operations fail as configured.
type faulty struct {
	jobs.Storage
	fetch func() error
	put   func() error
}

func (s faulty) Fetch(ctx context.Context, key, path string) error {
	if s.fetch != nil {
		if err := s.fetch(); err != nil {
			return err
		}
	}
	return s.Storage.Fetch(ctx, key, path)
}

func (s faulty) PutFile(ctx context.Context, key, path string) error {
	if s.put != nil {
		if err := s.put(); err != nil {
			return err
		}
	}
	return s.Storage.PutFile(ctx, key, path)
}

var errDisk = errors.New("the disk does not answer")

// failing returns a function that fails at the given calls, counted from 1.
func failing(calls ...int) func() error {
	n := 0
	return func() error {
		if n++; slices.Contains(calls, n) {
			return errDisk
		}
		return nil
	}
}

// panicking returns a function that panics at the given call, counted from 1.
func panicking(call int) func() error {
	n := 0
	return func() error {
		if n++; n == call {
			panic("the storage has lost its mind")
		}
		return nil
	}
}

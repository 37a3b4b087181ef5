package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"risingstars/internal/auth"
	"risingstars/internal/blob"
	"risingstars/internal/contest"
	"risingstars/internal/media"
)

// storage adapts the blob storage to the contest's interface.
type storage struct {
	blob.Storage

	links *blob.S3 // presigns links to objects; nil if this process serves them
}

// PresignedLink implements api.Objects.
func (s storage) PresignedLink(ctx context.Context, key, mediaType string) (string, error) {
	if s.links == nil {
		return "", nil
	}
	return s.links.PresignedLink(ctx, key, mediaType)
}

// origins returns the origins that presigned links lead to.
func (s storage) origins() []string {
	if s.links == nil {
		return nil
	}
	return []string{s.links.EndpointOrigin()}
}

// abortUploads aborts the multipart uploads that began before the given time and returns their number. Only buckets
// have them; an unfinished file in a folder is an object without a video, which the sweep deletes.
func (s storage) abortUploads(ctx context.Context, before time.Time) (int, error) {
	bucket, ok := s.Storage.(*blob.S3)
	if !ok {
		return 0, nil
	}
	return bucket.AbortStaleUploads(ctx, before)
}

// Walk implements contest.Storage.
func (s storage) Walk(ctx context.Context, prefix string, fn func(contest.Object) error) error {
	return s.Storage.Walk(ctx, prefix, func(i blob.Info) error {
		return fn(contest.Object{Key: i.Key, Size: i.Size, Modified: i.Modified})
	})
}

// Open implements api.Objects.
func (s storage) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	object, _, err := s.Storage.Open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("%w: its object is not in storage", contest.ErrNoVideo)
	}
	return object, err
}

// passwords adapts auth's passwords to the contest's interface.
type passwords struct{ *auth.Passwords }

// busyAgain is the Retry-After when too many passwords are being hashed.
const busyAgain = 2 * time.Second

// Hash implements contest.Passwords.
func (p passwords) Hash(ctx context.Context, password string) (string, error) {
	hash, err := p.Passwords.Hash(ctx, password)
	return hash, laterIfBusy(err)
}

// Matches implements contest.Passwords.
func (p passwords) Matches(ctx context.Context, hash, password string) (bool, error) {
	ok, err := p.Passwords.Matches(ctx, hash, password)
	return ok, laterIfBusy(err)
}

func laterIfBusy(err error) error {
	if errors.Is(err, auth.ErrBusy) {
		return &contest.TooManyError{RetryAfter: busyAgain}
	}
	return err
}

// inspector adapts FFmpeg's probe to the contest's interface. slots is a semaphore that bounds the concurrent probes,
// since each takes a processor for about a tenth of a second.
type inspector struct {
	tools media.Tools
	slots chan struct{}
}

// InspectFile implements contest.Inspector.
func (i inspector) InspectFile(ctx context.Context, path string) (contest.Format, error) {
	select {
	case i.slots <- struct{}{}:
		defer func() { <-i.slots }()
	case <-ctx.Done():
		return "", fmt.Errorf("wait to judge the file: %w", ctx.Err())
	}
	container, err := i.tools.InspectFile(ctx, path)
	if refusal, ok := refusals[media.ReasonOf(err)]; ok {
		return "", fmt.Errorf("%w: %w", refusal, err)
	}
	if err != nil {
		return "", fmt.Errorf("judge the file: %w", err)
	}
	if container == media.MOV {
		return contest.MOV, nil
	}
	return contest.MP4, nil
}

// refusals maps the reasons of the media package to the contest's errors.
var refusals = map[media.Reason]error{
	media.Empty:          contest.ErrEmptyFile,
	media.NotVideo:       contest.ErrNotAVideo,
	media.NoVideo:        contest.ErrNoPicture,
	media.Truncated:      contest.ErrTruncated,
	media.Unplayable:     contest.ErrUnplayable,
	media.TooManyPixels:  contest.ErrTooManyPixels,
	media.TooLong:        contest.ErrTooLong,
	media.TooManyStreams: contest.ErrTooManyStreams,
	media.BadFrameRate:   contest.ErrBadFrameRate,
}

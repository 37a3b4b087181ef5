package contest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Upload is a complete file, in a work file, that has not been checked yet.
type Upload struct {
	Title        string
	Path         string // the work file; it is moved into storage if the upload is accepted
	Size         int64  // bytes
	DeclaredType string // media type that the client gave the file, "" if none
	PartialID    string // of the PartialUpload that became this file; "" for an upload in one request
}

// PartialUpload is a file that arrives in pieces, with pauses.
type PartialUpload struct {
	ID           string
	PlayerID     int64
	Title        string
	DeclaredType string // as for Upload
	Size         int64  // bytes that there will be
	ExpiresAt    time.Time
	VideoID      int64 // of the video that it became, 0 while it is under way
}

// AcceptUpload takes an upload into the contest: it judges the title and the file, makes the original durable, and commits
// the video's row together with the job that will process it. Only then is the upload acknowledged. Whatever is
// refused leaves nothing behind; the caller removes the work file in any case.
//
// It returns *InvalidError, one of the refusals about files, or ErrNoVideo for a partial upload that is not, or no
// longer, under way.
func (s *Videos) AcceptUpload(ctx context.Context, p Player, u Upload) (Video, error) {
	title, err := CheckTitle(u.Title)
	if err != nil {
		return Video{}, err
	}
	if u.Size == 0 {
		return Video{}, ErrEmptyFile
	}
	if err := CheckDeclaredType(u.DeclaredType); err != nil {
		return Video{}, err
	}
	format, err := s.Inspector.InspectFile(ctx, u.Path)
	if err != nil {
		return Video{}, err
	}
	v := Video{
		PlayerID: p.ID, Title: title, Status: Uploaded, UploadedAt: s.Clock.currentTime(),
		Media: Media{Token: NewMediaToken(), Format: format, Size: u.Size},
	}
	if err := s.Storage.PutFile(ctx, v.Media.OriginalKey(), u.Path); err != nil {
		return Video{}, fmt.Errorf("store the original: %w: %w", ErrUnavailable, err)
	}
	accepted, err := s.insertVideo(ctx, v, u.PartialID)
	if err != nil {
		// The commit may have happened, or be happening, although its answer was lost, so only the sweep, which looks
		// at the rows later, removes the object then; here it is removed when the store is sure.
		if !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			s.removeUnlessCommitted(ctx, v.Media)
		}
		return Video{}, fmt.Errorf("enter the video: %w", err)
	}
	s.publishEvent(ctx, accepted, 0)
	return accepted, nil
}

func (s *Videos) insertVideo(ctx context.Context, v Video, partialID string) (Video, error) {
	if partialID == "" {
		return s.Store.AddVideo(ctx, v)
	}
	return s.Store.AddVideoFromPartialUpload(ctx, v, partialID)
}

// CheckTitle applies the rule on titles: 1 to MaxTitle characters, not blank. It returns *InvalidError.
func CheckTitle(title string) (string, error) {
	var bad fieldFaults
	title = bad.checkLine("title", title, MaxTitle, false)
	return title, bad.asError()
}

// CheckDeclaredType returns ErrDeclaredTypeMismatch unless the type that a client gave a file is one under which phones,
// browsers and tools send MP4 and MOV. No type at all, or "bytes", declares nothing.
func CheckDeclaredType(mediaType string) error {
	switch strings.ToLower(mediaType) {
	case "", "application/octet-stream", "binary/octet-stream",
		"video/mp4", "application/mp4", "video/x-m4v", "video/quicktime", "video/mpeg4", "video/3gpp":
		return nil
	}
	return ErrDeclaredTypeMismatch
}

func (s *Videos) removeUnlessCommitted(ctx context.Context, m Media) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	kept, err := s.Store.MediaByTokens(ctx, []string{m.Token})
	if err != nil || len(kept) > 0 {
		return // the sweep will know better
	}
	_ = s.Storage.DeletePrefix(ctx, m.KeyPrefix()) // the sweep removes what stays
}

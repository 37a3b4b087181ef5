package contest

import "time"

// Status is where a video stands on its way to the public.
type Status string

// A video goes from Uploaded through Processing to Processed, and becomes Public when its player says so. It ends in
// Failed after the last try; its player may then send it through again.
const (
	Uploaded   Status = "uploaded"
	Processing Status = "processing"
	Processed  Status = "processed"
	Public     Status = "public"
	Failed     Status = "failed"
)

// IsSettled reports whether the status stays until a person does something.
func (s Status) IsSettled() bool { return s == Processed || s == Public || s == Failed }

// HiddenReason says why a video that was public is no longer: it is Processed again, and keeps its votes for when it comes back.
type HiddenReason string

// Why a video is out of the public.
const (
	NotHidden         HiddenReason = ""
	HiddenByOrganizer HiddenReason = "video"   // organizers have hidden it
	HiddenWithAccount HiddenReason = "account" // organizers have shut its player's account
)

// Failure says why a video could not be processed, in a word for which the web has a sentence for players.
type Failure string

// Why processing may fail.
const (
	NoFailure        Failure = ""
	FailedUnplayable Failure = "unplayable" // FFmpeg cannot decode the file
	FailedTimeout    Failure = "timeout"    // it took longer than its length allows
	FailedInternal   Failure = "internal"   // nothing the player could mend: the platform's own trouble
)

// MaxTitle is how many characters a title may have.
const MaxTitle = 255

// Format is the container of an original, which gives its file its ending and its media type.
type Format string

// The containers that players upload.
const (
	MP4 Format = "mp4"
	MOV Format = "mov"
)

// MediaType is the format's type in HTTP.
func (f Format) MediaType() string {
	if f == MOV {
		return "video/quicktime"
	}
	return "video/mp4"
}

// Video is one player's clip, from upload to the public.
type Video struct {
	ID       int64
	PlayerID int64
	TaskID   string // of the job that processes it
	Title    string
	Status   Status
	Failure  Failure      // where Status is Failed
	Hidden   HiddenReason // where Status is Processed
	Votes    int
	Progress int // of processing, in per cent; some seconds old where Status is Processing
	Media    Media

	UploadedAt  time.Time
	ProcessedAt time.Time // zero until processed
	PublishedAt time.Time // zero until public
}

// HasRendition reports whether the processed clip and its poster exist.
func (v Video) HasRendition() bool { return v.Media.Run != "" }

// CheckOwner applies the rule that a player's video is nobody else's business until it is public.
func (v Video) CheckOwner(p Player) error {
	if v.PlayerID != p.ID {
		return ErrNotOwner
	}
	return nil
}

// CanPublish: only a processed video goes public, unless organizers have hidden it; publishing a public one again changes
// nothing.
func (v Video) CanPublish() error {
	if v.Hidden != NotHidden {
		return ErrHidden
	}
	if v.Status != Processed && v.Status != Public {
		return ErrNotProcessed
	}
	return nil
}

// CanRetry: only a failed video is processed again.
func (v Video) CanRetry() error {
	if v.Status != Failed {
		return ErrNotFailed
	}
	return nil
}

// CanDelete: what the public has voted on stays, hidden or not.
func (v Video) CanDelete() error {
	if v.Hidden != NotHidden {
		return ErrHidden
	}
	if v.Status == Public {
		return ErrPublic
	}
	return nil
}

// CanReceiveVoteFrom: people vote for public videos, and not for their own.
func (v Video) CanReceiveVoteFrom(voter Player) error {
	if v.Status != Public {
		return ErrNoVideo
	}
	if v.PlayerID == voter.ID {
		return ErrOwnVideo
	}
	return nil
}

// CanHide: only what the public sees is hidden. What is out of the public with its player's account can be hidden by itself, so
// that it stays hidden when the account is opened.
func (v Video) CanHide() error {
	switch {
	case v.Hidden == HiddenByOrganizer:
		return ErrHidden
	case v.Status != Public && v.Hidden != HiddenWithAccount:
		return ErrNotPublic
	}
	return nil
}

// CanUnhide: a video that organizers have hidden comes back; one that went with its account comes back with that.
func (v Video) CanUnhide() error {
	switch v.Hidden {
	case HiddenByOrganizer:
		return nil
	case HiddenWithAccount:
		return ErrAccountSuspended
	}
	return ErrNotHidden
}

package contest

import "time"

// Status is where a video stands on its way to the public.
type Status string

// A video goes from Uploaded through Processing to Processed, and becomes Public when its player says so. It ends in
// Failed after the last attempt; its player may then retry it.
const (
	Uploaded   Status = "uploaded"
	Processing Status = "processing"
	Processed  Status = "processed"
	Public     Status = "public"
	Failed     Status = "failed"
)

// IsSettled reports whether the status stays until a person does something.
func (s Status) IsSettled() bool { return s == Processed || s == Public || s == Failed }

// HiddenReason says why a published video is not public. A hidden video has the status Processed and keeps its votes.
type HiddenReason string

// Why a video is hidden.
const (
	NotHidden         HiddenReason = ""
	HiddenByOrganizer HiddenReason = "video"   // organizers have hidden it
	HiddenWithAccount HiddenReason = "account" // organizers have suspended its player's account
)

// Failure says why a video could not be processed, in a word for which the web has a sentence for players.
type Failure string

// Why processing may fail.
const (
	NoFailure        Failure = ""
	FailedUnplayable Failure = "unplayable" // FFmpeg cannot decode the file
	FailedTimeout    Failure = "timeout"    // it used up its processor time or made no progress
	FailedInternal   Failure = "internal"   // a fault of the platform, which the player cannot mend
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

// CheckOwner returns ErrNotOwner unless the video is the player's: other accounts see only public videos.
func (v Video) CheckOwner(p Player) error {
	if v.PlayerID != p.ID {
		return ErrNotOwner
	}
	return nil
}

// CanPublish allows processed videos that organizers have not hidden. Publishing a public video again is a no-op.
func (v Video) CanPublish() error {
	if v.Hidden != NotHidden {
		return ErrHidden
	}
	if v.Status != Processed && v.Status != Public {
		return ErrNotProcessed
	}
	return nil
}

// CanRetry allows failed videos only.
func (v Video) CanRetry() error {
	if v.Status != Failed {
		return ErrNotFailed
	}
	return nil
}

// CanDelete refuses public and hidden videos, because the public has voted on them.
func (v Video) CanDelete() error {
	if v.Hidden != NotHidden {
		return ErrHidden
	}
	if v.Status == Public {
		return ErrPublic
	}
	return nil
}

// CanReceiveVoteFrom allows votes for public videos of other players.
func (v Video) CanReceiveVoteFrom(voter Player) error {
	if v.Status != Public {
		return ErrNoVideo
	}
	if v.PlayerID == voter.ID {
		return ErrOwnVideo
	}
	return nil
}

// CanHide allows public videos, and videos hidden with their player's account: those then stay hidden when the account is
// reinstated.
func (v Video) CanHide() error {
	switch {
	case v.Hidden == HiddenByOrganizer:
		return ErrHidden
	case v.Status != Public && v.Hidden != HiddenWithAccount:
		return ErrNotPublic
	}
	return nil
}

// CanUnhide allows videos that organizers hid one by one. Videos hidden with an account return when it is reinstated.
func (v Video) CanUnhide() error {
	switch v.Hidden {
	case HiddenByOrganizer:
		return nil
	case HiddenWithAccount:
		return ErrAccountSuspended
	}
	return ErrNotHidden
}

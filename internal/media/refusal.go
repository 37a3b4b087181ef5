package media

import (
	"errors"
	"fmt"
)

// Reason says why a file was refused. The values are stable: they are stored and translated for people elsewhere.
type Reason string

// The reasons.
const (
	Empty          Reason = "empty"            // no bytes at all
	NotVideo       Reason = "not_video"        // not MP4 or QuickTime, or one that holds a picture or music
	Truncated      Reason = "truncated"        // the end of the file is missing
	NoVideo        Reason = "no_video"         // a right container without a video track
	Unplayable     Reason = "unplayable"       // the container is right, its pictures cannot be decoded
	TooManyPixels  Reason = "too_many_pixels"  // more than MaxPixels
	TooLong        Reason = "too_long"         // more than MaxDuration
	TooManyStreams Reason = "too_many_streams" // more than MaxStreams
	BadFrameRate   Reason = "bad_frame_rate"   // more than MaxFrameRate, or none
)

// Refusal is a permanent verdict about a file: trying again ends the same way. Reason and Detail hold nothing of the
// machine (no path, no output of a program) and may be shown to anyone; Error adds the cause, for the log.
type Refusal struct {
	Reason Reason
	Detail string // in English, may be ""
	cause  error  // may be nil
}

func (r *Refusal) Error() string {
	text := "media: refused: " + string(r.Reason)
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	if r.cause != nil {
		text += ": " + r.cause.Error()
	}
	return text
}

func (r *Refusal) Unwrap() error { return r.cause }

// ReasonOf finds the reason in an error's chain, or "" if the error is no verdict about the file.
func ReasonOf(err error) Reason {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Reason
	}
	return ""
}

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// because adds the cause for the log.
func (r *Refusal) because(err error) *Refusal {
	r.cause = err
	return r
}

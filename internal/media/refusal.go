package media

import (
	"errors"
	"fmt"
)

// Reason says why a file was refused. The values are stable: they are stored, and other packages translate them.
type Reason string

// The reasons.
const (
	Empty          Reason = "empty"            // no bytes at all
	NotVideo       Reason = "not_video"        // not MP4 or QuickTime, or an image or music
	Truncated      Reason = "truncated"        // the end of the file is missing
	NoVideo        Reason = "no_video"         // a valid container without a video track
	Unplayable     Reason = "unplayable"       // a valid container whose pictures cannot be decoded
	TooManyPixels  Reason = "too_many_pixels"  // more than MaxPixels
	TooLong        Reason = "too_long"         // more than MaxDuration
	TooManyStreams Reason = "too_many_streams" // more than MaxStreams
	BadFrameRate   Reason = "bad_frame_rate"   // more than MaxFrameRate, or none
)

// Refusal is a permanent verdict about a file: a retry has the same result. Reason and Detail contain nothing about
// the machine (no path, no program output) and are safe to show; Error adds the cause, for the log.
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

// ReasonOf returns the reason in an error's chain, or "" if the error is not a refusal.
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

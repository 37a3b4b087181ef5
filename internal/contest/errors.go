package contest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Refusal is a rule's "no". It carries no details of the request, so its text may be shown to anyone; clients see the
// wording that the web's table of errors has for it.
type Refusal struct{ code, text string }

func (r *Refusal) Error() string { return r.text }

// Code names the refusal in logs and metrics: lower case, words joined by underscores, never reused for another.
func (r *Refusal) Code() string { return r.code }

// What the contest refuses.
var (
	ErrPasswordsDiffer     = &Refusal{"passwords_differ", "the two passwords differ"}
	ErrEmailTaken          = &Refusal{"email_taken", "the email is already registered"}
	ErrBadCredentials      = &Refusal{"bad_credentials", "no such email and password"}
	ErrWrongPassword       = &Refusal{"wrong_password", "the password is not the account's"}
	ErrNotSignedIn         = &Refusal{"not_signed_in", "a valid token is needed"}
	ErrAccountSuspended    = &Refusal{"account_shut", "the organizers have shut the account"}
	ErrAccountNotSuspended = &Refusal{"account_open", "the account is not shut"}

	ErrNotAVideo            = &Refusal{"not_a_video", "the file is not an MP4 or MOV video"}
	ErrNoPicture            = &Refusal{"no_picture", "the file has no video track"}
	ErrEmptyFile            = &Refusal{"empty_file", "the file is empty"}
	ErrTruncated            = &Refusal{"truncated", "the file is cut short"}
	ErrUnplayable           = &Refusal{"unplayable", "the video cannot be decoded"}
	ErrTooLarge             = &Refusal{"too_large", "the file is over the limit"}
	ErrNoSpace              = &Refusal{"no_space", "there is no space for another file"}
	ErrTooManyPixels        = &Refusal{"too_many_pixels", "the picture is larger than 8K"}
	ErrTooLong              = &Refusal{"too_long", "the video is longer than 10 minutes"}
	ErrQuotaExceeded        = &Refusal{"no_room", "the player's videos that are not public take too much already"}
	ErrBadFrameRate         = &Refusal{"bad_frame_rate", "the frame rate is out of range"}
	ErrTooManyStreams       = &Refusal{"too_many_streams", "the file has too many streams"}
	ErrDeclaredTypeMismatch = &Refusal{"declared_other", "the file was declared as another type"}

	ErrNoVideo      = &Refusal{"no_video", "there is no such video"}
	ErrNotOwner     = &Refusal{"not_owner", "the video is another player's"}
	ErrNotProcessed = &Refusal{"not_processed", "the video is not processed yet"}
	ErrNotFailed    = &Refusal{"not_failed", "only a failed video can be tried again"}
	ErrPublic       = &Refusal{"public", "the video is public"}
	ErrNotPublic    = &Refusal{"not_public", "the video is not public"}
	ErrHidden       = &Refusal{"hidden", "the organizers have hidden the video"}
	ErrNotHidden    = &Refusal{"not_hidden", "the video is not hidden"}

	ErrAlreadyVoted = &Refusal{"already_voted", "this person has voted for this video"}
	ErrNotVoted     = &Refusal{"not_voted", "this person has not voted for this video"}
	ErrOwnVideo     = &Refusal{"own_video", "nobody votes for a video of their own"}

	ErrNoPlayer = &Refusal{"no_player", "there is no such player"}
)

// AllRefusals lists every refusal, so that a test can check that the web's table of errors is complete.
func AllRefusals() []*Refusal {
	return []*Refusal{
		ErrPasswordsDiffer, ErrEmailTaken, ErrBadCredentials, ErrWrongPassword, ErrNotSignedIn, ErrAccountSuspended, ErrAccountNotSuspended,
		ErrNotAVideo, ErrNoPicture, ErrEmptyFile, ErrTruncated, ErrUnplayable, ErrTooLarge, ErrNoSpace, ErrTooManyPixels, ErrTooLong,
		ErrBadFrameRate, ErrTooManyStreams, ErrDeclaredTypeMismatch, ErrQuotaExceeded,
		ErrNoVideo, ErrNotOwner, ErrNotProcessed, ErrNotFailed, ErrPublic, ErrNotPublic, ErrHidden, ErrNotHidden,
		ErrAlreadyVoted, ErrNotVoted, ErrOwnVideo, ErrNoPlayer,
	}
}

// ErrUnavailable is in the chain of errors that come from a database or a storage that is away, full or broken for the
// moment. The change may or may not have been committed; the caller should retry.
var ErrUnavailable = errors.New("the database or the storage is not available")

// Fault says in which way a field breaks its rule.
type Fault string

// The ways in which a field can be wrong. A fault with a limit reads Field.Limit.
const (
	Missing  Fault = "missing"   // absent
	Blank    Fault = "blank"     // nothing but white space
	TooShort Fault = "too_short" // fewer than Limit characters
	TooLong  Fault = "too_long"  // more than Limit characters
	TooBig   Fault = "too_big"   // more than Limit bytes
	NotEmail Fault = "not_email" // not an address
	NotText  Fault = "not_text"  // not UTF-8, or with characters that control the text around them
	Repeated Fault = "repeated"  // given more than once
)

// Field is one field of a request that breaks a rule.
type Field struct {
	Name  string
	Fault Fault
	Limit int
}

// InvalidError names every field that breaks a rule, never the values.
type InvalidError struct{ Fields []Field }

func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = fmt.Sprintf("%s: %s", f.Name, f.Fault)
	}
	return "invalid: " + strings.Join(parts, ", ")
}

// TooManyError asks the caller to come back later.
type TooManyError struct{ RetryAfter time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many requests; again in %s", e.RetryAfter)
}

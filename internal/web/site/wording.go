package site

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"risingstars/internal/contest"
)

// errorTitle is the heading of an error page.
func (w *words) errorTitle(status int) string {
	switch {
	case status == http.StatusNotFound:
		return w.ErrorNotFound
	case status == http.StatusForbidden:
		return w.ErrorForbidden
	case status >= http.StatusInternalServerError:
		return w.ErrorServer
	}
	return w.ErrorOther
}

// errorText is the site's text for a status, or "" to show the problem's own sentence.
func (w *words) errorText(status int) string {
	switch {
	case status == http.StatusNotFound:
		return w.ErrorNotFoundText
	case status == http.StatusForbidden:
		return w.ErrorForbiddenText
	case status >= http.StatusInternalServerError:
		return w.ErrorServerText
	}
	return ""
}

// sentence is the site's text for an error whose API sentence is part of the contract, or "" to show the API's
// sentence.
func (w *words) sentence(err error) string {
	var tooMany *contest.TooManyError
	switch {
	case errors.Is(err, contest.ErrPublic):
		return w.PublicStays
	case errors.As(err, &tooMany):
		return fmt.Sprintf(w.TooMany, w.Wait(tooMany.RetryAfter))
	}
	return ""
}

// Wait formats a duration in whole seconds, or above 59 s in whole minutes, rounded up.
func (w *words) Wait(d time.Duration) string {
	one, many, unit := w.OneSecond, w.ManySeconds, time.Second
	if d > 59*time.Second {
		one, many, unit = w.OneMinute, w.ManyMinutes, time.Minute
	}
	n := max(1, (d+unit-1)/unit)
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// failure is the sentence about why processing failed, or "" for no failure.
func (w *words) failure(f contest.Failure) string {
	switch f {
	case contest.NoFailure:
		return ""
	case contest.FailedUnplayable:
		return w.FailureUnplayable
	case contest.FailedTimeout:
		return w.FailureTimeout
	}
	return w.FailureInternal
}

// refusal is a form's sentence for a refusal whose API sentence is part of the contract, because clients compare with
// it.
func (w *words) refusal(err error) string {
	switch err { //nolint:errorlint // a key of a map
	case contest.ErrEmailTaken:
		return w.EmailTaken
	case contest.ErrWrongPassword:
		return w.PasswordWrong
	}
	return w.PasswordsDiffer
}

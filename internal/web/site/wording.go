package site

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"risingstars/internal/contest"
)

// errorTitle is the headline of an error's page.
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

// errorText is what people read in place of the sentence that programs get, "" for that sentence itself.
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

// sentence is what people read in place of one that the API has for programs, "" for that one itself.
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

// Wait writes how long to wait in whole seconds, or from a minute on in whole minutes, never too little.
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

// failure says why a video could not be processed, "" where it could.
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

// refusal is a sentence for a form, where the API's is one that clients compare with.
func (w *words) refusal(err error) string {
	switch err { //nolint:errorlint // a key of a map
	case contest.ErrEmailTaken:
		return w.EmailTaken
	case contest.ErrWrongPassword:
		return w.PasswordWrong
	}
	return w.PasswordsDiffer
}

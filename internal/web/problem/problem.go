// Package problem is how the platform says no: it turns the contest's errors into status codes and into
// application/problem+json (RFC 9457), in the reader's language, from one table.
package problem

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
)

// MediaType is the type of every error's body.
const MediaType = "application/problem+json"

// Problem is an error as clients see it. Nothing in it comes from the request or from the program's insides.
type Problem struct {
	Title     string  `json:"title" doc:"The status in words." example:"Not Found"`
	Status    int     `json:"status" doc:"The HTTP status." example:"404"`
	Detail    string  `json:"detail" doc:"What went wrong, for people." example:"Video not found"`
	Errors    []Field `json:"errors,omitempty" doc:"With 422: each bad field."`
	RequestID string  `json:"request_id,omitempty" doc:"With 500: the request in the server's log."`

	challenge  string // of a 401, if it is not the API's
	retryAfter time.Duration
	allow      string
	text       lang.Text // of Detail, where it is known in each language
}

// Field says what is wrong with one field of a request.
type Field struct {
	Location string `json:"location" doc:"Where the field is." example:"body.title"`
	Message  string `json:"message" doc:"What it must be." example:"No puede estar vacío."`
}

// New makes a problem with a status and a sentence.
func New(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// in makes a problem with a sentence that In can say again.
func in(status int, text lang.Text, tag lang.Tag) *Problem {
	p := New(status, text.In(tag))
	p.text = text
	return p
}

// In is the sentence in a language, or as it is where it is known in one only.
func (p *Problem) In(tag lang.Tag) string { return cmp.Or(p.text.In(tag), p.Detail) }

// Say puts another sentence in place of the problem's own. All else stays.
func (p *Problem) Say(detail string) { p.Detail, p.text = detail, lang.Text{} }

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the body's media type.
func (p *Problem) ContentType(string) string { return MediaType }

// GetHeaders are the headers that belong to the problem.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", cmp.Or(p.challenge, "Bearer"))
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	return h
}

// From finds the problem that an error is to clients. What the table does not know is a 500 that says nothing but the
// request's id; its cause goes to the log through the request's scope.
func From(err error, scope *Scope, tag lang.Tag) *Problem {
	var (
		ready    *Problem
		refusal  *contest.Refusal
		invalid  *contest.InvalidError
		tooMany  *contest.TooManyError
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &refusal):
		if row, ok := table[refusal]; ok {
			return in(row.status, row.detail, tag)
		}
	case errors.As(err, &invalid):
		return fromInvalid(invalid, tag)
	case errors.As(err, &tooMany):
		p := in(http.StatusTooManyRequests, tooManyText, tag)
		p.retryAfter = max(tooMany.RetryAfter, time.Second)
		return p
	case errors.As(err, &tooLarge):
		return in(http.StatusRequestEntityTooLarge, bodyTooLargeText, tag)
	}
	if full(err) {
		return withCause(New(http.StatusInsufficientStorage, table[contest.ErrNoSpace].detail.In(tag)), err, scope)
	}
	if errors.Is(err, contest.ErrUnavailable) {
		p := ForStatus(http.StatusServiceUnavailable, "", tag)
		p.retryAfter = comeBack
		return withCause(p, err, scope)
	}
	p := in(http.StatusInternalServerError, internalText, tag)
	if scope != nil {
		p.RequestID = scope.ID
		scope.Cause = err
	}
	return p
}

// comeBack is when to ask again for what is not available.
const comeBack = 2 * time.Second

// full reports whether a file could not be written for want of space or of quota.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// withCause lets the log have what the client need not know.
func withCause(p *Problem, cause error, scope *Scope) *Problem {
	if scope != nil {
		scope.Cause = cause
	}
	return p
}

func fromInvalid(invalid *contest.InvalidError, tag lang.Tag) *Problem {
	p := New(http.StatusUnprocessableEntity, invalidText.In(tag))
	for _, f := range invalid.Fields {
		p.Errors = append(p.Errors, Field{Location: "body." + f.Name, Message: faultText(f, tag)})
	}
	return p
}

// ForStatus is the problem of a status that the server itself gives. allow is the Allow header of a 405, else "".
func ForStatus(status int, allow string, tag lang.Tag) *Problem {
	text, ok := statusTexts[status]
	if !ok {
		text = unservedText
	}
	p := in(status, text, tag)
	p.allow = allow
	return p
}

// NotOrganizer is the problem of whoever asks for the organizers' pages without their password, for which browsers ask
// then.
func NotOrganizer(tag lang.Tag) *Problem {
	p := in(http.StatusUnauthorized, notOrganizerText, tag)
	p.challenge = `Basic realm="organizers", charset="UTF-8"`
	return p
}

// Busy is the problem of a request for what another request has to itself, in a moment perhaps no longer.
func Busy(tag lang.Tag) *Problem {
	p := ForStatus(http.StatusLocked, "", tag)
	p.retryAfter = comeBack
	return p
}

// FromElsewhere is the problem of a change that a page of another site has asked a browser for.
func FromElsewhere(tag lang.Tag) *Problem {
	return in(http.StatusForbidden, fromElsewhereText, tag)
}

// Write answers a request with the problem that err is.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	scope := ScopeOf(r.Context())
	p := From(err, scope, lang.Accepted(r.Header.Get("Accept-Language")))
	if scope != nil && scope.Page != nil && scope.Page(w, r, p) {
		return
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers only
	}
	body = append(body, '\n')
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", MediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has gone cannot be told
	}
}

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

// NewProblem makes a problem with a status and a sentence.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// newLocalized makes a problem with a sentence that In can say again.
func newLocalized(status int, text lang.Text, tag lang.Tag) *Problem {
	p := NewProblem(status, text.In(tag))
	p.text = text
	return p
}

// DetailIn is the sentence in a language, or as it is where it is known in one only.
func (p *Problem) DetailIn(tag lang.Tag) string { return cmp.Or(p.text.In(tag), p.Detail) }

// SetDetail puts another sentence in place of the problem's own. All else stays.
func (p *Problem) SetDetail(detail string) { p.Detail, p.text = detail, lang.Text{} }

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

// FromError finds the problem that an error is to clients. What the table does not know is a 500 that says nothing but the
// request's id; its cause goes to the log through the request's scope.
func FromError(err error, scope *Scope, tag lang.Tag) *Problem {
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
			return newLocalized(row.status, row.detail, tag)
		}
	case errors.As(err, &invalid):
		return fromInvalidError(invalid, tag)
	case errors.As(err, &tooMany):
		p := newLocalized(http.StatusTooManyRequests, tooManyText, tag)
		p.retryAfter = max(tooMany.RetryAfter, time.Second)
		return p
	case errors.As(err, &tooLarge):
		return newLocalized(http.StatusRequestEntityTooLarge, bodyTooLargeText, tag)
	}
	if isDiskFull(err) {
		return withCause(NewProblem(http.StatusInsufficientStorage, table[contest.ErrNoSpace].detail.In(tag)), err, scope)
	}
	if errors.Is(err, contest.ErrUnavailable) {
		p := ProblemForStatus(http.StatusServiceUnavailable, "", tag)
		p.retryAfter = unavailableRetryAfter
		return withCause(p, err, scope)
	}
	p := newLocalized(http.StatusInternalServerError, internalText, tag)
	if scope != nil {
		p.RequestID = scope.ID
		scope.Cause = err
	}
	return p
}

// unavailableRetryAfter is when to ask again for what is not available.
const unavailableRetryAfter = 2 * time.Second

// isDiskFull reports whether a file could not be written for want of space or of quota.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// withCause lets the log have what the client need not know.
func withCause(p *Problem, cause error, scope *Scope) *Problem {
	if scope != nil {
		scope.Cause = cause
	}
	return p
}

func fromInvalidError(invalid *contest.InvalidError, tag lang.Tag) *Problem {
	p := NewProblem(http.StatusUnprocessableEntity, invalidText.In(tag))
	for _, f := range invalid.Fields {
		p.Errors = append(p.Errors, Field{Location: "body." + f.Name, Message: faultText(f, tag)})
	}
	return p
}

// ProblemForStatus is the problem of a status that the server itself gives. allow is the Allow header of a 405, else "".
func ProblemForStatus(status int, allow string, tag lang.Tag) *Problem {
	text, ok := statusTexts[status]
	if !ok {
		text = unservedText
	}
	p := newLocalized(status, text, tag)
	p.allow = allow
	return p
}

// OrganizerPasswordRequired is the problem of whoever asks for the organizers' pages without their password, for which browsers ask
// then.
func OrganizerPasswordRequired(tag lang.Tag) *Problem {
	p := newLocalized(http.StatusUnauthorized, notOrganizerText, tag)
	p.challenge = `Basic realm="organizers", charset="UTF-8"`
	return p
}

// ServerBusy is the problem of a request for what another request has to itself, in a moment perhaps no longer.
func ServerBusy(tag lang.Tag) *Problem {
	p := ProblemForStatus(http.StatusLocked, "", tag)
	p.retryAfter = unavailableRetryAfter
	return p
}

// CrossOriginRefused is the problem of a change that a page of another site has asked a browser for.
func CrossOriginRefused(tag lang.Tag) *Problem {
	return newLocalized(http.StatusForbidden, fromElsewhereText, tag)
}

// WriteProblem answers a request with the problem that err is.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	scope := ScopeFromContext(r.Context())
	p := FromError(err, scope, lang.PreferredLanguage(r.Header.Get("Accept-Language")))
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

// Package problem maps the contest's errors to status codes and to application/problem+json (RFC 9457), in the
// client's language, from one table.
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

// MediaType is the Content-Type of every error's body.
const MediaType = "application/problem+json"

// Problem is an error as clients see it. It repeats nothing of the request and reveals nothing internal.
type Problem struct {
	Title     string  `json:"title" doc:"The status in words." example:"Not Found"`
	Status    int     `json:"status" doc:"The HTTP status." example:"404"`
	Detail    string  `json:"detail" doc:"What went wrong, for people." example:"Video not found"`
	Errors    []Field `json:"errors,omitempty" doc:"With 422: each bad field."`
	RequestID string  `json:"request_id,omitempty" doc:"With 500: the request in the server's log."`

	challenge  string // WWW-Authenticate of a 401; "" for the API's (Bearer)
	retryAfter time.Duration
	allow      string
	text       lang.Text // Detail in each language, where both are known
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

// newLocalized makes a problem whose sentence DetailIn can return in the other language as well.
func newLocalized(status int, text lang.Text, tag lang.Tag) *Problem {
	p := NewProblem(status, text.In(tag))
	p.text = text
	return p
}

// DetailIn is the sentence in a language, or Detail if it is known in one language only.
func (p *Problem) DetailIn(tag lang.Tag) string { return cmp.Or(p.text.In(tag), p.Detail) }

// SetDetail replaces the problem's sentence in both languages.
func (p *Problem) SetDetail(detail string) { p.Detail, p.text = detail, lang.Text{} }

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status. Huma calls it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the body's media type.
func (p *Problem) ContentType(string) string { return MediaType }

// GetHeaders are the headers that belong to the problem: WWW-Authenticate, Retry-After in whole seconds (rounded up),
// and Allow.
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

// FromError maps err to a problem. An error that the table does not know becomes a 500 that tells the client only the
// request id; FromError stores its cause in the scope for the log. A full disk becomes a 507, and an unavailable
// dependency a 503 with Retry-After. The scope may be nil.
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

// unavailableRetryAfter is the Retry-After of a 503 and of a 423.
const unavailableRetryAfter = 2 * time.Second

// isDiskFull reports whether a write failed because the disk or the quota is full.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// withCause stores the cause in the scope for the log. The client does not see it.
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

// ProblemForStatus is the problem for a status without an error of the contest. allow is the Allow header of a 405,
// else "".
func ProblemForStatus(status int, allow string, tag lang.Tag) *Problem {
	text, ok := statusTexts[status]
	if !ok {
		text = unservedText
	}
	p := newLocalized(status, text, tag)
	p.allow = allow
	return p
}

// OrganizerPasswordRequired is the 401 for a request for the organizers' pages without the password. Its challenge
// makes the browser ask for the password.
func OrganizerPasswordRequired(tag lang.Tag) *Problem {
	p := newLocalized(http.StatusUnauthorized, notOrganizerText, tag)
	p.challenge = `Basic realm="organizers", charset="UTF-8"`
	return p
}

// ServerBusy is the 423 for a request that needs a lock which another request holds. The client may retry after
// unavailableRetryAfter.
func ServerBusy(tag lang.Tag) *Problem {
	p := ProblemForStatus(http.StatusLocked, "", tag)
	p.retryAfter = unavailableRetryAfter
	return p
}

// CrossOriginRefused is the 403 for a state-changing request that a page of another site made the browser send.
func CrossOriginRefused(tag lang.Tag) *Problem {
	return newLocalized(http.StatusForbidden, fromElsewhereText, tag)
}

// WriteProblem answers a request with the problem of err: as a page if the scope has a Page that answers, else as
// JSON.
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
		_, _ = w.Write(body) // a client that has disconnected cannot be told
	}
}

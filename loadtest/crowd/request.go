package crowd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"risingstars/loadtest/journal"
)

// request is what a user asks for.
type request struct {
	call   string // its name in the journal
	method string
	path   string // or a whole URL
	status int    // that the API promises
	token  string
	header map[string]string

	account string // whose vote it is
	videoID int64
}

// answer is a whole answer.
type answer struct {
	header http.Header
	body   []byte
}

// wrongBody is an answer that is not what the API promises.
type wrongBody string

func (w wrongBody) Error() string { return "body: " + string(w) }

// send sends a request once and writes to the journal what came of it. check looks at an answer that has the promised
// status, and returns an error for a body that is not as promised. send reports whether all was well.
func (u *user) send(r request, check func(answer) error) bool {
	e := journal.Entry{
		Call: r.call, At: float64(time.Now().UnixMicro()) / 1e6, Users: int(u.present.Load()), Account: r.account, VideoID: r.videoID,
	}
	begin := time.Now()
	status, a, err := u.exchange(r)
	e.MS = float64(time.Since(begin).Microseconds()) / 1000
	e.Status = status
	e.AlreadyVoted = status == http.StatusBadRequest && detailOf(a) == alreadyVoted
	switch {
	case err != nil:
		e.Status = 0
		e.Fault = "connection: " + kindOfConnectionError(err)
	case status != r.status:
		e.Fault = fmt.Sprintf("status %d", status)
	default:
		if err := check(a); err != nil {
			var wrong wrongBody
			if !errors.As(err, &wrong) {
				wrong = wrongBody(err.Error())
			}
			e.Fault = wrong.Error()
		}
	}
	if err := u.journal.Append(e); err != nil {
		u.fail(err)
	}
	return e.Fault == ""
}

// exchange sends the request and reads the whole answer. A request that has begun ends in its own time, so that its
// outcome is known.
func (u *user) exchange(r request) (status int, a answer, err error) {
	url := r.path
	if strings.HasPrefix(url, "/") {
		url = u.URL + url
	}
	sent, err := http.NewRequestWithContext(context.WithoutCancel(u.ctx), r.method, url, nil)
	if err != nil {
		return 0, answer{}, err
	}
	if r.token != "" {
		sent.Header.Set("Authorization", "Bearer "+r.token)
	}
	for name, value := range r.header {
		sent.Header.Set(name, value)
	}
	received, err := u.client.Do(sent)
	if err != nil {
		return 0, answer{}, err
	}
	defer func() { _ = received.Body.Close() }()
	body, err := io.ReadAll(received.Body)
	return received.StatusCode, answer{received.Header, body}, err
}

// kindOfConnectionError names an error without addresses, so that equal ones can be counted.
func kindOfConnectionError(err error) string {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return fmt.Sprintf("%T", err)
}

// detailOf is the member detail of a problem document, "" without one.
func detailOf(a answer) string {
	var problem struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(a.body, &problem) != nil {
		return ""
	}
	return problem.Detail
}

// decode reads a body of JSON.
func decode[T any](a answer) (value T, err error) {
	if err := json.Unmarshal(a.body, &value); err != nil {
		return value, wrongBody("not the JSON that was promised")
	}
	return value, nil
}

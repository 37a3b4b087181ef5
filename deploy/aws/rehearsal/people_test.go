//go:build linux

package rehearsal

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"risingstars/internal/testserver"
	"risingstars/internal/testserver/people"
)

// person is a client on the internet that knows only the site's address.
type person struct{ people.Person }

func newPerson(tb testing.TB, n network, email string) *person {
	tb.Helper()
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return n["world"].dial(ctx, address) },
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the certificate is self-signed
		DisableKeepAlives: true,
	}
	p := &person{people.Person{URL: "https://" + n["web"].address, Client: &http.Client{Transport: transport, Timeout: testserver.Patience}}}
	eventually(tb, "the site is ready", func() error { return p.Get("/readyz", nil) })
	check(tb, p.SignUp(email))
	var err error
	p.Token, err = p.SignIn(email)
	check(tb, err)
	return p
}

// status returns the status in an error, or 0 if there was no answer.
func status(err error) int {
	if r, ok := errors.AsType[people.Refusal](err); ok {
		return r.Status
	}
	return 0
}

// upload sends a clip. If it returns no error, the upload was accepted and must not be lost.
func (p *person) upload(clip string) (id int64, err error) {
	return p.Upload("Triple", clip, func() {})
}

// isProcessed waits until a video of the player is processed, as long as its progress advances.
func (p *person) isProcessed(tb testing.TB, id int64) {
	tb.Helper()
	type state struct {
		Status   string
		Progress int
	}
	testserver.EventuallyMoving(tb, fmt.Sprintf("video %d is processed", id), func() (state, bool) {
		v, err := p.Video(id)
		if err != nil {
			return state{}, false
		}
		return state{v.Status, v.Progress}, v.Status == "processed"
	})
}

// length returns the size of the resource at a URL in bytes.
func (p *person) length(url string) (int, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	answer, err := p.Client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("%s: %s", answer.Status, content))
	}
	return len(content), err
}

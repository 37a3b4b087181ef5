package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"risingstars/internal/app"
	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
	"risingstars/internal/testserver/people"
)

var httpClient = &http.Client{Timeout: testserver.Patience}

// call sends a request and decodes the answer's body into into, unless that is nil.
func call(method, url, token, contentType string, body io.Reader, into any) (status int, err error) {
	return people.Person{URL: url, Token: token, Client: httpClient}.Call(method, "", contentType, body, into)
}

// player is an account with its token.
type player struct{ email, token string }

const password = people.Password

// at returns the player as a client of one of the servers that share the account.
func (p player) at(url string) people.Person {
	return people.Person{URL: url, Token: p.token, Client: httpClient}
}

func signUp(url, email string) error { return player{}.at(url).SignUp(email) }

func signIn(url, email string) (player, error) {
	token, err := player{}.at(url).SignIn(email)
	return player{email, token}, err
}

// newPlayer signs up and in.
func newPlayer(tb testing.TB, url, email string) player {
	tb.Helper()
	check(tb, signUp(url, email))
	return must(signIn(url, email))(tb)
}

// upload sends the file at path. It calls pause after half of the form.
func (p player) upload(url, title, path string, pause func()) (id int64, err error) {
	return p.at(url).Upload(title, path, pause)
}

// mustUpload uploads a file with an arbitrary title.
func (p player) mustUpload(tb testing.TB, url, path string) (id int64) {
	tb.Helper()
	return must(p.upload(url, "Triple", path, func() {}))(tb)
}

type video = people.Video

func (p player) video(tb testing.TB, url string, id int64) video {
	tb.Helper()
	return must(p.at(url).Video(id))(tb)
}

func (p player) videos(tb testing.TB, url string) (list []video) {
	tb.Helper()
	must(call(http.MethodGet, url+"/api/videos", p.token, "", nil, &list))(tb)
	return list
}

// waitFor waits until the video has the status. It fails if the processing makes no progress for testserver.Patience.
func (p player) waitFor(tb testing.TB, url string, id int64, status string) {
	tb.Helper()
	testserver.EventuallyMoving(tb, fmt.Sprintf("video %d is %s", id, status), func() (state string, done bool) {
		v := p.video(tb, url, id)
		if v.Status == "failed" && status != "failed" {
			tb.Fatalf("video %d failed: %s", id, *v.FailureReason)
		}
		return fmt.Sprintf("%s, %d %%", v.Status, v.Progress), v.Status == status
	})
}

func (p player) publish(tb testing.TB, url string, id int64) {
	tb.Helper()
	must(call(http.MethodPost, fmt.Sprintf("%s/api/videos/%d/publish", url, id), p.token, "", nil, nil))(tb)
}

func (p player) vote(url string, id int64) error {
	_, err := call(http.MethodPost, fmt.Sprintf("%s/api/public/videos/%d/vote", url, id), p.token, "", nil, nil)
	return err
}

// run runs a command of the program in this process.
func run(tb testing.TB, settings apptest.Settings, args ...string) (out string, err error) {
	tb.Helper()
	var both bytes.Buffer
	err = app.Run(tb.Context(), args, func(name string) (string, bool) {
		value, ok := settings[name]
		return value, ok
	}, &both, &both)
	return both.String(), err
}

// files lists the files below a folder by their relative paths.
func files(tb testing.TB, folder string) []string {
	tb.Helper()
	list := []string{}
	check(tb, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			list = append(list, strings.TrimPrefix(path, folder+string(filepath.Separator)))
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil // deleted during the walk
		}
		return err
	}))
	slices.Sort(list)
	return list
}

func encode(v any) io.Reader {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot fail for plain values
	}
	return bytes.NewReader(text)
}

// must returns a result without its error, which fails the test: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		check(tb, err)
		return v
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// contains checks that a text contains all parts.
func contains(tb testing.TB, text string, parts ...string) {
	tb.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			tb.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"risingstars/internal/app"
	"risingstars/internal/app/apptest"
)

// patience is how long a test waits for what takes seconds on an idle machine.
const patience = 5 * time.Minute

var httpClient = &http.Client{Timeout: patience}

// call sends a request and decodes the answer's body into into, unless that is nil.
func call(method, url, token, contentType string, body io.Reader, into any) (status int, err error) {
	request, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := httpClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		err = errors.Join(err, fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, text))
	}
	return answer.StatusCode, err
}

// player is somebody with an account.
type player struct{ email, token string }

const password = "salto-y-canasta"

func signUp(url, email string) error {
	_, err := call(http.MethodPost, url+"/api/auth/signup", "", "application/json", encode(map[string]string{
		"first_name": "Ana", "last_name": "Ruiz", "email": email, "password1": password, "password2": password,
	}), nil)
	return err
}

func signIn(url, email string) (player, error) {
	p := player{email: email}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	_, err := call(http.MethodPost, url+"/api/auth/login", "", "application/json",
		encode(map[string]string{"email": email, "password": password}), &answer)
	p.token = answer.AccessToken
	return p, err
}

// newPlayer signs up and in.
func newPlayer(tb testing.TB, url, email string) player {
	tb.Helper()
	check(tb, signUp(url, email))
	return must(signIn(url, email))(tb)
}

// upload sends the file at path. pause is called when half of the form is on its way.
func (p player) upload(url, title, path string, pause func()) (id int64, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("video_file", "clip.mp4")
	if err == nil {
		_, err = part.Write(data)
	}
	if err = errors.Join(err, w.WriteField("title", title), w.Close()); err != nil {
		return 0, err
	}
	half := form.Next(form.Len() / 2)
	body := io.MultiReader(bytes.NewReader(half), readerFunc(func([]byte) (int, error) { pause(); return 0, io.EOF }), &form)
	var answer struct {
		VideoID int64 `json:"video_id"`
	}
	_, err = call(http.MethodPost, url+"/api/videos/upload", p.token, w.FormDataContentType(), body, &answer)
	return answer.VideoID, err
}

// mustUpload uploads a file under a title that does not matter.
func (p player) mustUpload(tb testing.TB, url, path string) (id int64) {
	tb.Helper()
	return must(p.upload(url, "Triple", path, func() {}))(tb)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// video is what its owner sees of one.
type video struct {
	ID            int64   `json:"video_id"`
	Title         string  `json:"title"`
	Status        string  `json:"status"`
	ProcessedURL  *string `json:"processed_url"`
	FailureReason *string `json:"failure_reason"`
	Votes         int     `json:"votes"`
}

func (p player) video(tb testing.TB, url string, id int64) (v video) {
	tb.Helper()
	must(call(http.MethodGet, fmt.Sprintf("%s/api/videos/%d", url, id), p.token, "", nil, &v))(tb)
	return v
}

func (p player) videos(tb testing.TB, url string) (list []video) {
	tb.Helper()
	must(call(http.MethodGet, url+"/api/videos", p.token, "", nil, &list))(tb)
	return list
}

// waitFor waits until the video has the status.
func (p player) waitFor(tb testing.TB, url string, id int64, status string) {
	tb.Helper()
	var v video
	apptest.Eventually(tb, patience, fmt.Sprintf("video %d is %s", id, status), func() bool {
		v = p.video(tb, url, id)
		if v.Status == "failed" && status != "failed" {
			tb.Fatalf("video %d failed: %s", id, *v.FailureReason)
		}
		return v.Status == status
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

// files lists the files below a folder, by their paths in it.
func files(tb testing.TB, folder string) []string {
	tb.Helper()
	list := []string{}
	check(tb, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			list = append(list, strings.TrimPrefix(path, folder+string(filepath.Separator)))
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil // gone meanwhile
		}
		return err
	}))
	slices.Sort(list)
	return list
}

func encode(v any) io.Reader {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values only
	}
	return bytes.NewReader(text)
}

// must takes a result without its error: must(f())(t).
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

// contains checks that a text has all parts.
func contains(tb testing.TB, text string, parts ...string) {
	tb.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			tb.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

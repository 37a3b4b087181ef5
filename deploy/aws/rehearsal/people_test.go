//go:build linux

package rehearsal

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// person is somebody out in the world, who knows the site's address and nothing else.
type person struct {
	url, token string
	client     *http.Client
}

func newPerson(tb testing.TB, n network, email string) *person {
	tb.Helper()
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return n["world"].dial(ctx, address) },
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // its certificate signs itself
		DisableKeepAlives: true,
	}
	p := &person{url: "https://" + n["web"].address, client: &http.Client{Transport: transport, Timeout: time.Minute}}
	account := map[string]string{
		"first_name": "Ana", "last_name": "Ruiz", "email": email, "password1": "salto-y-canasta", "password2": "salto-y-canasta",
		"password": "salto-y-canasta",
	}
	eventually(tb, "the site is ready", func() error { return p.get("/readyz", nil) })
	check(tb, p.post("/api/auth/signup", account, nil))
	var answer struct {
		Token string `json:"access_token"`
	}
	check(tb, p.post("/api/auth/login", account, &answer))
	p.token = answer.Token
	return p
}

// refusal is an answer of 400 or more.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.text) }

// status of an error, 0 where there was no answer.
func status(err error) int {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.status
	}
	return 0
}

func (p *person) call(method, path, contentType string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(context.Background(), method, p.url+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentType)
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = refusal{answer.StatusCode, string(text)}
	}
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

func (p *person) get(path string, into any) error { return p.call(http.MethodGet, path, "", nil, into) }

func (p *person) post(path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return p.call(http.MethodPost, path, "application/json", bytes.NewReader(text), into)
}

// upload sends a clip. Without an error it was accepted, and must never be lost.
func (p *person) upload(clip string) (id int64, err error) {
	content, err := os.ReadFile(clip)
	if err != nil {
		return 0, err
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("video_file", "clip.mp4")
	if err == nil {
		_, err = part.Write(content)
	}
	if err = errors.Join(err, w.WriteField("title", "Triple"), w.Close()); err != nil {
		return 0, err
	}
	var answer struct {
		ID int64 `json:"video_id"`
	}
	err = p.call(http.MethodPost, "/api/videos/upload", w.FormDataContentType(), &form, &answer)
	return answer.ID, err
}

type video struct {
	Status string  `json:"status"`
	URL    *string `json:"processed_url"`
	Votes  int     `json:"votes"`
}

func (p *person) video(id int64) (v video, err error) {
	err = p.get(fmt.Sprintf("/api/videos/%d", id), &v)
	return v, err
}

// isProcessed waits until a video of the player's is.
func (p *person) isProcessed(tb testing.TB, id int64) video {
	tb.Helper()
	var v video
	eventually(tb, fmt.Sprintf("video %d is processed", id), func() (err error) {
		v, err = p.video(id)
		if err == nil && v.Status != "processed" {
			err = errors.New(v.Status)
		}
		return err
	})
	return v
}

// length is that of what a URL of the site's leads to, in bytes.
func (p *person) length(url string) (int, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = errors.Join(err, refusal{answer.StatusCode, string(content)})
	}
	return len(content), err
}

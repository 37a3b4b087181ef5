// Package people is a client of the platform's API that acts like a participant.
package people

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
)

// Password is the password of all accounts.
const Password = "salto-y-canasta"

// Person is a client of the platform's API.
type Person struct {
	URL    string // without a trailing slash
	Token  string // "" without an account
	Client *http.Client
}

// Refusal is an answer of 400 or more.
type Refusal struct {
	Status int
	text   string
}

// Error implements error.
func (r Refusal) Error() string { return r.text }

// Call sends a request and decodes the answer's body into into, unless that is nil. It returns the answer's status,
// or 0 without an answer, and a [Refusal] if the status is 400 or more.
func (p Person) Call(method, path, contentType string, body io.Reader, into any) (status int, err error) {
	request, err := http.NewRequestWithContext(context.Background(), method, p.URL+path, body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", contentType)
	if p.Token != "" {
		request.Header.Set("Authorization", "Bearer "+p.Token)
	}
	answer, err := p.Client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case answer.StatusCode >= http.StatusBadRequest:
		refused := Refusal{answer.StatusCode, fmt.Sprintf("%s %s%s: %s: %s", method, p.URL, path, answer.Status, text)}
		err = errors.Join(err, refused)
		if into != nil {
			_ = json.Unmarshal(text, into) // a text that is not JSON is in the refusal
		}
	case err == nil && into != nil:
		err = json.Unmarshal(text, into)
	}
	return answer.StatusCode, err
}

// Get sends a GET request for a path.
func (p Person) Get(path string, into any) error {
	_, err := p.Call(http.MethodGet, path, "", nil, into)
	return err
}

// Post sends a body as JSON.
func (p Person) Post(path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = p.Call(http.MethodPost, path, "application/json", bytes.NewReader(text), into)
	return err
}

// SignUp makes an account.
func (p Person) SignUp(email string) error {
	return p.Post("/api/auth/signup", map[string]string{
		"first_name": "Ana", "last_name": "Ruiz", "email": email, "password1": Password, "password2": Password,
	}, nil)
}

// SignIn returns a token.
func (p Person) SignIn(email string) (token string, err error) {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = p.Post("/api/auth/login", map[string]string{"email": email, "password": Password}, &answer)
	return answer.AccessToken, err
}

// Upload sends the clip at path. If it returns no error, the upload was accepted and must not be lost. It calls pause
// after half of the form.
func (p Person) Upload(title, path string, pause func()) (id int64, err error) {
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
	_, err = p.Call(http.MethodPost, "/api/videos/upload", w.FormDataContentType(), body, &answer)
	return answer.VideoID, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Video is what the owner of a video sees.
type Video struct {
	ID            int64   `json:"video_id"`
	Title         string  `json:"title"`
	Status        string  `json:"status"`
	Progress      int     `json:"progress"` // per cent
	ProcessedURL  *string `json:"processed_url"`
	FailureReason *string `json:"failure_reason"`
	Votes         int     `json:"votes"`
}

// Video returns one of the person's own videos.
func (p Person) Video(id int64) (v Video, err error) {
	err = p.Get(fmt.Sprintf("/api/videos/%d", id), &v)
	return v, err
}

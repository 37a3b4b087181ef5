package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// client keeps an idle connection for each concurrent user.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

// player signs up a new account and returns its token.
func (p *process) player(b *testing.B, email string) string {
	b.Helper()
	p.post(b, "", "/api/auth/signup", map[string]string{
		"first_name": "Valentina", "last_name": "Ríos", "email": email, "city": "Bogotá",
		"password1": "salto-y-canasta", "password2": "salto-y-canasta",
	}, nil)
	var answer struct {
		Token string `json:"access_token"`
	}
	p.post(b, "", "/api/auth/login", map[string]string{"email": email, "password": "salto-y-canasta"}, &answer)
	return answer.Token
}

func (p *process) post(b *testing.B, token, path string, body, answer any) {
	b.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	p.do(b, http.MethodPost, token, path, "application/json", bytes.NewReader(text), answer)
}

func (p *process) get(b *testing.B, token, path string, answer any) {
	b.Helper()
	p.do(b, http.MethodGet, token, path, "", nil, answer)
}

func (p *process) do(b *testing.B, method, token, path, contentType string, body io.Reader, answer any) {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, p.url+path, body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if sized, ok := body.(interface{ size() int64 }); ok {
		r.ContentLength = sized.size()
	}
	response, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		b.Fatalf("%s %s: %d %v %s", method, path, response.StatusCode, err, text)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// form is an upload whose file is read from disk while it is sent.
type form struct {
	io.Reader
	length      int64
	contentType string
	file        *os.File
}

func (f *form) size() int64 { return f.length }

func newForm(b *testing.B, path string) *form {
	b.Helper()
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	_ = w.WriteField("title", "Triple desde la esquina")
	if _, err := w.CreateFormFile("video_file", "clip.mp4"); err != nil {
		b.Fatal(err)
	}
	tail := fmt.Sprintf("\r\n--%s--\r\n", w.Boundary())
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	stat, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return &form{
		Reader: io.MultiReader(&head, file, bytes.NewReader([]byte(tail))), file: file,
		length: int64(head.Len()) + stat.Size() + int64(len(tail)), contentType: w.FormDataContentType(),
	}
}

// upload sends the file and returns the video's id.
func (p *process) upload(b *testing.B, token, path string) int64 {
	b.Helper()
	f := newForm(b, path)
	defer func() { _ = f.file.Close() }()
	var answer struct {
		ID int64 `json:"video_id"`
	}
	p.do(b, http.MethodPost, token, "/api/videos/upload", f.contentType, f, &answer)
	return answer.ID
}

type videoState struct {
	Status      string    `json:"status"`
	UploadedAt  time.Time `json:"uploaded_at"`
	ProcessedAt time.Time `json:"processed_at"`
}

// waitFor polls a video until it has the status.
func (p *process) waitFor(b *testing.B, token string, id int64, status string) {
	b.Helper()
	deadline := time.Now().Add(10 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		var v videoState
		p.get(b, token, fmt.Sprintf("/api/videos/%d", id), &v)
		if v.Status == status {
			return
		}
		if v.Status == "failed" {
			b.Fatal("the video failed")
		}
		<-tick.C
	}
	b.Fatal("the video is not processed after 10 minutes")
}

// makeClip makes a video with a moving picture and sound.
func makeClip(b *testing.B, size string, seconds int, extra ...string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "clip.mp4")
	args := []string{
		"-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=30:duration=%d", size, seconds),
		"-f", "lavfi", "-i", fmt.Sprintf("sine=duration=%d", seconds), "-c:v", "libx264", "-preset", "ultrafast",
		"-pix_fmt", "yuv420p", "-c:a", "aac",
	}
	args = append(append(args, extra...), path)
	if out, err := exec.CommandContext(b.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		b.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// padded enlarges the clip's file to the given size with a box that players skip (ISO/IEC 14496-12, "free").
func padded(b *testing.B, path string, size int64) string {
	b.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	stat, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	free := size - stat.Size()
	header := []byte{byte(free >> 24), byte(free >> 16), byte(free >> 8), byte(free), 'f', 'r', 'e', 'e'}
	if _, err := f.Write(header); err != nil {
		b.Fatal(err)
	}
	noise := bytes.Repeat([]byte("not all zeros: "), 1<<16)
	for left := free - 8; left > 0; left -= int64(len(noise)) {
		if _, err := f.Write(noise[:min(left, int64(len(noise)))]); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

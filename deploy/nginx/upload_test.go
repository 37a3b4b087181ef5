package nginx_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// detail is what the owner of a video sees.
type detail struct {
	Status    string
	Original  string `json:"original_url"`
	Processed string `json:"processed_url"`
}

const (
	uploadPath = "/api/videos/upload"
	boundary   = "5f2c1e"
	formType   = "multipart/form-data; boundary=" + boundary
)

// letter is the body of an upload.
type letter struct {
	to            string // a path
	before, after string
	zeros         int64 // number of zero bytes between before and after
}

func (l letter) size() int64 { return int64(len(l.before)) + l.zeros + int64(len(l.after)) }
func (l letter) open() io.Reader {
	return io.MultiReader(strings.NewReader(l.before), io.LimitReader(zeros{}, l.zeros), strings.NewReader(l.after))
}

// zeros is an endless file of zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// write makes an upload of a title and a clip. The clip is enlarged by more bytes with a box that players skip
// (ISO/IEC 14496-12, 8.1.2).
func write(tb testing.TB, title string, more int64) letter {
	tb.Helper()
	clip, err := os.ReadFile(mediatest.Clip(tb, mediatest.Spec{Width: 160, Height: 120, FPS: "15", Seconds: 1}))
	check(tb, err)
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	check(tb, w.SetBoundary(boundary))
	check(tb, w.WriteField("title", title))
	file, err := w.CreateFormFile("video_file", "clip.mp4")
	check(tb, err)
	_, err = file.Write(clip)
	check(tb, err)
	if more > 0 {
		_, err = file.Write(append(binary.BigEndian.AppendUint32(nil, uint32(more)), "free"...))
		check(tb, err)
		more -= 8
	}
	before := b.String()
	check(tb, w.Close())
	return letter{uploadPath, before, strings.TrimPrefix(b.String(), before), more}
}

func (f *front) upload(l letter) answer {
	f.Helper()
	r := f.request(http.MethodPost, l.to, l.open(), "Content-Type", formType)
	r.ContentLength = l.size()
	return f.send(r)
}

// uploaded uploads a clip and returns the video's id.
func (f *front) uploaded() string {
	f.Helper()
	var got struct {
		ID int64 `json:"video_id"`
	}
	f.upload(write(f, "Triple", 0)).decode(f, http.StatusCreated, &got)
	return strconv.FormatInt(got.ID, 10)
}

// senders send an upload like one kind of client each, and return the answer that the client reads.
var senders = map[string]func(*testing.T, *front, letter) answer{
	"HTTP/2": func(_ *testing.T, f *front, l letter) answer { return f.upload(l) },
	"HTTP/1.1": func(_ *testing.T, f *front, l letter) answer {
		return f.over(f.Client(false)).upload(l)
	},
	"of unknown length": func(_ *testing.T, f *front, l letter) answer {
		return f.over(f.Client(false)).ask(http.MethodPost, l.to, l.open(), "Content-Type", formType)
	},
	"of unknown length by HTTP/2": func(_ *testing.T, f *front, l letter) answer {
		return f.ask(http.MethodPost, l.to, l.open(), "Content-Type", formType)
	},
	"write all, then read": sendBlindly,
	"curl":                 func(t *testing.T, f *front, l letter) answer { t.Helper(); return curl(t, f, l, "--http1.1") },
	"curl by HTTP/2":       func(t *testing.T, f *front, l letter) answer { t.Helper(); return curl(t, f, l, "--http2") },
}

func sendBlindly(t *testing.T, f *front, l letter) answer {
	t.Helper()
	c := f.Dial()
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		l.to, f.token, formType, l.size())
	check(t, err)
	_, err = io.CopyBuffer(c, l.open(), make([]byte, 64<<10))
	check(t, err)
	return f.say(c, "")
}

func curl(t *testing.T, f *front, l letter, protocol string) answer {
	t.Helper()
	program := testserver.Program(t, "curl")
	body := filepath.Join(t.TempDir(), "body")
	to, err := os.Create(body)
	check(t, err)
	_, err = io.Copy(to, l.open())
	check(t, err)
	check(t, to.Close())
	cmd := exec.CommandContext(t.Context(), program, protocol, "--silent", "--show-error", "--max-time", fmt.Sprint(testserver.Patience.Seconds()), "--include",
		"--cacert", filepath.Join(f.Dir(), "certificate.pem"), "--header", "Authorization: Bearer "+f.token,
		"--header", "Content-Type: "+formType, "--header", "Expect:", "--data-binary", "@"+body, f.URL+l.to)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("curl: %v\n%s", err, errOut.String())
	}
	text := strings.Replace(out.String(), "HTTP/2 ", "HTTP/2.0 ", 1)
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	check(t, err)
	return read(t, response)
}

// A client that is refused during its upload can read the application's answer, over any protocol. The limit is much
// larger than the buffers on the way, and much smaller than the default, which TestRefusedBeforeTheBody uses.
func TestUploads(t *testing.T) {
	t.Parallel()
	f := newFront(t, apptest.Settings{"MAX_UPLOAD_BYTES": strconv.Itoa(25 << 20)})
	p := f.player()
	tests := map[string]struct {
		by     *front
		letter letter
		status int
		detail string
	}{
		"good":           {p, write(t, "Triple", 0), 201, ""},
		"of 26 MiB":      {p, write(t, "Triple", 26<<20), 413, "El archivo supera el tamaño máximo permitido."},
		"just too large": {p, write(t, "Triple", 25<<20), 413, "El archivo supera el tamaño máximo permitido."},
		"no token":       {f, write(t, "Triple", 20<<20), 401, "Inicia sesión: hace falta un token válido."},
		"a blank title":  {p, write(t, " ", 20<<20), 422, "Hay datos que faltan o no son válidos."},
	}
	for name, test := range tests {
		for kind, send := range senders {
			t.Run(name+", "+kind, func(t *testing.T) {
				got := send(t, test.by, test.letter)
				if test.status == http.StatusCreated {
					got.decode(t, test.status, &struct{}{})
				} else if detail := got.isProblem(t, test.status); detail != test.detail {
					t.Errorf("got %q, want %q", detail, test.detail)
				}
			})
		}
	}
}

// nginx itself refuses a body above its own limit, over any protocol.
func TestTooLargeForNginx(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	large, huge := write(t, "Triple", 3<<20), write(t, "Triple", 300<<20)
	large.to = "/api/auth/login"
	for kind, send := range senders {
		t.Run(kind, func(t *testing.T) {
			for _, l := range []letter{large, huge} {
				if l == huge && !strings.HasPrefix(kind, "HTTP") {
					continue // the client need not send it all; others do
				}
				got := send(t, f, l)
				if detail := got.isProblem(t, http.StatusRequestEntityTooLarge); detail != "La solicitud es demasiado grande." {
					t.Errorf("got %q", detail)
				}
				if line := lineOf(t, got.header.Get("X-Request-Id"), f.AccessLog); line["upstream"] != "" {
					t.Errorf("the application was asked: %v", line)
				}
			}
		})
	}
}

// An upload whose announced length is too large, or without a token, is refused before its body is sent: nginx does
// not wait for the body.
func TestRefusedBeforeTheBody(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	head := "POST /api/videos/upload HTTP/1.1\r\nHost: test\r\nContent-Type: " + formType + "\r\nContent-Length: 106000000\r\n"
	f.say(f.Dial(), head+"\r\n").isProblem(t, http.StatusUnauthorized)
	f.say(f.Dial(), head+"Authorization: Bearer "+f.player().token+"\r\n\r\n").isProblem(t, http.StatusRequestEntityTooLarge)
}

// An upload reaches the application while it is sent, not after.
func TestUploadsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil).player()
	const half = 1 << 20
	for _, http2 := range []bool{true, false} {
		l := write(t, "Triple", 2*half)
		body := l.open()
		reader, writer := io.Pipe()
		r := f.request(http.MethodPost, l.to, reader, "Content-Type", formType)
		r.ContentLength = l.size()
		answers := make(chan answer, 1)
		go func() { answers <- f.over(f.Client(http2)).send(r) }() // ends with the body, which is written below
		_, err := io.CopyN(writer, body, half)
		check(t, err)
		testserver.Eventually(t, "half of the upload has arrived", func() bool {
			return largest(filepath.Join(f.app.DataDir, "work")) > half/2
		})
		_, err = io.Copy(writer, body)
		check(t, err)
		check(t, writer.Close())
		got := <-answers
		got.decode(t, http.StatusCreated, &struct{}{})
	}
}

// largest returns the size of the largest file below a folder in bytes.
func largest(folder string) (bytes int64) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it is gone already
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			bytes = max(bytes, info.Size())
		}
		return nil
	})
	return bytes
}

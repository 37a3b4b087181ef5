package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// letter is an upload as it is sent. The body is also in a file, for programs such as curl.
type letter struct {
	token, contentType, body string
	path                     string // the file with the body
}

// sender sends a letter as one kind of client does, and returns the answer that this client reads.
type sender func(t *testing.T, s *apptest.Server, l letter) answer

var senders = map[string]sender{
	"Go": sendGo, "write all, then read": sendBlindly, "curl": sendCurl, "curl that asks first": sendCurlAsking,
	"Python": sendPython,
}

// A client that sends its whole body before it reads gets the refusal, and no broken pipe.
func TestRefusalsReachTheirClients(t *testing.T) {
	t.Parallel()
	const limit = 12_000_000 // more than the kernel buffers of a body that is not read
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "MAX_UPLOAD_BYTES": strconv.Itoa(limit)})
	p := newPlayer(t, s, "")
	large, larger, huge := video(padded(clip(t), limit)), video(padded(clip(t), limit+1)), video(padded(clip(t), 2*limit))
	letters := map[string]struct {
		letter
		want refusal
	}{
		"no token":       {write(t, "", title("Triple"), huge), unauthorized},
		"a blank title":  {write(t, p.token, title(" "), large), badFields(fault{"body.title", "No puede estar en blanco."})},
		"over the limit": {write(t, p.token, title("Triple"), huge), tooLarge},
		"declared a PNG": {write(t, p.token, title("Triple"), part{"video_file", "a.png", "image/png", clip(t)}), declared},
		"just over it":   {write(t, p.token, title("Triple"), larger), tooLarge},
		"no form, a letter": {letter{p.token, "text/plain", large.content, ""}.kept(t), badFields(
			fault{"body.title", "Es obligatorio."}, fault{"body.video_file", "Es obligatorio."})},
	}
	for name, l := range letters {
		for kind, send := range senders {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				send(t, s, l.letter).refuses(l.want)
			})
		}
	}
}

func write(t *testing.T, token string, parts ...part) letter {
	t.Helper()
	contentType, body := form(parts...)
	return letter{token, contentType, body, ""}.kept(t)
}

func (l letter) kept(t *testing.T) letter {
	t.Helper()
	l.path = filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(l.path, []byte(l.body), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

func sendGo(t *testing.T, s *apptest.Server, l letter) answer {
	t.Helper()
	c := visitor(t, s)
	c.token = l.token
	return c.do("POST", "/api/videos/upload", l.body, "Content-Type", l.contentType)
}

func sendBlindly(t *testing.T, s *apptest.Server, l letter) answer {
	t.Helper()
	c := dial(t, s)
	c.write(head("POST", "/api/videos/upload", l.token, "Content-Type: "+l.contentType, "Content-Length: "+strconv.Itoa(len(l.body))))
	c.write(l.body)
	return c.answer()
}

func sendCurl(t *testing.T, s *apptest.Server, l letter) answer {
	t.Helper()
	return curl(t, s, l, "Expect:")
}

func sendCurlAsking(t *testing.T, s *apptest.Server, l letter) answer {
	t.Helper()
	return curl(t, s, l, "Expect: 100-continue")
}

// maxTime is the timeout of client programs, in seconds.
var maxTime = fmt.Sprint(testserver.Patience.Seconds())

func curl(t *testing.T, s *apptest.Server, l letter, expect string) answer {
	t.Helper()
	head := filepath.Join(t.TempDir(), "head")
	body := run(t, "curl", "--silent", "--show-error", "--max-time", maxTime, "--dump-header", head,
		"--header", "Authorization: Bearer "+l.token, "--header", "Content-Type: "+l.contentType, "--header", expect,
		"--data-binary", "@"+l.path, s.URL+"/api/videos/upload")
	lines, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	_, lines, asked := bytes.Cut(lines, []byte("HTTP/1.1 100 Continue\r\n\r\n"))
	if !asked {
		lines, err = os.ReadFile(head)
	}
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(lines)+body)
}

const python = `
import http.client, sys
host, token, content_type, path, limit = sys.argv[1:]
connection = http.client.HTTPConnection(host, timeout=float(limit))
connection.request("POST", "/api/videos/upload", open(path, "rb").read(),
    {"Authorization": "Bearer " + token, "Content-Type": content_type})
answer = connection.getresponse()
sys.stdout.write("HTTP/1.1 %d %s\r\n%s" % (answer.status, answer.reason, answer.msg))
sys.stdout.flush()
sys.stdout.buffer.write(answer.read())
`

func sendPython(t *testing.T, s *apptest.Server, l letter) answer {
	t.Helper()
	return parse(t, run(t, "python3", "-c", python, strings.TrimPrefix(s.URL, "http://"), l.token, l.contentType, l.path, maxTime))
}

// run runs a program and returns its output. It skips the test if the program is not installed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, errOut.String())
	}
	return out.String()
}

func parse(t *testing.T, text string) answer {
	t.Helper()
	c := &conn{tb: t, reader: newReader(text)}
	return c.answer()
}

// A Content-Length that is too large is refused before the client sends the body.
func TestTooLargeByItsLength(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "MAX_UPLOAD_BYTES": "300000"})
	p := newPlayer(t, s, "")
	for _, expect := range []string{"X-Test: no", "Expect: 100-continue"} {
		c := dial(t, s)
		c.write(head("POST", "/api/videos/upload", p.token, "Content-Type: multipart/form-data; boundary=b",
			"Content-Length: 5000000", expect))
		c.answer().refuses(tooLarge)
	}
}

// swallowed bounds how much a refused client can send: the limit of the drain, and what the kernel buffers.
const swallowed = 64<<20 + 24<<20

// A body of unknown length is refused at the limit. A client that continues to send is cut off after a bounded number
// of bytes.
func TestAStreamWithoutEnd(t *testing.T) {
	t.Parallel()
	const limit = 300_000
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "MAX_UPLOAD_BYTES": strconv.Itoa(limit)})
	p := newPlayer(t, s, "")
	c := dial(t, s)
	c.write(head("POST", "/api/videos/upload", p.token, "Content-Type: multipart/form-data; boundary=b", "Transfer-Encoding: chunked"))
	begin := "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nTriple\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"video_file\"; filename=\"a.mp4\"\r\n\r\n"
	c.write(chunk(begin + clip(t)))
	var sent int
	var sending sync.WaitGroup
	sending.Go(func() {
		for piece := []byte(chunk(strings.Repeat("\x00", 256<<10))); ; {
			n, err := c.Write(piece)
			if sent += n; err != nil || sent > 10*swallowed {
				return
			}
		}
	})

	c.answer().refuses(tooLarge)

	sending.Wait()
	if sent < limit || sent > swallowed+limit {
		t.Errorf("the server took %d MB, want at most %d", sent>>20, swallowed>>20)
	}
	if found := traces(t, s); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
}

func chunk(data string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(data), data) }

// Unknown parts of the form count towards the limit as well.
func TestAFormWithoutEnd(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "MAX_UPLOAD_BYTES": "300000"})
	p := newPlayer(t, s, "")
	reader, writer := io.Pipe()
	go func() { // ends when the HTTP client closes the reader after the answer
		_, err := writer.Write([]byte("--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n"))
		for piece := make([]byte, 64<<10); err == nil; {
			_, err = writer.Write(piece)
		}
	}()
	t.Cleanup(func() { _ = reader.Close() })
	p.send(p.request("POST", "/api/videos/upload", reader, "Content-Type", "multipart/form-data; boundary=b")).refuses(tooLarge)
}

// An upload that the client cuts off leaves nothing behind.
func TestAnUploadThatIsCut(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "")
	contentType, body := form(title("Triple"), video(clip(t)))
	lines := []string{"Content-Type: " + contentType, "Content-Length: " + strconv.Itoa(len(body))}
	tests := map[string]func(*conn){
		"closed": func(c *conn) { _ = c.Close() },
		"reset":  func(c *conn) { _ = c.Conn.(interface{ SetLinger(int) error }).SetLinger(0); _ = c.Close() },
	}
	for name, leave := range tests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.write(head("POST", "/api/videos/upload", p.token, lines...) + body[:len(body)-10])
			testserver.Eventually(t, "the upload has begun", func() bool {
				return len(files(t, filepath.Join(s.DataDir, "work"))) > 0
			})

			leave(c)

			testserver.Eventually(t, "the work file is gone", func() bool { return len(traces(t, s)) == 0 })
		})
	}
	p.get("/api/videos").is(200, "[]")
	if got := p.upload(title("Triple"), video(clip(t))); got.status != http.StatusCreated {
		t.Errorf("the next upload: got %d: %s", got.status, got.body)
	}
}

package api

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"risingstars/internal/contest"
)

// An accepted form has a title and one file within the limit. Every other form is refused with an error for the
// client.
func FuzzUploadForm(f *testing.F) {
	part := func(disposition, body string) string {
		return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\nContent-Type: video/mp4; x\r\n\r\n" + body + "\r\n"
	}
	const contentType = "multipart/form-data; boundary=b"
	whole := part(`name="title"`, "Triple") + part(`name="video_file"; filename="../clip.mp4"`, "film") + "--b--\r\n"
	f.Add(contentType, whole)
	f.Add(contentType, whole[:len(whole)-9])
	f.Add(contentType, part(`name="title"`, " ")+part(`name="title"`, "x")+"--b--")
	f.Add(contentType, part(`name="video_file"; filename=x`, strings.Repeat("x", 200))+"--b--\r\n")
	f.Add("multipart/form-data; boundary=", whole)
	f.Add("text/plain", "title=x")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, contentType, body string) {
		work, err := newWorkFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer work.remove()
		r := httptest.NewRequest("POST", "/api/videos/upload", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		form := uploadForm{work: work, maxFile: 100}

		err = form.read(r)

		if err != nil && refusedBecause(err) == "" {
			t.Fatalf("not a refusal: %v", err)
		}
		if err == nil && (!form.hasFile || !form.hasTitle || form.size > 100 || !utf8.ValidString(form.title)) {
			t.Errorf("taken: %+v", form)
		}
		if errors.Is(err, contest.ErrTooLarge) && form.size <= 100 {
			t.Errorf("%d bytes are too many", form.size)
		}
	})
}

func FuzzVideoID(f *testing.F) {
	for _, text := range []string{"1", "0", "-1", "+1", "9223372036854775807", "9223372036854775808", "1e3", "", "٣"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var id videoID
		if err := id.UnmarshalText(text); err != nil || id.n < 0 {
			t.Errorf("%q: %d, %v", text, id.n, err)
		}
		if id.n > 0 && bytes.ContainsAny(text, "+- _.e") {
			t.Errorf("%q is %d", text, id.n)
		}
	})
}

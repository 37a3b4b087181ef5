package nginx_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
)

func (f *front) detail(id string) (d detail) {
	f.Helper()
	f.get("/api/videos/"+id).decode(f, http.StatusOK, &d)
	return d
}

// nginx serves a private original from the folder to any client with its owner's presigned link.
func TestPrivateMedia(t *testing.T) {
	t.Parallel()
	p := newFront(t, nil).player()
	link := p.detail(p.uploaded()).Original
	visitor := p.as("")
	served(t, visitor, link, "private, max-age=600")
	bare, query, _ := strings.Cut(link, "?")
	values, err := url.ParseQuery(query)
	check(t, err)
	signature, expires := values.Get("signature"), values.Get("expires")
	later, err := strconv.ParseInt(expires, 10, 64)
	check(t, err)
	for name, forged := range map[string]string{
		"no signature": bare, "cut": bare + "?expires=" + expires + "&signature=" + signature[:20],
		"later":          bare + "?expires=" + strconv.FormatInt(later+3600, 10) + "&signature=" + signature,
		"another object": strings.Replace(link, "original.mp4", "original.mov", 1),
	} {
		got := visitor.get(forged)
		if diff := cmp.Diff("Video not found", got.isProblem(t, http.StatusNotFound)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	internal := strings.Replace(bare, "/media/", "/_media/", 1)
	for _, path := range []string{internal, internal + "?" + query, strings.Replace(internal, "_media", "%5fmedia", 1), strings.Replace(internal, "/_media", "//x/../_media", 1)} {
		visitor.get(path).isProblem(t, http.StatusNotFound)
		visitor.get(path, "X-Accel-Redirect", strings.TrimPrefix(internal, p.URL)).isProblem(t, http.StatusNotFound)
	}
}

// served checks the possible requests for an object. nginx must answer them: the application sends no body.
func served(t *testing.T, f *front, link, cache string) {
	t.Helper()
	to, err := url.Parse(link)
	check(t, err)
	content, err := os.ReadFile(filepath.Join(f.app.DataDir, to.Path))
	check(t, err)
	whole := f.get(link)
	tag, modified, size := whole.header.Get("ETag"), whole.header.Get("Last-Modified"), strconv.Itoa(len(content))
	if len(tag) < 10 || modified == "" {
		t.Errorf("got ETag %q, Last-Modified %q", tag, modified)
	}
	tests := map[string]struct {
		got    answer
		status int
		body   string
		header map[string]string
	}{
		"whole":                   {whole, 200, string(content), map[string]string{"Content-Length": size, "Accept-Ranges": "bytes"}},
		"head":                    {f.ask("HEAD", link, nil), 200, "", map[string]string{"Content-Length": size}},
		"first bytes":             {f.get(link, "Range", "bytes=0-9"), 206, string(content[:10]), map[string]string{"Content-Range": "bytes 0-9/" + size}},
		"last bytes":              {f.get(link, "Range", "bytes=-5"), 206, string(content[len(content)-5:]), nil},
		"a range of this version": {f.get(link, "Range", "bytes=0-9", "If-Range", tag), 206, string(content[:10]), nil},
		"a range of another":      {f.get(link, "Range", "bytes=0-9", "If-Range", `"other"`), 200, string(content), nil},
		"unchanged":               {f.get(link, "If-None-Match", tag), 304, "", nil},
		"not modified since":      {f.get(link, "If-Modified-Since", modified), 304, "", nil},
		"changed":                 {f.get(link, "If-None-Match", `"other"`), 200, string(content), nil},
	}
	for name, test := range tests {
		if test.got.status != test.status || test.got.body != test.body {
			t.Errorf("%s: got %d and %d bytes, want %d and %d", name, test.got.status, len(test.got.body), test.status, len(test.body))
		}
		common := map[string]string{
			"Cache-Control": cache, "ETag": tag, "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Accel-Redirect": "",
		}
		if test.status != http.StatusNotModified {
			common["Content-Type"] = "video/mp4"
		}
		for _, header := range []map[string]string{common, test.header} {
			for key, value := range header {
				if diff := cmp.Diff(value, test.got.header.Get(key)); diff != "" {
					t.Errorf("%s: %s (-want +got):\n%s", name, key, diff)
				}
			}
		}
		if !requestID.MatchString(test.got.header.Get("X-Request-Id")) {
			t.Errorf("%s: got the id %q", name, test.got.header.Get("X-Request-Id"))
		}
	}
	f.get(link, "Range", "bytes=99999999-").isProblem(t, http.StatusRequestedRangeNotSatisfiable)
	f.get(link, "If-Match", `"other"`).isProblem(t, http.StatusPreconditionFailed)
	f.ask(http.MethodPost, link, nil).isProblem(t, http.StatusMethodNotAllowed)
	line := lineOf(t, whole.header.Get("X-Request-Id"), func() []string { return strings.Split(f.app.Log(), "\n") })
	if line["bytes"] != 0.0 {
		t.Errorf("the application has sent %v bytes", line["bytes"])
	}
}

// An object whose file is missing is a 404 that does not mention files.
func TestLostMedia(t *testing.T) {
	t.Parallel()
	p := newFront(t, nil).player()
	link := p.detail(p.uploaded()).Original
	to, err := url.Parse(link)
	check(t, err)
	check(t, os.Remove(filepath.Join(p.app.DataDir, to.Path)))
	if got := p.get(link); strings.Contains(got.isProblem(t, http.StatusNotFound), p.app.DataDir) {
		t.Errorf("got %s", got.body)
	}
}

var eventLine = regexp.MustCompile(`"status":"(\w+)"`)

// Events arrive one by one while the video is being processed. After publication every client may load the clip.
func TestEventsAndThePublicClip(t *testing.T) {
	t.Parallel()
	gate := apptest.NewGate(t)
	p := newFront(t, apptest.Settings{"WORKERS": "1", "FFMPEG": gate.FFmpeg}).player()
	id := p.uploaded()
	for _, http2 := range []bool{true, false} {
		p.over(p.Client(http2)).follow(id, "processing") // the gate is closed, so the stream stays open
	}

	states := p.following(id, func(status string) {
		if status == "processing" {
			gate.Open(t)
		}
	})

	if len(states) < 3 || states[len(states)-1] != "processed" {
		t.Errorf("got %v", states)
	}
	p.ask(http.MethodPost, "/api/videos/"+id+"/publish", nil).decode(t, http.StatusOK, &struct{}{})
	served(t, p.as(""), p.detail(id).Processed, "public, max-age=31536000, immutable")
}

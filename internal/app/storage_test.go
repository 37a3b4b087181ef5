package app_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

func onS3(server *testserver.S3, more string) apptest.Settings {
	return apptest.Settings{
		"STORAGE_URL":   fmt.Sprintf("s3://%s/contest?endpoint=%s&path_style=true&tls=off%s", server.Bucket, server.Addr, more),
		"S3_ACCESS_KEY": server.AccessKey, "S3_SECRET_KEY": server.SecretKey,
	}
}

// inBucket returns the files of an S3 server's bucket, without its own metadata.
func inBucket(t *testing.T, server *testserver.S3) (list []string) {
	t.Helper()
	for _, name := range files(t, server.Dir) {
		if strings.HasPrefix(name, "contest/videos/") {
			list = append(list, name)
		}
	}
	return list
}

func TestMediaInS3(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{"links": "", "proxy": "&serve=proxy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.NewS3(t)
			s := apptest.Start(t, onS3(server, more))
			p := newPlayer(t, s.URL, "ana@example.org")
			id := p.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{Moving: true, Seconds: 2}))
			p.waitFor(t, s.URL, id, "processed")
			p.publish(t, s.URL, id)
			if got := inBucket(t, server); len(got) != 3 {
				t.Fatalf("the bucket has %q, want an original, a clip and a poster", got)
			}

			request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, *p.video(t, s.URL, id).ProcessedURL, nil))(t)
			request.Header.Set("Range", "bytes=4-7")
			answer := must(httpClient.Do(request))(t)
			body := must(io.ReadAll(answer.Body))(t)
			check(t, answer.Body.Close())

			if string(body) != "ftyp" || answer.StatusCode != http.StatusPartialContent || answer.Header.Get("Content-Type") != "video/mp4" {
				t.Errorf("got %s of %s: %q", answer.Status, answer.Header.Get("Content-Type"), body)
			}
			if direct := answer.Request.URL.Host == server.Addr; direct != (name == "links") {
				t.Errorf("the bytes came from %s", answer.Request.URL.Host)
			}
		})
	}
}

func TestStorageCopy(t *testing.T) {
	t.Parallel()
	server := testserver.NewS3(t)
	settings := onS3(server, "")
	from, back := t.TempDir(), t.TempDir()
	for _, name := range []string{"1", "2", "3"} {
		path := filepath.Join(from, "videos", name, "original.mp4")
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte(strings.Repeat(name, 1000)), 0o600))
	}
	steps := []struct{ before, out string }{
		{"dry", "3 objects of 0.0 MiB would be copied or compared.\n"},
		{"", "3 objects: 3 copied, 0 were there, 0 failed.\n"},
		{"", "3 objects: 0 copied, 3 were there, 0 failed.\n"},
		{"gone", "3 objects: 1 copied, 2 were there, 0 failed.\n"},
		{"corrupt", "3 objects: 1 copied, 2 were there, 0 failed.\n"},
	}
	for _, step := range steps {
		args := []string{"storage", "copy", "file://" + from, settings["STORAGE_URL"]}
		object := filepath.Join(server.Dir, "contest/videos/2/original.mp4")
		switch step.before {
		case "dry":
			args = append(args, "--dry-run")
		case "gone":
			check(t, os.Remove(object))
		case "corrupt":
			check(t, os.WriteFile(object, []byte(strings.Repeat("x", 1000)), 0o600))
		}
		out, err := run(t, settings, args...)
		check(t, err)
		if out != step.out {
			t.Errorf("%s: got %q, want %q", step.before, out, step.out)
		}
		if n := len(inBucket(t, server)); step.before == "dry" && n > 0 {
			t.Errorf("a dry run has copied %d", n)
		}
	}
	_, err := run(t, settings, "storage", "copy", "file://"+back) // from STORAGE_URL
	check(t, err)
	for _, name := range []string{"1", "2", "3"} {
		got := must(os.ReadFile(filepath.Join(back, "videos", name, "original.mp4")))(t)
		if string(got) != strings.Repeat(name, 1000) {
			t.Errorf("%s came back as another", name)
		}
	}
	settings["S3_SECRET_KEY"] = "wrong"
	if _, err := run(t, settings, "storage", "copy", "file://"+from, settings["STORAGE_URL"]); err == nil {
		t.Error("nothing can be written, and it works")
	}
}

package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
)

// Behind nginx, the program authorizes the request and nginx sends the object. Links start with the proxy's address.
func TestMediaThroughNginx(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "ACCEL_REDIRECT": "/_media/", "TRUSTED_PROXIES": "127.0.0.1"})
	p := newPlayer(t, s, "")
	id := p.uploaded("Triple")
	d := p.detail(id)
	link, err := url.Parse(d.Original)
	if err != nil {
		t.Fatal(err)
	}

	got := p.get(link.RequestURI())

	want := map[string]string{
		"X-Accel-Redirect": "/_media/" + strings.TrimPrefix(link.Path, "/media/"), "Content-Type": "video/mp4",
		"Cache-Control": "private, max-age=600", "ETag": `"` + strings.TrimPrefix(link.Path, "/media/") + `"`,
	}
	for name, value := range want {
		if diff := cmp.Diff(value, got.header.Get(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got.status != http.StatusOK || got.body != "" {
		t.Errorf("got %d and %d bytes, want 200 and none", got.status, len(got.body))
	}
	unsigned := p.get(link.Path)
	unsigned.refuses(noVideo)
	if to := unsigned.header.Get("X-Accel-Redirect"); to != "" {
		t.Errorf("a refusal leads to %s", to)
	}
	through := p.get(path("/api/videos/{id}", id), "X-Forwarded-Proto", "https", "X-Forwarded-Host", "stars.example.org")
	if !strings.Contains(through.body, `"original_url":"https://stars.example.org/media/`) {
		t.Errorf("got %s", through.body)
	}
}

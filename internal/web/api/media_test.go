package api_test

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/auth"
)

var noVideo = refusal{404, "Video not found", nil}

// links maps the links of a video's objects to their content.
func links(d detail, original string) map[string]object {
	return map[string]object{
		d.Original:  {"video/mp4", original},
		d.Processed: {"video/mp4", clipContent},
		d.Poster:    {"image/jpeg", posterContent},
	}
}

type object struct{ mediaType, content string }

// A link serves the whole object and ranges of it.
func TestMedia(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	private := p.uploaded("Bandeja")
	process(t, shared(), private)
	all := links(p.detail(private), clip(t))
	maps.Copy(all, links(p.detail(published(t, shared(), p, "Triple")), clip(t)))
	c := visitor(t, shared())
	for link, want := range all {
		size := strconv.Itoa(len(want.content))
		whole := c.get(link)
		tag := whole.header.Get("ETag")
		tests := []struct {
			name   string
			got    answer
			status int
			body   string
			header map[string]string
		}{
			{"whole", whole, 200, want.content, map[string]string{"Content-Length": size, "Accept-Ranges": "bytes"}},
			{"head", c.do("HEAD", link, ""), 200, "", map[string]string{"Content-Length": size, "ETag": tag}},
			{"first bytes", c.get(link, "Range", "bytes=0-9"), 206, want.content[:10], map[string]string{"Content-Range": "bytes 0-9/" + size}},
			{"from the middle", c.get(link, "Range", "bytes=10-"), 206, want.content[10:], map[string]string{"Content-Range": "bytes 10-" + strconv.Itoa(len(want.content)-1) + "/" + size}},
			{"last bytes", c.get(link, "Range", "bytes=-5"), 206, want.content[len(want.content)-5:], nil},
			{"beyond the end", c.get(link, "Range", "bytes=0-99999999"), 206, want.content, nil},
			{"head of a range", c.do("HEAD", link, "", "Range", "bytes=0-9"), 206, "", map[string]string{"Content-Length": "10"}},
			{"a range of this version", c.get(link, "Range", "bytes=0-9", "If-Range", tag), 206, want.content[:10], nil},
			{"a range of another", c.get(link, "Range", "bytes=0-9", "If-Range", `"other"`), 200, want.content, nil},
			{"unchanged", c.get(link, "If-None-Match", tag), 304, "", map[string]string{"ETag": tag}},
			{"changed", c.get(link, "If-None-Match", `"other"`), 200, want.content, nil},
		}
		for _, test := range tests {
			got := test.got
			if got.status != test.status || got.body != test.body {
				t.Errorf("%s of %s: got %d and %d bytes, want %d and %d", test.name, link, got.status, len(got.body), test.status, len(test.body))
			}
			for name, want := range test.header {
				if diff := cmp.Diff(want, got.header.Get(name)); diff != "" {
					t.Errorf("%s of %s: %s (-want +got):\n%s", test.name, link, name, diff)
				}
			}
			checkMediaHeader(t, link, want, got)
		}
		c.get(link, "Range", "frames=0-9").refuses(refusal{416, "La parte que se pide está fuera del archivo.", nil})
		c.get(link, "Range", "bytes=99999999-").refuses(refusal{416, "La parte que se pide está fuera del archivo.", nil})
		c.in("en").get(link, "Range", "bytes=99999999-").refuses(refusal{416, "The requested part lies outside the file.", nil})
		c.get(link, "If-Match", `"other"`).refuses(refusal{412, "El archivo no es el que se esperaba.", nil})
		c.post(link).refuses(refusal{405, "Esta dirección no admite ese método.", nil})
	}
}

func checkMediaHeader(t *testing.T, link string, want object, got answer) {
	t.Helper()
	cache := "public, max-age=31536000, immutable"
	if strings.Contains(link, "?") {
		cache = "private, max-age=600"
	}
	if diff := cmp.Diff(cache, got.header.Get("Cache-Control")); diff != "" {
		t.Errorf("%s: Cache-Control (-want +got):\n%s", link, diff)
	}
	if tag := got.header.Get("ETag"); len(tag) < 10 || tag[0] != '"' {
		t.Errorf("%s: got ETag %q", link, tag)
	}
	if got.status != http.StatusNotModified {
		if diff := cmp.Diff(want.mediaType, got.header.Get("Content-Type")); diff != "" {
			t.Errorf("%s: Content-Type (-want +got):\n%s", link, diff)
		}
	}
}

// A private object opens only with a link signed for the owner, and such a link opens only its object and only until
// it expires.
func TestLinksCannotBeForged(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id, other := p.uploaded("Bandeja"), p.uploaded("Triple")
	process(t, shared(), id)
	public := p.detail(published(t, shared(), p, "Tapón"))
	own, another := p.detail(id), p.detail(other)
	for _, link := range []string{own.Original, own.Processed, own.Poster, public.Original} {
		bare, query, _ := strings.Cut(link, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		key := strings.TrimPrefix(bare, shared().URL+"/media/")
		changed := func(name, value string) string {
			v := maps.Clone(values)
			v.Set(name, value)
			return bare + "?" + v.Encode()
		}
		later := strconv.FormatInt(time.Now().Add(100*time.Hour).Unix(), 10)
		_, others, _ := strings.Cut(another.Original, "?")
		for name, forged := range map[string]string{
			"no signature":         bare,
			"an empty one":         bare + "?",
			"later":                changed("expires", later),
			"no time":              changed("expires", ""),
			"no number":            changed("expires", "never"),
			"signature cut":        changed("signature", values.Get("signature")[:20]),
			"signature flipped":    changed("signature", flipped(values.Get("signature"))),
			"signature empty":      changed("signature", ""),
			"of another object":    bare + "?" + others,
			"expired":              bare + "?" + linkFrom(secret, -2*time.Hour, key),
			"with another secret":  bare + "?" + linkFrom(strings.ToUpper(secret), 0, key),
			"a token in its place": bare + "?signature=" + p.token,
		} {
			got := p.get(forged) // the token in the header does not help
			if diff := cmp.Diff(noVideo, got.refusal()); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, forged, diff)
			}
		}
		if got := visitor(t, shared()).get(bare + "?" + linkFrom(secret, 0, key)); got.status != 200 {
			t.Errorf("a link made with the same secret: got %d", got.status)
		}
	}
}

// linkFrom is the query of a link that was signed at now plus ago.
func linkFrom(secret string, ago time.Duration, key string) string {
	clock := func() time.Time { return time.Now().Add(ago) }
	return auth.NewSignedLinks([]byte(secret), time.Hour, clock).SignKey(key).Encode()
}

func TestLinksLastAnHour(t *testing.T) {
	t.Parallel()
	began := time.Now()
	p := newPlayer(t, shared(), "")
	link, err := url.Parse(p.detail(p.uploaded("Bandeja")).Original)
	if err != nil {
		t.Fatal(err)
	}
	expires, err := strconv.ParseInt(link.Query().Get("expires"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Unix(expires, 0)
	if end.Sub(began) < 59*time.Minute || time.Until(end) > 70*time.Minute {
		t.Errorf("got a link until %s, want about an hour from %s", end, began)
	}
}

// Only objects of videos are served, whatever the path.
func TestMediaHasNothingElse(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	public := p.detail(published(t, shared(), p, "Triple"))
	key := strings.TrimPrefix(public.Processed, shared().URL+"/media/")
	folder := key[:strings.LastIndex(key, "/")]
	follow := *browser
	follow.CheckRedirect = nil
	for _, path := range []string{
		"x", "videos", "videos/", folder, folder + "/", folder + "/clip.mp4/x", folder + "/other.mp4", key + "x", key + "%00",
		"risingstars.db", "../risingstars.db", "../../risingstars.db", "..%2frisingstars.db", "%2e%2e/risingstars.db",
		"%2e%2e%2frisingstars.db", "..%5crisingstars.db", "..%252frisingstars.db", "videos/../../secret.key",
		"videos%2f..%2f..%2fsecret.key", folder + "/../../../../secret.key", folder + "%2f..%2f..%2f..%2f..%2fsecret.key",
		"/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "....//....//etc/passwd", "file:///etc/passwd",
		"videos/00000000000000000000000000000000/original.mp4", strings.ToUpper(folder) + "/clip.mp4",
		".check-1", "videos/" + strings.Repeat("a", 5000),
	} {
		r := visitor(t, shared()).request("GET", "/media/"+path, nil)
		response, err := follow.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, response)
		if got.refusal().Status != 404 || strings.Contains(got.body, "root:") {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
	}
}

// The stored original has exactly the uploaded bytes. It stays private when the video is public.
func TestTheOriginalStaysPrivate(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	d := p.detail(published(t, shared(), p, "Triple"))
	bare, _, signed := strings.Cut(d.Original, "?")
	if !signed {
		t.Errorf("got %s, want a signed link", d.Original)
	}
	visitor(t, shared()).get(bare).refuses(noVideo)
	got := visitor(t, shared()).get(d.Original)
	if sha256.Sum256([]byte(got.body)) != sha256.Sum256([]byte(clip(t))) {
		t.Errorf("got %d bytes, want those that were uploaded", len(got.body))
	}
}

// An object is served with the media type that was determined when it was stored, whatever its content, and never as
// HTML.
func TestMediaAreNoPages(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id := published(t, shared(), p, "Triple")
	d := p.detail(id)
	markup := "<!doctype html><script>alert(1)</script>"
	for _, name := range []string{"clip.mp4", "poster.jpg"} { // as if a hostile file had made FFmpeg write HTML
		found, err := filepath.Glob(filepath.Join(mediaFolder(t, shared(), id), "*", name))
		if err != nil || len(found) != 1 {
			t.Fatalf("got %v, %v", found, err)
		}
		if err := os.WriteFile(found[0], []byte(markup), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, mediaType := range map[string]string{d.Original: "video/mp4", d.Processed: "video/mp4", d.Poster: "image/jpeg"} {
		got := p.get(link, "Accept", "text/html")
		if got.status != 200 || got.header.Get("Content-Type") != mediaType || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			got.header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: got %d %v", link, got.status, got.header)
		}
	}
}

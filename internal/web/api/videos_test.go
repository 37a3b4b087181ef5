package api_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

func TestMyVideos(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	other := newPlayer(t, shared(), "")
	p.get("/api/videos").is(200, "[]")
	first, second, third := p.uploaded("Bandeja"), p.uploaded("Triple"), p.uploaded("Tapón")
	other.uploaded("Clavada")
	process(t, shared(), second)
	if got := p.post(path("/api/videos/{id}/publish", second)); got.status != 200 {
		t.Fatalf("publish: %s", got.body)
	}
	process(t, shared(), first)

	got := p.get("/api/videos")

	got.is(200, text([]any{
		map[string]any{
			"video_id": third, "title": "Tapón", "status": "uploaded", "uploaded_at": "TIME", "processed_at": nil,
			"processed_url": nil,
		},
		map[string]any{
			"video_id": second, "title": "Triple", "status": "public", "uploaded_at": "TIME", "processed_at": "TIME",
			"processed_url": "open clip.mp4",
		},
		map[string]any{
			"video_id": first, "title": "Bandeja", "status": "processed", "uploaded_at": "TIME", "processed_at": "TIME",
			"processed_url": "signed clip.mp4",
		},
	}))
}

// detail is the part of a video's answer to its owner that tests use.
type detail struct {
	Status    string
	Progress  int
	Processed string  `json:"processed_url"`
	Original  string  `json:"original_url"`
	Poster    string  `json:"poster_url"`
	Failure   *string `json:"failure_reason"`
}

func (c client) detail(id int64) detail {
	c.tb.Helper()
	var d detail
	c.get(path("/api/videos/{id}", id)).decode(200, &d)
	return d
}

func described(id int64, named, status string, changes map[string]any) string {
	return text(with(map[string]any{
		"video_id": id, "title": named, "status": status, "uploaded_at": "TIME", "processed_at": nil, "processed_url": nil,
		"original_url": "signed original.mp4", "poster_url": nil, "votes": 0, "progress": 0, "failure_reason": nil,
	}, changes))
}

func TestPublish(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id := p.uploaded("Bandeja")
	publish := path("/api/videos/{id}/publish", id)
	refused := func() {
		t.Helper()
		p.post(publish).refuses(refusal{400, "El video aún no está procesado.", nil})
		p.in("en").post(publish).refuses(refusal{400, "The video is not processed yet.", nil})
	}
	for _, status := range []string{"uploaded", "processing", "failed"} {
		change(t, shared(), `UPDATE videos SET status = $1 WHERE id = $2`, status, id)
		refused()
	}
	change(t, shared(), `UPDATE videos SET status = 'processing' WHERE id = $1`, id)
	process(t, shared(), id)
	done := map[string]any{"processed_at": "TIME", "processed_url": "signed clip.mp4", "poster_url": "signed poster.jpg", "progress": 100}
	p.get(path("/api/videos/{id}", id)).is(200, described(id, "Bandeja", "processed", done))

	first := p.post(publish)
	again := p.post(publish)

	public := with(done, map[string]any{"processed_url": "open clip.mp4", "poster_url": "open poster.jpg"})
	first.is(200, described(id, "Bandeja", "public", public))
	again.is(200, described(id, "Bandeja", "public", public))
	p.get(path("/api/videos/{id}", id)).is(200, described(id, "Bandeja", "public", public))
}

// Another player's video is refused in every state.
func TestVideosOfOthers(t *testing.T) {
	t.Parallel()
	owner, other := newPlayer(t, shared(), ""), newPlayer(t, shared(), "")
	uploaded := owner.uploaded("Bandeja")
	public := published(t, shared(), owner, "Triple")
	for _, id := range []int64{uploaded, public} {
		for _, call := range []string{
			"GET /api/videos/{id}", "POST /api/videos/{id}/publish", "POST /api/videos/{id}/retry", "DELETE /api/videos/{id}",
			"GET /api/videos/{id}/events",
		} {
			method, to, _ := strings.Cut(call, " ")
			other.do(method, path(to, id), "").refuses(refusal{403, "You are not authorized", nil})
			other.in("en").do(method, path(to, id), "").refuses(refusal{403, "You are not authorized", nil})
		}
	}
	owner.get(path("/api/videos/{id}", uploaded)).is(200, described(uploaded, "Bandeja", "uploaded", nil))
}

func TestDelete(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	for _, status := range []string{"uploaded", "processing", "processed", "failed"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			p := p.as(t)
			id := p.uploaded("Bandeja")
			process(t, shared(), id)
			change(t, shared(), `UPDATE videos SET status = $1 WHERE id = $2`, status, id)
			was, folder := p.detail(id), mediaFolder(t, shared(), id)
			if got := len(files(t, folder)); got != 3 {
				t.Fatalf("got %d objects before, want 3", got)
			}

			lang := map[string]string{"failed": "en"}[status] // the message is the same
			got := p.in(lang).delete(path("/api/videos/{id}", id))

			got.is(200, text(map[string]any{"message": "El video ha sido eliminado exitosamente.", "video_id": id}))
			if left := files(t, folder); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			gone := refusal{404, "Video not found", nil}
			p.delete(path("/api/videos/{id}", id)).refuses(gone)
			p.get(path("/api/videos/{id}", id)).refuses(gone)
			p.post(path("/api/videos/{id}/publish", id)).refuses(gone)
			p.post(path("/api/videos/{id}/retry", id)).refuses(gone)
			p.get(path("/api/videos/{id}/events", id)).refuses(gone)
			for _, link := range []string{was.Original, was.Processed, was.Poster} {
				p.get(link).refuses(gone)
			}
		})
	}
}

func TestDeleteRefusesWhatIsPublic(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id := published(t, shared(), p, "Triple")
	p.delete(path("/api/videos/{id}", id)).refuses(refusal{400, "Video is public", nil})
	p.in("en").delete(path("/api/videos/{id}", id)).refuses(refusal{400, "Video is public", nil})
	if got := p.detail(id); got.Status != "public" || p.get(got.Processed).status != 200 {
		t.Errorf("got %+v", got)
	}
}

func TestRetryRefuses(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	id := p.uploaded("Triple")
	for _, status := range []string{"uploaded", "processing", "processed", "public"} {
		change(t, shared(), `UPDATE videos SET status = $1 WHERE id = $2`, status, id)
		p.post(path("/api/videos/{id}/retry", id)).
			refuses(refusal{400, "Solo se puede reintentar un video que ha fallado.", nil})
		p.in("en").post(path("/api/videos/{id}/retry", id)).
			refuses(refusal{400, "Only a failed video can be tried again.", nil})
	}
}

func TestFailureReasons(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	tests := []struct{ failure, es, en string }{
		{
			"unplayable",
			"El video no se pudo decodificar. Expórtalo de nuevo como MP4 (H.264 o HEVC) y vuelve a subirlo.",
			"The video could not be decoded. Export it again as MP4 (H.264 or HEVC) and upload it again.",
		},
		{
			"timeout",
			"Procesar el video tardó demasiado. Reinténtalo o sube una versión más ligera, por ejemplo en 1080p.",
			"Processing the video took too long. Try again, or upload a lighter version, such as 1080p.",
		},
		{
			"internal",
			"El video no se pudo procesar por un problema nuestro. Reinténtalo más tarde.",
			"The video could not be processed because of a problem on our side. Try again later.",
		},
		{
			"of a newer program",
			"El video no se pudo procesar por un problema nuestro. Reinténtalo más tarde.",
			"The video could not be processed because of a problem on our side. Try again later.",
		},
	}
	for _, test := range tests {
		t.Run(test.failure, func(t *testing.T) {
			t.Parallel()
			p := p.as(t)
			id := p.uploaded("Triple")
			change(t, shared(), `UPDATE videos SET status = 'failed', failure = $1 WHERE id = $2`, test.failure, id)

			for lang, want := range map[string]string{"": test.es, "en": test.en} {
				p.in(lang).get(path("/api/videos/{id}", id)).
					is(200, described(id, "Triple", "failed", map[string]any{"failure_reason": want}))
			}

			p.post(path("/api/videos/{id}/retry", id)).is(200, described(id, "Triple", "uploaded", nil))
			p.get(path("/api/videos/{id}", id)).is(200, described(id, "Triple", "uploaded", nil))
		})
	}
}

// Links start with the configured PUBLIC_URL, not with the request's host.
func TestLinksBeginWithThePublicURL(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "PUBLIC_URL": "http://stars.example.org/"})
	s.URL = local(t, s)
	p := newPlayer(t, s, "")
	got := p.detail(p.uploaded("Triple"))
	link, err := url.Parse(got.Original)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("http://stars.example.org", link.Scheme+"://"+link.Host); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	if got := p.get(link.RequestURI()); got.status != 200 {
		t.Errorf("the link does not open: %d %s", got.status, got.body)
	}
}

var listening = regexp.MustCompile(`addr=(\S+)`)

// local is the URL at which the test reaches a server that has another PUBLIC_URL.
func local(t *testing.T, s *apptest.Server) string {
	t.Helper()
	var found []string
	testserver.Eventually(t, "the server logs its address", func() bool {
		found = listening.FindStringSubmatch(s.Log())
		return found != nil
	})
	return "http://" + found[1]
}

package ui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// sampleFront has every field filled, and every branch of the template in it.
func sampleFront() Front {
	return Front{
		Videos: []VideoCard{
			{
				Title: "Triple desde la esquina", Player: "Ana Rojas", City: "Medellín", Votes: 12480,
				UploadedAt: time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC),
				ClipURL:    "/media/7.mp4", PosterURL: "/media/7.jpg",
			},
			{Title: "Bandeja", Player: "Luis Mora", Votes: 1, ClipURL: "/media/8.mp4"},
		},
		Ranking: []RankingRow{
			{Position: 1, Player: "Ana Rojas", City: "Medellín", Votes: 12480},
			{Position: 2, Player: "Luis Mora", Votes: 1},
		},
	}
}

func renderFront(t *testing.T, page Front, header http.Header, target string) *httptest.ResponseRecorder {
	t.Helper()
	u, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header = header
	w := httptest.NewRecorder()
	if err := u.Front(w, r, page); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFrontShowsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		page  Front
		lang  string
		wants []string
		nots  []string
	}{
		"full, Spanish": {
			page: sampleFront(), lang: "es",
			wants: []string{`<html lang="es">`, "12.480 votos", "1 voto<", "15 de enero de 2026", `href="/media/7.mp4"`, `src="/media/7.jpg"`,
				"Imagen del video «Triple desde la esquina», de Ana Rojas", "Sin ciudad", `href="/docs"`, `href="/openapi.json"`},
			nots: []string{spanish.VideosFirst, spanish.RankingFirst},
		},
		"full, English": {
			page: sampleFront(), lang: "en",
			wants: []string{`<html lang="en">`, "12,480 votes", "1 vote<", "15 January 2026", "Picture from the video “Triple desde la esquina”, by Ana Rojas"},
			nots:  []string{english.VideosFirst, english.RankingFirst},
		},
		"empty, Spanish": {
			lang:  "es",
			wants: []string{spanish.VideosFirst, spanish.RankingFirst, `href="/docs"`},
			nots:  []string{"<table", `class="cards"`},
		},
		"empty, English": {
			lang:  "en",
			wants: []string{english.VideosFirst, english.RankingFirst},
			nots:  []string{"<table", `class="cards"`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.page.Lang = test.lang
			w := renderFront(t, test.page, http.Header{}, "/")
			body := w.Body.String()
			for _, want := range test.wants {
				if !strings.Contains(body, want) {
					t.Errorf("page lacks %q", want)
				}
			}
			for _, not := range append(test.nots, "<script", "style=", "<style", "<no value>", "%!") {
				if strings.Contains(body, not) {
					t.Errorf("page has %q", not)
				}
			}
			if got := w.Header().Get("Content-Language"); got != test.lang {
				t.Errorf("Content-Language: got %q, want %q", got, test.lang)
			}
		})
	}
}

func TestFrontFollowsTheReadersLanguage(t *testing.T) {
	t.Parallel()
	header := http.Header{"Accept-Language": {"en-GB,en;q=0.9,es;q=0.5"}}
	if got := renderFront(t, Front{}, header, "/").Header().Get("Content-Language"); got != "en" {
		t.Errorf("got %q, want en", got)
	}
}

func TestTheChosenLanguageStaysChosen(t *testing.T) {
	t.Parallel()
	header := http.Header{"Accept-Language": {"es"}}
	body := renderFront(t, Front{}, header, "/?lang=en").Body.String()
	for _, want := range []string{`<html lang="en">`, `href="/?lang=en#ranking"`, `href="/?lang=es" hreflang="es"`} {
		if !strings.Contains(body, want) {
			t.Errorf("page lacks %q", want)
		}
	}
}

func TestFrontEscapesHostileNames(t *testing.T) {
	t.Parallel()
	const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>`
	body := renderFront(t, Front{
		Lang: "es",
		Videos: []VideoCard{{
			Title: hostile, Player: hostile, City: hostile,
			ClipURL: "javascript:alert(3)", PosterURL: `/p.jpg" onerror="alert(4)`,
		}},
		Ranking: []RankingRow{{Position: 1, Player: hostile, City: hostile}},
	}, http.Header{}, "/").Body.String()
	for _, not := range []string{"<script", "<img src=x", "javascript:", `" onerror`} {
		if strings.Contains(body, not) {
			t.Errorf("page has %q", not)
		}
	}
	if want := "&lt;script&gt;alert(1)&lt;/script&gt;"; !strings.Contains(body, want) {
		t.Errorf("page lacks the escaped name %q", want)
	}
}

func TestAFailedRenderingWritesNothing(t *testing.T) {
	t.Parallel()
	u, err := New()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := u.render(w, "front", "es", struct{}{}); err == nil {
		t.Fatal("rendering a view without fields: got no error")
	}
	if w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("got %d bytes and headers %v, want nothing", w.Body.Len(), w.Header())
	}
}

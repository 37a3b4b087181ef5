package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

// Publishing cannot be undone. A page asks for confirmation first, also without scripts.
func TestPublishingIsAskedAbout(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1"})
	b := newReader(t, s)
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	ana := must(signIn(s.URL, "ana@example.com"))(t)
	id := ana.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{}))
	page := fmt.Sprintf("/mis-videos/%d/publicar", id)
	if answer, _ := b.do("GET", "/mis-videos/99/publicar", nil); answer.StatusCode != 404 {
		t.Errorf("a video that is not there: got %d", answer.StatusCode)
	}
	ana.waitFor(t, s.URL, id, "processed")

	if _, list := b.do("GET", "/mis-videos", nil); !strings.Contains(list, `href="`+page+`"`) || strings.Contains(list, `action="`+page+`"`) {
		t.Errorf("the list does not lead to the question:\n%s", list)
	}
	if answer, _ := newReader(t, s).do("GET", page, nil); answer.Request.URL.Path != "/cuenta/entrar" {
		t.Errorf("a stranger is led to %s", answer.Request.URL)
	}
	for lang, want := range map[string]string{"es": "No se puede deshacer", "en": "This cannot be undone"} {
		answer, asked := b.do("GET", page, nil, "Accept-Language", lang)
		if answer.StatusCode != 200 {
			t.Errorf("the question: got %d", answer.StatusCode)
		}
		contains(t, asked, want, `action="`+page+`" method="post"`, `href="/mis-videos"`)
	}
	if v := ana.video(t, s.URL, id); v.Status != "processed" {
		t.Errorf("asking has made it %s", v.Status)
	}
	if answer, _ := b.post(page, nil); answer.Request.URL.Path != "/mis-videos" {
		t.Errorf("the answer leads to %s", answer.Request.URL)
	}
	if v := ana.video(t, s.URL, id); v.Status != "public" {
		t.Errorf("it is %s", v.Status)
	}
	if answer, _ := b.do("GET", page, nil); answer.Request.URL.Path != fmt.Sprintf("/v/%d", id) {
		t.Errorf("the question about a public video leads to %s", answer.Request.URL)
	}
}

// Pages that refer to the organizers show CONTACT, if it is set.
func TestContact(t *testing.T) {
	t.Parallel()
	for contact, link := range map[string]string{
		"":                              "",
		"estrellas@anb.example.org":     `<a href="mailto:estrellas@anb.example.org">estrellas@anb.example.org</a>`,
		"https://anb.example.org/ayuda": `<a href="https://anb.example.org/ayuda">anb.example.org/ayuda</a>`,
	} {
		b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0", "CONTACT": contact}))
		for path, times := range map[string]int{"/": 1, "/cuenta/entrar": 2, "/nada": 1, "/sin-conexion": 1} {
			_, body := b.do("GET", path, nil)
			if contact == "" {
				link, times = "Organización: ", 0
			}
			if got := strings.Count(body, link); got != times {
				t.Errorf("%q on %s: %d times, want %d", contact, path, got, times)
			}
		}
		if _, body := b.do("GET", "/cuenta/entrar", nil); !strings.Contains(body, "Pide una nueva a la organización.") {
			t.Errorf("%q: the page for signing in does not say whom to ask", contact)
		}
	}
}

// An invalid form keeps all input except the passwords, and says that those must be typed again.
func TestAFaultyFormKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	const again, kept = "escríbela otra vez", "salto-y-canasta"
	form := signUpForm("ana@example.com")
	form.Set("city", strings.Repeat("x", 101))

	answer, body := b.post("/cuenta/registro", form)

	if answer.StatusCode != 422 || strings.Count(body, again) != 1 || strings.Contains(body, kept) {
		t.Errorf("got %d:\n%s", answer.StatusCode, body)
	}
	contains(t, body, `value="Ana"`, `value="Rojas"`, `value="ana@example.com"`, `value="`+form.Get("city")+`"`, `id="city-fault"`)
	if _, fresh := b.do("GET", "/cuenta/registro", nil); strings.Contains(fresh, again) {
		t.Error("a new form says that something must be typed again")
	}
}

// Browsers validate forms by the contest's rules before they send them.
func TestFormsHaveTheRules(t *testing.T) {
	t.Parallel()
	b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	_, page := b.do("GET", "/cuenta/registro", nil)
	for name, want := range map[string][]string{
		"first_name": {" required", "missing", "blank", "long", "100", "Puede tener como máximo 100 caracteres."},
		"city":       {"long", "100"},
		"email":      {" required", `type="email"`, "missing", "email", "Debe ser una dirección de correo válida."},
		"password1":  {" required", `minlength="8"`, "short", "Debe tener al menos 8 caracteres.", "bytes", "72"},
		"password2":  {" required", "differs", "Las contraseñas no coinciden."},
	} {
		input := regexp.MustCompile(`(?s)<input id="` + name + `".*?>`).FindString(page)
		contains(t, input, append(want, "data-rules=")...)
	}
	if strings.Contains(page, "novalidate") {
		t.Error("a browser without scripts checks nothing")
	}
}

// A throttled sign-in says how long to wait, in agreement with Retry-After.
func TestTooManySignInsSayHowLong(t *testing.T) {
	t.Parallel()
	for limit, waits := range map[string]map[string]string{
		"1/30s": {"es": `Intenta de nuevo en (1 minuto|\d+ segundos)\.`, "en": `Try again in (1 minute|\d+ seconds)\.`},
		"1/5m":  {"es": `Intenta de nuevo en \d+ minutos\.`, "en": `Try again in \d+ minutes\.`},
	} {
		b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0", "RATE_LIMIT": "on", "LIMIT_FAILED_SIGN_INS": limit}))
		form := map[string][]string{"email": {"ana@example.com"}, "password": {"no es esta"}}
		b.post("/cuenta/entrar", form)
		for lang, want := range waits {
			answer, body := b.post("/cuenta/entrar?lang="+lang, form)
			if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" || !regexp.MustCompile(want).MatchString(body) {
				t.Errorf("%s: got %s, Retry-After %q, want %s in\n%s", limit, answer.Status, answer.Header.Get("Retry-After"), want, body)
			}
		}
	}
}

// An error that is not produced by a page is in the reader's chosen language too.
func TestErrorsOfTheServerAreInOneLanguage(t *testing.T) {
	t.Parallel()
	b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	b.do("GET", "/?lang=es", nil) // sets the language cookie
	answer, body := b.do("POST", "/ranking", nil, "Accept-Language", "en")
	if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") == "" {
		t.Errorf("got %s, Allow %q", answer.Status, answer.Header.Get("Allow"))
	}
	contains(t, body, `<html lang="es">`, "Esta dirección no admite ese método.")
	_, body = b.do("POST", "/ranking?lang=en", nil, "Accept-Language", "es")
	contains(t, body, `<html lang="en">`, "This address does not support that method.")
}

// Search engines and browsers find their files at the root.
func TestFilesAtTheRoot(t *testing.T) {
	t.Parallel()
	b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	answer, body := b.do("GET", "/robots.txt", nil)
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || got != "text/plain; charset=utf-8" {
		t.Errorf("robots.txt: got %s, %s", answer.Status, got)
	}
	contains(t, body, "User-agent: *\n", "Disallow: /api/\n", "Disallow: /cuenta\n", "Disallow: /mis-videos\n")
	for _, open := range []string{"Disallow: /\n", "Disallow: /v", "Disallow: /ranking\n"} {
		if strings.Contains(body, open) {
			t.Errorf("robots.txt keeps out of public pages: %q", open)
		}
	}
	icon, at := b.do("GET", "/favicon.ico", nil)
	_, static := b.do("GET", "/static/favicon.ico", nil)
	if icon.StatusCode != 200 || icon.Header.Get("Content-Type") != "image/x-icon" || at != static || at == "" {
		t.Errorf("favicon.ico: got %s, %s, %d bytes of %d", icon.Status, icon.Header.Get("Content-Type"), len(at), len(static))
	}
}

// The endpoint of resumable uploads answers 405 with an Allow header to unknown methods, with or without a session.
func TestMethodsOfResumableUploads(t *testing.T) {
	t.Parallel()
	b := newReader(t, apptest.Start(t, apptest.Settings{"WORKERS": "0"}))
	for path, allow := range map[string]string{"/api/uploads/": "POST, OPTIONS", "/api/uploads/x": "HEAD, PATCH, DELETE, OPTIONS"} {
		answer, _ := b.do("GET", path, nil)
		if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != allow {
			t.Errorf("%s: got %s, Allow %q", path, answer.Status, answer.Header.Get("Allow"))
		}
	}
}

package site

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"risingstars/internal/web/lang"
)

const languageCookie = "lang"

// Language returns "es" or "en": the lang parameter of the query if it is valid, else the language cookie, else what
// Accept-Language prefers, else Spanish.
func Language(r *http.Request) string {
	if asked := r.URL.Query().Get("lang"); isLanguage(asked) {
		return asked
	}
	if chosen, err := r.Cookie(languageCookie); err == nil && isLanguage(chosen.Value) {
		return chosen.Value
	}
	return lang.PreferredLanguage(r.Header.Get("Accept-Language")).String()
}

func isLanguage(tag string) bool { return tag == spanish.Lang || tag == english.Lang }

// rememberLanguage stores the lang parameter of the query in a cookie for a year.
func rememberLanguage(w http.ResponseWriter, r *http.Request, secure bool) {
	if asked := r.URL.Query().Get("lang"); isLanguage(asked) {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: asked, Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
		})
	}
}

// tagOf is the language of a request as a lang.Tag.
func tagOf(r *http.Request) lang.Tag {
	if Language(r) == english.Lang {
		return lang.English
	}
	return lang.Spanish
}

// wantsPage reports whether a problem should be shown as a page: the client accepts HTML or is htmx, and the path is
// not one of the API, the probes or the static files.
func wantsPage(r *http.Request) bool {
	for _, own := range []string{"/api/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/static/"} {
		if strings.HasPrefix(r.URL.Path, own) {
			return false
		}
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("HX-Request") != ""
}

func wordsOf(tag string) *words {
	if tag == english.Lang {
		return &english
	}
	return &spanish
}

// Number formats n with the language's group separator: 12.480 or 12,480.
func (w *words) Number(n int) string {
	digits := strconv.Itoa(n)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(digits) - 3; i > first; i -= 3 {
		digits = digits[:i] + w.GroupSeparator + digits[i:]
	}
	return digits
}

// Votes formats n with "vote" or "votes".
func (w *words) Votes(n int) string {
	if n == 1 {
		return w.OneVote
	}
	return fmt.Sprintf(w.ManyVotes, w.Number(n))
}

// Date formats the day of t in UTC, with the month's name.
func (w *words) Date(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf(w.DayMonthYear, t.Day(), w.Months[t.Month()-1], t.Year())
}

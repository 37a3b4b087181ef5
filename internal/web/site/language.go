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

// Language returns "es" or "en": the query's lang if it is one of them, else what the reader chose before, else what
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

// rememberLanguage keeps what the reader chose by the switch for a year.
func rememberLanguage(w http.ResponseWriter, r *http.Request, secure bool) {
	if asked := r.URL.Query().Get("lang"); isLanguage(asked) {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: asked, Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
		})
	}
}

// tagOf is the reader's language as the table of problems knows it.
func tagOf(r *http.Request) lang.Tag {
	if Language(r) == english.Lang {
		return lang.English
	}
	return lang.Spanish
}

// wantsPage reports whether a browser asks for something that is shown as a page.
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

// Number writes n in groups of three, as the language does: 12.480, 12,480.
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

// Votes writes n with the noun that agrees with it.
func (w *words) Votes(n int) string {
	if n == 1 {
		return w.OneVote
	}
	return fmt.Sprintf(w.ManyVotes, w.Number(n))
}

// Date writes the day in UTC, the month by its name in the language.
func (w *words) Date(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf(w.DayMonthYear, t.Day(), w.Months[t.Month()-1], t.Year())
}

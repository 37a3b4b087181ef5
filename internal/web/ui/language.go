package ui

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"risingstars/internal/web/lang"
)

// Language returns "es" or "en": the query's lang if it is one of them, else
// what Accept-Language prefers, else Spanish.
func Language(r *http.Request) string {
	switch asked := r.URL.Query().Get("lang"); asked {
	case spanish.Lang, english.Lang:
		return asked
	}
	return lang.Accepted(r.Header.Get("Accept-Language")).String()
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

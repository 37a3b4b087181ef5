package site

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	tests := []struct{ target, accept, want string }{
		{"/", "", "es"},
		{"/", "es-CO", "es"},
		{"/", "en", "en"},
		{"/", "en-US,en;q=0.9", "en"},
		{"/", "es;q=0.5,en;q=0.9", "en"},
		{"/", "en;q=0.3,es;q=0.9", "es"},
		{"/", "fr-FR,en;q=0.4", "en"},
		{"/", "fr", "es"},
		{"/", "*", "es"},
		{"/", ";;;q=", "es"},
		{"/", strings.Repeat("en,", 5000), "en"},
		{"/?lang=en", "es", "en"},
		{"/?lang=es", "en", "es"},
		{"/?lang=xx", "en", "en"},
	}
	for _, test := range tests {
		r := httptest.NewRequest("GET", test.target, nil)
		r.Header.Set("Accept-Language", test.accept)
		if got := Language(r); got != test.want {
			t.Errorf("%s with %.40q: got %q, want %q", test.target, test.accept, got, test.want)
		}
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		0:                               {"1 segundo", "1 second"},
		time.Second:                     {"1 segundo", "1 second"},
		1100 * time.Millisecond:         {"2 segundos", "2 seconds"},
		59 * time.Second:                {"59 segundos", "59 seconds"},
		59*time.Second + 1:              {"1 minuto", "1 minute"},
		time.Minute + time.Nanosecond:   {"2 minutos", "2 minutes"},
		5 * time.Minute:                 {"5 minutos", "5 minutes"},
		14*time.Minute + 30*time.Second: {"15 minutos", "15 minutes"},
	} {
		if got := [2]string{spanish.Wait(d), english.Wait(d)}; got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestNumbersAndDates(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 9, 3, 23, 0, 0, 0, time.FixedZone("", -5*3600))
	tests := []struct{ got, want string }{
		{spanish.Number(0), "0"},
		{spanish.Number(999), "999"},
		{spanish.Number(1234), "1.234"},
		{spanish.Number(1234567), "1.234.567"},
		{english.Number(1234567), "1,234,567"},
		{english.Number(-123), "-123"},
		{english.Number(-1234), "-1,234"},
		{spanish.Votes(0), "0 votos"},
		{spanish.Votes(1), "1 voto"},
		{english.Votes(1200), "1,200 votes"},
		{spanish.Date(day), "4 de septiembre de 2026"},
		{english.Date(day), "4 September 2026"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

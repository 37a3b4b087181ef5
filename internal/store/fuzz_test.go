package store

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// fold is idempotent, and the search pattern of a text matches that text without wildcards.
func FuzzFold(f *testing.F) {
	for _, text := range []string{"Bogotá", " San \t José\n", "İzmir ﬁ ΣΊΣΥΦΟΣ", "50%_\\", "\xff", "e\u0301\u0301", "ǅ", "\u1e9e", "\u0345"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		folded := fold(text)
		if utf8.ValidString(text) && (fold(folded) != folded || !utf8.ValidString(folded)) {
			t.Errorf("%q gives %q gives %q", text, folded, fold(folded))
		}
		pattern := containing(text)
		plain := strings.NewReplacer(`\\`, "", `\%`, "", `\_`, "").Replace(pattern[1 : len(pattern)-1])
		if strings.ContainsAny(plain, `%_\`) {
			t.Errorf("%q gives the pattern %q", text, pattern)
		}
		if email := foldEmail(text); utf8.ValidString(text) && foldEmail(email) != email {
			t.Errorf("%q gives %q gives %q", text, email, foldEmail(email))
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{"2026-01-15T10:30:00.987654Z", "2026-01-15 10:30:00", "2026-01-15T10:30:00+05:00", "", "0000-00-00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var at timestamp
		if at.Scan(text) == nil && time.Time(at).Location() != time.UTC {
			t.Errorf("%q: %v", text, time.Time(at))
		}
	})
}

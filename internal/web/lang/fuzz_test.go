package lang

import "testing"

func FuzzAccepted(f *testing.F) {
	for _, header := range []string{"", "en", "es-CO,es;q=0.9,en;q=0.8", "*", "en;q=0", "x-klingon;q=1.5,,;", "en-US-u-co-phonebk-x-a"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if tag := PreferredLanguage(header); tag != Spanish && tag != English {
			t.Errorf("%q: %v", header, tag)
		}
	})
}

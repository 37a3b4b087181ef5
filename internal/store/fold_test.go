package store

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"", ""},
		{"Bogotá", "bogota"},
		{"BOGOTÁ", "bogota"},
		{"Bogota\u0301", "bogota"},
		{"  San \t José\n", "san jose"},
		{"San\u00a0José", "san jose"},
		{"Ñandú", "nandu"},
		{"Straße", "strasse"},
		{"ﬁn", "fin"},
		{"İzmir", "izmir"},
		{"Ｂｏｇｏｔá", "bogota"},
		{"ΣΊΣΥΦΟΣ", "σισυφοσ"},
		{"σίσυφος", "σισυφοσ"},
		{"東京", "東京"},
		{"서울", "서울"},
		{"🏀", "🏀"},
		{"50 %_\\", "50 %_\\"},
	}
	for _, test := range tests {
		if got := fold(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

// The key of a Latin name does not depend on case, accents or Unicode normalization.
func TestFoldIsTheSameHoweverItIsTyped(t *testing.T) {
	t.Parallel()
	letters := rapid.SliceOfN(rapid.RuneFrom([]rune("aeiouáéíóúüñçãõàèâêîôûäöABCÁÉÍÓÚÑÜ .-'")), 1, 20)
	rapid.Check(t, func(t *rapid.T) {
		text := string(letters.Draw(t, "text"))
		want := fold(text)
		for what, other := range map[string]string{
			"upper": strings.ToUpper(text), "lower": strings.ToLower(text),
			"decomposed": norm.NFD.String(text), "composed": norm.NFC.String(text),
			"blanks around": "  " + text + "\n",
		} {
			if got := fold(other); got != want {
				t.Fatalf("%s of %q: got %q, want %q", what, text, got, want)
			}
		}
		if strings.ContainsFunc(want, unicode.IsUpper) {
			t.Fatalf("%q of %q has capitals", want, text)
		}
	})
}

func TestFoldTakesAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		if once := fold(text); fold(once) != once {
			t.Fatalf("%q: %q becomes %q", text, once, fold(once))
		}
	})
}

func TestFoldEmail(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"Ana@Example.ORG", "ana@example.org"},
		{"  ana@example.org\n", "ana@example.org"},
		{"JOSÉ@example.org", "josé@example.org"},
		{"jose\u0301@example.org", "josé@example.org"},
		{"jose@example.org", "jose@example.org"},
	}
	for _, test := range tests {
		if got := foldEmail(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestContaining(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"Tiro", "%tiro%"},
		{"100%", `%100\%%`},
		{"a_b", `%a\_b%`},
		{`a\b`, `%a\\b%`},
		{`\%`, `%\\\%%`},
		{"％＿", `%\%\_%`},
		{"", "%%"},
	}
	for _, test := range tests {
		if got := containing(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

package lang

import (
	"strings"
	"testing"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		header string
		want   Tag
	}{
		{"", Spanish},
		{"es", Spanish},
		{"es-CO", Spanish},
		{"es-419,es;q=0.9,en;q=0.8", Spanish},
		{"en", English},
		{"EN-us", English},
		{"en-US,en;q=0.9", English},
		{"en-GB,es;q=0.5", English},
		{"es;q=0.5,en;q=0.9", English},
		{"en;q=0.3,es;q=0.9", Spanish},
		{"fr-FR,en;q=0.4", English},
		{"fr-FR,fr;q=0.9", Spanish},
		{"zh,ja", Spanish},
		{"*", Spanish},
		{"en;q=0", Spanish}, // explicitly excluded
		{";;;q=", Spanish},
		{"e\x00n", Spanish},
		{strings.Repeat("x", 10_000), Spanish},
		{"en," + strings.Repeat("fr,", 2000), English},
	}
	for _, test := range tests {
		if got := PreferredLanguage(test.header); got != test.want {
			t.Errorf("%.40q: got %s, want %s", test.header, got, test.want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	text := Text{ES: "sí", EN: "yes"}
	if text.In(Spanish) != "sí" || text.In(English) != "yes" || text.In(Tag(7)) != "sí" {
		t.Errorf("got %q, %q, %q", text.In(Spanish), text.In(English), text.In(Tag(7)))
	}
	if same := SameInBoth("Video is public"); same.In(Spanish) != same.In(English) || same.In(English) != "Video is public" {
		t.Errorf("got %+v", same)
	}
	if Spanish.String() != "es" || English.String() != "en" {
		t.Errorf("got %s and %s", Spanish, English)
	}
}

package store

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// fold makes the key by which texts are the same whatever case and accents: "Bogotá", "BOGOTA" and a decomposed
// "Bogotá" give "bogota". White space at the ends goes, and runs of it become one blank. It is done here, once, on
// writing, since databases fold differently or not at all.
func fold(s string) string {
	// A transformer keeps state, so each call makes its own.
	plain := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), cases.Fold(), norm.NFC)
	folded, _, err := transform.String(plain, s)
	if err != nil {
		folded = strings.ToLower(s) // no transformer above fails on any input; text is still matched if one should
	}
	return strings.Join(strings.Fields(folded), " ")
}

// foldEmail makes the key by which two emails are the same: whatever case, but accents count.
func foldEmail(s string) string {
	return cases.Fold().String(norm.NFC.String(strings.TrimSpace(s)))
}

// containing makes a LIKE pattern for "has the folded text in it", in which nothing the text holds is a wildcard. It
// is to be used with ESCAPE '\'.
func containing(text string) string {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(fold(text))
	return "%" + escaped + "%"
}

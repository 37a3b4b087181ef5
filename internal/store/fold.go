package store

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// fold returns the key for comparing texts without case and accents: "Bogotá", "BOGOTA" and a decomposed "Bogotá" give
// "bogota". It trims white space and turns each run of it into one space. Go folds once, when a row is written, because
// the databases fold differently or not at all.
func fold(s string) string {
	// A transformer has state, so each call makes its own.
	plain := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), cases.Fold(), norm.NFC)
	folded, _, err := transform.String(plain, s)
	if err != nil {
		folded = strings.ToLower(s) // these transformers fail on no input; if one did, the text could still be found
	}
	return strings.Join(strings.Fields(folded), " ")
}

// foldEmail returns the key for comparing emails: without case, but with accents.
func foldEmail(s string) string {
	return cases.Fold().String(norm.NFC.String(strings.TrimSpace(s)))
}

// containing returns a LIKE pattern that matches texts containing the folded text, with its wildcards escaped. Use it
// with ESCAPE '\'.
func containing(text string) string {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(fold(text))
	return "%" + escaped + "%"
}

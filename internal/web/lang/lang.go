// Package lang chooses between the platform's languages: Spanish by default, English if the client prefers it.
package lang

import (
	"golang.org/x/text/language"
)

// Tag is a language of the platform.
type Tag int

// The languages. The zero value, Spanish, is the default.
const (
	Spanish Tag = iota
	English
)

// String is the language tag for HTTP headers and HTML attributes.
func (t Tag) String() string {
	if t == English {
		return "en"
	}
	return "es"
}

var matcher = language.NewMatcher([]language.Tag{language.Spanish, language.English})

// PreferredLanguage chooses the language by the value of an Accept-Language header (RFC 9110 section 12.5.4). It
// returns Spanish for an empty or malformed header, and if no language of the header is supported.
func PreferredLanguage(header string) Tag {
	if header == "" {
		return Spanish
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return Spanish
	}
	if _, index, confidence := matcher.Match(wanted...); confidence > language.No && index == int(English) {
		return English
	}
	return Spanish
}

// Text is one sentence in each language.
type Text struct{ ES, EN string }

// SameInBoth is a sentence that clients compare with, so it is the same in every language.
func SameInBoth(s string) Text { return Text{s, s} }

// In is the sentence in the given language.
func (t Text) In(tag Tag) string {
	if tag == English {
		return t.EN
	}
	return t.ES
}

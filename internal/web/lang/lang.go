// Package lang chooses between the languages that the platform speaks: Spanish first, English where it is preferred.
package lang

import (
	"golang.org/x/text/language"
)

// Tag is a language of the platform.
type Tag int

// The languages. The zero value is what everybody gets who does not ask for another.
const (
	Spanish Tag = iota
	English
)

// String is the tag as HTTP and HTML write it.
func (t Tag) String() string {
	if t == English {
		return "en"
	}
	return "es"
}

var matcher = language.NewMatcher([]language.Tag{language.Spanish, language.English})

// PreferredLanguage chooses by the value of an Accept-Language header (RFC 9110 section 12.5.4). Nothing, or nothing that the
// platform speaks, gives Spanish.
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

// SameInBoth is a sentence that clients compare with, the same in every language.
func SameInBoth(s string) Text { return Text{s, s} }

// In is the sentence in one language.
func (t Text) In(tag Tag) string {
	if tag == English {
		return t.EN
	}
	return t.ES
}

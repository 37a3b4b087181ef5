package contest

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fieldFaults collects what is wrong with a request, so that all of it can be said at once.
type fieldFaults []Field

func (f *fieldFaults) addFault(name string, fault Fault, limit int) {
	*f = append(*f, Field{name, fault, limit})
}

func (f fieldFaults) asError() error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidError{Fields: f}
}

// checkLine checks one line of text that a person typed and returns it trimmed. It may be empty only if optional.
func (f *fieldFaults) checkLine(name, value string, limit int, optional bool) string {
	trimmed := strings.TrimSpace(value)
	switch {
	case !utf8.ValidString(value) || strings.ContainsFunc(trimmed, isControlOrDirection):
		f.addFault(name, NotText, 0)
	case trimmed == "" && optional:
	case value == "":
		f.addFault(name, Missing, 0)
	case !strings.ContainsFunc(trimmed, isVisible):
		f.addFault(name, Blank, 0)
	case utf8.RuneCountInString(trimmed) > limit:
		f.addFault(name, TooLong, limit)
	}
	return trimmed
}

// isControlOrDirection characters move the cursor, or turn the direction of the text around them (Unicode's embeddings, overrides
// and isolates), so that a name could garble the page it stands on.
func isControlOrDirection(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// isVisible characters are letters, digits, signs: what a reader sees, unlike a zero-width space or an accent on nothing.
func isVisible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) }

// checkEmail checks an address as RFC 5322 writes it, without a display name, and as mail servers take it: RFC 5321 allows
// 64 bytes before the @ and 254 in all. The domain must have a dot, because players do not use local host names.
func (f *fieldFaults) checkEmail(name, value string) string {
	trimmed := strings.TrimSpace(value)
	if trimmed == "" {
		f.addFault(name, Missing, 0)
		return ""
	}
	parsed, err := mail.ParseAddress(trimmed)
	at := strings.LastIndexByte(trimmed, '@')
	if err != nil || parsed.Address != trimmed || at > 64 || len(trimmed) > 254 || !isMailDomain(trimmed[at+1:]) {
		f.addFault(name, NotEmail, 0)
	}
	return trimmed
}

func isMailDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1 && !strings.ContainsAny(s, "[]")
}

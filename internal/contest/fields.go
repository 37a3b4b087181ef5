package contest

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fields collects what is wrong with a request, so that all of it can be said at once.
type fields []Field

func (f *fields) add(name string, fault Fault, limit int) {
	*f = append(*f, Field{name, fault, limit})
}

func (f fields) err() error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidError{Fields: f}
}

// line checks one line of text that a person typed and returns it trimmed. It may be empty only if optional.
func (f *fields) line(name, value string, limit int, optional bool) string {
	trimmed := strings.TrimSpace(value)
	switch {
	case !utf8.ValidString(value) || strings.ContainsFunc(trimmed, disturbing):
		f.add(name, NotText, 0)
	case trimmed == "" && optional:
	case value == "":
		f.add(name, Missing, 0)
	case !strings.ContainsFunc(trimmed, visible):
		f.add(name, Blank, 0)
	case utf8.RuneCountInString(trimmed) > limit:
		f.add(name, TooLong, limit)
	}
	return trimmed
}

// disturbing characters move the cursor, or turn the direction of the text around them (Unicode's embeddings, overrides
// and isolates), so that a name could garble the page it stands on.
func disturbing(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// visible characters are letters, digits, signs: what a reader sees, unlike a zero-width space or an accent on nothing.
func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) }

// email checks an address as RFC 5322 writes it, without a display name, and as mail servers take it: RFC 5321 allows
// 64 bytes before the @ and 254 in all. The domain must have a dot: nobody signs up from inside a mail server.
func (f *fields) email(name, value string) string {
	trimmed := strings.TrimSpace(value)
	if trimmed == "" {
		f.add(name, Missing, 0)
		return ""
	}
	parsed, err := mail.ParseAddress(trimmed)
	at := strings.LastIndexByte(trimmed, '@')
	if err != nil || parsed.Address != trimmed || at > 64 || len(trimmed) > 254 || !domain(trimmed[at+1:]) {
		f.add(name, NotEmail, 0)
	}
	return trimmed
}

func domain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1 && !strings.ContainsAny(s, "[]")
}

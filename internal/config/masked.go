package config

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// Line is one setting in a form that is safe to show.
type Line struct{ Name, Value string }

// Masked lists all settings without secrets and passwords.
func (s *Settings) Masked() []Line {
	v := reflect.ValueOf(*s)
	lines := make([]Line, 0, v.NumField())
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("setting")
		lines = append(lines, Line{name, masked(name, v.Field(i))})
	}
	return lines
}

func masked(name string, field reflect.Value) string {
	if text, ok := reflect.TypeAssert[interface{ String() string }](field); ok {
		return text.String()
	}
	if field.Kind() != reflect.String {
		return strconv.FormatInt(field.Int(), 10)
	}
	text := field.String()
	switch {
	case text == "":
		return ""
	case name == "SECRET_KEY", name == "SECRET_KEY_OLD", name == "S3_SECRET_KEY", strings.HasSuffix(name, "_PASSWORD"):
		return hidden
	case strings.HasSuffix(name, "_URL"):
		return MaskedURL(text)
	}
	return text
}

const hidden = "********"

// MaskedURL removes the parts of a URL that may be secret. If it cannot identify them, as with an unescaped password,
// it shows nothing of the text.
func MaskedURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || strings.Contains(u.Opaque+u.Path+u.RawQuery+u.Fragment, "@") {
		return hidden
	}
	u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
	return u.Redacted()
}

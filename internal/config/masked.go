package config

import (
	"net/url"
	"reflect"
	"strconv"
)

// Line is one setting as it may be shown to anybody.
type Line struct{ Name, Value string }

// Masked lists all settings, with secrets and passwords left out.
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
	case name == "SECRET_KEY":
		return "********"
	}
	if u, err := url.Parse(text); err == nil && u.Scheme != "" && u.Host != "" {
		u.RawQuery = "" // may hold keys
		return u.Redacted()
	}
	return text
}

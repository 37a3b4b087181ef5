package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindMisspelt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		variable string
		meant    string // "" if the variable is not misspelt
	}{
		"right":                        {"LISTEN_ADDR=:1", ""},
		"a file":                       {"SECRET_KEY_FILE=/x", ""},
		"a letter short":               {"LISTEN_ADR=:1", "LISTEN_ADDR"},
		"two letters swapped":          {"DATABASE_RUL=x", "DATABASE_URL"},
		"another word":                 {"DATABASE_URI=x", "DATABASE_URL"},
		"without its line":             {"LOGLEVEL=debug", "LOG_LEVEL"},
		"in small letters":             {"data_dir=/x", "DATA_DIR"},
		"a file with an error":         {"SECRET_KEY_FIL=/x", "SECRET_KEY_FILE"},
		"a prefix":                     {"RISINGSTARS_LISTEN_ADDR=:1", "LISTEN_ADDR"},
		"a prefix and an error":        {"RISINGSTARS_LISTEN_ADR=:1", "LISTEN_ADDR"},
		"a short name":                 {"WORKER=3", "WORKERS"},
		"as others call it":            {"PORT=80", "LISTEN_ADDR"},
		"the whole word":               {"LISTEN_ADDRESS=:1", "LISTEN_ADDR"},
		"the other's whole word":       {"METRICS_ADDRESS=:1", "METRICS_ADDR"},
		"a folder's whole word":        {"DATA_DIRECTORY=/x", "DATA_DIR"},
		"of the project's own scripts": {"RISINGSTARS_VERSION=1", ""},
		"near a short name":            {"FFPLAY=x", ""},
		"something else":               {"XDG_DATA_DIRS=/x", ""},
		"of a key for AWS":             {"AWS_SECRET_ACCESS_KEY=x", ""},
		"the value is not looked at":   {"HOME=LISTEN_ADR", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if list := FindMisspelt([]string{"PATH=/bin", test.variable, "LANG=C"}); len(list) > 0 {
				got = list[0].Meant
			}
			if got != test.meant {
				t.Errorf("%s: got %q, want %q", test.variable, got, test.meant)
			}
		})
	}
	if list := FindMisspelt([]string{"PORT=80", "LISTEN_ADDR=:80"}); len(list) != 0 {
		t.Errorf("whoever listens at PORT: got %v", list)
	}
	if list := FindMisspelt([]string{"PORT=80"}, "LISTEN_ADDR"); len(list) != 0 {
		t.Errorf("whoever listens at PORT by a flag: got %v", list)
	}
}

// No setting is reported as a misspelt form of another.
func TestSettingsAreFarApart(t *testing.T) {
	t.Parallel()
	var variables []string
	for _, name := range names() {
		variables = append(variables, name+"=x")
	}
	if diff := cmp.Diff([]Misspelt(nil), FindMisspelt(variables)); diff != "" {
		t.Errorf("misspelt (-want +got):\n%s", diff)
	}
}

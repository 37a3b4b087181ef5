package config

import (
	"reflect"
	"slices"
	"strings"
)

// Misspelt is an environment variable that looks like a setting but is not one. Meant is the setting's NAME.
type Misspelt struct{ Name, Meant string }

// others are names that similar programs use for their settings.
var others = map[string]string{
	"PORT": "LISTEN_ADDR", "LISTEN_ADDRESS": "LISTEN_ADDR", "METRICS_ADDRESS": "METRICS_ADDR", "DATA_DIRECTORY": "DATA_DIR",
	"DB_URL": "DATABASE_URL", "DATABASE_URI": "DATABASE_URL", "JWT_SECRET": "SECRET_KEY",
}

// FindMisspelt finds misspelt settings among variables as [os.Environ] lists them: one or two edits in a NAME, lower
// case, a prefix. It does not read the values. flags are the NAMEs of settings that were given as flags: a variable
// with another program's name for one of these is not reported.
func FindMisspelt(variables []string, flags ...string) []Misspelt {
	names := names()
	given := map[string]bool{}
	for _, name := range flags {
		given[name] = true
	}
	for _, variable := range variables {
		name, _, _ := strings.Cut(variable, "=")
		given[name] = true
	}
	var list []Misspelt
	for _, variable := range variables {
		name, _, _ := strings.Cut(variable, "=")
		if meant := others[name]; meant != "" && !given[meant] && !given[meant+"_FILE"] {
			list = append(list, Misspelt{name, meant})
		} else if meant := nearest(name, names); meant != "" {
			list = append(list, Misspelt{name, meant})
		}
	}
	return list
}

// names returns the NAMEs of all settings and of their files.
func names() []string {
	var list []string
	for field := range reflect.TypeFor[Settings]().Fields() {
		name := field.Tag.Get("setting")
		list = append(list, name, name+"_FILE")
	}
	return list
}

// nearest returns the setting that a name probably means, or "" if it is a setting or resembles none. Short names
// allow fewer edits, because they resemble many unrelated names.
func nearest(name string, names []string) string {
	if slices.Contains(names, name) {
		return ""
	}
	plain := strings.TrimPrefix(strings.ToUpper(name), "RISINGSTARS_")
	best, least := "", 3
	for _, known := range names {
		most := 2
		if len(known) < 8 {
			most = 1
		}
		if d := distance(plain, known); d <= most && d < least {
			best, least = known, d
		}
	}
	return best
}

// distance returns the edit distance between two names: insertions, deletions, substitutions and transpositions of
// neighbours. It returns 3 if the lengths differ by more than 2.
func distance(a, b string) int {
	if max(len(a), len(b))-min(len(a), len(b)) > 2 {
		return 3 // at least
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

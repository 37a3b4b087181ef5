package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testNamed = regexp.MustCompile(`\b((?:Test|Fuzz)[A-Z]\w*)(…?)`)
	testThere = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
)

// Every test that docs/security.md names exists; a name with … is the prefix of some tests.
func TestSecurityNamesTests(t *testing.T) {
	t.Parallel()
	const root = "../.."
	var there []string
	check(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".venv") {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range testThere.FindAllStringSubmatch(string(text), -1) {
			there = append(there, found[1])
		}
		return err
	}))
	text, err := os.ReadFile(root + "/docs/security.md")
	check(t, err)
	named := testNamed.FindAllStringSubmatch(string(text), -1)
	if len(named) < 50 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, found := range named {
		if !slices.ContainsFunc(there, func(name string) bool {
			return name == found[1] || found[2] != "" && strings.HasPrefix(name, found[1])
		}) {
			t.Errorf("there is no test %s", found[0])
		}
	}
}

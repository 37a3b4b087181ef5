package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every path that architecture.md names exists, and every function is in one of the files of its row.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	text := readText(t, "docs/architecture.md")
	paths := 0
	for _, name := range quoted(text) {
		if !isPath(name) {
			continue
		}
		paths++
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("%s is not there", name)
		}
	}
	if paths < 80 {
		t.Errorf("only %d paths were found", paths)
	}
	steps := tableRows(text, "| step | file | functions |")
	if len(steps) < 40 {
		t.Errorf("only %d steps were found", len(steps))
	}
	for _, step := range steps {
		files, functions := quoted(step[1]), quoted(step[2])
		if len(files) == 0 || len(functions) == 0 {
			t.Errorf("%q names no file or no function", step[0])
		}
		declared := map[string]bool{}
		for _, file := range files {
			own := functionsOf(t, file)
			if !slices.ContainsFunc(functions, func(name string) bool { return own[name] }) {
				t.Errorf("%q: %s has none of its functions", step[0], file)
			}
			for name := range own {
				declared[name] = true
			}
		}
		for _, name := range functions {
			if !declared[name] {
				t.Errorf("%q: no file of it has the function %s", step[0], name)
			}
		}
	}
}

// isPath tells a path of the repository from a command, a route or a name.
func isPath(text string) bool {
	if strings.ContainsAny(text, " {}…") || strings.HasPrefix(text, "/") {
		return false
	}
	top, _, _ := strings.Cut(text, "/")
	folders := []string{".golangci.yml", "bench", "brand", "chaos", "cmd", "collections", "deploy", "docs", "internal", "loadtest", "scripts", "tests", "tools"}
	return slices.Contains(folders, top)
}

var declaration = regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?(\w+)`)

func functionsOf(t *testing.T, file string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, match := range declaration.FindAllStringSubmatch(readText(t, file), -1) {
		names[match[1]] = true
	}
	return names
}

var pictured = regexp.MustCompile(`data-path="([^"]+)"`)

// The picture has every package of this module that the program is linked from, and no other.
func TestPicture(t *testing.T) {
	t.Parallel()
	var got []string
	for _, match := range pictured.FindAllStringSubmatch(readText(t, "docs/architecture.svg"), -1) {
		got = append(got, match[1])
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./cmd/risingstars")
	list.Dir = root
	linked, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for name := range strings.FieldsSeq(string(linked)) {
		if own, ok := strings.CutPrefix(name, "risingstars/"); ok {
			want = append(want, own)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the picture has %v, and the program is linked from %v", got, want)
	}
	floors := readText(t, "docs/architecture.md")
	for _, name := range want {
		if !strings.Contains(floors, "| `"+name+"` |") {
			t.Errorf("the table of floors lacks %s", name)
		}
	}
}

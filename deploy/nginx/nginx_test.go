package nginx_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/deploy/nginx"
)

// placeholders returns the names that the README explains.
func placeholders(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	check(t, err)
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllSubmatch(text, -1) {
		names = append(names, string(row[1]))
	}
	if len(names) == 0 {
		t.Fatal("the README has no table of placeholders")
	}
	return names
}

// The README explains exactly the names in the templates, and Render replaces all of them.
func TestRender(t *testing.T) {
	t.Parallel()
	values := map[string]string{}
	for _, name := range placeholders(t) {
		values[name] = "value-of-" + name
	}

	files, err := nginx.Render(values)

	check(t, err)
	if diff := cmp.Diff([]string{"nginx.conf", "problem.conf", "problems.conf"}, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var all strings.Builder
	for _, text := range files {
		all.WriteString(text)
	}
	if left := regexp.MustCompile(`\$\{[^}]*\}`).FindString(all.String()); left != "" {
		t.Errorf("%s is left", left)
	}
	for _, value := range values {
		if !strings.Contains(all.String(), value) {
			t.Errorf("%s is nowhere", value)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range placeholders(t) {
		values := map[string]string{}
		for _, other := range placeholders(t) {
			values[other] = "x"
		}
		delete(values, name)
		if _, err := nginx.Render(values); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v", name, err)
		}
		values[name], values["NO_NAME"] = "x", "x"
		if _, err := nginx.Render(values); err == nil || !strings.Contains(err.Error(), "NO_NAME") {
			t.Errorf("with a value too many: got %v", err)
		}
	}
}

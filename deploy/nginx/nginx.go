// Package nginx has the configuration of the web front as templates. They are files in this folder, so that a
// container or a script can use them without this package.
package nginx

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:embed templates/*.template
var templates embed.FS

var placeholder = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

// Render replaces the names in the templates by values and returns the text of each configuration file by its name.
// All files belong in one folder; nginx.conf is the main file. A name without a value is an error, and so is a value
// without a name.
func Render(values map[string]string) (map[string]string, error) {
	paths, err := fs.Glob(templates, "templates/*.template")
	if err != nil {
		return nil, fmt.Errorf("list the templates: %w", err)
	}
	files, asked := map[string]string{}, map[string]bool{}
	for _, path := range paths {
		text, err := templates.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read a template: %w", err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "templates/"), ".template")
		files[name] = placeholder.ReplaceAllStringFunc(string(text), func(p string) string {
			p = p[2 : len(p)-1]
			asked[p] = true
			return values[p]
		})
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if values[name] == "" {
			return nil, fmt.Errorf("%s has no value", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !asked[name] {
			return nil, fmt.Errorf("no template asks for %s", name)
		}
	}
	return files, nil
}

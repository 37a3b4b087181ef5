// Package docs_test checks that what the documentation says of the code is so.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder of the repository, from here.
const root = ".."

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	recordHead  = regexp.MustCompile(`^# (\d{4})\. (\S.*)\n\n- Date: (\d{4}-\d{2}-\d{2})\n- Status: (accepted|superseded by \d{4})\b`)
	recordParts = regexp.MustCompile(`(?m)^## (.*)$`)
)

// Each decision record has the form of the template, and a line in the index that agrees with it.
func TestDecisionRecords(t *testing.T) {
	t.Parallel()
	index := readText(t, "docs/adr/README.md")
	paths, err := filepath.Glob("adr/[0-9]*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d records, %v", len(paths), err)
	}
	if listed := strings.Count(index, "\n| ["); listed != len(paths) {
		t.Errorf("the index lists %d records, and there are %d", listed, len(paths))
	}
	for _, path := range paths {
		name := filepath.Base(path)
		text := readText(t, "docs/"+path)
		head := recordHead.FindStringSubmatch(text)
		if head == nil || !strings.HasPrefix(name, head[1]+"-") {
			t.Errorf("%s does not begin as the template does", name)
			continue
		}
		var parts []string
		for _, part := range recordParts.FindAllStringSubmatch(text, -1) {
			parts = append(parts, part[1])
		}
		if got := strings.Join(parts, ", "); got != "Context, Decision, Consequences" {
			t.Errorf("%s has the parts %s", name, got)
		}
		if line := "| [" + head[1] + "](" + name + ") | " + head[2] + " | " + head[3] + " |"; !strings.Contains(index, line) {
			t.Errorf("the index lacks the line\n%s", line)
		}
	}
}

// linkTarget is a link of Markdown, or a picture's source, to a file of the repository.
var linkTarget = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)|(?:src|href)="([^"#]+)"`)

// Links between documents lead to files that are there.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			page, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, page)
		}
	}
	links := 0
	for _, page := range pages {
		for _, match := range linkTarget.FindAllStringSubmatch(readText(t, page), -1) {
			target := match[1] + match[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") || strings.Contains(target, "NNNN") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, target)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

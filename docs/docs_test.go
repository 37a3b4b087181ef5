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

// row is a line of a table of Markdown.
type row []string

// tableRows are the rows of all tables with a header, without their headers.
func tableRows(text, header string) (rows []row) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == header:
			inside = true
		case !strings.HasPrefix(line, "|"):
			inside = false
		case inside && !strings.HasPrefix(line, "|---"):
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// code is what a text has in backquotes.
var code = regexp.MustCompile("`([^`]+)`")

func quoted(text string) (list []string) {
	for _, match := range code.FindAllStringSubmatch(text, -1) {
		list = append(list, match[1])
	}
	return list
}

// Each term of the glossary occurs in one of the files that are named for it, and each of these files has one of the terms.
func TestGlossary(t *testing.T) {
	t.Parallel()
	rows := tableRows(readText(t, "docs/glossary.md"), "| term | meaning | where |")
	if len(rows) < 80 {
		t.Errorf("the glossary has only %d rows", len(rows))
	}
	for _, r := range rows {
		terms, files := strings.Split(r[0], ", "), quoted(r[2])
		if len(r) != 3 || len(files) == 0 {
			t.Errorf("%q names no file", r[0])
			continue
		}
		found := map[string]bool{}
		for _, file := range files {
			text := searchable(readText(t, file))
			useful := false
			for _, term := range terms {
				if strings.Contains(text, searchable(term)) {
					found[term], useful = true, true
				}
			}
			if !useful {
				t.Errorf("%s has none of: %s", file, r[0])
			}
		}
		for _, term := range terms {
			if !found[term] {
				t.Errorf("no file of its row has the term %q", term)
			}
		}
	}
}

// searchable is a text in lower case, in which a line of comment goes on in the next.
func searchable(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(text), "//", " ")), " ")
}

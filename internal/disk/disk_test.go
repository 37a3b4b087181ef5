package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func noLinks(string, string) error { return os.ErrPermission }

func TestLink(t *testing.T) {
	t.Parallel()
	for name, byName := range map[string]func(string, string) error{"a link": os.Link, "a copy": noLinks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first, second := fileWith(t, dir, "content"), filepath.Join(dir, "second")
			if err := linkOrCopy(t.Context(), first, second, byName); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{first, second} {
				if content, err := os.ReadFile(path); string(content) != "content" || err != nil {
					t.Errorf("%s: got %q, %v", path, content, err)
				}
			}
			if err := linkOrCopy(t.Context(), first, second, byName); !errors.Is(err, os.ErrExist) {
				t.Errorf("where there is one: got %v", err)
			}
			if err := linkOrCopy(t.Context(), filepath.Join(dir, "nothing"), filepath.Join(dir, "third"), byName); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("of nothing: got %v", err)
			}
		})
	}
}

// A copy that fails or is canceled leaves no file.
func TestLinkFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := fileWith(t, dir, "content"), filepath.Join(dir, "second")
	ended, end := context.WithCancel(t.Context())
	end()
	if err := linkOrCopy(ended, first, second, noLinks); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: got %v", err)
	}
	if err := linkOrCopy(t.Context(), dir, second, noLinks); err == nil {
		t.Error("a folder was copied")
	}
	if _, err := os.Stat(second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is left: %v", err)
	}
	if err := linkOrCopy(t.Context(), first, filepath.Join(dir, "nowhere", "second"), noLinks); err == nil {
		t.Error("copied to nowhere")
	}
}

func fileWith(t *testing.T, dir, content string) string {
	t.Helper()
	path := filepath.Join(dir, "first")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"risingstars/loadtest/journal"
)

// The space of an unchanged original is freed, and its size and last bytes stay; a changed one is reported.
func TestCompareAndFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clip := filepath.Join(dir, "clip")
	content := bytes.Repeat([]byte("a clip's pictures "), 10_000)
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("clip", content)
	m, err := newOriginalsComparer(nil, []string{clip})
	if err != nil {
		t.Fatal(err)
	}
	marked := bytes.Clone(content)
	copy(marked[len(marked)-journal.MarkBytes:], "another upload of the same clip.")
	changed := bytes.Clone(marked)
	changed[len(changed)/2]++
	tests := []struct {
		name, path string
		same       bool
	}{
		{"as sent", write("same", marked), true},
		{"changed", write("changed", changed), false},
		{"gone", filepath.Join(dir, "gone"), true},
	}
	for _, test := range tests {
		size, mark := sizeAndMarkOf(test.path)

		same, err := m.compareAndFree(test.path)

		if sizeAfter, markAfter := sizeAndMarkOf(test.path); same != test.same || err != nil || sizeAfter != size || markAfter != mark {
			t.Errorf("%s: got %v, %v, then %d bytes ending in %q", test.name, same, err, sizeAfter, markAfter)
		}
	}
	kept, err := os.ReadFile(tests[0].path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && bytes.ContainsAny(kept[:len(kept)/2], "clip") {
		t.Error("the space of the first bytes is not freed")
	}
}

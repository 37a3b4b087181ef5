package mediatest

import (
	"os"
	"path/filepath"
	"testing"
)

// Two processes make the same file concurrently: the second to finish uses the first one's file, which may be in use.
func TestKeepFirstNeverReplaces(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	write := func(text string) func(string) error {
		return func(work string) error { return os.WriteFile(work, []byte(text), 0o600) }
	}
	var first os.FileInfo

	err := keepFirst(path, func(work string) error { // the slower process, which the other overtakes
		if err := keepFirst(path, write("first")); err != nil {
			return err
		}
		var err error
		if first, err = os.Stat(path); err != nil {
			return err
		}
		return write("second")(work)
	})
	if err != nil {
		t.Fatal(err)
	}

	last, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(first, last) {
		t.Error("the first file was replaced")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the file alone", entries, err)
	}
}

// An existing file is not made again.
func TestKeepFirstMakesOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	made := 0
	for range 2 {
		err := keepFirst(path, func(work string) error {
			made++
			return os.WriteFile(work, nil, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	if made != 1 {
		t.Errorf("made %d times, want once", made)
	}
}

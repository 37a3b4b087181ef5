package apptest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"risingstars/internal/media/mediatest"
)

// Script makes a shell script, to take the place of a program, and returns its path.
func Script(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "script")
	// Nothing can be run while any process has it open to write to, and a child that is started meanwhile would.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Gate is an ffmpeg that waits before each rendition until the gate is opened.
type Gate struct {
	FFmpeg string // the program
	dir    string
}

// NewGate puts a gate in front of the installed FFmpeg.
func NewGate(tb testing.TB) Gate {
	tb.Helper()
	g := Gate{dir: tb.TempDir()}
	g.FFmpeg = Script(tb, fmt.Sprintf(`
case "$*" in *filter_complex*)
	: >%[1]q/$$
	while [ ! -e %[1]q/open ]; do sleep 0.02; done
esac
exec %[2]q "$@"`, g.dir, mediatest.Program(tb, "ffmpeg")))
	return g
}

// Open lets all renditions pass, now and later.
func (g Gate) Open(tb testing.TB) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, "open"), nil, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// Arrived are the ids of the processes that have come to the gate so far, in this order.
func (g Gate) Arrived(tb testing.TB) []int {
	tb.Helper()
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		tb.Fatal(err)
	}
	var ids []int
	came := map[int]time.Time{}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // it is open
		}
		info, err := e.Info()
		if err != nil {
			tb.Fatal(err)
		}
		ids = append(ids, id)
		came[id] = info.ModTime()
	}
	slices.SortFunc(ids, func(a, b int) int { return came[a].Compare(came[b]) })
	return ids
}

// Ruined is a clip whose index and first picture are whole, so that it can be uploaded, and the rest noise.
func Ruined(tb testing.TB) string {
	tb.Helper()
	data, err := os.ReadFile(mediatest.Clip(tb, mediatest.Spec{Moving: true, Seconds: 2}))
	if err != nil {
		tb.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // noise, the same each time
	pictures := data[bytes.Index(data, []byte("mdat")):]
	for i := len(pictures) / 8; i < len(pictures); i++ {
		pictures[i] = byte(random.Uint32())
	}
	path := filepath.Join(tb.TempDir(), "ruined.mp4")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

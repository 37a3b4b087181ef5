package apptest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// Script writes a shell script that replaces a program, and returns its path.
func Script(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "script")
	writeScript(tb, path, text)
	return path
}

func writeScript(tb testing.TB, path, text string) {
	tb.Helper()
	// exec fails with ETXTBSY while any process has the file open for writing. A child that is forked during the
	// write inherits the descriptor, so the lock prevents a fork.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		tb.Fatal(err)
	}
}

// SharedRenditions returns an ffmpeg that renders each clip once with the installed FFmpeg for all tests of a
// package: for the same arguments and content it copies the cached output. It is for tests that need a rendered video
// and do not test the rendering. Test servers use it unless their settings name another FFMPEG.
func SharedRenditions(tb testing.TB) (ffmpeg string) {
	tb.Helper()
	installed := mediatest.Program(tb, "ffmpeg") // skips
	renditions.Do(func() {
		dir := testserver.Shared().TempDir()
		sharedFFmpeg = filepath.Join(dir, "ffmpeg")
		writeScript(tb, sharedFFmpeg, fmt.Sprintf(sharedRenditions, dir, installed))
	})
	return sharedFFmpeg
}

var (
	renditions   sync.Once
	sharedFFmpeg string
)

// sharedRenditions is the text of the script, with its folder and FFmpeg as arguments. It renders into a temporary
// folder and renames it, since several processes may run it concurrently. It does not cache a failure.
const sharedRenditions = `
case "$*" in *filter_complex*) ;; *) exec %[2]q "$@" ;; esac
for arg; do
	case $previous$arg in
	-ifile:*) ;;
	mp4file:*) clip=${arg#file:} ;;
	mjpegfile:*) poster=${arg#file:} ;;
	esac
	previous=$arg
done
key=$(for arg; do
	case $previous$arg in -ifile:*) cat "${arg#file:}" ;; esac
	case $arg in file:*) echo "${arg##*/}" ;; *) echo "$arg" ;; esac
	previous=$arg
done | cksum | tr ' ' -)
made=%[1]q/$key
if [ ! -e "$made" ]; then
	new=$made.$$
	mkdir "$new"
	%[2]q "$@" >"$new/progress" 2>"$new/errors"
	status=$?
	cat "$new/errors" >&2
	if [ $status -ne 0 ] || [ -s "$new/errors" ]; then
		cat "$new/progress"
		exit $status
	fi
	cp "$clip" "$new/clip" && cp "$poster" "$new/poster" && mv "$new" "$made" || exit
fi
cp "$made/clip" "$clip" && cp "$made/poster" "$poster" && cat "$made/progress"`

// Gate is an ffmpeg that blocks each rendition until the gate is opened.
type Gate struct {
	FFmpeg string // path of the program
	dir    string
}

// NewGate returns a closed gate in front of [SharedRenditions].
func NewGate(tb testing.TB) Gate {
	tb.Helper()
	g := Gate{dir: tb.TempDir()}
	g.FFmpeg = Script(tb, fmt.Sprintf(`
case "$*" in *filter_complex*)
	: >%[1]q/$$
	while [ ! -e %[1]q/open ]; do sleep 0.02; done
esac
exec %[2]q "$@"`, g.dir, SharedRenditions(tb)))
	return g
}

// Open lets all renditions pass, blocked and later ones.
func (g Gate) Open(tb testing.TB) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, "open"), nil, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// Arrived returns the ids of the processes that have reached the gate so far, in order.
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
			continue // the file "open", not an id
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

// Ruined returns a clip with a valid index and first picture, so that it can be uploaded; the rest is noise.
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

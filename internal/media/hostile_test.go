package media

import (
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"risingstars/internal/media/mediatest"
)

// The cost that any hostile file may have. The limits that kill FFmpeg are higher, but no small file should come
// close.
const (
	hostileMemory = baseAddressSpace // bytes; the actual limit also includes the pictures' size
	hostileCPU    = 30 * time.Second // of a rendition; a normal one may take longer
)

// Every hostile file ends in a refusal or a valid rendition, soon, with little memory, and without access to anything
// else.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	bait, calls := newBait(t)
	for _, h := range mediatest.Hostiles(bait) {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			confined := tools(t)
			confined.MaxCPU = hostileCPU
			confined.used = func(state *os.ProcessState) { checkMemory(t, state) }
			path := fileOf(t, "clip.mp4", h.Data)

			clip, err := probe(t, confined, path)
			if err == nil {
				err = renderHostile(t, confined, clip, path)
			}

			got := string(ReasonOf(err))
			if err != nil && got == "" || h.Want != mediatest.Any && got != h.Want {
				t.Errorf("got %v, want %q", err, h.Want)
			}
			t.Logf("%d bytes: %v", len(h.Data), err)
		})
	}
	t.Cleanup(func() { // after all of them
		if n := calls.Load(); n > 0 {
			t.Errorf("%d calls to the listener", n)
		}
	})
}

// newBait starts a server and writes another user's picture. It returns both and the number of connections to the
// server.
func newBait(t *testing.T) (mediatest.Bait, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var calls atomic.Int64
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = c.Close()
		}
	}()
	return mediatest.Bait{URL: "http://" + l.Addr().String(), File: fileOf(t, "secret.jpg", mediatest.Secret())}, &calls
}

// renderHostile renders a file, and checks that the rendition shows only what it may.
func renderHostile(t *testing.T, confined Tools, clip Clip, path string) error {
	t.Helper()
	dir := t.TempDir()
	r := Render{
		Clip: clip, Source: path, Brand: brandFiles(t),
		Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
	}
	made, err := runRender(t, confined, r)
	if err != nil {
		return err
	}
	shown := mediatest.Pictures(t, r.Dest, curtainFrames+made.PlayFrames/2)[0]
	for y := 0; y < Height; y += 20 {
		for x := 0; x < Width; x += 20 {
			if distance(shown.NRGBAAt(x, y), cyan) < 60 {
				t.Fatalf("the clip shows the secret at (%d, %d)", x, y)
			}
		}
	}
	return nil
}

// checkMemory checks the memory usage of one run.
func checkMemory(t *testing.T, state *os.ProcessState) {
	t.Helper()
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("no usage")
	}
	if memory := usage.Maxrss * kilobyte; memory > hostileMemory {
		t.Errorf("used %d MiB, at most %d MiB are right", memory>>20, hostileMemory>>20)
	}
}

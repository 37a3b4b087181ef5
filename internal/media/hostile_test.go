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

// What any file may cost: it is killed far beyond that, but nothing small should come close.
const (
	hostileMemory = baseAddressSpace // bytes; the limit itself is larger by the pictures' size
	hostileCPU    = 30 * time.Second
)

// Whatever is put before FFmpeg ends in a refusal or in a proper clip, soon, with little memory, and without a look at
// anything else.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	bait, calls := newBait(t)
	for _, h := range mediatest.Hostiles(bait) {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			confined := tools(t)
			confined.used = func(state *os.ProcessState) { checkUse(t, state) }
			path := fileOf(t, "clip.mp4", h.Data)

			clip, err := confined.Probe(t.Context(), path)
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

// newBait is a server and a picture of another's, and a count of the calls to the server.
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

// renderHostile renders a file, and holds the clip against what it may show.
func renderHostile(t *testing.T, confined Tools, clip Clip, path string) error {
	t.Helper()
	dir := t.TempDir()
	r := Render{
		Clip: clip, Source: path, Brand: brandFiles(t),
		Dest: filepath.Join(dir, "clip.mp4"), Poster: filepath.Join(dir, "poster.jpg"),
	}
	made, err := confined.Render(t.Context(), r)
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

// checkUse holds what one run has used against what it may.
func checkUse(t *testing.T, state *os.ProcessState) {
	t.Helper()
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("no usage")
	}
	memory := usage.Maxrss * kilobyte
	if cpu := state.UserTime() + state.SystemTime(); memory > hostileMemory || cpu > hostileCPU {
		t.Errorf("used %d MiB and %v, at most %d MiB and %v are right", memory>>20, cpu, hostileMemory>>20, hostileCPU)
	}
}

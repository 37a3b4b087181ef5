package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"risingstars/loadtest/journal"
)

// clipSpec describes a clip of noise, which no encoder can compress much, so that the size comes from the frames.
type clipSpec struct {
	name               string
	megabytes, seconds int
	size               string // of the frames
}

// Uploaded clips are short but large in bytes: FFmpeg has little work with them. Clips for measuring workers are as long as
// the longest rendition.
var (
	uploadClips = []clipSpec{{"5", 5, 1, "1280x720"}, {"10", 10, 1, "1280x720"}}
	workerClips = []clipSpec{{"50", 50, 30, "1920x1080"}, {"100", 100, 30, "1920x1080"}}
	quickClips  = []clipSpec{{"1", 1, 1, "640x360"}, {"2", 2, 1, "640x360"}}
)

// makeClipFile returns a clip in a folder, and makes it if it is missing: H.264 at the bit rate that gives its size, padded to
// the exact size with a box of type "free" (ISO/IEC 14496-12), whose last bytes are the mark.
func makeClipFile(ctx context.Context, ffmpeg, dir string, s clipSpec) (string, error) {
	path := filepath.Join(dir, s.name+".mp4")
	if fileHasContent(path) {
		return path, nil
	}
	total := int64(s.megabytes) * 1_000_000
	work := filepath.Join(dir, s.name+".new")
	for share := 92; share > 40; share -= 10 { // percent of the size for the frames: rate control is not exact
		rate := fmt.Sprint(total * 8 / int64(s.seconds) * int64(share) / 100)
		args := []string{
			"-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i",
			fmt.Sprintf("testsrc2=size=%s:rate=30:duration=%d,noise=alls=40:allf=t", s.size, s.seconds),
			"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", rate, "-maxrate", rate, "-bufsize", rate,
			"-movflags", "+faststart", "-f", "mp4", work,
		}
		cmd := exec.CommandContext(ctx, ffmpeg, args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("make a clip: %w\n%s", err, out)
		}
		err := padToSize(work, total)
		if err == nil {
			return path, os.Rename(work, path)
		}
		if !errors.Is(err, errTooLarge) {
			return "", err
		}
	}
	return "", errTooLarge
}

var errTooLarge = errors.New("the clip is larger than its target size")

// padToSize appends a box of type "free", which players ignore, to bring a file to a size.
func padToSize(path string, total int64) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("pad a clip: %w", err)
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	stat, err := f.Stat()
	if err != nil {
		return fmt.Errorf("pad a clip: %w", err)
	}
	free := total - stat.Size()
	if free < 8+journal.MarkBytes {
		return errTooLarge
	}
	box := binary.BigEndian.AppendUint32(nil, uint32(free))
	box = append(box, "free"...)
	box = append(box, bytes.Repeat([]byte("padding "), int(free)/8+1)[:free-8-journal.MarkBytes]...)
	box = append(box, strings.Repeat("0", journal.MarkBytes)...)
	if _, err := f.Write(box); err != nil {
		return fmt.Errorf("pad a clip: %w", err)
	}
	return nil
}

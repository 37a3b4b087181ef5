package media

import (
	"fmt"
	"strconv"
)

// readAtMost bounds the decoding of a clip whose frames are seconds apart, for which the frame limit of MaxPlay would
// never be reached. The filter graph makes the exact end.
const readAtMost = 40 // seconds

// renderArgs returns FFmpeg's arguments for a rendition and its poster in one run. Paths are absolute.
func renderArgs(r Render, threads int, tonemap bool) []string {
	n := strconv.Itoa(threads)
	args := []string{
		"-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1",
		"-filter_threads", n, "-filter_complex_threads", n,
	}
	args = append(args, hardened()...)
	args = append(args,
		"-threads", n,
		"-noautorotate",       // the filter graph rotates after scaling
		"-reinit_filter", "0", // the scale filter handles a change of size within the stream
		"-t", strconv.Itoa(readAtMost),
		"-i", "file:"+r.Source,
	)
	args = append(args, imageArgs(r.Brand.Curtain)...)
	args = append(args, imageArgs(r.Brand.Watermark)...)
	args = append(args, "-filter_complex", graph(r.Clip, tonemap))
	args = append(args, renditionArgs(r.Dest, n, zones(r.Clip))...)
	return append(args, posterArgs(r.Poster)...)
}

// imageArgs returns the input options for one PNG as one frame.
func imageArgs(path string) []string {
	return []string{
		"-protocol_whitelist", "file", "-format_whitelist", "png_pipe", "-f", "png_pipe",
		"-framerate", strconv.Itoa(FrameRate), "-threads", "1", "-i", "file:" + path,
	}
}

// renditionArgs returns the output options of the rendition: for streaming, with a keyframe at least every 2 s, at
// most 4 Mbit/s, the index in front, and without the source's metadata, which may contain the place where it was
// filmed. The graph has numbered the frames, so -r neither repeats nor drops one; it makes FFmpeg 7 give the last
// frame a duration.
func renditionArgs(path, threads, zones string) []string {
	return []string{
		"-map", "[rendition]", "-map_metadata", "-1", "-map_chapters", "-1", "-an", "-sn", "-dn",
		"-r", strconv.Itoa(FrameRate),
		"-c:v", "libx264", "-threads", threads, "-preset", "veryfast", "-profile:v", "high", "-level:v", "4.0",
		"-crf", "23", "-maxrate", "4M", "-bufsize", "8M", "-g", strconv.Itoa(2 * FrameRate), "-pix_fmt", "yuv420p",
		"-x264-params", "zones=" + zones,
		"-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
		"-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4", "file:" + path,
	}
}

// zones returns the x264 zones that reduce the motion search in the curtains, which saves a third of their cost. The
// opening curtain uses subme=1 because x264 does not recover from 0: the rest would be a fifth larger. For a clip
// that is longer than its declared duration, the closing zone covers its last part too, which loses quality there.
func zones(c Clip) string {
	z := fmt.Sprintf("0,%d,subme=1", curtainFrames-1)
	if c.Duration > 0 {
		closing := curtainFrames + expectedFrames(c)
		z += fmt.Sprintf("/%d,%d,subme=0", closing, closing+curtainFrames-1)
	}
	return z
}

// posterArgs returns the output options of the poster.
func posterArgs(path string) []string {
	return []string{
		"-map", "[poster]", "-map_metadata", "-1", "-frames:v", "1",
		"-c:v", "mjpeg", "-threads", "1", "-q:v", "3", "-f", "mjpeg", "file:" + path,
	}
}

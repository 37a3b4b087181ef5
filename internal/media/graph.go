package media

import (
	"fmt"
	"strconv"
	"strings"
)

// The filter graph of a rendition has three inputs: 0 the clip, 1 the curtain, 2 the watermark. The order matters for
// speed: the frame rate is converted before scaling, and rotation, tone mapping and padding process the scaled
// picture.

const (
	watermarkMargin = 24 // pixels from the top and the right edge

	// The poster is the most typical of a few frames from the start of the clip, so that a black first frame is not
	// chosen. The candidates are close together because FFmpeg buffers the clip in memory until one is chosen.
	posterEvery, posterCandidates = 10, 6
)

// bt709 tags frames with their actual properties: ITU-R BT.709, limited range.
const bt709 = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"

// graph returns the whole filter graph, with the outputs [rendition] and [poster].
func graph(c Clip, tonemap bool) string {
	return strings.Join([]string{
		"[1:v]" + chain(curtainFilters()...) + ",split[before][after]",
		"[before]" + chain(standFilters()...) + "[opening]",
		"[after]" + chain(standFilters()...) + "[closing]",
		"[2:v]scale=out_color_matrix=bt709:out_range=tv,format=yuva420p[watermark]",
		fmt.Sprintf("[0:%d]", c.Stream) + chain(playFilters(c, tonemap)...) + "[play]",
		fmt.Sprintf("[play][watermark]overlay=x=main_w-overlay_w-%d:y=%[1]d,split[marked][still]", watermarkMargin),
		"[still]" + chain(posterFilters()...) + "[poster]",
		"[opening][marked][closing]concat=n=3:v=1:a=0," + chain(renditionFilters()...) + "[rendition]",
	}, ";")
}

// chain joins the filters that are not empty.
func chain(filters ...string) string {
	present := filters[:0]
	for _, f := range filters {
		if f != "" {
			present = append(present, f)
		}
	}
	return strings.Join(present, ",")
}

// curtainFilters scale and pad the curtain's image to the rendition's size.
func curtainFilters() []string {
	return []string{
		fmt.Sprintf("scale=%d:%d:force_original_aspect_ratio=decrease:force_divisible_by=2"+
			":out_color_matrix=bt709:out_range=tv", Width, Height),
		"format=yuv420p",
		fmt.Sprintf("pad=%d:%d:-1:-1", Width, Height),
		"setsar=1",
		bt709,
	}
}

// standFilters repeat one frame for the length of a curtain.
func standFilters() []string {
	return []string{
		fmt.Sprintf("loop=loop=%d:size=1:start=0", curtainFrames-1),
		fmt.Sprintf("trim=end_frame=%d", curtainFrames),
		"setpts=N",
	}
}

// playFilters convert the clip: 30 frames per second, at most MaxPlay, upright, centered in the picture.
func playFilters(c Clip, tonemap bool) []string {
	p := fit(c.displayed())
	width, height := p.Width, p.Height
	if c.Turn.sideways() {
		width, height = height, width
	}
	scale := fmt.Sprintf("scale=%d:%d", width, height)
	var toneMap string
	switch {
	case c.HDR && tonemap:
		toneMap = toneMapFilters(c)
	default:
		scale += ":in_color_matrix=" + c.matrix() + ":out_color_matrix=bt709:out_range=tv"
	}
	var deinterlace string
	if c.Interlaced {
		deinterlace = "yadif=deint=interlaced"
	}
	return []string{
		deinterlace,
		"fps=" + strconv.Itoa(FrameRate) + ":eof_action=" + c.atEOF(),
		fmt.Sprintf("trim=end_frame=%d", maxPlayFrames),
		"setpts=N",
		scale,
		c.Turn.filters(),
		toneMap,
		"sidedata=mode=delete", // captions, HDR and rotation metadata, colour profiles of any size
		"format=yuv420p",
		fmt.Sprintf("pad=%d:%d:%d:%d", Width, Height, p.X, p.Y),
		"setsar=1",
		bt709,
	}
}

// matrix returns the clip's color matrix for the scale filter. Untagged frames follow the usual rule: standard
// definition is BT.601, anything larger BT.709.
func (c Clip) matrix() string {
	switch {
	case c.Matrix != "":
		return "auto"
	case c.Width > 1024 || c.Height > 576:
		return "bt709"
	default:
		return "bt601"
	}
}

// atEOF returns how the fps filter rounds the end: to the nearest frame, except that a clip of less than a second
// keeps its last frame, because the only frame of a high-speed clip would be dropped.
func (c Clip) atEOF() string {
	if c.FrameRate > 0 && c.play().Seconds() >= 1 {
		return "round"
	}
	return "pass"
}

// toneMapFilters convert HDR to standard range: to linear light where 1 is 100 cd/m², to BT.709 primaries, with
// compressed highlights. The input's properties are given because not every decoder passes them on.
func toneMapFilters(c Clip) string {
	return chain(
		"zscale=tin="+c.Transfer+":pin=bt2020:min=bt2020nc:rin=tv:t=linear:npl=100",
		"format=gbrpf32le",
		"zscale=p=bt709",
		"tonemap=tonemap=hable:desat=0",
		"zscale=t=bt709:m=bt709:r=tv",
	)
}

// posterFilters choose one frame, and convert it to the color encoding of JPEG: ITU-R BT.601, full range (JFIF 1.02).
func posterFilters() []string {
	return []string{
		fmt.Sprintf(`select=not(mod(n\,%d))`, posterEvery),
		fmt.Sprintf("trim=end_frame=%d", posterCandidates),
		fmt.Sprintf("thumbnail=n=%d", posterCandidates),
		"scale=out_color_matrix=bt601:out_range=pc:flags=bicubic+accurate_rnd", // without it FFmpeg 4.4 is off by a twelfth
		"format=yuvj420p",
	}
}

// renditionFilters renumber the frames: whatever the timestamps of the parts were, frame n is shown at n/30 s. They
// also delete the side data of the curtain.
func renditionFilters() []string {
	return []string{"settb=1/" + strconv.Itoa(FrameRate), "setpts=N", "sidedata=mode=delete"}
}

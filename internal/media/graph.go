package media

import (
	"fmt"
	"strconv"
	"strings"
)

// The filter graph of a rendition has three inputs: 0 the clip, 1 the curtain, 2 the watermark. Order matters for speed:
// the frame rate is settled before anything is scaled, and turning, tone mapping and padding work on the small picture.

const (
	watermarkMargin = 24 // pixels from the top and the right edge

	// The poster is the most typical of a few frames from the start of the play, so that a first black one is not
	// taken. They lie close together because the play piles up in memory until it is chosen.
	posterEvery, posterCandidates = 10, 6
)

// bt709 marks frames as what they have been made: ITU-R BT.709, limited range.
const bt709 = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"

// graph is the whole filter graph, with the outputs [rendition] and [poster].
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

// chain joins filters, leaving out the empty ones.
func chain(filters ...string) string {
	present := filters[:0]
	for _, f := range filters {
		if f != "" {
			present = append(present, f)
		}
	}
	return strings.Join(present, ",")
}

// curtainFilters fit the curtain's image into the rendition.
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

// standFilters make one frame stand for the length of a curtain.
func standFilters() []string {
	return []string{
		fmt.Sprintf("loop=loop=%d:size=1:start=0", curtainFrames-1),
		fmt.Sprintf("trim=end_frame=%d", curtainFrames),
		"setpts=N",
	}
}

// playFilters make the play of the clip: 30 frames a second, at most MaxPlay, upright, in the middle of the picture.
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

// matrix is how the clip's colours are coded, in the scale filter's words. Frames that do not say are taken by the usual
// rule: standard definition is BT.601, anything larger BT.709.
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

// atEOF is how the last fraction of a frame's time is rounded: to the nearest, except that a clip of less than a second
// loses nothing, or a single frame of a fast camera would vanish.
func (c Clip) atEOF() string {
	if c.FrameRate > 0 && c.play().Seconds() >= 1 {
		return "round"
	}
	return "pass"
}

// toneMapFilters bring HDR to standard range: to linear light where 1 is 100 cd/m², to BT.709 primaries, with the
// highlights compressed. The input's properties are said because not every decoder passes them on.
func toneMapFilters(c Clip) string {
	return chain(
		"zscale=tin="+c.Transfer+":pin=bt2020:min=bt2020nc:rin=tv:t=linear:npl=100",
		"format=gbrpf32le",
		"zscale=p=bt709",
		"tonemap=tonemap=hable:desat=0",
		"zscale=t=bt709:m=bt709:r=tv",
	)
}

// posterFilters choose one frame, with the colours a JPEG is read with: ITU-R BT.601, full range (JFIF 1.02).
func posterFilters() []string {
	return []string{
		fmt.Sprintf(`select=not(mod(n\,%d))`, posterEvery),
		fmt.Sprintf("trim=end_frame=%d", posterCandidates),
		fmt.Sprintf("thumbnail=n=%d", posterCandidates),
		"scale=out_color_matrix=bt601:out_range=pc:flags=bicubic+accurate_rnd", // without it FFmpeg 4.4 is off by a twelfth
		"format=yuvj420p",
	}
}

// renditionFilters number the frames anew: whatever the parts said, frame n is shown at n/30 s. Side data of the curtain
// end here.
func renditionFilters() []string {
	return []string{"settb=1/" + strconv.Itoa(FrameRate), "setpts=N", "sidedata=mode=delete"}
}

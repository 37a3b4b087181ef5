package mediatest

import (
	"fmt"
	"strconv"
	"strings"
)

// args returns FFmpeg's arguments without the output's path.
func (s Spec) args() []string {
	args := []string{"-nostdin", "-loglevel", "error", "-threads", "1", "-y"}
	if !s.AudioOnly {
		args = append(args, "-f", "lavfi", "-i", s.source())
	}
	if s.Audio || s.AudioOnly {
		args = append(args, "-f", "lavfi", "-i", "sine=sample_rate=8000:duration="+seconds(s.Seconds))
	}
	args = append(args, s.maps()...)
	if !s.AudioOnly {
		args = append(args, s.encoder()...)
	}
	if s.Audio || s.AudioOnly {
		args = append(args, "-c:a", "aac", "-b:a", "16k")
	}
	if s.Place {
		args = append(args, "-metadata", "location=+04.6097-074.0817/", "-metadata", "title=secret title")
	}
	return append(args, s.muxer()...)
}

// source returns the lavfi graph of the picture.
func (s Spec) source() string {
	width, height := s.Width, s.Height
	if s.Rotate%180 != 0 {
		width, height = height, width
	}
	base := "color=red:"
	switch {
	case s.Moving:
		base = "testsrc2="
	case s.Color != "":
		base = "color=" + s.Color + ":"
	}
	filters := []string{fmt.Sprintf("%ssize=%dx%d:rate=%s", base, width, height, s.FPS)}
	if !s.Moving && s.Color == "" {
		filters = append(filters, "format=gbrp",
			"drawbox=x=iw/2:y=0:w=iw:h=ih/2:color=lime:t=fill",
			"drawbox=x=0:y=ih/2:w=iw/2:h=ih:color=blue:t=fill",
			"drawbox=x=iw/2:y=ih/2:w=iw:h=ih:color=yellow:t=fill")
	}
	if s.WhiteFrom > 0 {
		filters = append(filters, fmt.Sprintf("drawbox=color=white:t=fill:enable='gte(t,%s)'", seconds(s.WhiteFrom)))
	}
	if s.Grain {
		filters = append(filters, "noise=alls=6:allf=t")
	}
	if s.VFR {
		filters = append(filters, fmt.Sprintf(`select='gte(t,%s)+not(mod(n,3))'`, seconds(s.Seconds/2)))
	}
	filters = append(filters, s.unturn()...)
	if s.SAR != "" {
		filters = append(filters, "setsar="+strings.ReplaceAll(s.SAR, ":", "/"))
	}
	if s.Interlaced {
		filters = append(filters, "setfield=tff")
	}
	filters = append(filters, s.conversion(), "format="+s.PixelFormat)
	if s.HDR == "" {
		filters = append(filters, "setparams=colorspace=unknown") // else FFmpeg 7 writes the matrix of the scaler
	}
	return strings.Join(filters, ",")
}

// unturn returns the filters that invert the rotation of a player.
func (s Spec) unturn() []string {
	var filters []string
	switch s.Rotate {
	case 90:
		filters = append(filters, "transpose=cclock")
	case 180:
		filters = append(filters, "hflip", "vflip")
	case 270:
		filters = append(filters, "transpose=clock")
	}
	if s.Mirror {
		filters = append(filters, "hflip")
	}
	return filters
}

// conversion returns the filter that makes the colors match a player's assumption: BT.709 for large pictures, BT.601
// for small ones.
func (s Spec) conversion() string {
	matrix := "bt601"
	switch {
	case s.HDR != "":
		matrix = "bt2020"
	case s.Width > 1024 || s.Height > 576:
		matrix = "bt709"
	}
	levels := "tv"
	if strings.HasPrefix(s.PixelFormat, "yuvj") {
		levels = "pc"
	}
	return "scale=out_color_matrix=" + matrix + ":out_range=" + levels
}

func (s Spec) maps() []string {
	if s.AudioOnly {
		return []string{"-map", "0:a"}
	}
	var args []string
	for range max(1, s.Tracks) {
		args = append(args, "-map", "0:v")
	}
	if s.Audio {
		args = append(args, "-map", "1:a")
	}
	return args
}

func (s Spec) encoder() []string {
	args := []string{"-t", seconds(s.Seconds), "-c:v", s.Codec, "-threads", "1"}
	if s.Frames > 0 {
		args[0], args[1] = "-frames:v", strconv.Itoa(s.Frames)
	}
	switch s.Codec {
	case "libx264":
		args = append(args, "-preset", "ultrafast", "-g", "30", "-bf", "2")
	case "libx265":
		args = append(args, "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", s.x265())
	case "mpeg4", "mjpeg":
		args = append(args, "-q:v", "2")
	}
	if s.Grain {
		args = append(args, "-b:v", "10M")
	}
	if s.HDR != "" {
		args = append(args, "-color_primaries", "bt2020", "-color_trc", s.HDR, "-colorspace", "bt2020nc")
	}
	if s.Interlaced {
		args = append(args, "-flags", "+ilme+ildct")
	}
	return args
}

func (s Spec) x265() string {
	params := "log-level=error:pools=1:frame-threads=1"
	if s.HDR != "" {
		params += ":colorprim=bt2020:transfer=" + s.HDR + ":colormatrix=bt2020nc"
	}
	return params
}

func (s Spec) muxer() []string {
	switch {
	case s.Container != "mp4" && s.Container != "mov":
		return []string{"-f", s.Container}
	case s.Fragmented:
		return []string{"-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", s.Container}
	case s.MoovLast:
		return []string{"-f", s.Container}
	}
	return []string{"-movflags", "+faststart", "-f", s.Container}
}

package media

import (
	"strconv"
	"strings"
)

// hardened returns the options for an untrusted input: one local file, read as MP4 or QuickTime whatever its content,
// without external references, with a limit on the picture size, and with few decoders.
func hardened() []string {
	return []string{
		"-protocol_whitelist", "file", "-format_whitelist", "mov", "-f", "mov", "-enable_drefs", "0",
		"-max_pixels", strconv.Itoa(decoderPixels), "-codec_whitelist", strings.Join(decoders, ","),
	}
}

// decoders are the only decoders of FFmpeg's four hundred that process uploaded files: those for the codecs that
// phones, cameras and editors write into MP4 and MOV. Sound is not decoded, but its decoder is opened to describe it.
var decoders = []string{
	"h264", "hevc", "mpeg4", "h263", "mjpeg", "libdav1d", "libaom-av1", "av1", "vp8", "vp9", "prores", "dnxhd",
	"mpeg1video", "mpeg2video",
	"aac", "mp3float", "mp3", "alac", "ac3", "eac3", "opus", "amrnb", "amrwb", "pcm_s16le", "pcm_s16be", "pcm_s24le",
}

// probeArgs returns ffprobe's arguments: the properties of the video streams that are not cover pictures, and the
// first packet and its frame. FFmpeg 4.4 does not know the section stream_side_data, so side_data is requested, which
// also selects the side data of packets and frames.
func probeArgs(path string) []string {
	args := append([]string{"-hide_banner", "-loglevel", "error", "-threads", "1"}, hardened()...)
	return append(args,
		"-print_format", "json=compact=1", "-show_error",
		"-select_streams", "V", "-read_intervals", "%+#1", "-show_packets", "-show_frames",
		"-show_entries", "format=nb_streams,duration"+
			":stream=index,codec_name,width,height,pix_fmt,sample_aspect_ratio,avg_frame_rate,duration,"+
			"bits_per_raw_sample,field_order,color_space,color_transfer"+
			":side_data=displaymatrix"+
			":packet=stream_index,flags:frame=stream_index,width,height,pix_fmt,interlaced_frame,color_space,color_transfer",
		"file:"+path,
	)
}

// report is ffprobe's output.
type report struct {
	Error *struct {
		Code   int    `json:"code"`
		String string `json:"string"`
	} `json:"error"`
	Format struct {
		Streams  int    `json:"nb_streams"`
		Duration string `json:"duration"`
	} `json:"format"`
	Streams []stream `json:"streams"`
	First   []first  `json:"packets_and_frames"`
}

// first is the first packet of a stream, or the frame decoded from it.
type first struct {
	Type   string `json:"type"`
	Stream int    `json:"stream_index"`
	Flags  string `json:"flags"`

	Width         int    `json:"width"`
	Height        int    `json:"height"`
	PixelFormat   string `json:"pix_fmt"`
	ColorSpace    string `json:"color_space"`
	ColorTransfer string `json:"color_transfer"`
	Interlaced    int    `json:"interlaced_frame"` // 0 or 1
}

// stream is one video stream as ffprobe describes it.
type stream struct {
	Index            int    `json:"index"`
	Codec            string `json:"codec_name"`
	Width            int    `json:"width"`
	Height           int    `json:"height"`
	PixelFormat      string `json:"pix_fmt"`
	SAR              string `json:"sample_aspect_ratio"`
	AverageFrameRate string `json:"avg_frame_rate"`
	Duration         string `json:"duration"`
	BitDepth         string `json:"bits_per_raw_sample"`
	FieldOrder       string `json:"field_order"`
	InterlacedFrame  bool   `json:"-"` // whether the first frame is
	ColorSpace       string `json:"color_space"`
	ColorTransfer    string `json:"color_transfer"`
	SideData         []struct {
		DisplayMatrix string `json:"displaymatrix"`
	} `json:"side_data_list"`
}

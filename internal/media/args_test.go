package media

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProbeArgs(t *testing.T) {
	t.Parallel()
	want := []string{
		"-hide_banner", "-loglevel", "error", "-threads", "1",
		"-protocol_whitelist", "file", "-format_whitelist", "mov", "-f", "mov", "-enable_drefs", "0", "-max_pixels", "36000000",
		"-codec_whitelist", "h264,hevc,mpeg4,h263,mjpeg,libdav1d,libaom-av1,av1,vp8,vp9,prores,dnxhd,mpeg1video,mpeg2video," +
			"aac,mp3float,mp3,alac,ac3,eac3,opus,amrnb,amrwb,pcm_s16le,pcm_s16be,pcm_s24le",
		"-print_format", "json=compact=1", "-show_error",
		"-select_streams", "V", "-read_intervals", "%+#1", "-show_packets", "-show_frames",
		"-show_entries", "format=nb_streams,duration" +
			":stream=index,codec_name,width,height,pix_fmt,sample_aspect_ratio,avg_frame_rate,duration," +
			"bits_per_raw_sample,field_order,color_space,color_transfer" +
			":side_data=displaymatrix" +
			":packet=stream_index,flags:frame=stream_index,width,height,pix_fmt,interlaced_frame,color_space,color_transfer",
		"file:/work/in.mp4",
	}
	if diff := cmp.Diff(want, probeArgs("/work/in.mp4")); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

func TestRenderArgs(t *testing.T) {
	t.Parallel()
	r := Render{
		Clip:   Clip{Stream: 1, Width: 1920, Height: 1080, SAR: Ratio{1, 1}, FrameRate: 30, Duration: 1 << 40},
		Source: "/work/in.mp4", Dest: "/work/out.mp4", Poster: "/work/out.jpg",
		Brand: BrandFiles{Curtain: "/brand/curtain.png", Watermark: "/brand/watermark.png"},
	}
	want := []string{
		"-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1",
		"-filter_threads", "2", "-filter_complex_threads", "2",

		"-protocol_whitelist", "file", "-format_whitelist", "mov", "-f", "mov", "-enable_drefs", "0", "-max_pixels", "36000000",
		"-codec_whitelist", "h264,hevc,mpeg4,h263,mjpeg,libdav1d,libaom-av1,av1,vp8,vp9,prores,dnxhd,mpeg1video,mpeg2video," +
			"aac,mp3float,mp3,alac,ac3,eac3,opus,amrnb,amrwb,pcm_s16le,pcm_s16be,pcm_s24le",
		"-threads", "2", "-noautorotate", "-reinit_filter", "0", "-t", "40", "-i", "file:/work/in.mp4",

		"-protocol_whitelist", "file", "-format_whitelist", "png_pipe", "-f", "png_pipe",
		"-framerate", "30", "-threads", "1", "-i", "file:/brand/curtain.png",
		"-protocol_whitelist", "file", "-format_whitelist", "png_pipe", "-f", "png_pipe",
		"-framerate", "30", "-threads", "1", "-i", "file:/brand/watermark.png",

		"-filter_complex", "[1:v]scale=1280:720:force_original_aspect_ratio=decrease:force_divisible_by=2" +
			":out_color_matrix=bt709:out_range=tv,format=yuv420p,pad=1280:720:-1:-1,setsar=1," + bt709 +
			",split[before][after];" +
			"[before]loop=loop=74:size=1:start=0,trim=end_frame=75,setpts=N[opening];" +
			"[after]loop=loop=74:size=1:start=0,trim=end_frame=75,setpts=N[closing];" +
			"[2:v]scale=out_color_matrix=bt709:out_range=tv,format=yuva420p[watermark];" +
			"[0:1]fps=30:eof_action=round,trim=end_frame=900,setpts=N," +
			"scale=1280:720:in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv," +
			"sidedata=mode=delete,format=yuv420p,pad=1280:720:0:0,setsar=1," + bt709 + "[play];" +
			"[play][watermark]overlay=x=main_w-overlay_w-24:y=24,split[marked][still];" +
			`[still]select=not(mod(n\,10)),trim=end_frame=6,thumbnail=n=6,` +
			"scale=out_color_matrix=bt601:out_range=pc:flags=bicubic+accurate_rnd,format=yuvj420p[poster];" +
			"[opening][marked][closing]concat=n=3:v=1:a=0,settb=1/30,setpts=N,sidedata=mode=delete[rendition]",

		"-map", "[rendition]", "-map_metadata", "-1", "-map_chapters", "-1", "-an", "-sn", "-dn", "-r", "30",
		"-c:v", "libx264", "-threads", "2", "-preset", "veryfast", "-profile:v", "high", "-level:v", "4.0",
		"-crf", "23", "-maxrate", "4M", "-bufsize", "8M", "-g", "60", "-pix_fmt", "yuv420p",
		"-x264-params", "zones=0,74,subme=1/975,1049,subme=0",
		"-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
		"-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4", "file:/work/out.mp4",

		"-map", "[poster]", "-map_metadata", "-1", "-frames:v", "1",
		"-c:v", "mjpeg", "-threads", "1", "-q:v", "3", "-f", "mjpeg", "file:/work/out.jpg",
	}
	if diff := cmp.Diff(want, renderArgs(r, 2, true)); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

func TestPlayFilters(t *testing.T) {
	t.Parallel()
	base := Clip{Width: 1280, Height: 720, SAR: Ratio{1, 1}, FrameRate: 30, Duration: 1 << 40}
	with := func(change func(*Clip)) Clip {
		c := base
		change(&c)
		return c
	}
	tests := []struct {
		name    string
		clip    Clip
		tonemap bool
		want    string // a part of the filter chain
	}{
		{"small and untagged", with(func(c *Clip) { c.Width, c.Height = 720, 576 }), true, ":in_color_matrix=bt601:"},
		{"tagged", with(func(c *Clip) { c.Matrix = "smpte170m" }), true, ":in_color_matrix=auto:"},
		{"portrait", with(func(c *Clip) { c.Turn.Degrees = 90 }), true, "scale=720:406:"},
		{"turned after scaling", with(func(c *Clip) { c.Turn.Degrees = 90 }), true, "out_range=tv,transpose=clock,sidedata=mode=delete,format"},
		{"interlaced", with(func(c *Clip) { c.Interlaced = true }), true, "yadif=deint=interlaced,fps=30"},
		{"short", with(func(c *Clip) { c.Duration = 1 << 20 }), true, "fps=30:eof_action=pass"},
		{"HDR", with(func(c *Clip) { c.HDR, c.Transfer = true, "smpte2084" }), true, "scale=1280:720,zscale=tin=smpte2084:"},
		{"HDR without tone mapping", with(func(c *Clip) { c.HDR, c.Matrix = true, "bt2020nc" }), false,
			"scale=1280:720:in_color_matrix=auto:out_color_matrix=bt709:out_range=tv,sidedata=mode=delete,format=yuv420p"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := chain(playFilters(test.clip, test.tonemap)...); !strings.Contains(got, test.want) {
				t.Errorf("got %s, want it to contain %s", got, test.want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		width, height float64
		want          placement
	}{
		{"the same", 1280, 720, placement{0, 0, 1280, 720}},
		{"larger", 3840, 2160, placement{0, 0, 1280, 720}},
		{"portrait", 1080, 1920, placement{436, 0, 406, 720}},
		{"square", 100, 100, placement{280, 0, 720, 720}},
		{"cinema", 2390, 1000, placement{0, 92, 1280, 536}},
		{"odd", 853, 481, placement{2, 0, 1276, 720}},
		{"one pixel", 1, 1, placement{280, 0, 720, 720}},
		{"a line", 16384, 1, placement{0, 358, 1280, 2}},
		{"a column", 1, 16384, placement{638, 0, 2, 720}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, fit(test.width, test.height)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

package mediatest

import (
	"bytes"
	"compress/zlib"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// Bait is what hostile files try to access.
type Bait struct {
	URL  string // of a server to which no connection may be made
	File string // of a picture that must not be shown, see [Secret]
}

// Secret returns a picture that represents another user's video: the external media data of files that refer to it.
func Secret() []byte { return picture(color.RGBA{0, 255, 255, 255}) }

// Hostile is a malicious or damaged file.
type Hostile struct {
	Name string
	Data []byte
	Want string // the expected Reason; Any if it depends on FFmpeg's version; "" for a rendition
}

// Any means a rendition or a refusal, but no other error.
const Any = "any"

// Hostiles returns the corpus. Except for the bait it is the same each time.
func Hostiles(bait Bait) []Hostile {
	return slices.Concat(playlists(bait), references(bait), bombs(), crowds(), lies(), brokenSizes(), damages())
}

// playlists are texts that refer FFmpeg to other files if it may guess their format.
func playlists(bait Bait) []Hostile {
	hls := func(target string) []byte {
		return []byte("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\n" + target + "\n#EXT-X-ENDLIST\n")
	}
	dash := `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S">` +
		`<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>` + bait.URL +
		`/v.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`
	return []Hostile{
		{"HLS that calls", hls(bait.URL + "/segment.ts"), "not_video"},
		{"HLS of a file", hls("file://" + bait.File), "not_video"},
		{"HLS of a file, by concat", hls("concat:" + bait.URL + "|file://" + bait.File), "not_video"},
		{"concat of a file", []byte("ffconcat version 1.0\nfile '" + bait.File + "'\n"), "not_video"},
		{"concat that calls", []byte("ffconcat version 1.0\nfile '" + bait.URL + "/a.mp4'\n"), "not_video"},
		{"DASH that calls", []byte(dash), "not_video"},
		{"SDP that calls", []byte("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"), "not_video"},
		{"HLS behind a header", slices.Concat(ftyp(), hls(bait.URL+"/segment.ts")), "truncated"},
		{"HLS in a free box", slices.Concat(ftyp(), box("free", hls(bait.URL+"/segment.ts"))), "truncated"},
	}
}

// references are valid MP4 files that declare that their pictures are in another file.
func references(bait Bait) []Hostile {
	with := func(reference []byte) []byte {
		m := still()
		m.References = full("dref", 0, u32(1), reference)
		m.Media = zeros(len(slices.Concat(m.Pictures...)))
		for i := range m.Pictures {
			m.Pictures[i] = Secret()
		}
		return m.bytes()
	}
	movies := box("rmra", box("rmda", full("rdrf", 0, []byte("url "), u32(uint32(len(bait.URL)+1)), []byte(bait.URL+"\x00"))))
	return []Hostile{
		{"pictures at a URL", with(full("url ", 0, []byte(bait.URL+"/media\x00"))), "unplayable"},
		{"pictures in a file, by URL", with(full("url ", 0, []byte("file://"+bait.File+"\x00"))), "unplayable"},
		{"pictures in a file, by alias", with(full("alis", 0, alias(bait.File))), "unplayable"},
		{"pictures in a file, by name", with(full("urn ", 0, []byte("x\x00"+bait.File+"\x00"))), "unplayable"},
		{"a movie that is another", slices.Concat(ftyp(), box("moov", movies), box("mdat", zeros(64))), "no_video"},
	}
}

// alias is a Macintosh alias record with an absolute path.
func alias(path string) []byte {
	record := make([]byte, 150)
	record[10] = 4 // the volume's name
	copy(record[11:], "disk")
	record[50] = 4 // the file's name
	copy(record[51:], "file")
	if len(path)%2 == 1 {
		path += "\x00"
	}
	return slices.Concat(record, u16(2), u16(uint16(len(path))), []byte(path), u16(0xffff), u16(0))
}

// bombs are small files that need much memory or time. Compressing the large ones is slow, so they are made once.
var bombs = sync.OnceValue(makeBombs)

func makeBombs() []Hostile {
	film := func(change func(*movie)) []byte {
		m := still()
		change(&m)
		return m.bytes()
	}
	large := func(m *movie) {
		for i := range m.Pictures {
			m.Pictures[i] = resized(m.Pictures[i], 16384, 16384)
		}
	}
	one := func(m *movie, p []byte, entry string) { m.Pictures, m.Entry, m.Length = [][]byte{p}, entry, 500 }
	return []Hostile{
		{"16k by 16k", film(func(m *movie) { large(m); m.Width, m.Height = 16384, 16384 }), "too_many_pixels"},
		{"16k by 16k behind 64 by 48", film(large), "too_many_pixels"},
		{"16k by 16k in two tracks", film(func(m *movie) { large(m); m.Tracks = 2 }), "too_many_pixels"},
		{"a decoder that nobody needs", film(func(m *movie) { one(m, flatPNG(64, 48), "png ") }), "unplayable"},
		{"64k by 64k, as declared only", film(func(m *movie) { m.Width, m.Height = 65535, 65535 }), Any},
		{"8K of nothing", film(func(m *movie) {
			one(m, grayJPEG(7680, 4320), "jpeg")
			m.Width, m.Height = 7680, 4320
		}), ""},
		{"a text that inflates", film(func(m *movie) { one(m, pngWith("zTXt", "a\x00\x00", 64<<20), "png ") }), "unplayable"},
		{"a profile that inflates", film(func(m *movie) { one(m, pngWith("iCCP", "a\x00\x00", 64<<20), "png ") }), "unplayable"},
		{"an index that inflates", compressedMovie(64 << 20), "unplayable"},
		{"one frame of ten hours", film(func(m *movie) { m.Pictures, m.Delta, m.Length = m.Pictures[:1], 36_000_000, 36_000_000 }), "too_long"},
		{"frames of ten hours", film(func(m *movie) { m.Delta, m.Length = 36_000_000, 144_000_000 }), "too_long"},
		{"frames of ten hours, as a second", film(func(m *movie) { m.Delta, m.Length = 36_000_000, 1000 }), Any}, // FFmpeg 4.4 renders it
		{"a million frames a second", film(func(m *movie) { m.Scale, m.Delta, m.Length = 1_000_000, 1, 4 }), "bad_frame_rate"},
		{"all frames at once", film(func(m *movie) { m.Delta, m.Length = 0, 0 }), Any},
	}
}

// grayJPEG returns a large picture in few bytes.
func grayJPEG(width, height int) []byte {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		panic(err) // memory does not fail
	}
	return out.Bytes()
}

// flatPNG returns a picture of one color.
func flatPNG(width, height int) []byte {
	var out bytes.Buffer
	m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, m); err != nil {
		panic(err) // memory does not fail
	}
	return out.Bytes()
}

// pngWith returns a PNG whose first chunk after the header has the given number of deflated zeros.
func pngWith(kind, before string, inflated int) []byte {
	plain := flatPNG(64, 48)
	const header = 8 + 25 // the signature and IHDR
	body := slices.Concat([]byte(kind), []byte(before), deflated(inflated))
	chunk := slices.Concat(u32(uint32(len(body)-4)), body, u32(crc32.ChecksumIEEE(body)))
	return slices.Concat(plain[:header], chunk, plain[header:])
}

func deflated(n int) []byte {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	if err != nil {
		panic(err)
	}
	block := zeros(1 << 20)
	for range n / len(block) {
		_, _ = w.Write(block) // memory does not fail
	}
	_ = w.Close()
	return out.Bytes()
}

// compressedMovie returns a file with a compressed index, which QuickTime allows.
func compressedMovie(inflated int) []byte {
	compressed := box("cmov", box("dcom", []byte("zlib")), box("cmvd", u32(uint32(inflated)), deflated(inflated)))
	return slices.Concat(ftyp(), box("moov", compressed), box("mdat", zeros(64)))
}

// crowds have too many of something.
func crowds() []Hostile {
	with := func(change func(*movie)) []byte {
		m := still()
		change(&m)
		return m.bytes()
	}
	nested := box("free")
	for range 10_000 {
		nested = box("udta", nested)
	}
	var edits [][]byte
	for range 50_000 {
		edits = append(edits, u32(1), u32(0), u32(1<<16))
	}
	return []Hostile{
		{"17 tracks", with(func(m *movie) { m.Tracks = 17 }), "too_many_streams"},
		{"5000 tracks", with(func(m *movie) { m.Tracks = 5000 }), "too_many_streams"},
		{"60 000 boxes", with(func(m *movie) { m.Extra = bytes.Repeat(box("free"), 60_000) }), "unplayable"},
		{"10 000 boxes in each other", with(func(m *movie) { m.Extra = nested }), "unplayable"},
		{"50 000 edits", with(func(m *movie) {
			m.Edits = box("edts", full("elst", 0, u32(50_000), slices.Concat(edits...)))
		}), Any},
	}
}

// lies are files whose tables contradict the data.
func lies() []Hostile {
	with := func(change func(*movie)) []byte {
		m := still()
		change(&m)
		return m.bytes()
	}
	edit := func(entries ...[]byte) []byte { return box("edts", full("elst", 0, entries...)) }
	long := u32(math.MaxUint32)
	return []Hostile{
		{"4 thousand million edits", with(func(m *movie) { m.Edits = edit(long, u32(1), u32(0), u32(1<<16)) }), Any},
		{"an edit of 49 days", with(func(m *movie) { m.Edits = edit(u32(1), long, u32(0), u32(1<<16)) }), Any},
		{"an edit far before", with(func(m *movie) { m.Edits = edit(u32(1), u32(2000), u32(1<<31), u32(1<<16)) }), Any},
		{"an edit without end", with(func(m *movie) {
			m.Edits = box("edts", full("elst", 1<<24, u32(1), u64(math.MaxInt64), u64(math.MaxInt64-1), u32(1<<16)))
		}), Any},
		{"4 thousand million times", with(func(m *movie) { m.Times = full("stts", 0, u32(1), long, u32(1)) }), Any},
		{"4 thousand million entries of times", with(func(m *movie) { m.Times = full("stts", 0, long, u32(1), u32(1)) }), Any},
		{"4 thousand million pictures of a byte", with(func(m *movie) { m.Sizes = full("stsz", 0, u32(1), long) }), Any},
		{"4 thousand million sizes", with(func(m *movie) { m.Sizes = full("stsz", 0, u32(0), long, zeros(40)) }), Any},
		{"pictures of 4 GB", with(func(m *movie) { m.Sizes = full("stsz", 0, long, u32(10)) }), Any},
		{"no time scale", with(func(m *movie) { m.Scale = 0 }), Any},
		{"nothing in the tables", with(func(m *movie) { m.Pictures, m.Media = nil, zeros(64) }), "unplayable"},
	}
}

// brokenSizes are files with boxes of impossible lengths.
func brokenSizes() []Hostile {
	whole := still().bytes()
	head := len(ftyp())
	moov := still().moov(0)
	replaced := func(size []byte, at int) []byte {
		out := slices.Clone(whole)
		copy(out[at:], size)
		return out
	}
	wide := func(size uint64) []byte { return slices.Concat(ftyp(), u32(1), []byte("moov"), u64(size), moov[8:]) }
	return []Hostile{
		{"an index of 4 GB", replaced(u32(math.MaxUint32), head), "truncated"},
		{"an index of 7 bytes", replaced(u32(7), head), "unplayable"},
		{"an index to the end", replaced(u32(0), head), "truncated"},
		{"an index of 2 to the 63", wide(1 << 63), "truncated"},
		{"an index of minus one", wide(math.MaxUint64), "truncated"},
		{"an index of wide 9 bytes", wide(9), "unplayable"},
		{"a track of 4 GB", replaced(u32(math.MaxUint32), head+8+108), Any},
		{"a track of 7 bytes", replaced(u32(7), head+8+108), Any},
		{"a header of 4 GB", replaced(u32(math.MaxUint32), 0), "truncated"},
		{"only a header", ftyp(), "truncated"},
		{"a header of nothing", sized("ftyp", 8, nil), "truncated"},
	}
}

// damages are damaged copies of a valid file, and noise, the same each time.
func damages() []Hostile {
	whole := still().bytes()
	list := []Hostile{
		{"a right file", whole, ""},
		{"empty", nil, "empty"},
		{"garbage behind", append(slices.Clone(whole), noise(1, 5000)...), ""},
		{"text behind", append(slices.Clone(whole), strings.Repeat("#EXTM3U\n", 500)...), ""},
		{"noise", noise(2, 50_000), "not_video"},
		{"noise behind a header", slices.Concat(ftyp(), noise(3, 50_000)), "truncated"},
		{"noise for pictures", slices.Concat(whole[:len(whole)-len(still().Pictures)*len(still().Pictures[0])],
			noise(4, len(still().Pictures)*len(still().Pictures[0]))), "unplayable"},
	}
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same each time
	for i := range 6 {
		cut := 1 + random.IntN(len(whole)-1)
		list = append(list, Hostile{"cut " + string(rune('a'+i)), whole[:cut], Any})
	}
	for i := range 12 {
		out := slices.Clone(whole)
		for range 1 + i {
			out[len(ftyp())+random.IntN(len(still().moov(0)))] = byte(random.Uint32())
		}
		list = append(list, Hostile{"changed " + string(rune('a'+i)), out, Any})
	}
	return list
}

func noise(seed uint64, n int) []byte {
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same each time
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(random.Uint32())
	}
	return out
}

package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/media/mediatest"
)

// atom makes a box.
func atom(kind string, body ...[]byte) []byte {
	content := slices.Concat(body...)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(content))), kind...), content...)
}

// atomOf makes a box header that declares any size.
func atomOf(kind string, size uint32) []byte {
	return append(binary.BigEndian.AppendUint32(nil, size), kind...)
}

// largeAtom makes a box with a 64-bit size.
func largeAtom(kind string, size uint64, content []byte) []byte {
	return append(binary.BigEndian.AppendUint64(atomOf(kind, 1), size), content...)
}

func ftyp(brand string) []byte { return atom("ftyp", []byte(brand), make([]byte, 4), []byte("isom")) }

// trak makes a track with a handler and one chunk.
func trak(handler string, chunk uint32) []byte {
	return atom("trak", atom("mdia",
		atom("hdlr", make([]byte, 8), []byte(handler), make([]byte, 12)),
		atom("minf", atom("hdlr", make([]byte, 8), []byte("url "), make([]byte, 12)), atom("stbl",
			atom("stco", []byte{0, 0, 0, 0, 0, 0, 0, 1}, binary.BigEndian.AppendUint32(nil, chunk)))),
	))
}

func trak64(handler string, chunk uint64) []byte {
	return atom("trak", atom("mdia",
		atom("hdlr", make([]byte, 8), []byte(handler), make([]byte, 12)),
		atom("minf", atom("stbl",
			atom("co64", []byte{0, 0, 0, 0, 0, 0, 0, 1}, binary.BigEndian.AppendUint64(nil, chunk)))),
	))
}

var (
	video  = atom("moov", atom("mvhd", make([]byte, 100)), trak("vide", 30), trak("soun", 40))
	mdat   = atom("mdat", make([]byte, 100))
	whole  = slices.Concat(ftyp("isom"), video, mdat)
	noise  = []byte("\xffgarbage that someone appended")
	tracks = slices.Repeat(trak("vide", 30), MaxStreams+1)
)

func TestReadLayout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		file      []byte
		container Container // of an accepted file
		reason    Reason    // of a refused file
	}{
		{"index in front", whole, MP4, ""},
		{"index behind", slices.Concat(ftyp("isom"), atom("free"), mdat, video), MP4, ""},
		{"QuickTime", slices.Concat(ftyp("qt  "), atom("wide"), mdat, video), MOV, ""},
		{"QuickTime before ftyp", slices.Concat(atom("wide"), mdat, video), MOV, ""},
		{"QuickTime beginning with data", slices.Concat(mdat, video), MOV, ""},
		{"3GP", slices.Concat(ftyp("3gp5"), video, mdat), MP4, ""},
		{"64-bit size", slices.Concat(ftyp("isom"), video, largeAtom("mdat", 116, make([]byte, 100))), MP4, ""},
		{"data to the end", slices.Concat(ftyp("isom"), video, atomOf("mdat", 0), make([]byte, 100)), MP4, ""},
		{"64-bit chunk", slices.Concat(ftyp("isom"), atom("moov", trak64("vide", 30)), mdat), MP4, ""},
		{"fragments", slices.Concat(ftyp("iso5"), atom("moov", trak("vide", 0)), atom("moof"), mdat), MP4, ""},
		{"compressed index", slices.Concat(ftyp("qt  "), mdat, atom("moov", atom("cmov"))), "", Unplayable},
		{"broken inside the index", slices.Concat(ftyp("isom"), atom("moov", trak("soun", 9), atomOf("trak", 999)), mdat), MP4, ""},
		{"unknown box", slices.Concat(ftyp("isom"), atom("????", noise), video, mdat), MP4, ""},

		{"zeros appended", slices.Concat(whole, make([]byte, 1000)), MP4, ""},
		{"garbage appended", slices.Concat(whole, noise), MP4, ""},
		{"a few bytes appended", slices.Concat(whole, noise[:5]), MP4, ""},

		{"empty", nil, "", Empty},
		{"one byte", []byte("x"), "", NotVideo},
		{"text", []byte("just some text, nothing else"), "", NotVideo},
		{"text that looks like a box", []byte("the free world, and what not"), "", NotVideo},
		{"zeros", make([]byte, 100), "", NotVideo},
		{"HEIC", slices.Concat(ftyp("heic"), atom("meta"), mdat), "", NotVideo},
		{"AVIF sequence", slices.Concat(ftyp("avis"), video, mdat), "", NotVideo},
		{"picture of another brand", slices.Concat(ftyp("abcd"), atom("meta"), mdat), "", NotVideo},
		{"M4A", slices.Concat(ftyp("M4A "), atom("moov", trak("soun", 30)), mdat), "", NotVideo},
		{"audio only", slices.Concat(ftyp("isom"), atom("moov", trak("soun", 30)), mdat), "", NoVideo},
		{"no tracks", slices.Concat(ftyp("isom"), atom("moov"), mdat), "", NoVideo},
		{"too many tracks", slices.Concat(ftyp("isom"), atom("moov", tracks), mdat), "", TooManyStreams},
		{"no index", slices.Concat(ftyp("isom"), mdat), "", Truncated},
		{"no data", slices.Concat(ftyp("isom"), video), "", Truncated},
		{"data cut", whole[:len(whole)-1], "", Truncated},
		{"chunk behind the end", slices.Concat(ftyp("isom"), atom("moov", trak("vide", 1<<20)), mdat), "", Truncated},
		{"64-bit chunk behind the end", slices.Concat(ftyp("isom"), atom("moov", trak64("vide", 1<<63)), mdat), "", Truncated},
		{"huge 64-bit size", slices.Concat(ftyp("isom"), video, largeAtom("mdat", 1<<63, nil)), "", Truncated},
		{"size below the header", slices.Concat(ftyp("isom"), atomOf("moov", 4)), "", Unplayable},
		{"too many boxes", slices.Concat(ftyp("isom"), slices.Repeat(atom("free"), maxBoxes), video, mdat), "", Unplayable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			l, err := readLayout(bytes.NewReader(test.file), int64(len(test.file)))

			if got := ReasonOf(err); got != test.reason || (err != nil) != (test.reason != "") {
				t.Fatalf("got error %v, want reason %q", err, test.reason)
			}
			if got := l.container(); err == nil && got != test.container {
				t.Errorf("container: got %q, want %q", got, test.container)
			}
		})
	}
}

func TestReadLayoutTracks(t *testing.T) {
	t.Parallel()

	got, err := readLayout(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}

	want := layout{
		Brand: "isom", Moov: 20, Media: int64(20 + len(video)),
		Tracks: []track{{Handler: "vide", LastChunk: 30}, {Handler: "soun", LastChunk: 40}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
}

// A truncated file is refused wherever the cut is.
func TestReadLayoutCutAnywhere(t *testing.T) {
	t.Parallel()
	specs := map[string]mediatest.Spec{
		"index in front":          {Audio: true},
		"index behind":            {Audio: true, MoovLast: true},
		"QuickTime":               {Container: "mov"},
		"QuickTime, index behind": {Container: "mov", MoovLast: true},
	}
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := read(t, mediatest.Clip(t, spec))
			for n := range data {
				if _, err := readLayout(bytes.NewReader(data[:n]), int64(n)); ReasonOf(err) == "" {
					t.Fatalf("cut at %d of %d: got %v, want a refusal", n, len(data), err)
				}
			}
		})
	}
}

// A fragmented recording may end after any fragment, but not within one.
func TestReadLayoutCutFragments(t *testing.T) {
	t.Parallel()
	data := read(t, mediatest.Clip(t, mediatest.Spec{Fragmented: true, Seconds: 2}))
	var accepted int
	for n := range data {
		_, err := readLayout(bytes.NewReader(data[:n]), int64(n))
		if err == nil {
			accepted++
		} else if ReasonOf(err) == "" {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if most := 8 * 5; accepted > most { // up to 7 bytes of the next header, after mdat, moof, mdat, …
		t.Errorf("accepted %d cuts, want at most %d", accepted, most)
	}
}

// failingReader simulates a bad disk block.
type failingReader struct{ err error }

func (r failingReader) ReadAt([]byte, int64) (int, error) { return 0, r.err }

func TestReadLayoutOnBadDisk(t *testing.T) {
	t.Parallel()
	bad := errors.New("bad block")

	_, err := readLayout(failingReader{bad}, 1000)

	if !errors.Is(err, bad) || ReasonOf(err) != "" {
		t.Errorf("got %v, want the disk's error and no verdict", err)
	}
}

func FuzzReadLayout(f *testing.F) {
	f.Add(whole)
	f.Add(slices.Concat(ftyp("qt  "), atom("wide"), mdat, video, noise))
	f.Add(slices.Concat(ftyp("isom"), atom("moov", trak64("vide", 30)), largeAtom("mdat", 24, make([]byte, 8))))
	f.Add(slices.Concat(mdat, atom("moov", atom("cmov")), atomOf("free", 0)))
	f.Fuzz(func(t *testing.T, file []byte) {
		l, err := readLayout(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if l.Moov < 0 || l.Media < 0 || l.Moov >= int64(len(file)) || l.Media >= int64(len(file)) {
			t.Errorf("outside of the %d bytes: %+v", len(file), l)
		}
		if len(l.Tracks) > MaxStreams {
			t.Errorf("%d tracks", len(l.Tracks))
		}
	})
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

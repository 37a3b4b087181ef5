package api_test

import (
	"encoding/binary"
	"mime/multipart"
	"net/textproto"
	"os"
	"strings"
	"testing"

	"risingstars/internal/media/mediatest"
)

// small is a clip that is fast to process.
var small = mediatest.Spec{Width: 160, Height: 120, FPS: "15", Seconds: 1}

// clip is the content of a small MP4.
func clip(tb testing.TB) string {
	tb.Helper()
	return content(tb, small)
}

func content(tb testing.TB, spec mediatest.Spec) string {
	tb.Helper()
	data, err := os.ReadFile(mediatest.Clip(tb, spec))
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// padded is a clip of exactly size bytes: a free box (ISO/IEC 14496-12, 8.1.2) fills the rest.
func padded(clip string, size int) string {
	return clip + padding(size-len(clip)) + strings.Repeat("\x00", size-len(clip)-8)
}

// padding is the header of a free box of size bytes.
func padding(size int) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(size))) + "free"
}

// part is one part of a form; it is a file if file is not empty.
type part struct {
	name, file, mediaType, content string
}

func title(text string) part { return part{name: "title", content: text} }

func video(content string) part {
	return part{name: "video_file", file: "clip.mp4", mediaType: "video/mp4", content: content}
}

// form encodes parts as multipart/form-data.
func form(parts ...part) (contentType, body string) {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{}
		disposition := `form-data; name="` + p.name + `"`
		if p.file != "" {
			disposition += `; filename="` + p.file + `"`
		}
		h.Set("Content-Disposition", disposition)
		if p.mediaType != "" {
			h.Set("Content-Type", p.mediaType)
		}
		to, err := w.CreatePart(h)
		if err != nil {
			panic(err)
		}
		_, _ = to.Write([]byte(p.content))
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

func (c client) upload(parts ...part) answer {
	c.tb.Helper()
	contentType, body := form(parts...)
	return c.do("POST", "/api/videos/upload", body, "Content-Type", contentType)
}

// uploaded uploads a small clip and returns the video's id.
func (c client) uploaded(named string) int64 {
	c.tb.Helper()
	var got struct {
		ID int64 `json:"video_id"`
	}
	c.upload(title(named), video(clip(c.tb))).decode(201, &got)
	return got.ID
}

package uploads

import (
	"testing"

	"github.com/tus/tusd/v2/pkg/handler"

	"risingstars/internal/contest"
)

// The title of a resumable upload arrives in a header of base64 values.
func FuzzMetadata(f *testing.F) {
	for _, header := range []string{
		"title VHJpcGxl,filetype dmlkZW8vbXA0", "title", "title =", ",,,", "title VHJpcGxl,title AA==", "title /w==", " title  VHJpcGxl ",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		data := handler.ParseMetadataHeader(header)
		if title, err := contest.CheckTitle(data["title"]); err == nil && title == "" {
			t.Errorf("%q: an empty title", header)
		}
	})
}

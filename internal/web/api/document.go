package api

import (
	"fmt"

	"github.com/danielgtaylor/huma/v2"
)

// documentUpload describes the form of the upload. It is done after the call was registered: a body in the declaration
// itself would make huma read it whole.
func documentUpload(document *huma.OpenAPI, maxUpload int64) {
	one, most := 1, 255
	document.Paths[uploadPath].Post.RequestBody = &huma.RequestBody{
		Required:    true,
		Description: "A form with the file and its title, in any order.",
		Content: map[string]*huma.MediaType{"multipart/form-data": {
			Schema: &huma.Schema{
				Type:     huma.TypeObject,
				Required: []string{fileField, titleField},
				Properties: map[string]*huma.Schema{
					fileField: {
						Type: huma.TypeString, Format: "binary",
						Description: fmt.Sprintf("MP4 or MOV by its content, at most %d bytes.", maxUpload),
					},
					titleField: {
						Type: huma.TypeString, MinLength: &one, MaxLength: &most, Pattern: `\S`,
						Description: "Not blank.", Examples: []any{"Triple desde la esquina"},
					},
				},
			},
			Encoding: map[string]*huma.Encoding{fileField: {ContentType: "video/mp4, video/quicktime"}},
		}},
	}
}

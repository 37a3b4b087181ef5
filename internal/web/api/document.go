package api

import (
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"risingstars/internal/web/problem"
)

// documentUpload adds the form of the upload to the document after the call is registered. If the declaration had a
// body, huma would read the whole body into memory.
func documentUpload(document *huma.OpenAPI, maxUpload int64) {
	one, most := 1, 255
	document.Paths[UploadPath].Post.RequestBody = &huma.RequestBody{
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
						Type: huma.TypeString, MinLength: &one, MaxLength: &most, Pattern: filledLine,
						Description: "Not blank, and without control characters.", Examples: []any{"Triple desde la esquina"},
					},
				},
			},
			Encoding: map[string]*huma.Encoding{fileField: {ContentType: "video/mp4, video/quicktime"}},
		}},
	}
}

// Patterns for the lines of text that the contest accepts, as ECMA-262 regular expressions with the u flag.
const (
	space      = `[\t-\r\x85\p{Z}]*`
	calm       = `[^\x00-\x1f\x7f-\x9f\u202A-\u202E\u2066-\u2069]*`
	filledLine = `^` + space + calm + `[\p{L}\p{N}\p{P}\p{S}]` + calm + space + `$`
	anyLine    = `^` + space + `(` + calm + `[\p{L}\p{N}\p{P}\p{S}]` + calm + space + `)?$`
	notBlank   = `[^\t-\r\x85\p{Z}]`
)

// documentTexts adds the exact patterns of valid texts to the document after the calls are registered. If the
// declarations had these patterns, huma would check them, and answer with a less precise problem than the contest's.
func documentTexts(document *huma.OpenAPI) {
	schemas := document.Components.Schemas.Map()
	for schema, patterns := range map[string]map[string]string{
		"SignUpInputBody": {
			"first_name": filledLine, "last_name": filledLine, "city": anyLine, "country": anyLine, "password1": notBlank,
		},
		"PasswordInputBody": {"password1": notBlank},
	} {
		for field, pattern := range patterns {
			schemas[schema].Properties[field].Pattern = pattern
		}
	}
}

// documentMediaTypes documents the 415 for a body of another media type, which huma returns but does not document.
func documentMediaTypes(document *huma.OpenAPI) {
	for path, item := range document.Paths {
		if op := item.Post; path != UploadPath && op != nil && op.RequestBody != nil {
			other := *op.Responses["422"]
			other.Description = "Unsupported Media Type"
			op.Responses["415"] = &other
		}
	}
}

// documentEvents documents the event stream, which huma cannot derive from the handler.
func documentEvents(document *huma.OpenAPI) {
	responses := document.Paths[eventsPath].Get.Responses
	responses["200"] = &huma.Response{
		Description: `Server-sent events. The data of each are a JSON object with video_id, status, progress and ` +
			`failure_reason; the first is the present state. The stream ends when the video is processed, has failed, ` +
			`or is deleted (an event named "deleted").`,
		Content: map[string]*huma.MediaType{"text/event-stream": {
			Schema: &huma.Schema{ // the schema of one event
				Type: huma.TypeObject, Required: []string{"data"},
				Properties: map[string]*huma.Schema{
					"id": {Type: huma.TypeString}, "event": {Type: huma.TypeString}, "data": {Type: huma.TypeString, Description: "JSON."},
				},
			},
			Example: "id: 1\ndata: {\"video_id\":1,\"status\":\"processing\",\"progress\":42,\"failure_reason\":null}\n\n",
		}},
	}
	responses["204"] = &huma.Response{Description: "There is nothing more to come: a browser is not to connect again."}
}

// documentService documents routes that are not part of the API, but on which clients and operators rely.
func documentService(document *huma.OpenAPI) {
	for _, call := range []struct {
		path, summary, answer string
		mediaTypes            []string
		down                  string // the description of a 503; "" if there is none
	}{
		{"/", "The web site, or a sign of life", `The front page for a browser, else "Healthcheck".`, []string{"application/json", "text/html"}, ""},
		{"/healthz", "Whether the process lives", "It does.", []string{"application/json"}, ""},
		{"/readyz", "Whether database and storage answer", "They do.", []string{"application/json"}, "What does not answer."},
		{"/metrics", "Metrics for Prometheus, unless they have a listener of their own", "The metrics.", []string{"text/plain"}, ""},
		{"/openapi.json", "This document", "OpenAPI 3.1.", []string{"application/json"}, ""},
		{"/docs", "A page to read and try the API", "The page.", []string{"text/html"}, ""},
	} {
		content := map[string]*huma.MediaType{}
		for _, mediaType := range call.mediaTypes {
			content[mediaType] = &huma.MediaType{}
		}
		op := &huma.Operation{
			OperationID: operationID("get", call.path), Summary: call.summary, Tags: []string{"The service"},
			Responses: map[string]*huma.Response{"200": {Description: call.answer, Content: content}},
		}
		if call.down != "" {
			op.Responses["503"] = &huma.Response{
				Description: call.down,
				Content:     map[string]*huma.MediaType{problem.MediaType: {Schema: &huma.Schema{Ref: problemSchema}}},
			}
		}
		document.Paths[call.path] = &huma.PathItem{Get: op}
	}
}

const problemSchema = "#/components/schemas/Problem"

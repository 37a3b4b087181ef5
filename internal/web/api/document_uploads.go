package api

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"risingstars/internal/web/problem"
)

// resumablePath and resumedPath are the paths for creating and continuing resumable uploads. Package uploads serves
// them, by tus 1.0.0.
const (
	resumablePath = "/api/uploads"
	resumedPath   = resumablePath + "/{upload}"
)

// metadataPattern is the syntax of Upload-Metadata in tus, with a title among the keys. A key has no spaces or
// commas. A value is base64, and may be absent if it is empty.
const (
	metadataPair    = `[^ ,]+( ([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)?`
	metadataTitle   = `title ([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)`
	metadataPattern = `^(` + metadataPair + `,)*` + metadataTitle + `(,` + metadataPair + `)*$`
)

// documentUploads documents the resumable uploads, which huma does not serve.
func documentUploads(document *huma.OpenAPI, maxUpload int64) {
	one, most := 1.0, float64(maxUpload)
	version := tusHeader("Tus-Resumable", &huma.Schema{Type: huma.TypeString, Enum: []any{"1.0.0"}}, "The protocol's version.")
	id := &huma.Param{
		Name: "upload", In: "path", Required: true, Description: "The end of the Location that POST gave.",
		Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-f]{32}$"},
	}
	length := tusHeader("Upload-Length", &huma.Schema{Type: huma.TypeInteger, Minimum: &one, Maximum: &most}, "Bytes of the file.")
	metadata := tusHeader("Upload-Metadata", &huma.Schema{Type: huma.TypeString, Pattern: metadataPattern},
		"Pairs of a key and its value in base64, in any order: title, 1 to 255 characters, and if it is known filetype, such as "+
			"video/mp4 or video/quicktime. Other keys do not matter.")
	offset := tusHeader("Upload-Offset", &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64), Maximum: &most}, "How many bytes are there already.")

	document.Paths[resumablePath] = &huma.PathItem{
		Post: tusCall("post", resumablePath, "Begin a resumable upload (tus 1.0.0)", []*huma.Param{version, length, metadata},
			tusAnswer("201", "It may begin.", "Location", "Upload-Expires"), 400, 403, 412, 413, 422, 429, 507),
		Options: tusCall("options", resumablePath, "What the server can do of tus", nil,
			tusAnswer("200", "It says so in its headers.", "Tus-Version", "Tus-Extension", "Tus-Max-Size")),
	}
	patch := tusCall("patch", resumedPath, "Send the next bytes; the last make a video", []*huma.Param{id, version, offset},
		tusAnswer("204", "They are kept. With the last, Video-Id names the video.", "Upload-Offset", "Video-Id"),
		400, 403, 404, 408, 409, 412, 413, 422, 423, 429, 507)
	patch.RequestBody = &huma.RequestBody{
		Required: true, Description: "The bytes from Upload-Offset on, as many as the network lets through.",
		Content: map[string]*huma.MediaType{"application/offset+octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}
	document.Paths[resumedPath] = &huma.PathItem{
		Head: tusCall("head", resumedPath, "How far an upload has come", []*huma.Param{id},
			tusAnswer("200", "Go on from Upload-Offset. Video-Id is there if the upload has become a video.", "Upload-Offset", "Upload-Length", "Video-Id"),
			404, 423),
		Patch: patch,
		Delete: tusCall("delete", resumedPath, "Give an upload up", []*huma.Param{id, version},
			tusAnswer("204", "It is gone."), 403, 404, 412, 423),
	}
}

func tusHeader(name string, schema *huma.Schema, text string) *huma.Param {
	return &huma.Param{Name: name, In: "header", Required: true, Schema: schema, Description: text}
}

// tusAnswer is the answer of a successful call with its headers.
func tusAnswer(status, text string, headers ...string) map[string]*huma.Response {
	r := &huma.Response{Description: text, Headers: map[string]*huma.Param{}}
	for _, name := range headers {
		r.Headers[name] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return map[string]*huma.Response{status: r}
}

// tusCall is one call with its success and its possible problems. A HEAD's problems have no body.
func tusCall(method, path, summary string, parameters []*huma.Param, responses map[string]*huma.Response, problems ...int) *huma.Operation {
	for _, status := range append(problems, http.StatusUnauthorized, http.StatusServiceUnavailable) {
		r := &huma.Response{Description: http.StatusText(status)}
		if method != "head" {
			r.Content = map[string]*huma.MediaType{problem.MediaType: {Schema: &huma.Schema{Ref: problemSchema}}}
		}
		responses[strconv.Itoa(status)] = r
	}
	return &huma.Operation{
		OperationID: operationID(method, path), Summary: summary, Tags: []string{"My videos"},
		Security: []map[string][]string{{bearer: {}}}, Parameters: parameters, Responses: responses,
	}
}

package api

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
)

//go:embed swagger/index.html swagger/start.js swagger/swagger-ui-bundle.js swagger/swagger-ui.css
var swagger embed.FS

// docsPolicy is the Content-Security-Policy of the docs page. Swagger UI sets inline styles and embeds images as data
// URLs.
const docsPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// document serves the OpenAPI document.
func (a *API) document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.openapi)))
	w.Header().Set("Access-Control-Allow-Origin", "*") // API tools in browsers read it; it has no private data
	_, _ = w.Write(a.openapi)                          // a client that has disconnected cannot be told
}

// docsPage serves the page for reading and trying the API.
func docsPage() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		http.ServeFileFS(w, r, swagger, "swagger/index.html")
	})
}

// docsFiles serves the files of the docs page, which are embedded in the program.
func docsFiles() http.Handler {
	files, err := fs.Sub(swagger, "swagger")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=86400")
		http.ServeFileFS(w, r, files, r.PathValue("file"))
	})
}

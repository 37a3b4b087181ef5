package api

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
)

//go:embed swagger/index.html swagger/start.js swagger/swagger-ui-bundle.js swagger/swagger-ui.css
var swagger embed.FS

// docsPolicy is the pages' own, and lets Swagger UI set the styles and show the small pictures that it has inside.
const docsPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// document serves the OpenAPI document.
func (a *API) document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.openapi)))
	w.Header().Set("Access-Control-Allow-Origin", "*") // for tools that read API descriptions; it holds nothing private
	_, _ = w.Write(a.openapi)                          // a client that has gone cannot be told
}

// docsPage serves the page on which the API is read and tried.
func docsPage() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		http.ServeFileFS(w, r, swagger, "swagger/index.html")
	})
}

// docsFiles serves what the page loads, all of it from the program itself.
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

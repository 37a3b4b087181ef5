// Package ui is the web site that people see: pages rendered on the server,
// and the few files a browser needs to show them. It runs without scripts and
// without inline styles, so that the site can send "default-src 'self'".
//
// Each page is a struct that the caller fills and a method of UI that renders
// it. The package knows nothing of the contest: what a page shows is handed in.
package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// UI renders the site's pages and serves its static files. It is safe for
// concurrent use.
type UI struct {
	assets *assets
	pages  map[string]*template.Template
}

// pageNames lists templates/NAME.html, each of which fills the blocks "title"
// and "main" of templates/layout.html.
var pageNames = []string{"front"}

// New parses every template and reads every static file, so that a broken one
// stops the program at its start and not a reader at their request.
func New() (*UI, error) {
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		return nil, fmt.Errorf("opening static files: %w", err)
	}
	assets, err := loadAssets(static)
	if err != nil {
		return nil, fmt.Errorf("loading static files: %w", err)
	}
	u := &UI{assets: assets, pages: make(map[string]*template.Template)}
	for _, name := range pageNames {
		page, err := template.New("layout.html").
			Funcs(template.FuncMap{"asset": assets.url}).
			Option("missingkey=error").
			ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parsing page %s: %w", name, err)
		}
		u.pages[name] = page
	}
	return u, nil
}

// Static serves the files under /static/. It answers at any depth of that
// path, so it is mounted as it is, with no prefix stripped.
func (u *UI) Static() http.Handler { return u.assets }

// render writes nothing to w unless the whole page could be made, so that
// whoever receives its error can still answer with a status of their own.
func (u *UI) render(w http.ResponseWriter, name, lang string, view any) error {
	var page bytes.Buffer
	if err := u.pages[name].Execute(&page, view); err != nil {
		return fmt.Errorf("rendering page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	h.Add("Vary", "Accept, Accept-Language")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	if _, err := page.WriteTo(w); err != nil {
		return fmt.Errorf("writing page %s: %w", name, err)
	}
	return nil
}

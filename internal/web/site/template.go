// Package site is the web site: pages rendered on the server, and the static files that they need. All pages can be
// read without scripts. There are no inline scripts or styles, so that the Content-Security-Policy can be
// "default-src 'self'".
//
// Each page is a struct, which its handler fills, and a template of the same name.
package site

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Templates renders the pages and serves the static files. It is safe for concurrent use.
type Templates struct {
	assets *assets
	pages  map[string]*template.Template
}

// NewTemplates parses every template and reads every static file, so that an error in one of them stops the program
// at its start and does not fail a request.
func NewTemplates() (*Templates, error) {
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		return nil, fmt.Errorf("opening static files: %w", err)
	}
	assets, err := loadAssets(static)
	if err != nil {
		return nil, fmt.Errorf("loading static files: %w", err)
	}
	templates := &Templates{assets: assets, pages: make(map[string]*template.Template)}
	for name := range pages() {
		page, err := template.New("layout.html").
			Funcs(template.FuncMap{"asset": assets.url}).
			Option("missingkey=error").
			ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parsing page %s: %w", name, err)
		}
		templates.pages[name] = page
	}
	return templates, nil
}

// Static serves the files under /static/. Register it without http.StripPrefix.
func (t *Templates) Static() http.Handler { return t.assets }

// render renders the whole page before it writes anything to w, so that the caller of a failed render can still
// answer with another status. part is the template to render, "" for the whole page.
func (t *Templates) render(w http.ResponseWriter, r *http.Request, status int, name, part string, view any) error {
	var page bytes.Buffer
	if err := t.execute(&page, name, part, view); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept, Accept-Language, Accept-Encoding, Cookie, HX-Request")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache, private")
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		page = gzipped(page.Bytes(), gzip.DefaultCompression)
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := page.WriteTo(w); err != nil {
		return fmt.Errorf("writing page %s: %w", name, err)
	}
	return nil
}

func (t *Templates) execute(page *bytes.Buffer, name, part string, view any) error {
	var err error
	if part == "" {
		err = t.pages[name].Execute(page, view)
	} else {
		err = t.pages[name].ExecuteTemplate(page, part, view)
	}
	if err != nil {
		return fmt.Errorf("rendering page %s: %w", name, err)
	}
	return nil
}

func gzipped(content []byte, level int) (packed bytes.Buffer) {
	z, err := gzip.NewWriterLevel(&packed, level)
	if err != nil {
		panic(err) // only for an unknown level
	}
	_, _ = z.Write(content) // a bytes.Buffer never returns an error
	_ = z.Close()
	return packed
}

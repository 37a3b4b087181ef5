package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"risingstars/internal/web/problem"
)

// assets serves the static files from memory, each under two URLs:
//
//	/static/v-0123456789ab/site.css   cached for a year as immutable
//	/static/site.css                  revalidated at each use
//
// The version is one hash of all files, so a style sheet's relative URLs (fonts/…) have the same version. While
// replicas of two releases run, a browser may ask one replica for the other's version: the replica answers with its
// own file, as revalidated at each use.
type assets struct {
	version string
	files   map[string]asset // by path below static/
}

type asset struct {
	content     []byte
	packed      []byte // gzip of content; nil if that saves less than a tenth
	contentType string
	etag        string
}

// The media types are fixed here because the operating system's table differs between systems.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

const versionPrefix = "v-"

func loadAssets(static fs.FS) (*assets, error) {
	a := &assets{files: make(map[string]asset)}
	all := sha256.New()
	err := fs.WalkDir(static, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s: no content type is known for it", name)
		}
		content, err := fs.ReadFile(static, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(all, "%s\x00%x\n", name, sum)
		file := asset{content: content, contentType: contentType, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
		if packed := gzipped(content, gzip.BestCompression); packed.Len() < len(content)*9/10 {
			file.packed = packed.Bytes()
		}
		a.files[name] = file
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.version = versionPrefix + hex.EncodeToString(all.Sum(nil)[:6])
	return a, nil
}

// url returns the immutable URL of a static file. It returns an error for an unknown file, which fails the template.
func (a *assets) url(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return "/static/" + a.version + "/" + name, nil
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/static/")
	version := ""
	if first, rest, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(first, versionPrefix) {
		version, name = first, rest
	}
	file, ok := a.files[name]
	if !ok {
		problem.WriteProblem(w, r, problem.NewProblem(http.StatusNotFound, wordsOf(Language(r)).FileNotFound))
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.contentType)
	h.Set("ETag", file.etag)
	if version == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	content := file.content
	if file.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			content = file.packed
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", strings.TrimSuffix(file.etag, `"`)+`-gzip"`)
		}
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

package api

import (
	"net/http"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/web/problem"
)

// mediaPolicy is the Content-Security-Policy of media: an object that is opened directly may not load or run
// anything.
const mediaPolicy = "default-src 'none'; frame-ancestors 'none'"

// media serves an object of a video, with range requests. The rendition and the poster of a public video are for
// every client. Any other object needs a signed link that has not expired, else the answer is 404. Objects never
// change, so clients may cache them.
func (a *API) media(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	v, part, err := a.byKey(r.Context(), key)
	if err != nil {
		problem.WriteProblem(w, r, err)
		return
	}
	cache := "public, max-age=31536000, immutable"
	if !v.IsOpenToPublic(part) {
		if !a.Links.VerifyQuery(key, r.URL.Query()) {
			problem.WriteProblem(w, r, contest.ErrNoVideo) // the answer does not reveal that the object exists
			return
		}
		cache = "private, max-age=600"
	}
	h := w.Header()
	h.Set("Content-Security-Policy", mediaPolicy)
	if a.redirected(w, r, key, v.Media.MediaType(part), v.IsOpenToPublic(part)) {
		return
	}
	if a.AccelRedirect != "" { // nginx sends the object
		h.Set("X-Accel-Redirect", a.AccelRedirect+key)
		h.Set("Content-Type", v.Media.MediaType(part))
		h.Set("Cache-Control", cache)
		h.Set("ETag", `"`+key+`"`)
		return
	}
	object, err := a.Objects.Open(r.Context(), key)
	if err != nil {
		problem.WriteProblem(w, r, err)
		return
	}
	defer func() { _ = object.Close() }()
	h.Set("Content-Type", v.Media.MediaType(part))
	h.Set("Cache-Control", cache)
	h.Set("ETag", `"`+key+`"`)
	http.ServeContent(w, r, "", time.Time{}, object)
}

// redirected redirects the client to a presigned link if the storage has one, or answers with the problem. It returns
// false if it wrote nothing. A presigned link is valid for GET only, so HEAD is not redirected.
func (a *API) redirected(w http.ResponseWriter, r *http.Request, key, mediaType string, public bool) bool {
	if r.Method != http.MethodGet {
		return false
	}
	link, err := a.Objects.PresignedLink(r.Context(), key, mediaType)
	switch {
	case err != nil:
		problem.WriteProblem(w, r, err)
		return true
	case link == "":
		return false
	}
	cache := "private, max-age=600"
	if public {
		cache = "public, max-age=1800" // shorter than the link is valid
	}
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("Location", link)
	w.WriteHeader(http.StatusFound)
	return true
}

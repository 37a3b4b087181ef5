package api

import (
	"net/http"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/web/problem"
)

// mediaPolicy is for an object that is opened by itself: it is no page, and what is in it does nothing.
const mediaPolicy = "default-src 'none'; frame-ancestors 'none'"

// media serves an object of a video, ranges included: the clip and the poster of a public video to everybody, all
// else to whoever holds a link that was signed for the owner and has not expired. Objects never change, so whoever
// may have one may keep it.
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
			problem.WriteProblem(w, r, contest.ErrNoVideo) // as if there were nothing
			return
		}
		cache = "private, max-age=600"
	}
	h := w.Header()
	h.Set("Content-Security-Policy", mediaPolicy)
	if a.redirected(w, r, key, v.Media.MediaType(part), v.IsOpenToPublic(part)) {
		return
	}
	if a.AccelRedirect != "" { // nginx sends it
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

// redirected sends the client to where it gets the object by itself, if it can, or answers with what went wrong. A link
// is for GET alone.
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
		cache = "public, max-age=1800" // shorter than the link works
	}
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("Location", link)
	w.WriteHeader(http.StatusFound)
	return true
}

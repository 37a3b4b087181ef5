package api

import (
	"cmp"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"risingstars/internal/contest"
)

// MediaPath is the path below which objects are served, each under its key.
const MediaPath = "/media/"

// Base is the part of an input that has the start of links: scheme and host of the request.
type Base struct{ url string }

// Resolve reads the scheme and the host from the request.
func (b *Base) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	b.url = cmp.Or(r.URL.Scheme, "http") + "://" + r.Host
	return nil
}

// baseURL is the start of links: the configured PublicURL, else the scheme and host of the request.
func (a *API) baseURL(b Base) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	return b.url
}

// openURL is the link to an object of a public video, or nil if there is no object.
func openURL(base, key string) *string {
	if key == "" {
		return nil
	}
	link := base + MediaPath + key
	return &link
}

// partURL is the link to one part of a video for its owner. It is signed unless the part is public.
func (a *API) partURL(base string, v contest.Video, part contest.Part, key string) *string {
	link := openURL(base, key)
	if link != nil && !v.IsOpenToPublic(part) {
		*link += "?" + a.Links.SignKey(key).Encode()
	}
	return link
}

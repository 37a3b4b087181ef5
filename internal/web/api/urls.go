package api

import (
	"cmp"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"risingstars/internal/contest"
)

// MediaPath is where objects are served, each under its key.
const MediaPath = "/media/"

// Base is the part of a request that says how the links in its answer begin.
type Base struct{ url string }

// Resolve takes the address over from the request.
func (b *Base) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	b.url = cmp.Or(r.URL.Scheme, "http") + "://" + r.Host
	return nil
}

// baseURL is how links begin: as the platform is configured, or as the request was addressed.
func (a *API) baseURL(b Base) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	return b.url
}

// openURL is the link to an object of a public video, null where there is none.
func openURL(base, key string) *string {
	if key == "" {
		return nil
	}
	link := base + MediaPath + key
	return &link
}

// partURL is the link to one part of a video for its owner: signed, unless everybody may have it.
func (a *API) partURL(base string, v contest.Video, part contest.Part, key string) *string {
	link := openURL(base, key)
	if link != nil && !v.IsOpenToPublic(part) {
		*link += "?" + a.Links.SignKey(key).Encode()
	}
	return link
}

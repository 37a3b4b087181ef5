package app

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"risingstars/internal/auth"
	"risingstars/internal/contest"
	"risingstars/internal/web"
	"risingstars/internal/web/api"
	"risingstars/internal/web/site"
	"risingstars/internal/web/uploads"
)

// wireSite registers the web site's pages on the mux.
func (p *platform) wireSite(mux *http.ServeMux, needs site.Needs) (*site.Site, error) {
	public := strings.TrimSuffix(p.settings.PublicURL, "/")
	p.votes = needs.Votes
	needs.Videos, needs.Live = p.videos, p.live
	needs.Sessions = &auth.Sessions{Store: p.data.store, Clock: time.Now, Secure: strings.HasPrefix(public, "https://")}
	needs.MediaPath, needs.PublicURL, needs.MaxUpload, needs.Contact, needs.Stopping = api.MediaPath, public, p.settings.MaxUploadBytes, p.settings.Contact, p.stopping
	site, err := site.NewSite(needs)
	if err != nil {
		return nil, fmt.Errorf("prepare the web site: %w", err)
	}
	site.Register(mux)
	mux.HandleFunc("GET /{$}", web.Root(site.Home()))
	return site, nil
}

// wireUploads registers resumable uploads on the mux, for browsers with a session and programs with a token.
func (p *platform) wireUploads(mux *http.ServeMux, site *site.Site, routes *api.API) (err error) {
	p.uploads, err = uploads.New(uploads.Needs{
		Store: p.data.store, Videos: p.videos, Room: p.room, Dir: p.settings.InData("uploads"), MaxSize: p.settings.MaxUploadBytes,
		MinRate: p.settings.MinUploadRate,
		Clock:   time.Now, Log: p.log, Received: routes.UploadReceived, Ended: routes.UploadEnded,
		Caller: func(w http.ResponseWriter, r *http.Request) (contest.Player, error) {
			if header := r.Header.Get("Authorization"); header != "" {
				return routes.Authenticate(r.Context(), header)
			}
			return site.Caller(w, r)
		},
	})
	if err != nil {
		return err
	}
	mux.Handle(uploads.Path, p.uploads)
	mux.Handle(uploads.Path+"/{id}", p.uploads)
	return nil
}

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
	"risingstars/internal/web/ui"
	"risingstars/internal/web/uploads"
)

// wireSite puts the web site's pages on the mux.
func (p *platform) wireSite(mux *http.ServeMux, players *contest.Players, votes *contest.Votes, secret []byte) (*ui.Site, error) {
	public := strings.TrimSuffix(p.settings.PublicURL, "/")
	p.votes = votes
	site, err := ui.NewSite(ui.Needs{
		Players: players, Videos: p.videos, Votes: votes,
		Sessions: &auth.Sessions{Store: p.data.store, Clock: time.Now, Secure: strings.HasPrefix(public, "https://")},
		Links:    auth.NewLinks(secret, linkLife, time.Now),
		Live:     p.live, Limits: p.limits(),
		MediaPath: api.MediaPath, PublicURL: public, MaxUpload: p.settings.MaxUploadBytes, Stopping: p.stopping,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the web site: %w", err)
	}
	site.Register(mux)
	mux.HandleFunc("GET /{$}", web.Root(site.Home()))
	return site, nil
}

// wireUploads puts resumable uploads on the mux, for browsers with a session and programs with a token.
func (p *platform) wireUploads(mux *http.ServeMux, site *ui.Site, routes *api.API) (err error) {
	p.uploads, err = uploads.New(uploads.Needs{
		Store: p.data.store, Videos: p.videos, Room: p.room, Dir: p.settings.InData("uploads"), MaxSize: p.settings.MaxUploadBytes,
		Clock: time.Now, Log: p.log,
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

package app

import (
	"context"
	"net/http"

	"risingstars/internal/jobs"
	"risingstars/internal/web/site"
)

// organizersJobs is the path of the job queue's pages.
const organizersJobs = "/organizers/jobs"

// wireOrganizers registers the pages for organizers if ORGANIZER_PASSWORD is set.
func (p *platform) wireOrganizers(mux *http.ServeMux) error {
	if p.settings.OrganizerPassword == "" {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.hold(func() error { cancel(); return nil })
	retry := func(ctx context.Context, id int64) error {
		_, err := p.videos.RetryVideoForOrganizer(ctx, id)
		return err
	}
	pages, err := jobs.NewPages(ctx, queueOf(p.data.db), organizersJobs, p.log, retry)
	if err != nil {
		return err
	}
	guarded := site.Organizers(p.settings.OrganizerPassword, p.limits(), p.noted(pages))
	mux.Handle(organizersJobs, guarded)
	mux.Handle(organizersJobs+"/", guarded)
	return nil
}

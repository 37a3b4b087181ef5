package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"risingstars/internal/config"
)

type worker struct {
	Concurrency int `placeholder:"N" help:"How many videos are processed at once, in place of WORKERS."`
}

// Run processes videos until the context ends. It serves only metrics.
func (c worker) Run(r *runner) error {
	if r.settings.DatabaseURL == "" {
		return errors.New("a worker of its own needs DATABASE_URL; on SQLite, serve has the workers")
	}
	if c.Concurrency < 0 {
		return errors.New("--concurrency: must be more than 0")
	}
	if c.Concurrency > 0 {
		r.settings.Workers = config.Workers(c.Concurrency)
	}
	p, err := newPlatform(r, (*platform).openFolders, (*platform).openDataAndTools,
		(*platform).wireVideos, (*platform).wireWorkers)
	if err == nil && p.workers == nil {
		err = errors.New("WORKERS is 0: nothing to do")
	}
	if err != nil {
		return errors.Join(err, p.close())
	}
	return errors.Join(p.processVideos(r.ctx), p.close())
}

func (p *platform) processVideos(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts, ctx := errgroup.WithContext(ctx)
	if err := p.startBoth(ctx, parts); err != nil {
		cancel()
		return errors.Join(err, parts.Wait())
	}
	p.announceWorker()
	err := parts.Wait()
	p.log.Info("stopped")
	return err
}

func (p *platform) announceWorker() {
	fmt.Fprintf(p.out, "ANB Rising Stars Showcase %s, worker\n", version)
	p.announceParts()
	p.log.Info("ready", "workers", p.workerCount, "version", version, "took", time.Since(p.started))
}

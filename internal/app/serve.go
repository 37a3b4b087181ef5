package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"risingstars/internal/config"
	"risingstars/internal/web"
)

type serve struct{}

// Run serves the platform until the context ends.
func (serve) Run(r *runner) error {
	p, err := newPlatform(r, (*platform).openFolders, (*platform).openDataAndTools,
		(*platform).wireVideos, (*platform).wireWorkers, (*platform).wireWeb)
	if err != nil {
		return errors.Join(err, p.close())
	}
	return errors.Join(p.serve(r.ctx), p.close())
}

// serve runs the web server, the workers and the sweep until ctx ends or one of them fails, then shuts down
// gracefully: no new requests and jobs, then the grace time for running ones.
func (p *platform) serve(ctx context.Context) error {
	listener, err := listen(ctx, "LISTEN_ADDR", p.settings.ListenAddr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts, ctx := errgroup.WithContext(ctx)
	if err := p.startBoth(ctx, parts); err != nil {
		cancel()
		return errors.Join(err, listener.Close(), parts.Wait())
	}
	parts.Go(func() error { p.sweep(ctx); return nil })
	parts.Go(func() error {
		return web.Serve(ctx, listener, p.handler, p.log, p.settings.StopGrace, func() { close(p.stopping) })
	})
	p.announce(listener.Addr())
	err = parts.Wait()
	p.log.Info("stopped")
	return err
}

// startBoth starts the metrics and the workers. After an error, those that were started end with ctx.
func (p *platform) startBoth(ctx context.Context, parts *errgroup.Group) error {
	if err := p.startMetrics(ctx, parts); err != nil {
		return err
	}
	return p.startWorkers(ctx, parts)
}

// startMetrics serves the metrics on a listener of their own if METRICS_ADDR is set.
func (p *platform) startMetrics(ctx context.Context, parts *errgroup.Group) error {
	if p.settings.MetricsAddr == "" {
		return nil
	}
	own, err := listen(ctx, "METRICS_ADDR", p.settings.MetricsAddr)
	if err != nil {
		return err
	}
	parts.Go(func() error {
		return web.Serve(ctx, own, p.metricsHandler(), p.log, time.Second, func() {})
	})
	return nil
}

// startWorkers starts this process's workers, if it has any, until ctx ends.
func (p *platform) startWorkers(ctx context.Context, parts *errgroup.Group) error {
	if p.workers == nil {
		return nil
	}
	if err := p.workers.Start(ctx); err != nil {
		return err
	}
	parts.Go(func() error { return p.stopWorkers(ctx) })
	return nil
}

func listen(ctx context.Context, setting, addr string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (is another program using it?)", setting, err)
	}
	return l, nil
}

// stopWorkers waits until ctx ends, then stops the workers.
func (p *platform) stopWorkers(ctx context.Context) error {
	<-ctx.Done()
	p.log.Info("stopping; a second signal ends the program at once", "grace", p.settings.StopGrace)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.settings.StopGrace+10*time.Second)
	defer cancel()
	return p.workers.Stop(limited)
}

const sweepEvery = time.Hour

// sweep deletes the objects that have no row: at the start those of a dead process, then hourly those older than
// SWEEP_GRACE, or more often if that is short.
func (p *platform) sweep(ctx context.Context) {
	before := p.started
	if p.settings.StorageURL != "" {
		before = before.Add(-p.settings.SweepGrace) // other processes may use it, with other clocks
	}
	tick := time.NewTicker(min(sweepEvery, max(p.settings.SweepGrace/4, time.Second)))
	defer tick.Stop()
	for {
		removed, err := p.sweepOnce(ctx, before)
		if err != nil && ctx.Err() == nil {
			p.log.Error("sweep the storage", "error", err)
		}
		if removed > 0 {
			p.log.Info("swept objects that belong to no video", "objects", removed)
		}
		p.keepSite(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			before = time.Now().Add(-p.settings.SweepGrace)
		}
	}
}

// sweepOnce sweeps the storage if it belongs to this contest. It returns an error for another contest's storage, as
// after a mistake in DATABASE_URL or STORAGE_URL.
func (p *platform) sweepOnce(ctx context.Context, before time.Time) (int, error) {
	identity, err := p.data.store.Identity(ctx)
	if err != nil {
		return 0, err
	}
	mark := ""
	defer func() { _ = os.Remove(mark) }() // does nothing if the file has been moved into the storage
	err = p.videos.ClaimStorage(ctx, identity, func() (_ string, err error) {
		mark, err = p.newMark()
		return mark, err
	})
	if err != nil {
		return 0, err
	}
	removed, err := p.videos.SweepOrphanedObjects(ctx, before)
	if err != nil {
		return removed, err
	}
	aborted, err := p.data.blobs.abortUploads(ctx, before)
	return removed + aborted, err
}

// newMark makes the file that marks a storage as this contest's.
func (p *platform) newMark() (path string, err error) {
	f, err := os.CreateTemp(p.work, "mark-*")
	if err != nil {
		return "", fmt.Errorf("make a work file: %w", err)
	}
	_, err = f.WriteString("The objects beside this belong to the contest that this file is named after.\n")
	return f.Name(), errors.Join(err, f.Close())
}

// keepSite removes resumable uploads that have expired, and stores the ranking of the start of the day.
func (p *platform) keepSite(ctx context.Context) {
	removed, err := p.uploads.Sweep(ctx)
	if err != nil && ctx.Err() == nil {
		p.log.Error("sweep unfinished uploads", "error", err)
	}
	if removed > 0 {
		p.log.Info("removed uploads that were not finished in time", "uploads", removed)
	}
	if err := p.votes.RememberRanking(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("remember the ranking", "error", err)
	}
}

// announce prints the addresses of the server for the operator who started it.
func (p *platform) announce(addr net.Addr) {
	base, more := strings.TrimSuffix(p.settings.PublicURL, "/"), ""
	if base == "" {
		base, more = openable(addr)
	}
	fmt.Fprintf(p.out, `ANB Rising Stars Showcase %s
  web site    %s/%s
  try the API %s/docs
  health      %s/readyz
`, version, base, more, base, base)
	p.announceParts()
	p.log.Info("ready", "addr", addr.String(), "version", version, "took", time.Since(p.started))
}

// openable returns the URL at which a browser on this machine reaches the listener, and a note about other addresses.
func openable(addr net.Addr) (base, more string) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return "http://" + addr.String(), ""
	}
	return fmt.Sprintf("http://localhost:%d", tcp.Port), " (and at every address of this machine)"
}

// announceParts prints what the process is connected to, without passwords.
func (p *platform) announceParts() {
	database := p.settings.DataDir + " (SQLite)"
	if p.settings.DatabaseURL != "" {
		database = config.MaskedURL(p.settings.DatabaseURL)
	}
	fmt.Fprintf(p.out, "  data        %s, media in %s\n", database, p.media)
	if p.settings.RedisURL != "" {
		fmt.Fprintf(p.out, "  redis       %s\n", config.MaskedURL(p.settings.RedisURL))
	}
	fmt.Fprintf(p.out, "  workers     %d, FFmpeg with %d thread(s) each\n", p.workerCount, p.tools.Threads)
	fmt.Fprintf(p.out, "  protection  %s\n", p.protection)
}

func (p *platform) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metricsPage())
	return mux
}

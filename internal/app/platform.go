package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"risingstars/internal/auth"
	"risingstars/internal/config"
	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/live"
	"risingstars/internal/media"
	"risingstars/internal/store"
	"risingstars/internal/web"
	"risingstars/internal/web/api"
	"risingstars/internal/web/uploads"
)

// linkLife is how long a link works to what is not public.
const linkLife = time.Hour

// platform is the whole program, wired.
type platform struct {
	settings    *config.Settings
	started     time.Time
	out         io.Writer
	log         *slog.Logger
	flushLog    func()
	registry    *prometheus.Registry
	unlock      func() error
	data        *data
	mediaDir    string
	work        string
	tools       media.Tools
	live        *live.Local
	videos      *contest.Videos
	workers     *jobs.Workers // nil if there are to be none
	workerCount int
	handler     http.Handler
	votes       *contest.Votes
	uploads     *uploads.Uploads
	stopping    chan struct{} // closed when streams of events must end
}

// newPlatform wires everything, from the outside world inward and back out. What it has opened by the time of an error
// is for close.
func newPlatform(r *runner) (*platform, error) {
	p := &platform{
		settings: r.settings, started: time.Now(), out: r.out, registry: newRegistry(), stopping: make(chan struct{}),
	}
	p.log, p.flushLog = newLogger(r.settings, r.errOut)
	for _, step := range []func(context.Context) error{p.openData, p.findTools, p.wireWorkers, p.wireWeb} {
		if err := step(r.ctx); err != nil {
			return p, err
		}
	}
	return p, nil
}

// openData takes possession of DATA_DIR, and hands back to the queue what a dead program was working on.
func (p *platform) openData(ctx context.Context) (err error) {
	if p.unlock, err = lockData(p.settings); err != nil {
		return err
	}
	if p.work, err = workDir(p.settings); err != nil {
		return err
	}
	if p.mediaDir, err = p.settings.MediaDir(); err != nil {
		return err
	}
	db, err := openDatabase(ctx, p.settings)
	if err != nil {
		return err
	}
	if _, err := store.Migrate(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	if p.data, err = newData(p.settings, db, databaseTimes(p.registry)); err != nil {
		return errors.Join(err, db.Close())
	}
	p.registry.MustRegister(newBacklog(p.data.store))
	recovered, err := p.data.store.RecoverInterrupted(ctx)
	if err != nil {
		return err
	}
	if recovered > 0 {
		p.log.Info("jobs of an earlier run go on", "jobs", recovered)
	}
	return nil
}

func (p *platform) findTools(ctx context.Context) (err error) {
	p.tools, err = media.Find(ctx, p.settings.FFmpeg, p.settings.FFprobe)
	if err != nil {
		return fmt.Errorf("%w (risingstars doctor says what is missing)", err)
	}
	p.tools.Threads = p.settings.Threads(runtime.NumCPU())
	p.live = live.NewLocal(time.Now)
	p.videos = &contest.Videos{
		Store: p.data.store, Storage: storage{p.data.blobs}, Live: p.live, Clock: time.Now,
		Inspector: inspector{p.tools, make(chan struct{}, max(2, runtime.NumCPU()))},
	}
	return nil
}

func (p *platform) wireWorkers(context.Context) error {
	p.workerCount = p.settings.Workers.Count(runtime.NumCPU())
	if p.workerCount == 0 {
		return nil
	}
	brand, err := media.LoadBrand(p.settings.BrandCurtain, p.settings.BrandWatermark)
	if err != nil {
		return err
	}
	files, err := brand.WriteTo(p.settings.InData("brand"))
	if err != nil {
		return err
	}
	p.workers, err = jobs.NewWorkers(p.workerCount, p.settings.StopGrace, jobs.Needs{
		DB: p.data.db.Writer, Store: p.data.store, Storage: p.data.blobs, Tools: p.tools, Brand: files, Live: p.live,
		Clock: time.Now, Log: p.log, Metrics: jobs.NewMetrics(p.registry), WorkDir: p.work,
	})
	return err
}

// wireWeb puts everything that can be asked for on one mux.
func (p *platform) wireWeb(context.Context) error {
	secret, err := p.settings.Secret()
	if err != nil {
		return err
	}
	passwords, err := auth.NewPasswords(p.settings.PasswordCost)
	if err != nil {
		return err
	}
	votes := &contest.Votes{Store: p.data.store, Live: p.live, Clock: time.Now}
	mux := http.NewServeMux()
	players := &contest.Players{Store: p.data.store, Passwords: passwords, Clock: time.Now}
	tokens := auth.NewTokens(secret, time.Duration(p.settings.TokenTTL)*time.Second, time.Now)
	routes, err := api.Register(mux, api.Needs{
		Players: players,
		Videos:  p.videos, Votes: votes, Objects: storage{p.data.blobs},
		Tokens: tokens,
		Links:  auth.NewLinks(secret, linkLife, time.Now),
		Live:   p.live, Limits: p.limits(), Metrics: p.registry,
		Version: version, PublicURL: strings.TrimSuffix(p.settings.PublicURL, "/"),
		WorkDir: p.work, MaxUpload: p.settings.MaxUploadBytes, Stopping: p.stopping,
	})
	if err != nil {
		return err
	}
	site, err := p.wireSite(mux, players, votes, secret)
	if err != nil {
		return err
	}
	if err := p.wireUploads(mux, site, routes); err != nil {
		return err
	}
	mux.HandleFunc("GET /healthz", web.Alive)
	mux.HandleFunc("GET /readyz", web.Ready([]web.Check{
		{Name: "database", Run: p.data.store.Ping}, {Name: "storage", Run: p.data.blobs.Check},
	}))
	if p.settings.MetricsAddr == "" {
		mux.Handle("GET /metrics", p.metricsPage())
	}
	p.handler = web.Handler(mux, p.log, web.NewMetrics(p.registry), site.Problem)
	return nil
}

func (p *platform) limits() api.Limits {
	if p.settings.RateLimit == "off" {
		return live.Unlimited{}
	}
	return p.live
}

func (p *platform) metricsPage() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// close lets go of what newPlatform took, in the opposite order.
func (p *platform) close() error {
	var err error
	if p.data != nil {
		err = p.data.close()
	}
	if p.unlock != nil {
		err = errors.Join(err, p.unlock())
	}
	p.flushLog()
	return err
}

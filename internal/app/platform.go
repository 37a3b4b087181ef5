package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"risingstars/internal/auth"
	"risingstars/internal/config"
	"risingstars/internal/contest"
	"risingstars/internal/jobs"
	"risingstars/internal/live"
	"risingstars/internal/media"
	"risingstars/internal/store"
	"risingstars/internal/traces"
	"risingstars/internal/web"
	"risingstars/internal/web/api"
	"risingstars/internal/web/limit"
	"risingstars/internal/web/site"
	"risingstars/internal/web/uploads"
)

// linkLife is how long a link to a private object is valid.
const linkLife = time.Hour

// platform is the whole program with all parts wired.
type platform struct {
	settings    *config.Settings
	started     time.Time
	out         io.Writer
	log         *slog.Logger
	flushLog    func()
	registry    *prometheus.Registry
	held        []func() error // cleanups, which close runs in reverse order
	data        *data
	media       config.Storage
	work        string
	tools       media.Tools
	protection  media.Protection
	live        shared
	videos      *contest.Videos
	workers     *jobs.Workers // nil without workers
	workerCount int
	handler     http.Handler
	tracer      trace.Tracer // nil without TRACES_URL
	votes       *contest.Votes
	origins     *auth.Origins
	uploads     *uploads.Uploads
	stopping    chan struct{} // closed when event streams must end
	short       atomic.Bool   // whether the last check found too little free disk space
}

// newPlatform runs the steps of the wiring that a command needs, from the storage to the web server. On an error it
// returns the platform too, so that the caller can close what was opened.
func newPlatform(r *runner, steps ...func(*platform, context.Context) error) (*platform, error) {
	p := &platform{
		settings: r.settings, started: time.Now(), out: r.out, registry: newRegistry(), stopping: make(chan struct{}),
	}
	p.log, p.flushLog = newLogger(r.settings, r.errOut)
	if err := p.openTraces(r.ctx, r.command); err != nil {
		return p, err
	}
	for _, step := range steps {
		if err := step(p, r.ctx); err != nil {
			return p, err
		}
	}
	return p, nil
}

// openTraces starts sending traces if TRACES_URL is set.
func (p *platform) openTraces(ctx context.Context, command string) error {
	if p.settings.TracesURL == "" {
		return nil
	}
	provider, release, err := traces.OpenProvider(ctx, traces.Options{
		URL: p.settings.TracesURL, Percent: p.settings.TracesPercent, Command: command, Version: version, Log: p.log,
	})
	if err != nil {
		return err
	}
	p.tracer = provider.Tracer("risingstars")
	p.hold(release)
	return nil
}

// hold adds a cleanup, which close runs.
func (p *platform) hold(release func() error) { p.held = append(p.held, release) }

// openFolders locks DATA_DIR and makes a work folder in it. On SQLite, one process locks all of DATA_DIR.
func (p *platform) openFolders(context.Context) error {
	if p.settings.DatabaseURL == "" {
		unlock, err := lockData(p.settings)
		if err != nil {
			return err
		}
		p.hold(unlock)
	}
	dir, release, err := workDir(p.settings)
	if err != nil {
		return err
	}
	p.work = dir
	p.hold(release)
	p.media, err = p.settings.Media()
	return err
}

// openDataAndTools opens the database and, at the same time, tests FFmpeg, which takes longer than the rest of the
// start. It returns the errors of both.
func (p *platform) openDataAndTools(ctx context.Context) error {
	var data, tools error
	var both sync.WaitGroup
	both.Go(func() { data = p.openData(ctx) })
	both.Go(func() { tools = p.findTools(ctx) })
	both.Wait()
	return errors.Join(data, tools)
}

// openData opens the database and migrates its tables. On SQLite it returns the jobs of a dead process to the queue;
// on PostgreSQL the workers take them over.
func (p *platform) openData(ctx context.Context) error {
	db, err := openDatabase(ctx, p.settings)
	if err != nil {
		return err
	}
	p.hold(db.Close)
	if _, err := store.Migrate(ctx, db); err != nil {
		return err
	}
	if p.data, err = newData(p.settings, db, databaseTimes(p.registry)); err != nil {
		return err
	}
	p.registry.MustRegister(newBacklog(p.data.store))
	p.measureData()
	if db.Engine != store.SQLite {
		return nil
	}
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
	p.tools, p.protection, err = findTools(ctx, p.settings, p.settings.Workers.Count(runtime.NumCPU()) > 0)
	if err != nil {
		return fmt.Errorf("%w (risingstars doctor says what is missing)", err)
	}
	p.logProtection()
	p.tools.Threads = p.settings.Threads(runtime.NumCPU())
	return nil
}

// wireVideos connects the shared state and wires the part of the contest that handles videos.
func (p *platform) wireVideos(ctx context.Context) error {
	if err := p.openLive(ctx); err != nil {
		return err
	}
	p.videos = &contest.Videos{
		Store: p.data.store, Storage: p.data.blobs, Live: p.live, Clock: time.Now,
		Inspector: inspector{p.tools, make(chan struct{}, max(2, runtime.NumCPU()))},
	}
	return nil
}

// shared is the state that processes share: [live.Local] or [live.Redis].
type shared interface {
	contest.Live
	api.Live
	limit.Shared
}

func (p *platform) openLive(ctx context.Context) error {
	l, release, err := openShared(ctx, p.settings, p.log, p.registry)
	if err != nil {
		return err
	}
	p.live = l
	p.hold(release)
	return nil
}

// openShared opens the shared state as configured. An unavailable Redis is logged and is not an error.
func openShared(ctx context.Context, s *config.Settings, log *slog.Logger, metrics prometheus.Registerer) (l shared, release func() error, err error) {
	if s.RedisURL == "" {
		local := live.NewLocal(time.Now)
		metrics.MustRegister(local.Lookups())
		return local, func() error { return nil }, nil
	}
	r, err := live.NewRedis(ctx, s.RedisURL, time.Now, log, metrics)
	if err != nil {
		return nil, nil, err
	}
	return r, r.Close, nil
}

func (p *platform) wireWorkers(context.Context) error {
	if p.workerCount = p.settings.Workers.Count(runtime.NumCPU()); p.workerCount == 0 {
		return nil
	}
	brand, err := loadBrand(p.settings)
	if err != nil {
		return err
	}
	files, err := brand.WriteTo(p.settings.InData("brand"))
	if err != nil {
		return err
	}
	p.workers, err = jobs.NewWorkers(p.workerCount, p.settings.StopGrace, jobs.Needs{
		DB: queueOf(p.data.db), Store: p.data.store, Storage: p.data.blobs, Tools: p.tools, Brand: files, Live: p.live,
		Clock: time.Now, Log: p.log, Metrics: jobs.NewMetrics(p.registry), Tracer: p.tracer, WorkDir: p.work,
	})
	return err
}

// wireWeb registers all handlers on one mux.
func (p *platform) wireWeb(context.Context) error {
	secret, err := p.settings.Secret()
	if err != nil {
		return err
	}
	hasher, err := auth.NewPasswords(p.settings.PasswordCost, p.settings.PasswordSlots(runtime.GOMAXPROCS(0)))
	if err != nil {
		return err
	}
	votes := &contest.Votes{Store: p.data.store, Live: p.live, Clock: time.Now, Observe: votesEnded(p.registry)}
	mux := http.NewServeMux()
	players := &contest.Players{Store: p.data.store, Passwords: passwords{hasher}, Clock: time.Now}
	var old [][]byte
	if p.settings.SecretKeyOld != "" {
		old = append(old, []byte(p.settings.SecretKeyOld))
	}
	links := auth.NewSignedLinks(secret, linkLife, time.Now, old...)
	accounts := &contest.Accounts{
		Store: p.data.store, Players: players, Passwords: passwords{hasher}, Storage: p.data.blobs, Live: p.live, Clock: time.Now,
	}
	limits := p.limits()
	p.origins = auth.NewOrigins(secret)
	routes, err := api.Register(mux, api.Needs{
		Players: players, Accounts: accounts, Origins: p.origins, Videos: p.videos, Votes: votes, Objects: p.data.blobs,
		Tokens: auth.NewTokens(secret, time.Duration(p.settings.TokenTTL)*time.Second, time.Now, old...),
		Links:  links,
		Live:   p.live, Limits: limits, Metrics: p.registry,
		Version: version, PublicURL: strings.TrimSuffix(p.settings.PublicURL, "/"), AccelRedirect: p.settings.AccelRedirect,
		WorkDir: p.work, MaxUpload: p.settings.MaxUploadBytes, Room: p.room, Stopping: p.stopping,
	})
	if err != nil {
		return err
	}
	site, err := p.wireSite(mux, site.Needs{
		Players: players, Accounts: accounts, Votes: votes, Links: links, Origins: p.origins, Limits: limits, Export: routes.Exported,
	})
	if err != nil {
		return err
	}
	if err := p.wireUploads(mux, site, routes); err != nil {
		return err
	}
	mux.HandleFunc("GET /healthz", web.Alive)
	mux.HandleFunc("GET /readyz", web.Ready(time.Now, []web.Check{
		{Name: "database", Run: p.data.store.Ping}, {Name: "storage", Run: p.data.blobs.Check},
	}))
	if p.settings.MetricsAddr == "" {
		mux.Handle("GET /metrics", p.metricsPage())
	}
	if err := p.wireOrganizers(mux); err != nil {
		return err
	}
	trusted, err := p.settings.Proxies()
	if err != nil {
		return err
	}
	origins, err := p.settings.Origins()
	if err != nil {
		return err
	}
	p.handler = web.Handler(mux, web.Options{
		Log: p.log, Metrics: web.NewMetrics(p.registry), Page: site.Problem,
		Tracer: p.tracer, Proxies: trusted, MediaOrigins: p.data.blobs.origins(), CORSOrigins: origins, OnlyPost: []string{api.UploadPath},
	})
	return nil
}

func (p *platform) metricsPage() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// close runs the cleanups in reverse order and flushes the log.
func (p *platform) close() error {
	var err error
	for _, release := range slices.Backward(p.held) {
		err = errors.Join(err, release())
	}
	p.flushLog()
	return err
}

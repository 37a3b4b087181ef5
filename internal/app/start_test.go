package app

import (
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"risingstars/internal/config"
	"risingstars/internal/jobs"
	"risingstars/internal/live"
	"risingstars/internal/store"
	"risingstars/internal/testserver"
)

// If the workers fail to start, the metrics listener that has started before them is closed.
func TestWorkersThatDoNotStart(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*platform) error{
		"serve":  func(p *platform) error { return p.serve(t.Context()) },
		"worker": func(p *platform) error { return p.processVideos(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &platform{
				settings: &config.Settings{ListenAddr: testserver.FreeAddr(t), MetricsAddr: testserver.FreeAddr(t), StopGrace: time.Second},
				registry: newRegistry(), log: slog.New(slog.DiscardHandler), workers: workersWithoutDatabase(t), stopping: make(chan struct{}),
			}

			err := run(p)

			if err == nil {
				t.Error("got no error")
			}
			for _, addr := range []string{p.settings.ListenAddr, p.settings.MetricsAddr} {
				if c, err := net.Dial("tcp", addr); err == nil {
					t.Errorf("somebody still listens at %s: %v", addr, c.Close())
				}
			}
		})
	}
}

func workersWithoutDatabase(t *testing.T) *jobs.Workers {
	t.Helper()
	db, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	workers, err := jobs.NewWorkers(1, time.Second, jobs.Needs{
		DB: jobs.SQLite(db.Writer), Store: store.New(db, store.Options{}), Live: live.NewLocal(time.Now), Clock: time.Now,
		Log: slog.New(slog.DiscardHandler), Metrics: jobs.NewMetrics(prometheus.NewRegistry()), WorkDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return workers
}

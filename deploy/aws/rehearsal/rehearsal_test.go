//go:build linux

// Package rehearsal runs the hosts of deploy/aws on one machine: a network namespace per host, the rules of the
// synthesized template's security groups between them, and the real programs. It needs root on Linux, in namespaces
// of its own: scripts/rehearsal.
package rehearsal

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"risingstars/internal/media/mediatest"
)

func TestRehearsal(t *testing.T) {
	t.Parallel()
	folder, program := os.Getenv("RISINGSTARS_TEMPLATES"), os.Getenv("RISINGSTARS_PROGRAM")
	if folder == "" {
		t.Skip("scripts/rehearsal runs it, in namespaces of its own")
	}
	folder = filepath.Join(folder, "classic")
	clip := mediatest.Clip(t, mediatest.Spec{Moving: true, Seconds: 2})
	n := newNetwork(t, folder)
	tryAllPorts(t, n, readPorts(t, folder))
	if t.Failed() {
		return
	}

	p := newPlatform(t, n, program)
	r := &rehearsal{T: t, platform: p, clip: clip, ana: newPerson(t, n, "ana@example.com"), fan: newPerson(t, n, "beto@example.com")}
	r.step("a video is published", r.aVideoIsPublished)
	if testing.Short() {
		return
	}
	r.step("a new program", r.replaceProgram)
	r.step("without the worker", r.withoutWorker)
	r.step("without Redis", r.withoutRedis)
	r.step("without files", r.withoutFiles)
	r.step("without the database", r.withoutDatabase)
	r.step("all that was accepted is processed", func() {
		for _, id := range r.accepted {
			r.ana.isProcessed(t, id)
		}
	})
	t.Logf("%d videos accepted, none lost", len(r.accepted)+1)
}

type rehearsal struct {
	*testing.T
	platform *platform
	clip     string
	ana, fan *person
	public   string // URL of the published video
	accepted []int64
}

func (r *rehearsal) step(name string, f func()) {
	start := time.Now()
	f()
	r.Logf("%s: %s", name, time.Since(start).Round(100*time.Millisecond))
}

// aVideoIsPublished uploads, processes, publishes and votes, through nginx.
func (r *rehearsal) aVideoIsPublished() {
	id, err := r.ana.upload(r.clip)
	check(r, err)
	r.ana.isProcessed(r, id)
	check(r, r.ana.Post(fmt.Sprintf("/api/videos/%d/publish", id), nil, nil))
	check(r, r.fan.Post(fmt.Sprintf("/api/public/videos/%d/vote", id), nil, nil))
	v, err := r.ana.Video(id)
	check(r, err)
	if v.Status != "public" || v.Votes != 1 || v.ProcessedURL == nil {
		r.Fatalf("published, it is %+v", v)
	}
	r.public = *v.ProcessedURL
	r.canRead("everything")
}

// canRead checks that the ranking and the video can be read.
func (r *rehearsal) canRead(with string) {
	r.Helper()
	var ranking []struct{ Votes int }
	if err := r.fan.Get("/api/public/rankings", &ranking); err != nil || len(ranking) != 1 || ranking[0].Votes != 1 {
		r.Errorf("with %s the ranking is %v, %v", with, ranking, err)
	}
	if bytes, err := r.fan.length(r.public); err != nil || bytes < 1000 {
		r.Errorf("with %s the video has %d bytes, %v", with, bytes, err)
	}
}

// accepts uploads a clip, which then must not be lost.
func (r *rehearsal) accepts(with string) {
	r.Helper()
	id, err := r.ana.upload(r.clip)
	if err != nil {
		r.Errorf("with %s an upload is answered with %v", with, err)
		return
	}
	r.accepted = append(r.accepted, id)
}

// withoutWorker cuts off the worker while it processes, and Redis, which runs on the same host. Reads and uploads
// continue.
func (r *rehearsal) withoutWorker() {
	worker := r.platform.network["worker"]
	r.accepts("a worker that is about to be cut off")
	worker.cut(r)
	r.canRead("no worker and no Redis")
	r.accepts("no worker and no Redis")
	worker.heal(r)
	r.ana.isProcessed(r, r.accepted[len(r.accepted)-1])

	r.platform.worker.kill()
	r.accepts("a dead worker")
	r.platform.startWorker()
	r.ana.isProcessed(r, r.accepted[len(r.accepted)-1])
}

// withoutRedis kills Redis. Everything continues.
func (r *rehearsal) withoutRedis() {
	r.platform.redis.kill()
	r.canRead("no Redis")
	r.accepts("no Redis")
	r.ana.isProcessed(r, r.accepted[len(r.accepted)-1])
	r.platform.startRedis()
	r.canRead("Redis again")
}

// withoutFiles cuts off the file server. Requests that need the media wait; all others continue.
func (r *rehearsal) withoutFiles() {
	files := r.platform.network["files"]
	files.cut(r)
	uploaded := make(chan error, 1)
	go func() {
		id, err := r.ana.upload(r.clip)
		if err == nil {
			r.accepted = append(r.accepted, id) // read after the upload has been answered
		}
		uploaded <- err
	}()
	var ranking []struct{ Votes int }
	if err := r.fan.Get("/api/public/rankings", &ranking); err != nil || len(ranking) != 1 {
		r.Errorf("without files the ranking is %v, %v", ranking, err)
	}
	select {
	case err := <-uploaded:
		r.Errorf("without files an upload ended: %v", err)
	case <-time.After(3 * time.Second): // the upload waits; there is no event to wait for
	}
	files.heal(r)
	if err := <-uploaded; err != nil {
		r.Errorf("with files again the upload ended with %v", err)
	}
	r.canRead("files again")
}

// withoutDatabase cuts off the database. Requests that need it get a 503, and no upload is accepted.
func (r *rehearsal) withoutDatabase() {
	r.accepts("a database that is about to be cut off")
	database := r.platform.network["database"]
	database.cut(r)
	eventually(r, "without a database requests are answered with 503", func() error {
		err := r.fan.Get("/readyz", nil)
		if status(err) == 503 {
			return nil
		}
		return fmt.Errorf("got %w", errors.Join(err, errors.New("and no 503")))
	})
	start := time.Now()
	if id, err := r.ana.upload(r.clip); status(err) != http.StatusServiceUnavailable {
		r.Errorf("without a database upload %d is answered with %v", id, err)
	}
	r.Logf("without the database an upload is refused after %s", time.Since(start).Round(time.Second))
	database.heal(r)
	eventually(r, "the site is ready again", func() error { return r.ana.Get("/readyz", nil) })
	r.canRead("the database again")
	r.accepts("the database again")
}

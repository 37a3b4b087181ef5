package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"risingstars/internal/blob"
	"risingstars/internal/config"
	"risingstars/internal/contest"
)

type storageMenu struct {
	Copy storageCopy `cmd:"" help:"Copy all media from one storage to another, and verify each copy. It may be run while the platform serves, stopped at any moment, and run again to go on or to catch up."`
}

type storageCopy struct {
	URLs     []string `arg:"" name:"url" help:"FROM and TO, written as STORAGE_URL is: file:// and an absolute path, or s3://BUCKET/PREFIX with its options, such as: file:///srv/data/media 's3://stars/media?region=us-east-1'. With one, it is TO, and FROM is the storage of the settings (without STORAGE_URL: DATA_DIR/media). The keys of buckets are S3_ACCESS_KEY and S3_SECRET_KEY."`
	Parallel int      `default:"4" placeholder:"N" help:"How many are copied at once."`
	DryRun   bool     `help:"Only say what would be copied."`
}

// copying is one run of storage copy.
type copying struct {
	from, to blob.Storage
	work     string
	says     sync.Mutex // serializes writes to errOut
	errOut   io.Writer
	begun    time.Time
	objects  int64 // in total
	bytes    int64
	done     atomic.Int64 // objects
	read     atomic.Int64 // bytes
	copied   atomic.Int64
	failed   atomic.Int64
}

// Run copies the missing objects. It continues after an error with the next object, and fails at the end if any
// object failed.
func (c *storageCopy) Run(r *runner) (err error) {
	from, to, err := c.ends(r.settings)
	if err != nil {
		return err
	}
	run := &copying{errOut: r.errOut, begun: time.Now()}
	source, err := openStorage(r.settings, from)
	if err != nil {
		return err
	}
	run.from = source.Storage
	if err := run.from.Walk(r.ctx, contest.MediaKeyPrefix, run.count); err != nil {
		return err
	}
	if c.DryRun {
		_, err := fmt.Fprintf(r.out, "%d objects of %s would be copied or compared.\n", run.objects, mib(run.bytes))
		return err
	}
	target, err := openStorage(r.settings, to)
	if err != nil {
		return err
	}
	run.to = target.Storage
	work, release, err := workDir(r.settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	run.work = work
	if err := run.all(r.ctx, max(1, c.Parallel)); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%d objects: %d copied, %d were there, %d failed.\n",
		run.done.Load(), run.copied.Load(), run.done.Load()-run.copied.Load()-run.failed.Load(), run.failed.Load())
	if n := run.failed.Load(); n > 0 {
		return fmt.Errorf("%d objects were not copied; run it again", n)
	}
	return nil
}

func (c *storageCopy) ends(s *config.Settings) (from, to config.Storage, err error) {
	if len(c.URLs) > 2 {
		return from, to, errors.New("give one URL or two: [FROM] TO")
	}
	if from, err = s.Media(); err != nil {
		return from, to, err
	}
	if len(c.URLs) == 2 {
		if from, err = config.ParseStorage(c.URLs[0]); err != nil {
			return from, to, fmt.Errorf("from: %w", err)
		}
	}
	if to, err = config.ParseStorage(c.URLs[len(c.URLs)-1]); err != nil {
		return from, to, fmt.Errorf("to: %w", err)
	}
	if from == to {
		return from, to, errors.New("from and to are the same storage")
	}
	if from.Dir != "" {
		if _, err := os.Stat(from.Dir); err != nil {
			return from, to, fmt.Errorf("from: %w", err)
		}
	}
	return from, to, nil
}

func (c *copying) count(i blob.Info) error {
	c.objects++
	c.bytes += i.Size
	return nil
}

func (c *copying) all(ctx context.Context, parallel int) error {
	reported := make(chan struct{})
	finished := make(chan struct{})
	go func() { // ends after the copying
		defer close(reported)
		c.report(finished)
	}()
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	err := c.from.Walk(ctx, contest.MediaKeyPrefix, func(i blob.Info) error {
		group.Go(func() error { c.one(limited, i); return limited.Err() })
		return limited.Err()
	})
	err = errors.Join(err, group.Wait())
	close(finished)
	<-reported
	return err
}

// one copies an object. It ignores an object that was deleted since it was listed.
func (c *copying) one(ctx context.Context, i blob.Info) {
	copied, err := blob.CopyObject(ctx, c.from, c.to, i.Key, c.work)
	if errors.Is(err, blob.ErrNotFound) || ctx.Err() != nil {
		return
	}
	c.done.Add(1)
	c.read.Add(i.Size)
	if copied {
		c.copied.Add(1)
	}
	if err != nil {
		c.failed.Add(1)
		c.say("failed: %v\n", err)
	}
}

// report prints the progress every five seconds.
func (c *copying) report(finished <-chan struct{}) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			return
		case <-tick.C:
		}
		read, took := c.read.Load(), time.Since(c.begun)
		rate := float64(read) / took.Seconds()
		left := "?"
		if read > 0 {
			left = time.Duration(float64(max(0, c.bytes-read)) / rate * float64(time.Second)).Round(time.Second).String()
		}
		c.say("%d of %d objects, %s of %s, %s/s, %s left\n",
			c.done.Load(), c.objects, mib(read), mib(c.bytes), mib(int64(rate)), left)
	}
}

func (c *copying) say(format string, values ...any) {
	c.says.Lock()
	defer c.says.Unlock()
	fmt.Fprintf(c.errOut, format, values...)
}

func mib(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// Command loadtest finds out how much the platform bears: it starts the platform, lets people at it, and holds what was
// acknowledged against what is there afterwards. docs/capacity.md says how and what came of it.
//
//	go run ./loadtest --quick
//	go run ./loadtest --target fleet --only ramp
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"risingstars/bench/bare"
	"risingstars/internal/media"
)

func main() {
	if bare.Wanted() {
		fail(bare.Serve(os.Stdout))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		stop()
		fail(err)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

// bench is a run of the suite.
type bench struct {
	shape
	log     io.Writer
	home    string // the folder loadtest of the checkout
	program string // bin/risingstars
	k6Path  string
	dir     string // of the results
	work    string // what is made once
	only    []string
	targets []string
	again   bool
	quick   bool
	whole   bool          // neither scaled nor a trial, so that the figures are worth documenting
	every   time.Duration // between two looks at the processes
	cores   int
	tools   media.Tools
	clips   []string // that are uploaded
	shown   rendered // what public videos show
}

func run(ctx context.Context, args []string, out io.Writer) error {
	b, docs, err := newBench(args, out)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.work) }()
	if docs {
		return b.report(ctx)
	}
	if err := b.makeReady(ctx); err != nil {
		return err
	}
	failed, err := b.all(ctx)
	if err != nil {
		return err
	}
	if err := b.report(ctx); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// newBench reads the command line. docs says that only the report and the figures of docs/capacity.md are wanted.
func newBench(args []string, out io.Writer) (b *bench, docs bool, err error) {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.SetOutput(out)
	isQuick := flags.Bool("quick", false, "try every part in less than a minute; the figures say nothing")
	scale := flags.Float64("scale", 1, "users and times, by this factor")
	target := flags.String("target", "both", "embedded, fleet, or both")
	only := flags.String("only", "", "runs whose names have one of these in them, separated by commas: smoke, ramp, sustained, votes, gallery, workers, ratio")
	into := flags.String("into", "", "name of the folder of results; runs that are there are not made again (default: today's date)")
	again := flags.Bool("again", false, "make runs again whose results are there")
	reportOnly := flags.Bool("report", false, "only write the report of what is there, and the figures in docs/capacity.md")
	home := flags.String("home", "loadtest", "this folder in the checkout")
	if err := flags.Parse(args); err != nil {
		return nil, false, err
	}
	b = &bench{
		shape: full.scaled(*scale), log: out, home: *home, again: *again, quick: *isQuick,
		whole: *reportOnly || *scale == 1 && *only == "" && *target == "both", every: time.Second,
		cores: runtime.NumCPU(), targets: []string{embedded, fleet},
	}
	if *target != "both" {
		b.targets = []string{*target}
		if *target != embedded && *target != fleet {
			return nil, false, errors.New("--target: embedded, fleet or both")
		}
	}
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	if *into == "" {
		*into = time.Now().UTC().Format(time.DateOnly)
	}
	if b.home, err = filepath.Abs(b.home); err != nil {
		return nil, false, err
	}
	b.dir = filepath.Join(b.home, "results", *into)
	if b.quick {
		b.shape, b.every, b.again = quick, 250*time.Millisecond, true
		b.dir = filepath.Join(filepath.Dir(b.home), "bin", "capacity")
	}
	b.program = filepath.Join(filepath.Dir(b.home), "bin", "risingstars")
	b.k6Path = filepath.Join(filepath.Dir(b.home), "bin", "tools", "k6")
	b.work, err = os.MkdirTemp("", "risingstars-capacity-once-")
	return b, *reportOnly, err
}

// makeReady looks whether all is there that the runs need, and makes the clips.
func (b *bench) makeReady(ctx context.Context) error {
	for path, how := range map[string]string{
		b.program: "make build", b.k6Path: "scripts/setup test", filepath.Join(b.home, ".venv/bin/locust"): "scripts/setup test",
	} {
		if !isThere(path) {
			return fmt.Errorf("%s is missing: run %s", filepath.Base(path), how)
		}
	}
	var err error
	if b.tools, err = media.Find(ctx, "", ""); err != nil {
		return err
	}
	if err := os.MkdirAll(b.clipDir(), 0o750); err != nil {
		return fmt.Errorf("make a folder for clips: %w", err)
	}
	for _, s := range uploadClips {
		path, err := makeClip(ctx, b.tools.FFmpeg, b.clipDir(), s)
		if err != nil {
			return err
		}
		b.clips = append(b.clips, path)
	}
	b.shown, err = render(ctx, b.tools, b.work, b.clips[0])
	return err
}

// clipDir is where clips stay from one time to the next.
func (b *bench) clipDir() string { return filepath.Join(b.home, "clips", "upload") }

func (b *bench) passwordCost() int {
	if b.quick {
		return 4
	}
	return 10 // the program's default
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.log, format+"\n", args...) }

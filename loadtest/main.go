// Command loadtest finds out how much the platform bears: it starts the platform, lets people at it, and holds what was
// acknowledged against what is there afterwards. docs/capacity.md says how and what came of it.
//
//	make build && go -C loadtest build -o ../bin/loadtest .
//	bin/loadtest --quick
//	bin/loadtest --target fleet --only ramp
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"risingstars/bench/bare"
	"risingstars/loadtest/crowd"
)

func main() {
	if bare.Wanted() {
		fail(bare.Serve(os.Stdout))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == crowdCommand {
		fail(crowd.RunFile(ctx, os.Args[2]))
		return
	}
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
	dir     string // of the results
	work    string // what is made once
	only    []string
	targets []string
	again   bool
	quick   bool // every part once with a few people: the figures say nothing
	short   bool // quick, and only one load of each kind
	whole   bool          // neither scaled nor a trial, so that the figures are worth documenting
	every   time.Duration // between two looks at the processes
	cores   int
	clips   []string // that are uploaded

	ffmpeg, ffprobe string
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
	isShort := flags.Bool("short", false, "one load of each kind with a few people, in half a minute; the figures say nothing")
	isQuick := flags.Bool("quick", false, "every part once with a few people, in minutes; the figures say nothing")
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
		shape: full.scaled(*scale), log: out, home: *home, again: *again, quick: *isQuick || *isShort, short: *isShort,
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
	b.work, err = os.MkdirTemp("", "risingstars-capacity-once-")
	return b, *reportOnly, err
}

// makeReady looks whether all is there that the runs need, and makes the clips.
func (b *bench) makeReady(ctx context.Context) error {
	for path, how := range map[string]string{
		b.program: "make build", b.locustPath(): "scripts/setup test",
	} {
		if !isThere(path) {
			return fmt.Errorf("%s is missing: run %s", filepath.Base(path), how)
		}
	}
	var err error
	if b.ffmpeg, err = exec.LookPath("ffmpeg"); err != nil {
		return err
	}
	if b.ffprobe, err = exec.LookPath("ffprobe"); err != nil {
		return err
	}
	if err := os.MkdirAll(b.clipDir(), 0o750); err != nil {
		return fmt.Errorf("make a folder for clips: %w", err)
	}
	specs := uploadClips
	if b.quick {
		specs = quickClips
	}
	for _, s := range specs {
		path, err := makeClip(ctx, b.ffmpeg, b.clipDir(), s)
		if err != nil {
			return err
		}
		b.clips = append(b.clips, path)
	}
	return nil
}

// clipDir is where clips stay from one time to the next.
func (b *bench) clipDir() string {
	if b.quick {
		return filepath.Join(b.home, "clips", "quick")
	}
	return filepath.Join(b.home, "clips", "upload")
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.log, format+"\n", args...) }

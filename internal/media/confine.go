package media

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// The sandbox of FFmpeg. A helper process, which is this program started again under a name that [Helper] recognizes,
// restricts itself with Landlock and seccomp, sets the resource limits, and then executes FFmpeg. So all restrictions
// are in force before the first byte of a file is read, and the process keeps its id, group and pipes.

// helperName is the helper's argv[0]. It is unlikely that a shell or a user starts the program under this name.
const helperName = "risingstars: confine"

// order is the helper's task, as JSON in argv[1]; the arguments of the program follow.
type order struct {
	Program string // "" tests the sandbox and prints a trial
	Cell    cell
	Limits  limits
}

// cell lists the files that a sandboxed program can access, in addition to its pipes.
type cell struct {
	Execute   []string // files: the program and its loader
	Libraries []string // folders and files, read only
	Read      []string // files
	Write     []string // files to read and write; they must exist
}

// trial is the result of a test of the sandbox from within.
type trial struct {
	ABI       int // of Landlock, 0 if the kernel lacks it
	Files     bool
	Network   bool
	Processes bool
}

// Protection describes how a hostile file that has taken control of FFmpeg is contained, as tested on this machine by
// a trial. The limits of memory, time and output, and the low priority, apply in any case.
type Protection struct {
	ABI       int    // of Landlock, 0 without it
	Files     bool   // only its input, output and libraries can be opened
	Network   bool   // no sockets of any kind
	Processes bool   // it can start, signal, trace or limit no other process
	Why       string // the reason for missing parts, "" if there are none
}

// Complete reports whether no part is missing.
func (p Protection) Complete() bool { return p.Files && p.Network && p.Processes }

// String summarizes the protection in a few words.
func (p Protection) String() string {
	files := "files open to it"
	if p.Files {
		files = fmt.Sprintf("Landlock ABI %d: its own files only", p.ABI)
	}
	filter := "no system calls refused"
	switch {
	case p.Network && p.Processes:
		filter = "seccomp: no network, no other processes"
	case p.Network:
		filter = "seccomp: no network"
	}
	text := files + "; " + filter + "; limits of memory, time and output"
	if p.Why != "" {
		text += " (" + p.Why + ")"
	}
	return text
}

// Confine returns tools that run FFmpeg in a sandbox, as far as a trial shows that this machine supports it, and the
// resulting protection. If nothing can be sandboxed, or main does not begin with Helper, it returns the tools
// unchanged: they run with resource limits only. An error means that FFmpeg itself does not run; if Protection.Why is
// "", it fails in the sandbox.
func (t Tools) Confine(ctx context.Context) (Tools, Protection, error) {
	if why := cannotConfine(); why != "" {
		return t, Protection{Why: why}, t.Judges(ctx)
	}
	cells := map[string]cell{}
	for _, program := range []string{t.FFmpeg, t.FFprobe} {
		c, err := cellOf(program)
		if err != nil {
			return t, Protection{Why: fmt.Sprintf("%s is a script", filepath.Base(program))}, t.Judges(ctx)
		}
		cells[program] = c
	}
	found, err := t.tryBoth(ctx, cells)
	if err != nil {
		return t, Protection{}, err
	}
	t.cells = cells
	p := Protection{ABI: found.ABI, Files: found.Files, Network: found.Network, Processes: found.Processes}
	switch {
	case !p.Files && found.ABI == 0:
		p.Why = "this kernel has no Landlock, or the container forbids it"
	case !p.Complete():
		p.Why = "this kernel does not hold it back"
	}
	return t, p, nil
}

// tryBoth runs a trial of the sandbox and, at the same time, ffprobe in it.
func (t Tools) tryBoth(ctx context.Context, cells map[string]cell) (found trial, err error) {
	t.cells = cells
	judges := make(chan error, 1)
	go func() { judges <- t.Judges(ctx) }()
	found, err = try(ctx, cells[t.FFmpeg])
	if unable := <-judges; err == nil && unable != nil {
		err = fmt.Errorf("media: FFmpeg does not run when it is confined: %w", unable)
	}
	return found, err
}

// try runs a trial of the sandbox.
func try(ctx context.Context, c cell) (trial, error) {
	out := &capped{most: maxReport}
	_, err := command{Path: trialName, Cell: &c, Stdout: out, Limits: queryLimits}.run(ctx)
	if err != nil {
		return trial{}, fmt.Errorf("media: try the confinement: %w", err)
	}
	var found trial
	if err := json.Unmarshal(out.data, &found); err != nil {
		return trial{}, fmt.Errorf("media: try the confinement: %w", err)
	}
	return found, nil
}

// trialName takes the place of a program's name in the errors of a trial.
const trialName = "/trial"

// libraries are the paths of shared libraries and of the loader's configuration on common systems. Missing paths are
// skipped.
var libraries = []string{
	"/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store",
	"/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/null", "/dev/urandom",
}

// cellOf returns the cell of a program without any input and output. It fails if the program is not an ELF file: a
// script needs other programs.
func cellOf(program string) (cell, error) {
	file, err := filepath.EvalSymlinks(program)
	if err != nil {
		return cell{}, err
	}
	c := cell{Execute: []string{file}, Libraries: append(slices.Clone(libraries), filepath.Join(filepath.Dir(file), "..", "lib"))}
	for _, dir := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if filepath.IsAbs(dir) {
			c.Libraries = append(c.Libraries, dir)
		}
	}
	f, err := elf.Open(file)
	if err != nil {
		return cell{}, err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader, err := io.ReadAll(io.LimitReader(p.Open(), maxPath))
		if err != nil {
			return cell{}, err
		}
		c.Execute = append(c.Execute, strings.TrimRight(string(loader), "\x00"))
	}
	return c, nil
}

const maxPath = 4096 // bytes

// with returns a copy of the cell with the files of one run.
func (c cell) with(read, write []string) *cell {
	c.Read, c.Write = read, write
	return &c
}

// cell returns the cell for a run of a program with these files, or nil if the program is not sandboxed.
func (t Tools) cell(program string, read, write []string) *cell {
	c, ok := t.cells[program]
	if !ok {
		return nil
	}
	return c.with(read, write)
}

// confined is written by the helper immediately before it executes the program. An error text follows if that fails.
const confined = "."

// start starts the program, in a sandbox if it has a cell, and returns after its limits are set. The helper reports a
// failure through its fourth file descriptor, which is closed on exec.
func (c command) start(cmd *exec.Cmd) error {
	if c.Cell == nil {
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start: %w", err)
		}
		if err := c.Limits.apply(cmd.Process.Pid); err != nil {
			return errors.Join(fmt.Errorf("limit: %w", err), cmd.Cancel(), cmd.Wait())
		}
		return nil
	}
	o := order{Program: c.Path, Cell: *c.Cell, Limits: c.Limits}
	if c.Path == trialName {
		o.Program = ""
	} else if _, err := os.Stat(c.Path); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	trouble, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer trouble.Close()
	cmd.Path, cmd.Args = ownProgram, append([]string{helperName, string(text)}, c.Args...)
	cmd.ExtraFiles = []*os.File{theirs}
	err = cmd.Start()
	if err := errors.Join(err, theirs.Close()); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	said, err := io.ReadAll(io.LimitReader(trouble, tailBytes))
	if err == nil && string(said) == confined {
		return nil
	}
	told := tail{bytes.TrimPrefix(said, []byte(confined))}
	return errors.Join(err, fmt.Errorf("confine: %s", cmp.Or(told.text(c.Hidden), "the helper said nothing")), cmd.Cancel(), cmd.Wait())
}

// capped stores up to most bytes and then fails, which ends the writing program.
type capped struct {
	data []byte
	most int
	full bool
}

var errCapped = errors.New("media: more output than is ever needed")

// Write implements io.Writer.
func (w *capped) Write(p []byte) (int, error) {
	if len(w.data)+len(p) > w.most {
		w.full = true
		return 0, errCapped
	}
	w.data = append(w.data, p...)
	return len(p), nil
}

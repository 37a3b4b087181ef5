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

// The sandbox of FFmpeg: a program is confined by a helper, which is this program once more and which [Helper] recognizes by
// the name it was started under. The helper gives up what FFmpeg must not have (Landlock, seccomp), sets the limits, and then
// becomes FFmpeg. So everything holds before the first byte of a file is read, and the process keeps its id, group and pipes.

// helperName is the helper's argv[0]. No shell and no user starts the program under it by chance.
const helperName = "risingstars: confine"

// order is what the helper is to do, in argv[1]; the arguments of the program follow.
type order struct {
	Program string // "" tries what the confinement holds back, and writes a trial
	Cell    cell
	Limits  limits
}

// cell is what a confined program sees of the files, beside its pipes.
type cell struct {
	Execute   []string // files: the program and its loader
	Libraries []string // folders, and files, to read
	Read      []string // files
	Write     []string // files to read and write; they must be there
}

// trial is what a confined process found out about its confinement.
type trial struct {
	ABI       int // of Landlock, 0 where the kernel has none
	Files     bool
	Network   bool
	Processes bool
}

// Protection is what keeps a hostile file that has taken over FFmpeg from doing harm, as a trial in this process's
// circumstances has shown. Limits of memory, time and output, and the low priority, hold in any case.
type Protection struct {
	ABI       int    // of Landlock, 0 without
	Files     bool   // only its input, output and libraries can be opened
	Network   bool   // no sockets, of any kind
	Processes bool   // it can start no other, nor signal, trace or limit one
	Why       string // what is missing is missing, "" if nothing is
}

// Complete tells whether nothing is missing.
func (p Protection) Complete() bool { return p.Files && p.Network && p.Processes }

// String says in a few words what is on.
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

// Confine makes tools that run FFmpeg confined, as far as a trial shows that this machine can do it, and says how far
// that is. Where nothing can be confined, or the program does not begin with Helper, the tools are what they were: they
// run under limits only. An error means that FFmpeg itself does not run, confined where there is no Why.
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

// tryBoth has a helper find out what its confinement holds back, while ffprobe runs confined.
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

// try has a helper find out what its confinement holds back.
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

// trialName stands for a program in the errors of a trial.
const trialName = "/trial"

// libraries are where systems keep shared libraries and what the loader knows of them. Those that are not there are left
// out.
var libraries = []string{
	"/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store",
	"/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/null", "/dev/urandom",
}

// cellOf is the cell of a program without any files to work on. The error is for one that is no ELF file, such as a
// script, which needs other programs.
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

// with is the cell with the files of one run.
func (c cell) with(read, write []string) *cell {
	c.Read, c.Write = read, write
	return &c
}

// cell is where a program runs with these files; nil if it is not confined.
func (t Tools) cell(program string, read, write []string) *cell {
	c, ok := t.cells[program]
	if !ok {
		return nil
	}
	return c.with(read, write)
}

// confined is what the helper says before it becomes the program, and nothing behind it if it could.
const confined = "."

// start starts the program, confined if it has a cell, and returns once its limits hold. What kept a confined one from
// starting comes out of the helper's fourth file, which closes when the helper becomes the program.
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

// capped keeps what is written to it, up to a number of bytes, and then fails, which ends the program that writes.
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

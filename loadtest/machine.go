package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

var (
	//go:embed ffmpeg-once
	ffmpegOnce string
	//go:embed ffprobe-once
	ffprobeOnce string
	//go:embed record-ffmpeg
	recordFFmpeg string
)

// machine describes what a run ran on, so that figures can be read, and nothing that names it.
type machine struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	MemoryMB int               `json:"memory_mib"`
	Kernel   string            `json:"kernel"`
	System   string            `json:"system"`
	Versions map[string]string `json:"versions"`
}

// describe keeps the machine's description beside the results.
func (b *bench) describe() error {
	path := filepath.Join(b.dir, "machine.json")
	m := machine{
		CPU: fieldOf("/proc/cpuinfo", "model name"), Cores: b.cores, Kernel: strings.TrimSpace(textOf("/proc/sys/kernel/osrelease")),
		System: strings.Trim(fieldOf("/etc/os-release", "PRETTY_NAME"), `"`), Versions: map[string]string{"go": runtime.Version()},
	}
	var kib int
	_, _ = fmt.Sscan(fieldOf("/proc/meminfo", "MemTotal"), &kib) // 0 where there is no such file
	m.MemoryMB = kib >> 10
	for name, command := range map[string][]string{
		"locust": {b.locustPath(), "--version"},
		"ffmpeg": {b.ffmpeg, "-version"}, "nginx": {found("nginx"), "-v"},
		"redis": {found("redis-server"), "--version"}, "postgres": {found("postgres"), "--version"},
	} {
		if v := strings.TrimPrefix(versionOf(command), name+" "); v != "" {
			m.Versions[name] = v
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("describe the machine: %w", err)
	}
	if err := os.MkdirAll(b.dir, 0o750); err != nil {
		return fmt.Errorf("describe the machine: %w", err)
	}
	return writeWhole(path, append(text, '\n'))
}

// version is the program's own, which may be a commit that begins with a letter.
func (b *bench) version() string {
	said, _, _ := strings.Cut(strings.TrimPrefix(versionOf([]string{b.program, "version"}), "risingstars "), " ")
	return said
}

// found is a program, on the path or where Debian keeps servers.
func found(name string) string {
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/sbin/"} {
		if paths, err := filepath.Glob(pattern + name); err == nil && len(paths) > 0 {
			return slices.Max(paths)
		}
	}
	return name
}

// versionOf is the first word with a digit in front that a program says of itself.
func versionOf(command []string) string {
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput() //nolint:noctx // it is at once
	if err != nil {
		return ""
	}
	for word := range strings.FieldsSeq(strings.NewReplacer("/", " ", "v=", " ", ",", " ").Replace(string(out))) {
		word = strings.TrimPrefix(word, "v")
		if word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return strings.TrimSpace(string(out))
}

func textOf(path string) string {
	text, _ := os.ReadFile(path) // "" where there is none
	return string(text)
}

// fieldOf is the value of the first line that begins with a name.
func fieldOf(path, name string) string {
	for line := range strings.Lines(textOf(path)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(rest), ":="))
		}
	}
	return ""
}

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

// machineInfo describes the machine that the figures were measured on, without its name.
type machineInfo struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	MemoryMB int               `json:"memory_mib"`
	Kernel   string            `json:"kernel"`
	System   string            `json:"system"`
	Versions map[string]string `json:"versions"`
}

// saveMachineInfo writes the description of the machine to the results folder.
func (b *benchmark) saveMachineInfo() error {
	path := filepath.Join(b.resultsDir, "machine.json")
	m := machineInfo{
		CPU: firstFieldOfFile("/proc/cpuinfo", "model name"), Cores: b.cores, Kernel: strings.TrimSpace(textOrEmpty("/proc/sys/kernel/osrelease")),
		System: strings.Trim(firstFieldOfFile("/etc/os-release", "PRETTY_NAME"), `"`), Versions: map[string]string{"go": runtime.Version()},
	}
	var kib int
	_, _ = fmt.Sscan(firstFieldOfFile("/proc/meminfo", "MemTotal"), &kib) // 0 where there is no such file
	m.MemoryMB = kib >> 10
	for name, command := range map[string][]string{
		"locust": {b.locustPath(), "--version"},
		"ffmpeg": {b.ffmpeg, "-version"}, "nginx": {findServerProgram("nginx"), "-v"},
		"redis": {findServerProgram("redis-server"), "--version"}, "postgres": {findServerProgram("postgres"), "--version"},
	} {
		if v := strings.TrimPrefix(versionReportedBy(command), name+" "); v != "" {
			m.Versions[name] = v
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("describe the machine: %w", err)
	}
	if err := os.MkdirAll(b.resultsDir, 0o750); err != nil {
		return fmt.Errorf("describe the machine: %w", err)
	}
	return writeFileAtomically(path, append(text, '\n'))
}

// programVersion is the version of the program under test, which may be a commit that begins with a letter.
func (b *benchmark) programVersion() string {
	said, _, _ := strings.Cut(strings.TrimPrefix(versionReportedBy([]string{b.programPath, "version"}), "risingstars "), " ")
	return said
}

// findServerProgram is the path of a program where Debian keeps servers, or else its name.
func findServerProgram(name string) string {
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/sbin/"} {
		if paths, err := filepath.Glob(pattern + name); err == nil && len(paths) > 0 {
			return slices.Max(paths)
		}
	}
	return name
}

// versionReportedBy is the first word of a command's output that begins with a digit.
func versionReportedBy(command []string) string {
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput() //nolint:noctx // prints its version and ends
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

func textOrEmpty(path string) string {
	text, _ := os.ReadFile(path) // "" where there is none
	return string(text)
}

// firstFieldOfFile is the value in the first line of a file that begins with a name.
func firstFieldOfFile(path, name string) string {
	for line := range strings.Lines(textOrEmpty(path)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(rest), ":="))
		}
	}
	return ""
}

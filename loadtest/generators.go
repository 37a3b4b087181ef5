package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"risingstars/internal/testserver"
	"risingstars/loadtest/crowd"
)

// stopFile, in the folder of a run, tells a generator to end before its time. It is not a signal, because Locust would
// cut requests whose outcome is then unknown.
const stopFile = "stop"

// addresses is from how many loopback addresses the users connect, because nginx limits what one address may ask.
const addresses = 1000

// locustGenerator is the command of Locust with the scenario of players. One Locust process uses one processor, so many
// users share several processes.
func (b *benchmark) locustGenerator(h *harness, l loadRun, t *target, dir string, accounts []crowd.Account) *exec.Cmd {
	var emails strings.Builder
	for _, a := range accounts {
		emails.WriteString(a.Email + "\n")
	}
	people := filepath.Join(dir, "people.txt")
	h.requireNoError(os.WriteFile(people, []byte(emails.String()), 0o600), "write the accounts")
	processes := (l.Users + b.UsersPerLocust - 1) / b.UsersPerLocust
	args := []string{
		"-f", filepath.Join(b.home, "locustfile.py"), "--headless", "--host", t.url, "--users", strconv.Itoa(l.Users),
		"--spawn-rate", fmt.Sprintf("%.3f", float64(l.Users)/max(1, l.RampUp.Seconds())),
		"--stop-timeout", "60", "--only-summary", "--loglevel", "WARNING",
	}
	if processes > 1 {
		host, port, err := net.SplitHostPort(testserver.FreeAddr(h))
		h.requireNoError(err, "find a port for Locust")
		args = append(args, "--processes", strconv.Itoa(processes),
			"--master-host", host, "--master-bind-host", host, "--master-port", port, "--master-bind-port", port)
	}
	cmd := exec.CommandContext(context.Background(), b.locustPath(), args...)
	cmd.Env = append(os.Environ(), "CAPACITY_PEOPLE="+people, "CAPACITY_PASSWORD="+password, "CAPACITY_CLIPS="+b.uploadClipsFolder(),
		"CAPACITY_JOURNAL="+filepath.Join(dir, "journal"), "CAPACITY_ADDRESSES="+strconv.Itoa(addresses),
		"CAPACITY_PROCESSES="+strconv.Itoa(processes), fmt.Sprintf("CAPACITY_SECONDS=%.1f", (l.RampUp+l.Hold).Seconds()),
		"CAPACITY_STOP="+filepath.Join(dir, stopFile), "PYTHONDONTWRITEBYTECODE=1")
	if t.caFile != "" {
		cmd.Env = append(cmd.Env, "REQUESTS_CA_BUNDLE="+t.caFile)
	}
	return cmd
}

func (b *benchmark) locustPath() string { return filepath.Join(b.home, ".venv/bin/locust") }

// crowdCommand is the first argument that makes this program the generator of package crowd. The second is its options file.
const crowdCommand = "crowd"

// crowdGenerator is the command that starts this program as the crowd.
func (b *benchmark) crowdGenerator(h *harness, l loadRun, t *target, dir string, accounts []crowd.Account, videos []int64) *exec.Cmd {
	options := filepath.Join(dir, "crowd.json")
	h.requireNoError(crowd.Options{
		Scenario: l.Scenario, URL: t.url, CAFile: t.caFile, Journal: filepath.Join(dir, "journal"), Users: l.Users,
		RampUp: l.RampUp, Hold: l.Hold, StopFile: filepath.Join(dir, stopFile), Accounts: accounts, VideoIDs: videos,
	}.WriteFile(options), "describe the crowd")
	self, err := os.Executable()
	h.requireNoError(err, "find this program")
	return exec.CommandContext(context.Background(), self, crowdCommand, options)
}

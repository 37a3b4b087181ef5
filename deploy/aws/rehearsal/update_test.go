//go:build linux

package rehearsal

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

// systemctl replaces systemd's, which does not run in a namespace: units are scripts, and it tracks their processes.
const systemctl = `#!/bin/bash
units=$(dirname "$0")/units
if [ "$1" = -q ]; then shift; fi
unit=$units/$2
pid=$(cat "$unit.pid" 2>/dev/null)
runs() { [ -n "$pid" ] && [ -e "/proc/$pid/stat" ] && [ "$(cut -d ' ' -f 3 "/proc/$pid/stat")" != Z ]; }
case $1 in
  is-active) runs ;;
  reload) kill -HUP "$pid" ;;
  stop | restart)
    if runs; then kill -TERM "$pid"; fi
    while runs; do sleep 0.05; done
    if [ "$1" = restart ]; then
      setsid "$unit" >>"$unit.log" 2>&1 </dev/null &
      echo $! >"$unit.pid"
    fi
    ;;
esac
`

// unit defines a unit of web.
func (p *platform) unit(name, line string) {
	check(p, os.MkdirAll(p.path("web", "bin", "units"), 0o755))
	check(p, os.WriteFile(p.path("web", "bin", "systemctl"), []byte(systemctl), 0o755))
	check(p, os.WriteFile(p.path("web", "bin", "units", name), []byte("#!/bin/bash\n"+line+"\n"), 0o755))
	p.Cleanup(func() {
		if log, err := os.ReadFile(p.path("web", "bin", "units", name+".log")); err == nil && p.Failed() {
			p.Logf("%s said:\n%s", name, log)
		}
	})
}

func (p *platform) systemctl(verb, unit string) {
	p.Helper()
	p.onWeb(p.path("web", "bin", "systemctl") + " " + verb + " " + unit)
}

// onWeb runs a line of bash on web.
func (p *platform) onWeb(line string) {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), "nsenter", "--net="+p.network["web"].namespace(), "bash", "-euo", "pipefail", "-c", line)
	cmd.Env = append(os.Environ(), "PATH="+p.path("web", "bin")+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		p.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// startWeb starts the web server as a unit, and defines the spare unit as the host's role does.
func (p *platform) startWeb() {
	line := fmt.Sprintf("exec env -i '%s' %s serve", strings.Join(p.settings("web"), "' '"), p.program)
	p.unit("risingstars-web.service", line)
	spare := strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:8079", "0.0.0.0:9101", "127.0.0.1:9102").Replace(line)
	p.unit("risingstars-web-spare.service", spare)
	p.systemctl("restart", "risingstars-web.service")
}

// replaceProgram lets the host's role replace the web server during reads: no read fails.
func (r *rehearsal) replaceProgram() {
	pid := func() string {
		text, err := os.ReadFile(r.platform.path("web", "bin", "units", "risingstars-web.service.pid"))
		check(r, err)
		return string(text)
	}
	before, stop, done := pid(), make(chan struct{}), make(chan struct{})
	var reads atomic.Int64
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				r.canRead("a new program")
				reads.Add(1)
			}
		}
	}()
	start := time.Now()
	roles := os.Getenv("RISINGSTARS_ROLES")
	r.platform.onWeb(fmt.Sprintf("here=%s role=web; . %s/lib.sh; . %s/roles/web.sh; restart_web", roles, roles, roles))
	close(stop)
	<-done
	if pid() == before {
		r.Error("it is the old program still")
	}
	if conf, err := os.ReadFile("/etc/nginx/risingstars/nginx.conf"); err != nil || !strings.Contains(string(conf), "server 127.0.0.1:8080;") {
		r.Errorf("nginx does not ask it again (%v)", err)
	}
	if reads.Load() == 0 {
		r.Error("nobody has read while it was replaced")
	}
	r.Logf("%d readers within %s, and none noticed", reads.Load(), time.Since(start).Round(time.Second))
}

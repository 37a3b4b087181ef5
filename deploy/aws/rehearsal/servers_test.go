//go:build linux

package rehearsal

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"risingstars/deploy/nginx"
	"risingstars/internal/testserver"
)

// platform is everything that runs on the hosts.
type platform struct {
	testing.TB
	network       network
	program, dir  string
	password      string // of all services
	worker, redis *process
}

func newPlatform(tb testing.TB, n network, program string) *platform {
	tb.Helper()
	p := &platform{TB: tb, network: n, program: program, dir: tb.TempDir(), password: rand.Text()}
	for dir := p.dir; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) { // PostgreSQL's user needs access
		check(tb, os.Chmod(dir, 0o755))
	}
	p.startDatabase()
	p.startRedis()
	p.shareFiles()
	p.startWorker()
	p.startWeb()
	p.startNginx()
	return p
}

func (p *platform) path(names ...string) string {
	path := filepath.Join(append([]string{p.dir}, names...)...)
	check(p, os.MkdirAll(filepath.Dir(path), 0o755))
	return path
}

// settings are the program's settings as in lib/release.ts, except for the location of the secrets.
func (p *platform) settings(role string) []string {
	settings := []string{
		"PATH=" + os.Getenv("PATH"), "DATA_DIR=" + p.path(role, "data"), "STORAGE_URL=file://" + p.path(role, "media"),
		"DATABASE_URL=postgres://risingstars@" + p.network["database"].address + ":5432/risingstars?sslmode=verify-full&sslrootcert=" + p.path("database", "tls.crt"),
		"DATABASE_PASSWORD=" + p.password, "REDIS_PASSWORD=" + p.password, "SECRET_KEY=" + p.password + p.password,
		"REDIS_URL=redis://" + p.network["worker"].address + ":6379/0", "PUBLIC_URL=https://" + p.network["web"].address,
		"METRICS_ADDR=0.0.0.0:9101", "RATE_LIMIT=off", "PASSWORD_COST=4", "STOP_GRACE=2s",
	}
	if role == "web" {
		settings = append(settings, "LISTEN_ADDR=127.0.0.1:8080", "TRUSTED_PROXIES=127.0.0.1", "ACCEL_REDIRECT=/_media/", "WORKERS=0")
	}
	return settings
}

// certify makes a self-signed certificate for an address.
func (p *platform) certify(role, address string) (certificate, key string) {
	certificate, key = p.path(role, "tls.crt"), p.path(role, "tls.key")
	command(p, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
		"-subj", "/CN="+address, "-addext", "subjectAltName=IP:"+address, "-keyout", key, "-out", certificate)
	return certificate, key
}

// startDatabase starts a PostgreSQL that requires TLS and the password.
func (p *platform) startDatabase() {
	initdb := testserver.Program(p, "initdb", "/usr/lib/postgresql/*/bin")
	certificate, key := p.certify("database", p.network["database"].address)
	secret := p.path("database", "password")
	check(p, os.WriteFile(secret, []byte(p.password), 0o600))
	command(p, "chown", "-R", "postgres:", p.path("database"))
	as := []string{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"}
	data := p.path("database", "data")
	command(p, as[0], append(as[1:], initdb, "-D", data, "-U", "risingstars", "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--locale=C", "-N")...)
	check(p, os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte("hostssl all all 0.0.0.0/0 scram-sha-256\n"), 0o600))
	postgres := filepath.Join(filepath.Dir(initdb), "postgres")
	single := exec.CommandContext(p.Context(), as[0], append(as[1:], postgres, "--single", "-D", data, "postgres")...)
	single.Stdin = strings.NewReader("CREATE DATABASE risingstars\n")
	if out, err := single.CombinedOutput(); err != nil {
		p.Fatalf("make the database: %v\n%s", err, out)
	}
	p.start("database", as, nil, postgres, "-D", data, "-h", p.network["database"].address, "-k", "",
		"-c", "ssl=on", "-c", "ssl_cert_file="+certificate, "-c", "ssl_key_file="+key)
	p.listens("database", 5432)
}

func (p *platform) startRedis() {
	configuration := p.path("worker", "redis.conf")
	check(p, os.WriteFile(configuration, fmt.Appendf(nil, "bind %s\nport 6379\nrequirepass %s\nsave \"\"\nappendonly no\n",
		p.network["worker"].address, p.password), 0o600))
	p.redis = p.start("worker", nil, nil, testserver.Program(p, "redis-server"), configuration)
	p.listens("worker", 6379)
}

// shareFiles serves the media from the files host, and web and worker mount them. NFS needs kernel support that few
// test machines have, so it uses SFTP on NFS's port. Like NFS with hard mounts, reads and writes block while the
// server is unavailable.
func (p *platform) shareFiles() {
	server := testserver.Program(p, "sftp-server", "/usr/lib/openssh", "/usr/lib/ssh", "/usr/libexec")
	address := p.network["files"].address
	p.start("files", nil, nil, testserver.Program(p, "socat"), "TCP-LISTEN:2049,fork,reuseaddr,bind="+address, "EXEC:"+server)
	p.listens("files", 2049)
	shared := p.path("files", "media")
	check(p, os.MkdirAll(shared, 0o755))
	for _, role := range []string{"web", "worker"} {
		mount := p.path(role, "media")
		check(p, os.MkdirAll(mount, 0o755))
		p.Cleanup(func() { _ = exec.CommandContext(context.Background(), "umount", "-l", mount).Run() })
		p.start(role, nil, nil, testserver.Program(p, "sshfs"), "-f", "-o", "directport=2049,dir_cache=no", address+":"+shared, mount)
		eventually(p, "the media are mounted on "+role, func() error {
			return exec.CommandContext(p.Context(), "mountpoint", "-q", mount).Run()
		})
	}
}

func (p *platform) startWorker() {
	p.worker = p.start("worker", nil, p.settings("worker"), p.program, "worker")
}

func (p *platform) startNginx() {
	address := p.network["web"].address
	certificate, key := p.certify("web", address)
	files, err := nginx.Render(map[string]string{
		"NGINX_USER": "root", "PID_FILE": p.path("web", "nginx.pid"), "LOG_DIR": p.path("web"), "STATE_DIR": p.path("web"),
		"HTTP_LISTEN": "80", "HTTPS_LISTEN": "443", "STATUS_LISTEN": "127.0.0.1:8081", "SERVER_NAME": address, "MEDIA_DIR": p.path("web", "media"),
		"TLS_CERTIFICATE": certificate, "TLS_KEY": key, "UPSTREAMS": "server 127.0.0.1:8080;",
	})
	check(p, err)
	command(p, "mount", "-t", "tmpfs", "tmpfs", "/etc/nginx") // a private mount: the host's role writes the configuration there
	check(p, os.Mkdir("/etc/nginx/risingstars", 0o755))
	for name, text := range files {
		check(p, os.WriteFile(filepath.Join("/etc/nginx/risingstars", name), []byte(text), 0o600))
	}
	p.unit("nginx.service", "exec "+testserver.Program(p, "nginx", "/usr/sbin")+" -p "+p.path("web")+
		" -c /etc/nginx/risingstars/nginx.conf -e stderr -g 'daemon off;'")
	p.systemctl("restart", "nginx.service")
}

// listens waits until web can connect to a port of another host.
func (p *platform) listens(on string, port int) {
	p.Helper()
	eventually(p, on+" listens", func() error {
		ctx, cancel := context.WithTimeout(p.Context(), time.Second)
		defer cancel()
		c, err := p.network["web"].dial(ctx, fmt.Sprintf("%s:%d", p.network[on].address, port))
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// process is a process group on a host.
type process struct {
	cmd  *exec.Cmd
	log  buffer
	done chan struct{}
}

func (p *platform) start(on string, as, environment []string, name string, args ...string) *process {
	line := append(append([]string{"--net=" + p.network[on].namespace()}, as...), append([]string{name}, args...)...)
	r := &process{cmd: exec.CommandContext(p.Context(), "nsenter", line...), done: make(chan struct{})}
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = environment, &r.log, &r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.cmd.Cancel = func() error { return nil } // the cleanup ends it
	check(p, r.cmd.Start())
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	p.Cleanup(func() {
		r.kill()
		if p.Failed() {
			p.Logf("%s on %s said:\n%s", filepath.Base(name), on, r.log.String())
		}
	})
	return r
}

func (r *process) kill() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	<-r.done
}

type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(text)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

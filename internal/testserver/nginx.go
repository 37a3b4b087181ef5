package testserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"risingstars/deploy/nginx"
)

// worker is the text that nginx logs when it starts a worker process.
const worker = "start worker process "

// NginxServer is an nginx of the test's own with the configuration in deploy/nginx.
type NginxServer struct {
	*Process
	URL      string // with TLS, without a trailing slash
	PlainURL string // without TLS
	Status   string // the address of its metrics, at /nginx_status
	CA       string // file of the CA that signed its certificate
	dir      string
	tls      *tls.Config
	values   map[string]string
	reloads  int
}

// Nginx starts an nginx in front of upstreams: addresses with ports, optionally followed by nginx's server
// parameters. mediaDir is the folder of the media, "" for none.
func Nginx(tb testing.TB, mediaDir string, upstreams ...string) *NginxServer {
	tb.Helper()
	program := Program(tb, "nginx")
	n := &NginxServer{dir: tb.TempDir()}
	plain, plainSocket := listen(tb)
	secure, secureSocket := listen(tb)
	status, statusSocket := listen(tb)
	n.URL, n.PlainURL, n.Status = "https://"+secure, "http://"+plain, status
	if mediaDir == "" {
		mediaDir = tb.TempDir()
	}
	n.values = map[string]string{
		"NGINX_USER": "root", // ignored if nginx runs without privileges
		"PID_FILE":   filepath.Join(n.dir, "nginx.pid"), "LOG_DIR": n.dir, "STATE_DIR": n.dir,
		"HTTP_LISTEN": plain, "HTTPS_LISTEN": secure, "SERVER_NAME": secure, "MEDIA_DIR": mediaDir, "STATUS_LISTEN": status,
		"TLS_CERTIFICATE": filepath.Join(n.dir, "certificate.pem"), "TLS_KEY": filepath.Join(n.dir, "key.pem"),
	}
	authority := NewAuthority(tb)
	authority.certify(tb, n.values["TLS_CERTIFICATE"], n.values["TLS_KEY"])
	n.tls, n.CA = authority.trusted(), authority.File
	n.configure(tb, upstreams)
	cmd := exec.CommandContext(tb.Context(), program, "-p", n.dir, "-c", filepath.Join(n.dir, "nginx.conf"), "-e", "stderr",
		"-g", "daemon off; error_log stderr notice;")
	cmd.Cancel = func() error { return nil } // the cleanup ends it
	cmd.ExtraFiles = []*os.File{plainSocket, secureSocket, statusSocket}
	cmd.Env = append(os.Environ(), "NGINX=3;4;5;") // nginx inherits the sockets, as in an upgrade of its binary
	n.Process = start(tb, "nginx", cmd, func() error { return nil })
	n.wait(func() error { // earlier signals are lost
		if !strings.Contains(n.Log(), worker) {
			return errors.New("no worker has begun")
		}
		return nil
	})
	if err := errors.Join(release(plainSocket), release(secureSocket), release(statusSocket)); err != nil {
		tb.Fatal(err)
	}
	return n
}

// Keep writes a file into nginx's STATE_DIR.
func (n *NginxServer) Keep(tb testing.TB, name, content string) {
	tb.Helper()
	path := filepath.Join(n.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		tb.Fatal(err)
	}
}

// listen opens a socket on a free port, which then no other process can take.
func listen(tb testing.TB) (addr string, socket *os.File) {
	tb.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	socket, err = l.File()
	if err := errors.Join(err, l.Close()); err != nil {
		tb.Fatal(err)
	}
	return l.Addr().String(), socket
}

// release closes the test's copy of a socket that nginx has inherited, before the first connection. It sets the
// socket to non-blocking again: os.File.Fd made it blocking, and a worker that loses the race for a connection would
// block in accept.
func release(socket *os.File) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("get at a socket: %w", err)
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = syscall.SetNonblock(int(fd), true) })
	return errors.Join(err, set, socket.Close())
}

func (n *NginxServer) configure(tb testing.TB, upstreams []string) {
	tb.Helper()
	var lines strings.Builder
	for _, server := range upstreams {
		fmt.Fprintf(&lines, "server %s;\n", server)
	}
	n.values["UPSTREAMS"] = lines.String()
	files, err := nginx.Render(n.values)
	if err != nil {
		tb.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

// Reload changes the upstreams. When it returns, no worker process of an earlier configuration accepts connections.
func (n *NginxServer) Reload(upstreams ...string) {
	n.tb.Helper()
	n.configure(n.tb, upstreams)
	n.reloads++
	n.Signal(syscall.SIGHUP)
	n.wait(func() error {
		log := n.Log()
		began, leave := strings.Count(log, worker), strings.Count(log, "gracefully shutting down")
		if generations := n.reloads + 1; began%generations != 0 || leave != began/generations*n.reloads {
			return fmt.Errorf("%d workers have begun, %d leave", began, leave)
		}
		return nil
	})
}

// Client returns a client that trusts the server's certificate and follows no redirects. It uses HTTP/2 or HTTP/1.1.
func (n *NginxServer) Client(http2 bool) *http.Client {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	transport := &http.Transport{TLSClientConfig: n.tls.Clone(), Protocols: protocols, MaxIdleConnsPerHost: 100}
	n.tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Dial opens a TLS connection for HTTP/1.1. Its reads and writes fail after Patience.
func (n *NginxServer) Dial() net.Conn {
	n.tb.Helper()
	config := n.tls.Clone()
	config.ServerName = "127.0.0.1"
	c := tls.Client(Dial(n.tb, strings.TrimPrefix(n.URL, "https://")), config)
	if err := c.HandshakeContext(n.tb.Context()); err != nil {
		n.tb.Fatal(err)
	}
	return c
}

// AccessLog returns the lines of the access log so far.
func (n *NginxServer) AccessLog() []string {
	n.tb.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, "access.log"))
	if err != nil {
		n.tb.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// Dir returns the folder of the server's files.
func (n *NginxServer) Dir() string { return n.dir }

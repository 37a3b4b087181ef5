package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// S3 is an S3 server that stores its objects as files.
type S3 struct {
	*Process

	Addr      string
	Bucket    string
	Dir       string // the folder of the bucket's objects, as files by key
	AccessKey string
	SecretKey string
	start     func()
}

// NewS3 starts an S3 server with one empty bucket.
func NewS3(tb testing.TB) *S3 {
	tb.Helper()
	program := Program(tb, "versitygw", filepath.Join(checkoutDir(), "bin", "tools"))
	root, addr := tb.TempDir(), FreeAddr(tb)
	s := &S3{Addr: addr, Bucket: "media", Dir: filepath.Join(root, "media"), AccessKey: "test-access", SecretKey: "test-secret"}
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	s.start = func() {
		cmd := exec.Command(program, "--port", addr, "--quiet", "--keep-alive", "posix", root) //nolint:noctx // ends with the test
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
		s.Process = start(tb, "versitygw", cmd, func() error { return accepts(addr) })
	}
	s.start()
	return s
}

// Restart starts the server again after it was stopped.
func (s *S3) Restart() { s.start() }

// checkoutDir returns the folder of the checkout that the tests belong to.
func checkoutDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

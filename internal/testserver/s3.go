package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// S3 is a server of S3 that keeps its objects as files.
type S3 struct {
	*Process

	Addr      string
	Bucket    string
	Dir       string // where the bucket's objects are, as files by key
	AccessKey string
	SecretKey string
	start     func()
}

// NewS3 runs a server of S3 with one bucket, which is empty.
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

// Restart runs the server again after it was stopped.
func (s *S3) Restart() { s.start() }

// checkoutDir is the folder of the checkout that the tests belong to.
func checkoutDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Package bare has minimal net/http servers, with which benchmarks compare the platform. A benchmark program starts
// itself again as one of them.
package bare

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

// Env makes a program that calls Serve one of the minimal servers: "bytes" answers every request with the content of
// the file BENCH_BODY; "copy" copies the body of every request to a file in BENCH_DIR, syncs it once, and removes it.
const Env = "RISINGSTARS_BENCH_BARE"

// Wanted reports whether this process should be a minimal server.
func Wanted() bool { return os.Getenv(Env) != "" }

// Serve serves on a free port of the loopback, which it prints to out, until the process ends.
func Serve(out io.Writer) error {
	handler, err := handlerOf(os.Getenv(Env))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // as a plain program does it
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "serving http://%s\n", l.Addr())
	return http.Serve(l, handler) //nolint:gosec // on the loopback, for the time of a measurement
}

func handlerOf(kind string) (http.Handler, error) {
	switch kind {
	case "copy":
		return http.HandlerFunc(copyBody), nil
	case "bytes":
		body, err := os.ReadFile(os.Getenv("BENCH_BODY"))
		return answerWith(body), err
	default:
		return nil, fmt.Errorf("%s: bytes or copy", Env)
	}
}

func answerWith(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}

func copyBody(w http.ResponseWriter, r *http.Request) {
	f, err := os.CreateTemp(os.Getenv("BENCH_DIR"), "body-*")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	n, err := io.Copy(f, r.Body)
	if err != nil {
		panic(err)
	}
	if err := f.Sync(); err != nil {
		panic(err)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(n)
}

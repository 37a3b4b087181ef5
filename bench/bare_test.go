package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

// bareServer serves on a free port what a plain net/http program would: "bytes", the same bytes for every request, or
// "copy", the body of every request to a file with one flush.
func bareServer(kind string) {
	handlers := map[string]http.HandlerFunc{"bytes": bareBytes(), "copy": bareCopy}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stdout, "serving http://%s\n", l.Addr())
	panic(http.Serve(l, handlers[kind]))
}

func bareBytes() http.HandlerFunc {
	path := os.Getenv("BENCH_BODY")
	if path == "" {
		return nil
	}
	body, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}

func bareCopy(w http.ResponseWriter, r *http.Request) {
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

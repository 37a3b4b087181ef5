package app

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"risingstars/internal/config"
)

type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

func BenchmarkHandler(b *testing.B) {
	s := &config.Settings{DataDir: b.TempDir(), FFmpeg: "ffmpeg", FFprobe: "ffprobe", PasswordCost: 4, MaxUploadBytes: 1 << 20, RateLimit: "off", TokenTTL: 3600}
	p, err := newPlatform(&runner{ctx: context.Background(), settings: s, out: io.Discard, errOut: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.close() })
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(context.Background(), "GET", "/api/public/rankings", nil)
		p.handler.ServeHTTP(&sink{http.Header{}}, r)
	}
}

package config

import (
	"strings"
	"testing"
)

// A password never appears in an error or in a masked URL.
func FuzzURLs(f *testing.F) {
	for _, text := range []string{
		"postgres://stars:hunter2@db:5432/stars?sslmode=require", "redis://:hunter2@cache:6379/0", "s3://bucket/prefix?endpoint=h:1&tls=off",
		"unix://:hunter2@/run/redis.sock", "file:///mnt/my%20videos", "s3://a:hunter2@b", "http://hunter2/x@y", "://", "%zz", "s3://b?%zz",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Settings{DatabaseURL: text, RedisURL: text, StorageURL: text, PublicURL: text}
		if err := s.Check(); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
		storage, err := ParseStorage(text)
		if err == nil && (storage.Dir == "") == (storage.S3.Bucket == "") {
			t.Errorf("%q is in %+v", text, storage)
		}
		if err == nil && strings.Contains(storage.S3.Prefix, "..") && strings.Contains("/"+storage.S3.Prefix+"/", "/../") {
			t.Errorf("%q leads out of the bucket: %q", text, storage.S3.Prefix)
		}
		if MaskedURL(text) == text && strings.Contains(text, ":hunter2@") && strings.Contains(text, "//") {
			t.Errorf("%q is shown", text)
		}
	})
}

func FuzzProxies(f *testing.F) {
	for _, text := range []string{"10.0.0.0/16,127.0.0.1", "::1", "fe80::1%eth0", "0.0.0.0/0", "10.0.0.1/8", ",,", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Settings{TrustedProxies: text}
		list, err := s.Proxies()
		for _, network := range list {
			if err == nil && (!network.IsValid() || network != network.Masked()) {
				t.Errorf("%q: %v", text, network)
			}
		}
		var w Workers
		if err := w.UnmarshalText([]byte(text)); err == nil && (w < AutoWorkers || w > 256) {
			t.Errorf("%q: %d workers", text, w)
		}
	})
}

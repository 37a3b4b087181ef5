package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProxies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given string
		want  []string
		err   string
	}{
		"none":            {"", nil, ""},
		"one network":     {"10.0.0.0/16", []string{"10.0.0.0/16"}, ""},
		"addresses":       {"127.0.0.1, ::1,", []string{"127.0.0.1/32", "::1/128"}, ""},
		"a name":          {"nginx", nil, `"nginx" is neither an address nor a network`},
		"one bad of two":  {"10.0.0.1,10.0.0.0/33", nil, `"10.0.0.0/33" is neither`},
		"bits too many":   {"10.0.0.7/16", nil, "the network is 10.0.0.0/16"},
		"a zone":          {"fe80::1%eth0", nil, "neither an address nor a network"},
		"wrong separator": {"10.0.0.1 10.0.0.2", nil, "neither an address nor a network"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := with(func(s *Settings) { s.TrustedProxies = test.given })

			list, err := s.Proxies()

			var got []string
			for _, network := range list {
				got = append(got, network.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("networks (-want +got):\n%s", diff)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
			if checked := s.Check(); (checked == nil) != (err == nil) {
				t.Errorf("the check at the start says %v", checked)
			}
		})
	}
}

func TestAccelRedirect(t *testing.T) {
	t.Parallel()
	for given, good := range map[string]bool{
		"": true, "/_media/": true, "/a/b/": true, "/": false, "//": false, "_media/": false, "/_media": false, "/m?/": false, "/m m/": false, "/m%2f/": false,
	} {
		s := with(func(s *Settings) { s.AccelRedirect = given })
		if err := s.Check(); (err == nil) != good {
			t.Errorf("%q: got %v", given, err)
		}
	}
	s := with(func(s *Settings) { s.AccelRedirect, s.StorageURL = "/_media/", "s3://bucket/prefix" })
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "ACCEL_REDIRECT: needs the media in a folder") {
		t.Errorf("with S3: got %v", err)
	}
}

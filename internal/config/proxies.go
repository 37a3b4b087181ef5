package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Proxies returns the networks in TRUSTED_PROXIES. An address is a network of one.
func (s *Settings) Proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for text := range strings.SplitSeq(s.TrustedProxies, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if addr, failed := netip.ParseAddr(text); failed == nil && addr.Zone() == "" {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("TRUSTED_PROXIES: %q is neither an address nor a network, such as 10.0.0.0/16", text)
		}
		if network != network.Masked() {
			return nil, fmt.Errorf("TRUSTED_PROXIES: %s has bits set behind its length; the network is %s", text, network.Masked())
		}
		list = append(list, network)
	}
	return list, nil
}

// Origins returns the origins in CORS_ORIGINS, in the form that browsers send.
func (s *Settings) Origins() ([]string, error) {
	var list []string
	for text := range strings.SplitSeq(s.CORSOrigins, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Scheme+"://"+u.Host != text || u.Hostname() == "" ||
			strings.ToLower(text) != text || strings.Contains(text, "*") {
			return nil, fmt.Errorf("CORS_ORIGINS: %q is no origin, such as https://app.example.org", text)
		}
		list = append(list, text)
	}
	return list, nil
}

// checkAccel refuses an invalid location, and any location if the media are in a bucket, because nginx then has no
// folder to serve from.
func (s *Settings) checkAccel() error {
	path := s.AccelRedirect
	if path == "" {
		return nil
	}
	if !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") || len(path) < 3 || strings.ContainsAny(path, " \t\r\n?#%") {
		return errors.New("ACCEL_REDIRECT: must be a path with a slash at both ends, such as /_media/")
	}
	if s.StorageURL != "" && !strings.HasPrefix(s.StorageURL, "file:") {
		return errors.New("ACCEL_REDIRECT: needs the media in a folder; leave it empty with this STORAGE_URL")
	}
	return nil
}

// second returns the error of a call whose result is not needed.
func second[T any](_ T, err error) error { return err }

package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Storage is the location of the media: a folder or a bucket.
type Storage struct {
	Dir string // "" for a bucket
	S3  S3
}

// S3 is a bucket as STORAGE_URL describes it.
type S3 struct {
	Bucket    string
	Prefix    string // without leading and trailing slashes
	Endpoint  string // HOST or HOST:PORT; "" for AWS
	Region    string
	Owner     string // the account that must own the bucket
	PathStyle bool
	Plain     bool // without TLS
	Proxy     bool // the process serves the objects, instead of presigned links to the bucket
}

// Media returns the location that STORAGE_URL gives, or DATA_DIR/media without it.
func (s *Settings) Media() (Storage, error) {
	if s.StorageURL == "" {
		return Storage{Dir: s.InData("media")}, nil
	}
	storage, err := ParseStorage(s.StorageURL)
	if err != nil {
		return Storage{}, fmt.Errorf("STORAGE_URL: %w", err)
	}
	return storage, nil
}

// ParseStorage parses the URL of a storage: file:///mnt/videos, or s3://BUCKET/PREFIX with a query of endpoint,
// region, owner, path_style=true, tls=off and serve=proxy. Its errors do not repeat the URL, which may contain a
// secret by mistake.
func ParseStorage(text string) (Storage, error) {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.Scheme == "file" && u.Host == "" && u.Path != "":
		return Storage{Dir: u.Path}, nil
	case err == nil && u.Scheme == "s3" && u.Host != "":
		bucket, err := parseS3(u)
		return Storage{S3: bucket}, err
	}
	return Storage{}, errors.New("must be a file URL with an absolute path, such as file:///mnt/videos, or s3://BUCKET/PREFIX")
}

func parseS3(u *url.URL) (S3, error) {
	if u.User != nil {
		return S3{}, errors.New("has credentials; give them as S3_ACCESS_KEY and S3_SECRET_KEY")
	}
	b := S3{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	if b.Prefix != "" && path.Clean("/"+b.Prefix) != "/"+b.Prefix {
		return S3{}, errors.New("the prefix must be a plain path")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return S3{}, errors.New("the part after ? cannot be read")
	}
	texts := map[string]*string{"endpoint": &b.Endpoint, "region": &b.Region, "owner": &b.Owner}
	switches := map[string]struct {
		on, off string
		is      *bool
	}{"path_style": {"true", "false", &b.PathStyle}, "tls": {"off", "on", &b.Plain}, "serve": {"proxy", "redirect", &b.Proxy}}
	for name := range query {
		value := query.Get(name)
		if text, ok := texts[name]; ok {
			*text = value
			continue
		}
		s, ok := switches[name]
		switch {
		case !ok:
			return S3{}, fmt.Errorf("%q is none of endpoint, region, owner, path_style, tls, serve", name)
		case value != s.on && value != s.off:
			return S3{}, fmt.Errorf("%s must be %s or %s", name, s.on, s.off)
		}
		*s.is = value == s.on
	}
	if strings.ContainsAny(b.Endpoint, "/@") {
		return S3{}, errors.New("endpoint must be HOST or HOST:PORT; tls=off is for one without TLS")
	}
	return b, nil
}

// String shows the location.
func (s Storage) String() string {
	if s.Dir != "" {
		return s.Dir
	}
	return strings.TrimSuffix("s3://"+s.S3.Bucket+"/"+s.S3.Prefix, "/")
}

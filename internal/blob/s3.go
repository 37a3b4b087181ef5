package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	partSize = 16 << 20 // bytes; a file that is larger is put in several parts, each read from it as it is sent
	maxLinks = 10_000   // that are remembered
	attempts = 3        // of a request, and of a file whose connection breaks, to put or to fetch
)

// S3Options say where a bucket is and how it is reached.
type S3Options struct {
	Bucket    string
	Prefix    string // what all keys begin with in the bucket, without slashes around it; "" for nothing
	Endpoint  string // host, or host and port; "" for AWS
	Region    string // "" for us-east-1
	PathStyle bool   // the bucket's name is in the path, not in the host
	Plain     bool   // without TLS
	Owner     string // the account that must own the bucket; "" for any
	AccessKey string // "" for the credentials of the environment, the AWS files or the machine's role
	SecretKey string
}

// S3 keeps objects in a bucket of any server that speaks S3. Nothing is held in memory whole. Uploads carry a CRC-32C,
// which the server checks. Uploads in parts that fail are aborted; those of a program or server that died then are for
// AbortStaleUploads, or a lifecycle rule of the bucket (AbortIncompleteMultipartUpload).
type S3 struct {
	client *minio.Client
	bucket string
	prefix string // with a slash at the end, or ""
	owner  string

	pathStyle bool
	links     *lru.Cache[string, presignedLink]
}

// NewS3 sends nothing yet.
func NewS3(o S3Options) (*S3, error) {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Endpoint == "" {
		o.Endpoint = "s3." + o.Region + ".amazonaws.com"
	}
	creds := credentialsChain(o)
	base, err := minio.DefaultTransport(!o.Plain)
	if err != nil {
		return nil, fmt.Errorf("set up S3: %w", err)
	}
	base.ResponseHeaderTimeout = time.Minute
	lookup := minio.BucketLookupDNS
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	var transport http.RoundTripper = base
	if o.Owner != "" {
		transport = expectOwner{base, creds, o.Owner, o.Region}
	}
	client, err := minio.New(o.Endpoint, &minio.Options{
		Creds: creds, Secure: !o.Plain, Transport: transport, Region: o.Region, BucketLookup: lookup,
		TrailingHeaders: true, MaxRetries: attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("set up S3: %w", err)
	}
	links, err := lru.New[string, presignedLink](maxLinks)
	if err != nil {
		return nil, fmt.Errorf("set up S3: %w", err)
	}
	s := &S3{client: client, bucket: o.Bucket, owner: o.Owner, pathStyle: o.PathStyle, links: links}
	if o.Prefix != "" {
		s.prefix = o.Prefix + "/"
	}
	return s, nil
}

func credentialsChain(o S3Options) *credentials.Credentials {
	if o.AccessKey != "" {
		return credentials.NewStaticV4(o.AccessKey, o.SecretKey, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{},
	})
}

func (s *S3) objectName(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	return s.prefix + key, nil
}

// asNotFound gives a missing object the package's error. A missing bucket is another matter.
func asNotFound(err error) error {
	if answer, ok := errors.AsType[minio.ErrorResponse](err); ok && answer.Code == minio.NoSuchKey {
		return ErrNotFound
	}
	return err
}

// PutFile moves the file at path under the key. When it returns nil the server has the object, with the checksum that
// the file had on its way. It begins again where a connection breaks or the server fails, three times in all. On an error
// the file is still there, and the object is not, unless the answer was lost.
func (s *S3) PutFile(ctx context.Context, key, path string) error {
	name, err := s.objectName(key)
	if err != nil {
		return err
	}
	if err := s.uploadFile(ctx, name, path); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

func (s *S3) uploadFile(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	for range attempts { // the client repeats no request whose body is hashed as it is sent
		if _, err = f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err = s.client.PutObject(ctx, s.bucket, name, f, stat.Size(), minio.PutObjectOptions{
			PartSize: partSize, NumThreads: 1, // a second part on its way would come to a server that has aborted the upload
			DisableContentSha256: true, AutoChecksum: minio.ChecksumCRC32C, // hashed once, as it is sent
		})
		if err == nil {
			return os.Remove(path)
		}
		if ctx.Err() != nil || isPreconditionFailed(err) {
			break
		}
	}
	return err
}

// isPreconditionFailed reports whether the server has answered that it will not do what was asked, today or ever.
func isPreconditionFailed(err error) bool {
	answer, ok := errors.AsType[minio.ErrorResponse](err)
	return ok && answer.StatusCode < http.StatusInternalServerError
}

// Open opens an object to read; whoever opened it closes it. Each seek begins another request when it is read from. It
// returns ErrNotFound if there is no such object.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, Info, error) {
	name, err := s.objectName(key)
	if err != nil {
		return nil, Info{}, errors.Join(ErrNotFound, err)
	}
	stat, err := s.client.StatObject(ctx, s.bucket, name, minio.StatObjectOptions{})
	if err != nil {
		return nil, Info{}, fmt.Errorf("open %s: %w", key, asNotFound(err))
	}
	return &s3Object{ctx: ctx, s: s, name: name, stat: stat}, Info{Key: key, Size: stat.Size, Modified: stat.LastModified}, nil
}

// Fetch makes the object readable as a file at path, which must not exist yet; the caller removes it. It goes on where
// it was when a connection breaks. It returns ErrNotFound if there is no such object; on any error there is no file.
func (s *S3) Fetch(ctx context.Context, key, path string) error {
	name, err := s.objectName(key)
	if err != nil {
		return err
	}
	if err := s.downloadFile(ctx, name, path); err != nil {
		return fmt.Errorf("fetch %s: %w", key, asNotFound(err))
	}
	return nil
}

func (s *S3) downloadFile(ctx context.Context, name, path string) (err error) {
	stat, err := s.client.StatObject(ctx, s.bucket, name, minio.StatObjectOptions{})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	o := &s3Object{ctx: ctx, s: s, name: name, stat: stat}
	defer func() {
		if err = errors.Join(err, o.Close(), f.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	for range attempts {
		_, err = io.Copy(f, o)
		if err == nil || ctx.Err() != nil {
			break
		}
		err = errors.Join(err, o.Close()) // the next read asks for the rest
	}
	if err == nil && o.at != stat.Size {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Delete removes an object. If there is none, that is no error.
func (s *S3) Delete(ctx context.Context, key string) error {
	name, err := s.objectName(key)
	if err != nil {
		return err
	}
	if err := s.client.RemoveObject(ctx, s.bucket, name, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// DeletePrefix removes all objects below a prefix that ends in a slash, up to a thousand in a request.
func (s *S3) DeletePrefix(ctx context.Context, prefix string) error {
	name, err := s.objectName(strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx) // ends the listing
	defer cancel()
	var failed error
	listed := make(chan minio.ObjectInfo)
	problem := make(chan error, 1)
	go func() { // ends with the listing, which ends with ctx
		defer close(listed)
		problem <- s.listObjects(ctx, name+"/", func(o minio.ObjectInfo) error {
			select {
			case listed <- o:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	for removed := range s.client.RemoveObjects(ctx, s.bucket, listed, minio.RemoveObjectsOptions{}) {
		failed = errors.Join(failed, removed.Err)
	}
	cancel()
	if err := errors.Join(failed, <-problem); err != nil {
		return fmt.Errorf("delete %s: %w", prefix, err)
	}
	return nil
}

// Walk calls fn for every object whose key begins with the prefix, which ends in a slash. The times are the server's.
func (s *S3) Walk(ctx context.Context, prefix string, fn func(Info) error) error {
	name, err := s.objectName(strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return err
	}
	return s.listObjects(ctx, name+"/", func(o minio.ObjectInfo) error {
		return fn(Info{Key: strings.TrimPrefix(o.Key, s.prefix), Size: o.Size, Modified: o.LastModified})
	})
}

// listObjects asks for a page of names at a time.
func (s *S3) listObjects(ctx context.Context, prefix string, fn func(minio.ObjectInfo) error) error {
	for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("list: %w", o.Err)
		}
		if strings.HasSuffix(o.Key, "/") {
			continue // what some servers and tools keep in place of a folder
		}
		if err := fn(o); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	return nil
}

// AbortStaleUploads aborts every multipart upload that was begun before then and has not ended, and returns how many there were.
// A key that may not list them, or a server that does not, gives 0: a lifecycle rule of the bucket has to abort them there.
func (s *S3) AbortStaleUploads(ctx context.Context, before time.Time) (aborted int, err error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing
	defer cancel()
	for u := range s.client.ListIncompleteUploads(ctx, s.bucket, s.prefix, true) {
		if answer, ok := errors.AsType[minio.ErrorResponse](u.Err); ok && slices.Contains(listingRefusals, answer.Code) {
			return aborted, nil
		}
		if u.Err != nil {
			return aborted, fmt.Errorf("list uploads in parts: %w", u.Err)
		}
		if !u.Initiated.Before(before) {
			continue
		}
		err := minio.Core{Client: s.client}.AbortMultipartUpload(ctx, s.bucket, u.Key, u.UploadID)
		if answer, ok := errors.AsType[minio.ErrorResponse](err); ok && answer.Code == minio.NoSuchUpload {
			continue // has just ended
		}
		if err != nil {
			return aborted, fmt.Errorf("abort an upload in parts: %w", err)
		}
		aborted++
	}
	if err := ctx.Err(); err != nil {
		return aborted, fmt.Errorf("list uploads in parts: %w", err)
	}
	return aborted, nil
}

// listingRefusals is how servers refuse to list uploads in parts.
var listingRefusals = []string{minio.AccessDenied, minio.NotImplemented, minio.MethodNotAllowed}

// presignedLinkLife is how long a link works from when it is made; it is given out for a tenth of that.
const presignedLinkLife = time.Hour

type presignedLink struct {
	url  string
	made time.Time
}

// PresignedLink is a presigned link: a URL from which anybody can get the object, as that media type, for nine tenths of an hour or
// longer. For a while the same object has the same link, so that browsers can cache what it leads to.
func (s *S3) PresignedLink(ctx context.Context, key, mediaType string) (string, error) {
	name, err := s.objectName(key)
	if err != nil {
		return "", errors.Join(ErrNotFound, err)
	}
	if l, ok := s.links.Get(key + mediaType); ok && time.Since(l.made) < presignedLinkLife/10 {
		return l.url, nil
	}
	query := url.Values{"response-content-type": {mediaType}}
	if s.owner != "" {
		query.Set(ownerHeader, s.owner)
	}
	made := time.Now()
	u, err := s.client.PresignedGetObject(ctx, s.bucket, name, presignedLinkLife, query)
	if err != nil {
		return "", fmt.Errorf("sign a link to %s: %w", key, err)
	}
	s.links.Add(key+mediaType, presignedLink{u.String(), made})
	return u.String(), nil
}

// EndpointOrigin is the scheme and host that links begin with.
func (s *S3) EndpointOrigin() string {
	u := s.client.EndpointURL()
	if !s.pathStyle {
		return u.Scheme + "://" + s.bucket + "." + u.Host
	}
	return u.Scheme + "://" + u.Host
}

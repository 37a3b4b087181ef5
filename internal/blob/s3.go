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
	partSize = 16 << 20 // bytes; a larger file is a multipart upload, and each part is read from the file while it is sent
	maxLinks = 10_000   // size of the cache of presigned links
	attempts = 3        // of a request, and of a file to put or fetch if its connection breaks
)

// S3Options is the address of a bucket and the way to reach it.
type S3Options struct {
	Bucket    string
	Prefix    string // of all keys in the bucket, without slashes at its ends; "" for none
	Endpoint  string // host, or host and port; "" for AWS
	Region    string // "" for us-east-1
	PathStyle bool   // the bucket's name is in the path, not in the host's name
	Plain     bool   // without TLS
	Owner     string // the account that must own the bucket; "" for any
	AccessKey string // "" for the credentials of the environment, the AWS files or the machine's role
	SecretKey string
}

// S3 stores objects in a bucket of any server that speaks the S3 protocol. No object is held in memory whole. Uploads
// carry a CRC-32C, which the server checks. A multipart upload that fails is aborted. If the program or the server
// dies during one, AbortStaleUploads or a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) aborts it
// later.
type S3 struct {
	client *minio.Client
	bucket string
	prefix string // with a slash at the end, or ""
	owner  string

	pathStyle bool
	links     *lru.Cache[string, presignedLink]
}

// NewS3 makes a client. It sends no request.
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

// asNotFound maps a missing object to ErrNotFound. A missing bucket stays the server's error.
func asNotFound(err error) error {
	if answer, ok := errors.AsType[minio.ErrorResponse](err); ok && answer.Code == minio.NoSuchKey {
		return ErrNotFound
	}
	return err
}

// PutFile moves the file at path to the object under the key. When it returns nil, the server has the object and has
// checked its CRC-32C. It retries if a connection breaks or the server fails, with three attempts in all. On an error
// the file is still there and the object is not, unless only the server's answer was lost.
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

// uploadFile sends the file, in parts if it is larger than partSize, and removes it when the server has the object.
func (s *S3) uploadFile(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // opened for reading only
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	for range attempts { // the S3 client does not retry a request whose body it hashes while sending
		if _, err = f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err = s.client.PutObject(ctx, s.bucket, name, f, stat.Size(), minio.PutObjectOptions{
			PartSize: partSize, NumThreads: 1, // a part sent concurrently could reach the server after the abort of the upload
			DisableContentSha256: true, AutoChecksum: minio.ChecksumCRC32C, // one hash, computed while sending
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

// isPreconditionFailed reports whether the server answered with a status below 500, so that a retry would fail too.
func isPreconditionFailed(err error) bool {
	answer, ok := errors.AsType[minio.ErrorResponse](err)
	return ok && answer.StatusCode < http.StatusInternalServerError
}

// Open opens an object for reading; the caller closes it. The first read after a seek starts another GET request. It
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

// Fetch downloads the object to a file at path, which must not exist yet; the caller removes the file. If a
// connection breaks, it resumes at the offset where it stopped, with three attempts in all. It returns ErrNotFound if
// there is no such object. On any error there is no file.
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

// downloadFile downloads the object and resumes after a broken connection. It removes the file on an error.
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
		err = errors.Join(err, o.Close()) // the next read requests the rest
	}
	if err == nil && o.at != stat.Size {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Delete deletes an object. It returns nil if there is none.
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

// DeletePrefix deletes all objects below a prefix that ends in a slash, up to a thousand per request.
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
	go func() { // ends with the listing, which ends when ctx does
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

// Walk calls fn for every object below a prefix that ends in a slash. The times are the server's.
func (s *S3) Walk(ctx context.Context, prefix string, fn func(Info) error) error {
	name, err := s.objectName(strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return err
	}
	return s.listObjects(ctx, name+"/", func(o minio.ObjectInfo) error {
		return fn(Info{Key: strings.TrimPrefix(o.Key, s.prefix), Size: o.Size, Modified: o.LastModified})
	})
}

// listObjects lists the names page by page.
func (s *S3) listObjects(ctx context.Context, prefix string, fn func(minio.ObjectInfo) error) error {
	for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("list: %w", o.Err)
		}
		if strings.HasSuffix(o.Key, "/") {
			continue // some servers and tools store such an object in place of a folder
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

// AbortStaleUploads aborts every multipart upload that was started before the given time and is not complete. It
// returns how many it aborted. If the key is not allowed to list them, or the server cannot, it returns 0 without an
// error: a lifecycle rule of the bucket must then abort them.
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
			continue // it was completed or aborted since it was listed
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

// listingRefusals are the error codes with which servers refuse to list multipart uploads.
var listingRefusals = []string{minio.AccessDenied, minio.NotImplemented, minio.MethodNotAllowed}

// presignedLinkLife is how long a presigned link is valid. PresignedLink returns the same link for a tenth of that.
const presignedLinkLife = time.Hour

type presignedLink struct {
	url  string
	made time.Time
}

// PresignedLink returns a presigned URL, from which every client can get the object with the given media type. It is
// valid for at least nine tenths of an hour. The cache returns the same link for a while, so that browsers can cache
// the object.
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

// EndpointOrigin is the scheme and host of presigned links, for the Content-Security-Policy.
func (s *S3) EndpointOrigin() string {
	u := s.client.EndpointURL()
	if !s.pathStyle {
		return u.Scheme + "://" + s.bucket + "." + u.Host
	}
	return u.Scheme + "://" + u.Host
}

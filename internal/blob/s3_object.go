package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
)

// s3Object reads an object from S3. It reads forward within one GET request. Seek ends the request; the next Read
// starts another one at the new offset.
type s3Object struct {
	ctx  context.Context //nolint:containedctx // the object is open for one reading only
	s    *S3
	name string
	stat minio.ObjectInfo
	at   int64
	body io.ReadCloser // the answer's body from offset at on; nil before the first Read
}

// Read implements io.Reader. Each request has If-Match with the ETag, so all bytes are of the same version of the
// object. A connection that ends early gives io.ErrUnexpectedEOF.
func (o *s3Object) Read(p []byte) (int, error) {
	if o.at >= o.stat.Size {
		return 0, io.EOF
	}
	if o.body == nil {
		if err := o.openRequest(); err != nil {
			return 0, err
		}
	}
	n, err := o.body.Read(p)
	o.at += int64(n)
	if errors.Is(err, io.EOF) && o.at < o.stat.Size {
		err = io.ErrUnexpectedEOF
	}
	return n, err //nolint:wrapcheck // EOF must stay itself
}

// openRequest starts a GET request from the current offset to the end of the object.
func (o *s3Object) openRequest() error {
	var options minio.GetObjectOptions
	if err := options.SetMatchETag(o.stat.ETag); err != nil {
		return fmt.Errorf("ask for a part of an object: %w", err)
	}
	if o.at > 0 {
		if err := options.SetRange(o.at, 0); err != nil {
			return fmt.Errorf("ask for a part of an object: %w", err)
		}
	}
	body, _, _, err := minio.Core{Client: o.s.client}.GetObject(o.ctx, o.s.bucket, o.name, options)
	if err != nil {
		return asNotFound(err)
	}
	o.body = body
	return nil
}

// Seek implements io.Seeker.
func (o *s3Object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.stat.Size
	}
	if offset < 0 {
		return o.at, errors.New("seek before the beginning")
	}
	if offset == o.at {
		return o.at, nil
	}
	err := o.Close()
	o.at = offset
	return offset, err
}

// Close ends the running request, if there is one.
func (o *s3Object) Close() error {
	if o.body == nil {
		return nil
	}
	body := o.body
	o.body = nil
	return body.Close() //nolint:wrapcheck // the connection's own
}

// Check writes, reads and deletes a small object, to verify that the storage works.
func (s *S3) Check(ctx context.Context) (err error) {
	const text = "ok"
	name := s.prefix + ".check-" + rand.Text() // random, because other processes may run Check at the same time
	_, err = s.client.PutObject(ctx, s.bucket, name, strings.NewReader(text), int64(len(text)),
		minio.PutObjectOptions{DisableContentSha256: true, AutoChecksum: minio.ChecksumCRC32C})
	if err != nil {
		return fmt.Errorf("write to the bucket: %w", err)
	}
	body, _, _, err := minio.Core{Client: s.client}.GetObject(ctx, s.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return fmt.Errorf("read from the bucket: %w", err)
	}
	got, err := io.ReadAll(io.LimitReader(body, 1<<10))
	if err = errors.Join(err, body.Close()); err == nil && string(got) != text {
		err = errors.New("read back something else")
	}
	if err = errors.Join(err, s.client.RemoveObject(ctx, s.bucket, name, minio.RemoveObjectOptions{})); err != nil {
		return fmt.Errorf("check the bucket: %w", err)
	}
	return nil
}

const ownerHeader = "X-Amz-Expected-Bucket-Owner"

// expectOwner sets in every request the account that must own the bucket. It signs the request again, because S3
// refuses an x-amz header that is not signed. This is safe because no request has a chunked body whose signatures
// chain from the signature of its head.
type expectOwner struct {
	next   http.RoundTripper
	creds  *credentials.Credentials
	owner  string
	region string
}

// RoundTrip implements http.RoundTripper.
func (t expectOwner) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" {
		return t.next.RoundTrip(r) //nolint:wrapcheck // a transport's errors are its own
	}
	value, err := t.creds.GetWithContext(nil)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	r = r.Clone(r.Context())
	r.Header.Set(ownerHeader, t.owner)
	signed := signer.SignV4(*r, value.AccessKeyID, value.SecretAccessKey, value.SessionToken, t.region)
	return t.next.RoundTrip(signed) //nolint:wrapcheck // as above
}

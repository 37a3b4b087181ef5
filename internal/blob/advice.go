package blob

import (
	"errors"

	"github.com/minio/minio-go/v7"
)

// AdviceFor is a sentence for the operator about how to fix an error of S3.
func AdviceFor(err error) string {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return "check the endpoint in STORAGE_URL, and whether it is reached from here"
	}
	switch answer.Code {
	case minio.NoSuchBucket:
		return "make the bucket, or correct its name in STORAGE_URL"
	case minio.AccessDenied:
		return "let the key or role get, put, delete and list objects in the bucket, and check owner in STORAGE_URL"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return "correct S3_ACCESS_KEY and S3_SECRET_KEY"
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidRegion":
		return "give the bucket's region in STORAGE_URL: ?region=..."
	case "RequestTimeTooSkewed":
		return "set this machine's clock"
	}
	return "see what the server says"
}

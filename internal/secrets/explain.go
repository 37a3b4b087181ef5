package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
)

var (
	errBytes         = errors.New("holds bytes, and no text")
	errNoRegion      = errors.New("AWS_REGION is not set, and this is no machine of AWS that would know its region")
	errNoCredentials = errors.New("neither AWS_ACCESS_KEY_ID is set, nor has this machine a role of AWS")
)

// explainError returns errors with its own texts, because those of the SDK may quote anything.
func (m *Manager) explainError(err error, region string) error {
	var refused smithy.APIError
	switch {
	case errors.Is(err, errNoCredentials):
		return errNoCredentials
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("AWS Secrets Manager in %s did not answer within %s", region, m.patience)
	case !errors.As(err, &refused):
		return fmt.Errorf("AWS Secrets Manager in %s cannot be reached", region)
	}
	switch code := refused.ErrorCode(); code {
	case "ResourceNotFoundException":
		return fmt.Errorf("there is no such secret in %s", region)
	case "AccessDeniedException":
		return errors.New("may not be read with these credentials; they need secretsmanager:GetSecretValue, and kms:Decrypt where it has a key of its own")
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId":
		return fmt.Errorf("AWS does not accept the credentials (%s)", code)
	default:
		return fmt.Errorf("AWS Secrets Manager in %s says %s", region, code)
	}
}

// Package secrets reads secrets from AWS Secrets Manager. Its errors never contain a secret's value.
package secrets

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// FetchTimeout bounds the read of one secret, including all attempts.
const FetchTimeout = 15 * time.Second

// Manager is a client of AWS Secrets Manager. It caches each result, including failures.
type Manager struct {
	lookup   func(name string) (string, bool)
	patience time.Duration
	http     *http.Client
	machine  *imds.Client

	mu   sync.Mutex
	read map[string]fetchedSecret
}

type fetchedSecret struct {
	text string
	err  error
}

// NewManager configures itself through a function like os.LookupEnv: AWS_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL and similar variables, as in AWS's own tools. Without a
// key it uses the role of the EC2 instance.
func NewManager(lookup func(name string) (string, bool)) *Manager {
	m := &Manager{lookup: lookup, patience: FetchTimeout, http: &http.Client{}, read: map[string]fetchedSecret{}}
	options := imds.Options{Endpoint: m.environmentVariable("AWS_EC2_METADATA_SERVICE_ENDPOINT"), ClientEnableState: imds.ClientEnabled}
	if strings.EqualFold(m.environmentVariable("AWS_EC2_METADATA_DISABLED"), "true") {
		options.ClientEnableState = imds.ClientDisabled
	}
	m.machine = imds.New(options)
	return m
}

// Secret returns the text of a secret by its name or ARN.
func (m *Manager) Secret(ctx context.Context, name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.read[name]; ok {
		return known.text, known.err
	}
	text, err := m.fetchSecret(ctx, name)
	m.read[name] = fetchedSecret{text, err}
	return text, err
}

func (m *Manager) fetchSecret(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	region, err := m.regionOf(ctx, name)
	if err != nil {
		return "", err
	}
	client := secretsmanager.New(secretsmanager.Options{
		Region: region, Credentials: aws.NewCredentialsCache(m.credentialsProvider()), HTTPClient: m.http, BaseEndpoint: m.customEndpoint(),
	})
	got, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	switch {
	case err != nil:
		return "", m.explainError(err, region)
	case got.SecretString == nil:
		return "", errBytes
	}
	return *got.SecretString, nil
}

// regionOf returns the region in an ARN, or the configured one, or the instance's.
func (m *Manager) regionOf(ctx context.Context, name string) (string, error) {
	if parts := strings.Split(name, ":"); len(parts) > 5 && parts[0] == "arn" && parts[3] != "" {
		return parts[3], nil
	}
	for _, variable := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := m.environmentVariable(variable); region != "" {
			return region, nil
		}
	}
	got, err := m.machine.GetRegion(ctx, nil)
	if err != nil {
		return "", errNoRegion // the metadata service is not available here
	}
	return got.Region, nil
}

func (m *Manager) credentialsProvider() aws.CredentialsProvider {
	if id := m.environmentVariable("AWS_ACCESS_KEY_ID"); id != "" {
		return credentials.NewStaticCredentialsProvider(id, m.environmentVariable("AWS_SECRET_ACCESS_KEY"), m.environmentVariable("AWS_SESSION_TOKEN"))
	}
	role := ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = m.machine })
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		got, err := role.Retrieve(ctx)
		if err != nil && ctx.Err() == nil {
			err = errNoCredentials
		}
		return got, err
	})
}

// customEndpoint returns the configured endpoint, or nil for AWS's.
func (m *Manager) customEndpoint() *string {
	for _, variable := range []string{"AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"} {
		if url := m.environmentVariable(variable); url != "" {
			return &url
		}
	}
	return nil
}

func (m *Manager) environmentVariable(name string) string {
	value, _ := m.lookup(name)
	return value
}

// Package secrets reads secrets of AWS Secrets Manager. Nothing of what it says, errors included, has a secret's value.
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

// Patience is how long one secret is waited for, with all attempts.
const Patience = 15 * time.Second

// Manager is AWS Secrets Manager. It is asked for each secret once, also where that fails.
type Manager struct {
	lookup   func(name string) (string, bool)
	patience time.Duration
	http     *http.Client
	machine  *imds.Client

	mu   sync.Mutex
	read map[string]answer
}

type answer struct {
	text string
	err  error
}

// New reads what it needs to know through a function like os.LookupEnv: AWS_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL and their like, as AWS's own tools have them. Without a key
// it is the role of the machine (EC2) that asks.
func New(lookup func(name string) (string, bool)) *Manager {
	m := &Manager{lookup: lookup, patience: Patience, http: &http.Client{}, read: map[string]answer{}}
	options := imds.Options{Endpoint: m.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"), ClientEnableState: imds.ClientEnabled}
	if strings.EqualFold(m.variable("AWS_EC2_METADATA_DISABLED"), "true") {
		options.ClientEnableState = imds.ClientDisabled
	}
	m.machine = imds.New(options)
	return m
}

// Secret is the text of a secret, by its name or ARN.
func (m *Manager) Secret(ctx context.Context, name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.read[name]; ok {
		return known.text, known.err
	}
	text, err := m.ask(ctx, name)
	m.read[name] = answer{text, err}
	return text, err
}

func (m *Manager) ask(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	region, err := m.region(ctx, name)
	if err != nil {
		return "", err
	}
	client := secretsmanager.New(secretsmanager.Options{
		Region: region, Credentials: aws.NewCredentialsCache(m.credentials()), HTTPClient: m.http, BaseEndpoint: m.endpoint(),
	})
	got, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	switch {
	case err != nil:
		return "", m.explain(err, region)
	case got.SecretString == nil:
		return "", errBytes
	}
	return *got.SecretString, nil
}

// region is that of an ARN, or the one that was given, or the machine's.
func (m *Manager) region(ctx context.Context, name string) (string, error) {
	if parts := strings.Split(name, ":"); len(parts) > 5 && parts[0] == "arn" && parts[3] != "" {
		return parts[3], nil
	}
	for _, variable := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := m.variable(variable); region != "" {
			return region, nil
		}
	}
	got, err := m.machine.GetRegion(ctx, nil)
	if err != nil {
		return "", errNoRegion // what failed is that there is no such service here
	}
	return got.Region, nil
}

func (m *Manager) credentials() aws.CredentialsProvider {
	if id := m.variable("AWS_ACCESS_KEY_ID"); id != "" {
		return credentials.NewStaticCredentialsProvider(id, m.variable("AWS_SECRET_ACCESS_KEY"), m.variable("AWS_SESSION_TOKEN"))
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

// endpoint is another than AWS's, where one is given.
func (m *Manager) endpoint() *string {
	for _, variable := range []string{"AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"} {
		if url := m.variable(variable); url != "" {
			return &url
		}
	}
	return nil
}

func (m *Manager) variable(name string) string {
	value, _ := m.lookup(name)
	return value
}

package secrets

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const hidden = "hunter2-hunter2"

// awsServer speaks the JSON protocol of Secrets Manager and serves the instance metadata at the same address.
type awsServer struct {
	*httptest.Server
	asked atomic.Int64
	role  string // "" for an instance without a role
}

func newAWS(t *testing.T) *awsServer {
	t.Helper()
	s := &awsServer{role: "stars"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", s.secret)
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		_, _ = io.WriteString(w, "token")
	})
	mux.HandleFunc("GET /latest/dynamic/instance-identity/document", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"region":"sa-east-1"}`)
	})
	mux.HandleFunc("GET /latest/meta-data/iam/security-credentials/{role...}", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.role == "":
			http.NotFound(w, r)
		case r.PathValue("role") == "":
			_, _ = io.WriteString(w, s.role)
		default:
			_, _ = fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"ROLE","SecretAccessKey":"%s","Token":"session","Expiration":%q}`,
				hidden, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *awsServer) secret(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	var asked struct{ SecretId string }
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &asked) != nil || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fail := func(status int, code string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"__type":%q,"Message":"about %s"}`, code, hidden)
	}
	switch asked.SecretId {
	case "stars":
		_, _ = fmt.Fprintf(w, `{"Name":"stars","SecretString":%q}`, hidden+" "+r.Header.Get("Authorization"))
	case "bytes":
		_, _ = io.WriteString(w, `{"Name":"bytes","SecretBinary":"aGVsbG8="}`)
	case "closed":
		fail(http.StatusBadRequest, "AccessDeniedException")
	case "expired":
		fail(http.StatusBadRequest, "ExpiredTokenException")
	case "odd":
		fail(http.StatusBadRequest, "InvalidParameterException")
	case "slow":
		<-r.Context().Done()
	case "broken":
		panic(http.ErrAbortHandler)
	default:
		fail(http.StatusBadRequest, "ResourceNotFoundException")
	}
}

func (s *awsServer) manager(environment map[string]string) *Manager {
	all := map[string]string{
		"AWS_ENDPOINT_URL": s.URL, "AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL, "AWS_REGION": "us-east-2",
		"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": hidden,
	}
	maps.Copy(all, environment)
	return NewManager(func(name string) (string, bool) {
		value, ok := all[name]
		return value, ok
	})
}

func TestSecret(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		environment map[string]string
		want        string // a part of the request's signature
	}{
		"a key":            {nil, "Credential=KEY/"},
		"its region":       {nil, "/us-east-2/secretsmanager/"},
		"another variable": {map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "/eu-west-1/secretsmanager/"},
		"the machine's":    {map[string]string{"AWS_REGION": ""}, "/sa-east-1/secretsmanager/"},
		"the role":         {map[string]string{"AWS_ACCESS_KEY_ID": ""}, "Credential=ROLE/"},
		"its token":        {map[string]string{"AWS_ACCESS_KEY_ID": ""}, "x-amz-security-token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newAWS(t).manager(test.environment)

			got, err := m.Secret(t.Context(), "stars")

			if err != nil || !strings.HasPrefix(got, hidden) || !strings.Contains(got, test.want) {
				t.Errorf("got %q, %v; want %q in it", got, err, test.want)
			}
		})
	}
}

func TestTheRegionOfAnARN(t *testing.T) {
	t.Parallel()
	m := newAWS(t).manager(nil)
	region, err := m.regionOf(t.Context(), "arn:aws:secretsmanager:ap-south-1:123456789012:secret:stars-AbCdEf")
	if region != "ap-south-1" || err != nil {
		t.Errorf("got %q, %v", region, err)
	}
}

func TestSecretThatCannotBeRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		secret      string
		environment map[string]string
		want        string
	}{
		"missing":        {"none", nil, "there is no such secret in us-east-2"},
		"denied":         {"closed", nil, "may not be read with these credentials; they need secretsmanager:GetSecretValue"},
		"expired":        {"expired", nil, "AWS does not accept the credentials (ExpiredTokenException)"},
		"odd":            {"odd", nil, "AWS Secrets Manager in us-east-2 says InvalidParameterException"},
		"bytes":          {"bytes", nil, "holds bytes"},
		"no answer":      {"slow", nil, "AWS Secrets Manager in us-east-2 did not answer within 1s"},
		"nobody there":   {"stars", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS Secrets Manager in us-east-2 "},
		"broken off":     {"broken", nil, "AWS Secrets Manager in us-east-2 "},
		"no role":        {"stars", map[string]string{"AWS_ACCESS_KEY_ID": ""}, "neither AWS_ACCESS_KEY_ID is set, nor has this machine a role"},
		"no machine":     {"stars", map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"}, "neither AWS_ACCESS_KEY_ID is set, nor has this machine a role"},
		"no region":      {"stars", map[string]string{"AWS_REGION": "", "AWS_EC2_METADATA_DISABLED": "true"}, "AWS_REGION is not set"},
		"another's port": {"stars", map[string]string{"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"}, "AWS Secrets Manager in us-east-2 "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newAWS(t)
			if name == "no role" {
				server.role = ""
			}
			m := server.manager(test.environment)
			m.patience = time.Second

			got, err := m.Secret(t.Context(), test.secret)

			if got != "" || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, %v; want %s", got, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), hidden) {
				t.Errorf("the error has a value: %v", err)
			}
		})
	}
}

func TestASecretIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"stars", "none"} {
		server := newAWS(t)
		m := server.manager(nil)
		first, failed := m.Secret(t.Context(), secret)
		again, failedAgain := m.Secret(t.Context(), secret)
		if first != again || (failed == nil) != (failedAgain == nil) || server.asked.Load() != 1 {
			t.Errorf("%s: asked %d times; %v, %v", secret, server.asked.Load(), failed, failedAgain)
		}
	}
}

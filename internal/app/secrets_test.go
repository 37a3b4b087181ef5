package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSecretsOfAWS(t *testing.T) {
	t.Parallel()
	const value = "0123456789abcdefghijklmnopqrstuvwxyz"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), `"stars"`) {
			_, _ = io.WriteString(w, `{"SecretString":"{\"key\":\"`+value+`\"}"}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException"}`)
	}))
	t.Cleanup(server.Close)
	environment := map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
	}
	for reference, want := range map[string]string{
		"awssm://stars#key":   "",
		"awssm://stars#other": "settings:\nSECRET_KEY: secret \"stars\": has no \"other\"",
		"awssm://others#key":  "settings:\nSECRET_KEY: secret \"others\": there is no such secret in us-east-1",
	} {
		for name, args := range map[string][]string{"SECRET_KEY": {"version"}, "": {"version", "--secret-key=" + reference}} {
			var out, errOut bytes.Buffer
			err := Run(t.Context(), args, func(asked string) (string, bool) {
				if asked == name {
					return reference, true
				}
				text, ok := environment[asked]
				return text, ok
			}, &out, &errOut)
			if got := text(err); got != want {
				t.Errorf("%s %v: got %q, want %q", reference, args, got, want)
			}
			if strings.Contains(text(err)+out.String()+errOut.String(), value) {
				t.Errorf("%s %v: the value is shown", reference, args)
			}
		}
	}
}

// text returns the text of an error, "" for nil.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

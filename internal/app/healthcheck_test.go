package app_test

import (
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	metrics := testserver.FreeAddr(t)
	server := apptest.Start(t, apptest.Settings{"METRICS_ADDR": metrics})
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	settings := apptest.Settings{"LISTEN_ADDR": "0.0.0.0:" + port, "METRICS_ADDR": metrics}
	for _, args := range [][]string{{"healthcheck"}, {"healthcheck", "--metrics"}} {
		if out, err := run(t, settings, args...); err != nil || out != "" {
			t.Errorf("%v: got %q, %v", args, out, err)
		}
	}
	check(t, server.Stop())
	for _, args := range [][]string{{"healthcheck"}, {"healthcheck", "--metrics"}} {
		if _, err := run(t, settings, args...); err == nil || !strings.Contains(err.Error(), "it does not answer") {
			t.Errorf("%v of none: got %v", args, err)
		}
	}
}

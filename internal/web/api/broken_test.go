package api

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
)

// A body may break in ways that take half a minute to bring about for real.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	stalled := fmt.Errorf("multipart: NextPart: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded})
	tests := map[string]struct {
		err    error
		tag    lang.Tag
		status int
		detail string
	}{
		"stalled":             {stalled, lang.Spanish, 408, "La solicitud tardó demasiado en llegar."},
		"stalled, in English": {stalled, lang.English, 408, "The request took too long to arrive."},
		"cut":                 {io.ErrUnexpectedEOF, lang.Spanish, 400, "El formulario llegó incompleto o mal formado. Vuelve a enviarlo."},
		"cut, in English":     {io.ErrUnexpectedEOF, lang.English, 400, "The form arrived incomplete or malformed. Send it again."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var broken *brokenBodyError
			if !errors.As(brokenBody(test.err), &broken) {
				t.Fatal("is not broken")
			}

			got := broken.problem(test.tag)

			if got.Status != test.status || got.Detail != test.detail {
				t.Errorf("got %d %s, want %d %s", got.Status, got.Detail, test.status, test.detail)
			}
			if got := uploadOutcome(broken); got != uploadRefused {
				t.Errorf("counted as %s", got)
			}
		})
	}
	if err := brokenBody(nil); err != nil {
		t.Errorf("got %v for nothing", err)
	}
	if err := brokenBody(&http.MaxBytesError{}); !errors.Is(err, contest.ErrTooLarge) {
		t.Errorf("got %v for too many bytes", err)
	}
	if diff := cmp.Diff(uploadBroken, uploadOutcome(errors.New("the disk is full"))); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

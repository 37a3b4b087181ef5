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

// The metrics label the reasons of refused uploads with a bounded set of values, whatever a client sends.
func TestReasonsOfRefusals(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"too_large":    fmt.Errorf("wrapped: %w", contest.ErrTooLarge),
		"invalid_form": &contest.InvalidError{Fields: []contest.Field{{Name: "whatever", Fault: contest.Missing}}},
		"too_many":     &contest.TooManyError{},
		"":             errors.New("the disk is full"),
	} {
		if diff := cmp.Diff(want, refusedBecause(err)); diff != "" {
			t.Errorf("reason (-want +got):\n%s", diff)
		}
	}
}

// Broken bodies of kinds that would take half a minute to produce over a real connection.
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
			if got := refusedBecause(broken); got != "broken_body" {
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
}

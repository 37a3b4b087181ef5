package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/config"
	"risingstars/internal/jobs"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// If there is too little free disk space, an upload is refused before its body is sent. Everything else works.
func TestNoSpaceForUploads(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, nil)
	star := newPlayer(t, s.URL, "star@example.com")
	id := star.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{}))
	star.waitFor(t, s.URL, id, "processed")
	check(t, s.Stop())
	s = apptest.Start(t, apptest.Settings{"DATA_DIR": s.DataDir, "MIN_FREE_BYTES": "1000000000000000000"})

	for language, want := range map[string]string{
		"es": "Por ahora no queda espacio para más videos. Vuelve a probar más tarde.",
		"en": "There is no space for more videos right now. Try again later.",
	} {
		answer, detail := uploadHeaders(t, s.URL, star, language)
		if diff := cmp.Diff(http.StatusInsufficientStorage, answer.StatusCode); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff("application/problem+json", answer.Header.Get("Content-Type")); diff != "" {
			t.Errorf("type (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, detail); diff != "" {
			t.Errorf("detail (-want +got):\n%s", diff)
		}
	}
	if n := strings.Count(s.Log(), "no room: uploads are refused"); n != 1 {
		t.Errorf("the log says %d times that uploads are refused, want once", n)
	}
	star.publish(t, s.URL, id)
	fan := newPlayer(t, s.URL, "fan@example.com")
	check(t, fan.vote(s.URL, id))
	if diff := cmp.Diff(1, votes(t, s.URL)); diff != "" {
		t.Errorf("votes (-want +got):\n%s", diff)
	}
}

// uploadHeaders sends the header of an upload without its body, and reads the answer.
func uploadHeaders(tb testing.TB, url string, p player, language string) (answer *http.Response, detail string) {
	tb.Helper()
	conn := testserver.Dial(tb, strings.TrimPrefix(url, "http://"))
	must(fmt.Fprintf(conn, "POST /api/videos/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nAuthorization: Bearer %s\r\n"+
		"Accept-Language: %s\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n", p.token, language))(tb)
	answer = must(http.ReadResponse(bufio.NewReader(conn), nil))(tb)
	defer answer.Body.Close()
	var problem struct{ Detail string }
	check(tb, json.NewDecoder(answer.Body).Decode(&problem))
	return answer, problem.Detail
}

// No processing step may take longer than the grace time of the sweep, or the sweep would delete objects whose row is
// not committed.
func TestSweepWaitsForTheLongestJob(t *testing.T) {
	t.Parallel()
	field, ok := reflect.TypeFor[config.Settings]().FieldByName("SweepGrace")
	if !ok {
		t.Fatal("there is no such setting")
	}
	grace := must(time.ParseDuration(field.Tag.Get("default")))(t)
	if grace < 2*jobs.Longest {
		t.Errorf("it waits %s, a job may take %s", grace, jobs.Longest)
	}
}

package app_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// The site behaves the same whichever process answers: the session, the parts of an upload if DATA_DIR is shared, and
// the ranking after a vote.
func TestTheSiteOnAFleet(t *testing.T) {
	t.Parallel()
	f := newBase(t)
	dir := t.TempDir()
	a := apptest.Start(t, f.with(apptest.Settings{"DATA_DIR": dir, "WORKERS": "1", "LISTEN_ADDR": "127.0.0.1:0"}))
	b := apptest.Start(t, f.with(apptest.Settings{"DATA_DIR": dir, "WORKERS": "0", "LISTEN_ADDR": "127.0.0.1:0"}))
	here, there := newReader(t, a), newReader(t, b)
	there.http.Jar = here.http.Jar // cookies do not depend on the port
	here.post("/cuenta/registro", signUpForm("ana@example.com"))
	if _, body := there.do("GET", "/cuenta", nil); !strings.Contains(body, "ana@example.com") {
		t.Fatal("signed in at one, signed out at the other")
	}

	id := uploadInTurns(t, here, there, mediatest.Clip(t, mediatest.Spec{}))

	ana := must(signIn(a.URL, "ana@example.com"))(t)
	ana.waitFor(t, b.URL, id, "processed")
	there.post("/mis-videos/"+strconv.FormatInt(id, 10)+"/publicar", nil)
	luis := newReader(t, b)
	luis.post("/cuenta/registro", signUpForm("luis@example.com"))
	if _, body := here.do("GET", "/ranking", nil); !strings.Contains(body, `<td role="cell">0</td>`) {
		t.Errorf("before the vote: %s", body)
	}
	luis.post("/v/"+strconv.FormatInt(id, 10)+"/voto", nil)
	testserver.Eventually(t, "a vote at one moves the ranking of the other", func() bool {
		_, body := here.do("GET", "/ranking", nil)
		return strings.Contains(body, `<td role="cell">1</td>`+"\n      <td role=\"cell\" class=\"move\">")
	})
}

// uploadInTurns sends a file in parts, each to the other process than the part before, and returns the video's id.
func uploadInTurns(t *testing.T, here, there *reader, path string) (id int64) {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	made, body := here.do("POST", "/api/uploads/", nil, "Tus-Resumable", "1.0.0", "Upload-Length", strconv.Itoa(len(data)),
		"Upload-Metadata", "title "+base64.StdEncoding.EncodeToString([]byte("Bandeja")))
	if made.StatusCode != http.StatusCreated {
		t.Fatalf("got %s %s", made.Status, body)
	}
	var last *http.Response
	for offset := 0; offset < len(data); {
		here, there = there, here
		piece := data[offset:min(len(data), offset+len(data)/3)]
		last, body = here.do("PATCH", made.Header.Get("Location"), bytes.NewReader(piece), "Tus-Resumable", "1.0.0",
			"Upload-Offset", strconv.Itoa(offset), "Content-Type", "application/offset+octet-stream")
		if last.StatusCode != http.StatusNoContent {
			t.Fatalf("got %s %s", last.Status, body)
		}
		offset += len(piece)
	}
	id, err = strconv.ParseInt(last.Header.Get("Video-Id"), 10, 64)
	check(t, err)
	return id
}

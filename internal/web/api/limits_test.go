package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/testserver"
)

// limited starts a server with rate limits. The tests set the client's address by X-Forwarded-For.
func limited(t *testing.T, settings apptest.Settings) *apptest.Server {
	t.Helper()
	all := apptest.Settings{"WORKERS": "0", "RATE_LIMIT": "on", "TRUSTED_PROXIES": "127.0.0.1"}
	maps.Copy(all, settings)
	return apptest.Start(t, all)
}

// from sends a request from the given client address.
func (c client) from(address, method, path, body string) answer {
	return c.do(method, path, body, "X-Forwarded-For", address, "Content-Type", "application/json")
}

var tooMany = refusal{429, "Demasiados intentos. Espera un momento y vuelve a probar.", nil}

// The owner of an account can sign in, however many strangers guess the password.
func TestStrangersShutNobodyOut(t *testing.T) {
	t.Parallel()
	s := limited(t, apptest.Settings{"LIMIT_FAILED_SIGN_INS_BY_ACCOUNT": "10/1h", "LIMIT_FAILED_SIGN_INS": "5/1h"})
	p := newPlayer(t, s, "")
	statuses := map[int]int{}
	for i := range 20 {
		for range 4 {
			statuses[p.from(fmt.Sprintf("203.0.113.%d", i), "POST", "/api/auth/login", credentials(p.email, "guess")).status]++
		}
	}
	if statuses[401] < 10 || statuses[401] > 50 || statuses[401]+statuses[429] != 80 {
		t.Errorf("got %v, want a number of guesses and no more", statuses)
	}
	if got := p.from("198.51.100.1", "POST", "/api/auth/login", credentials(p.email, password)); got.status != 200 {
		t.Errorf("the owner: got %d: %s", got.status, got.body)
	}
	p.from("203.0.113.15", "POST", "/api/auth/login", credentials(p.email, password)).refuses(tooMany)
}

// Only wrong passwords are counted. The site's form and the API share the count.
func TestSignInsAreCountedTogether(t *testing.T) {
	t.Parallel()
	s := limited(t, apptest.Settings{"LIMIT_FAILED_SIGN_INS": "4/1h"})
	p := newPlayer(t, s, "")
	form := func(password string) int {
		got := p.do("POST", "/cuenta/entrar", "email="+p.email+"&password="+password, "Content-Type", "application/x-www-form-urlencoded")
		if after := got.header.Get("Retry-After"); (after != "") != (got.status == 429) {
			t.Errorf("with %d got Retry-After %q", got.status, after)
		}
		return got.status
	}
	for range 6 {
		signIn(p.client, p.email, password)
		if got := form(password); got != http.StatusSeeOther {
			t.Fatalf("the form: got %d", got)
		}
	}
	got := []int{form("guess"), form("guess")}
	for range 2 {
		got = append(got, p.postJSON("/api/auth/login", credentials(p.email, "guess")).status)
	}
	got = append(got, form(password))
	if diff := cmp.Diff([]int{401, 401, 401, 401, 429}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	p.postJSON("/api/auth/login", credentials(p.email, password)).refuses(tooMany)
}

func TestLimitsByAddress(t *testing.T) {
	t.Parallel()
	s := limited(t, apptest.Settings{
		"LIMIT_SIGN_UPS": "4/1h", "LIMIT_VOTES_BY_ADDRESS": "3/1h", "LIMIT_FAILED_SIGN_INS_BY_ADDRESS": "2/1h",
	})
	fans := []player{newPlayer(t, s, ""), newPlayer(t, s, ""), newPlayer(t, s, "")} // their address is 127.0.0.1
	c := visitor(t, s)
	steps := []struct {
		name, here, neighbour, elsewhere string
		method, path                     string
		body                             func() string
		allowed, of, status              int
	}{
		{"sign-ups", "203.0.113.1", "203.0.113.1", "203.0.113.2", "POST", "/api/auth/signup", func() string { return signUp(nil) }, 4, 6, 201},
		{"sign-ins", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "POST", "/api/auth/login", func() string { return credentials(email(), "guess") }, 2, 4, 401},
	}
	for _, step := range steps {
		statuses := map[int]int{}
		for range step.of {
			statuses[c.from(step.here, step.method, step.path, step.body()).status]++
		}
		if diff := cmp.Diff(map[int]int{step.status: step.allowed, 429: step.of - step.allowed}, statuses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		c.from(step.neighbour, step.method, step.path, step.body()).refuses(tooMany)
		if got := c.from(step.elsewhere, step.method, step.path, step.body()); got.status != step.status {
			t.Errorf("%s from elsewhere: got %d", step.name, got.status)
		}
	}
	var got []int
	for i, method := range []string{"POST", "DELETE", "POST", "POST"} {
		got = append(got, fans[i%3].from("203.0.113.1", method, "/api/public/videos/1/vote", "").status)
	}
	got = append(got, fans[0].from("203.0.113.2", "POST", "/api/public/videos/1/vote", "").status)
	if diff := cmp.Diff([]int{404, 404, 404, 429, 404}, got); diff != "" {
		t.Errorf("votes (-want +got):\n%s", diff)
	}
}

func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	s := limited(t, apptest.Settings{"UPLOADS_AT_ONCE": "2"})
	p, other := newPlayer(t, s, ""), newPlayer(t, s, "")
	kind, body := form(title("Triple"), video(clip(t)))
	begin := func() *conn {
		c := dial(t, s)
		c.write(head("POST", "/api/videos/upload", p.token, "Content-Type: "+kind, fmt.Sprintf("Content-Length: %d", len(body))))
		c.write(body[:len(body)/2])
		return c
	}
	first, second := begin(), begin()
	testserver.Eventually(t, "both have begun", func() bool {
		return strings.Contains(p.get("/metrics").body, "\nrisingstars_uploads_in_flight 2\n")
	})
	got := p.upload(title("Triple"), video(clip(t)))
	got.refuses(tooMany)
	if after := got.header.Get("Retry-After"); after != "10" {
		t.Errorf("got Retry-After %q, want 10", after)
	}
	other.uploaded("Triple")
	_ = first.Close()
	testserver.Eventually(t, "there is room again", func() bool { return p.upload(title("Triple"), video(clip(t))).status == 201 })
	second.write(body[len(body)/2:])
	if got := second.answer(); got.status != 201 {
		t.Errorf("the one that was under way: got %d: %s", got.status, got.body)
	}
}

// The unpublished bytes of a player are bounded, also for concurrent uploads. Public videos do not count.
func TestUnpublishedBytes(t *testing.T) {
	t.Parallel()
	s := limited(t, apptest.Settings{"MAX_UNPUBLISHED_BYTES": fmt.Sprint(2*len(clip(t)) + 10)})
	p, other := newPlayer(t, s, ""), newPlayer(t, s, "")
	noRoom := refusal{413, "Tus videos sin publicar ya ocupan todo el espacio permitido. Publica o elimina alguno.", nil}
	counts := race(6, func() int { return p.upload(title("Triple"), video(clip(t))).status })
	if diff := cmp.Diff(map[int]int{201: 2, 413: 4}, counts); diff != "" {
		t.Errorf("uploads at once (-want +got):\n%s", diff)
	}
	p.upload(title("Triple"), video(clip(t))).refuses(noRoom)
	p.in("en").upload(title("Triple"), video(clip(t))).refuses(refusal{413,
		"Your unpublished videos take all the space that is allowed. Publish or delete one.", nil})
	resumable := func(size int) answer {
		return p.post("/api/uploads", "Tus-Resumable", "1.0.0", "Upload-Length", fmt.Sprint(size), "Upload-Metadata", "title eA==")
	}
	resumable(len(clip(t))).refuses(noRoom)
	other.uploaded("Triple")
	process(t, s, look[int64](t, s, `SELECT min(id) FROM videos`))
	p.post(path("/api/videos/{id}/publish", look[int64](t, s, `SELECT min(id) FROM videos`)))
	if got := resumable(len(clip(t))); got.status != 201 {
		t.Errorf("after one is public: got %d: %s", got.status, got.body)
	}
	resumable(len(clip(t))).refuses(noRoom) // the running upload counts
	p.uploaded("Triple")
	if got := len(storedOriginals(t, s)); got != 4 {
		t.Errorf("%d originals are in storage, want 4", got)
	}
}

// With one password at a time, a sign-in that gets no slot is answered with 429, and other requests are served.
func TestPasswordsAtOnce(t *testing.T) {
	t.Parallel()
	s := limited(t, apptest.Settings{"PASSWORDS_AT_ONCE": "1", "PASSWORD_COST": "11", "LIMIT_FAILED_SIGN_INS": "100/1s"})
	p := newPlayer(t, s, "")
	served := make(chan int)
	go func() {
		n := 0
		for range 50 {
			if p.get("/api/public/rankings").status == 200 {
				n++
			}
		}
		served <- n
	}()
	var late atomic.Pointer[answer]
	counts := race(100, func() int {
		got := p.postJSON("/api/auth/login", credentials(p.email, password))
		if got.status == 429 {
			late.Store(&got)
		}
		return got.status
	})
	if counts[200] < 1 || counts[429] < 1 || counts[200]+counts[429] != 100 {
		t.Errorf("got %v, want some let in and the others asked to come again", counts)
	}
	if got := late.Load(); got != nil && got.header.Get("Retry-After") != "2" {
		t.Errorf("got Retry-After %q, want 2", got.header.Get("Retry-After"))
	}
	if n := <-served; n != 50 {
		t.Errorf("%d of 50 other requests were answered", n)
	}
}

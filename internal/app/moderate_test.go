package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// publicVideo uploads a video and publishes it without processing it.
func (p player) publicVideo(tb testing.TB, s *apptest.Server) (id int64) {
	tb.Helper()
	id = p.mustUpload(tb, s.URL, mediatest.Clip(tb, mediatest.Spec{Width: 160, Height: 120}))
	execute(tb, s.DataDir, `UPDATE videos SET status = 'processed', run = 'x' WHERE status = 'uploaded'`)
	p.publish(tb, s.URL, id)
	return id
}

// listed returns the ids of the public videos.
func listed(tb testing.TB, url string) (ids []int64) {
	tb.Helper()
	var rows []struct{ ID int64 }
	must(call(http.MethodGet, url+"/api/public/videos", "", "", nil, &rows))(tb)
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}

// An organizer hides a video while the server runs, and unhides it. Its owner sees the reason in both languages; all
// others do not find the video while it is hidden.
func TestVideosCommands(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "CONTACT": "estrellas@anb.example.org"})
	settings := apptest.Settings{"DATA_DIR": s.DataDir}
	ana, fan := newPlayer(t, s.URL, "ana@example.com"), newPlayer(t, s.URL, "fan@example.com")
	id := ana.publicVideo(t, s)
	check(t, fan.vote(s.URL, id))
	hide := []string{"videos", "hide", fmt.Sprint(id), "--reason=not her own", "--as=alba"}

	if _, err := run(t, settings, hide...); err == nil || !strings.Contains(err.Error(), "give --yes") {
		t.Errorf("with nobody to ask: got %v", err)
	}
	out := must(run(t, settings, append(hide, "--dry-run")...))(t)
	contains(t, out, `video 1, "Triple" of Ana Ruiz (player 1), would be hidden`, "votes for Ana Ruiz (player 1): 1 would be set aside", "no place, before: place 1, votes: 1")
	if v := ana.video(t, s.URL, id); v.Status != "public" {
		t.Errorf("a trial has made it %s", v.Status)
	}
	out = must(run(t, settings, append(hide, "--yes")...))(t)
	contains(t, out, "is hidden", ": 1 set aside")
	if _, err := run(t, settings, append(hide, "--yes")...); err == nil || !strings.Contains(err.Error(), "is hidden already") {
		t.Errorf("again: got %v", err)
	}

	testserver.Eventually(t, "the list is empty", func() bool { return len(listed(t, s.URL)) == 0 })
	if n := votes(t, s.URL); n != 0 {
		t.Errorf("the ranking has %d votes", n)
	}
	wantRefusals(t, s.URL, ana, fan, id)
	var own struct {
		Status string
		Hidden bool
		Votes  int
	}
	must(call(http.MethodGet, fmt.Sprintf("%s/api/videos/%d", s.URL, id), ana.token, "", nil, &own))(t)
	if own.Status != "processed" || !own.Hidden || own.Votes != 0 {
		t.Errorf("its owner sees %+v", own)
	}
	b := newReader(t, s)
	b.post("/cuenta/entrar", url.Values{"email": {ana.email}, "password": {password}})
	for language, want := range map[string]string{"es": "Retirado por la organización", "en": "Withdrawn by the organizers"} {
		_, page := b.do("GET", "/mis-videos", nil, "Accept-Language", language)
		contains(t, page, want, `. <a href="mailto:estrellas@anb.example.org">estrellas@anb.example.org</a>`)
		if strings.Contains(page, "/publicar") || strings.Contains(page, "/borrar") {
			t.Errorf("it may be published or deleted:\n%s", page)
		}
	}

	out = must(run(t, settings, "videos", "show", fmt.Sprint(id), "--reason=it is", "--yes"))(t)
	contains(t, out, "is public again", "place 1, votes: 1, before: no place")
	testserver.Eventually(t, "it is listed again", func() bool { return len(listed(t, s.URL)) == 1 && votes(t, s.URL) == 1 })
	out = must(run(t, settings, "audit", "--action=video_hidden"))(t)
	contains(t, out, "organizer", "alba: not her own")
	if _, err := run(t, settings, "videos", "show", "4711", "--reason=x", "--yes"); err == nil || !strings.Contains(err.Error(), "video 4711: there is no such video") {
		t.Errorf("a video that is not there: got %v", err)
	}
}

// wantRefusals checks which requests are refused for a hidden video.
func wantRefusals(t *testing.T, url string, owner, fan player, id int64) {
	t.Helper()
	public, own := fmt.Sprintf("%s/api/public/videos/%d/vote", url, id), fmt.Sprintf("%s/api/videos/%d", url, id)
	for _, test := range []struct {
		method, url string
		who         player
		status      int
		says        string
	}{
		{"POST", public, fan, 404, "Video not found"}, {"DELETE", public, fan, 404, "Video not found"},
		{"POST", own + "/publish", owner, 400, "La organización ha retirado este video"},
		{"DELETE", own, owner, 400, "La organización ha retirado este video"},
		{"GET", fmt.Sprintf("%s/v/%d", url, id), fan, 404, ""},
	} {
		status, err := call(test.method, test.url, test.who.token, "", nil, nil)
		if status != test.status || err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s %s: got %d, %v", test.method, test.url, status, err)
		}
	}
}

// A suspended account has no valid sessions or tokens, and sign-in says so. After reinstatement everything is as
// before, except for the sessions.
func TestAccountsCommands(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "CONTACT": "estrellas@anb.example.org"})
	settings := apptest.Settings{"DATA_DIR": s.DataDir}
	ana := newPlayer(t, s.URL, "ana@example.com")
	id := ana.publicVideo(t, s)
	b := newReader(t, s)
	b.post("/cuenta/entrar", url.Values{"email": {ana.email}, "password": {password}})

	out := must(run(t, settings, "accounts", "shut", "ANA@example.com", "--reason=bought votes", "--yes"))(t)

	contains(t, out, "the account of Ana Ruiz (player 1) is shut", "is hidden", "votes void --voter ANA@example.com")
	status, _ := call("GET", s.URL+"/api/auth/me", ana.token, "", nil, nil)
	if answer, _ := b.do("GET", "/mis-videos", nil); status != http.StatusUnauthorized || answer.Request.URL.Path != "/cuenta/entrar" {
		t.Errorf("still signed in: %d, %s", status, answer.Request.URL)
	}
	login := func(word string) (int, error) {
		return call("POST", s.URL+"/api/auth/login", "", "application/json", encode(map[string]string{"email": ana.email, "password": word}), nil)
	}
	if status, err := login(password); status != http.StatusForbidden || !strings.Contains(err.Error(), "La organización ha cerrado esta cuenta.") {
		t.Errorf("the right password: got %d, %v", status, err)
	}
	if status, err := login("another-one"); status != http.StatusUnauthorized || !strings.Contains(err.Error(), "Credenciales inválidas.") {
		t.Errorf("a wrong one: got %d, %v", status, err)
	}
	answer, page := b.post("/cuenta/entrar", url.Values{"email": {ana.email}, "password": {password}})
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("on the page: got %d", answer.StatusCode)
	}
	contains(t, page, `La organización ha cerrado esta cuenta. Si crees que es un error, escríbele. <a href="mailto:estrellas@anb.example.org">`)
	if answer, page := b.do("GET", "/p/1", nil); answer.StatusCode != http.StatusNotFound || strings.Contains(page, "Ana") {
		t.Errorf("its public page: got %d\n%s", answer.StatusCode, page)
	}
	testserver.Eventually(t, "the list is empty", func() bool { return len(listed(t, s.URL)) == 0 })

	out = must(run(t, settings, "accounts", "open", "1", "--reason=a mistake", "--yes"))(t)

	contains(t, out, "is open", "is public again")
	if answer, _ := b.do("GET", "/p/1", nil); answer.StatusCode != http.StatusOK {
		t.Errorf("its public page: got %d", answer.StatusCode)
	}
	again := must(signIn(s.URL, ana.email))(t)
	if v := again.video(t, s.URL, id); v.Status != "public" {
		t.Errorf("the video is %s", v.Status)
	}
	if _, err := run(t, settings, "accounts", "open", "1", "--reason=x", "--yes"); err == nil || !strings.Contains(err.Error(), "the account is not shut") {
		t.Errorf("a second time: got %v", err)
	}
	if _, err := run(t, settings, "accounts", "shut", "nobody@example.com", "--reason=x", "--yes"); err == nil {
		t.Error("nobody's account is shut")
	}
}

// Votes in a cluster that votes suspicious lists can be voided by its fields, and reinstated.
func TestVoidAndRestoreCommands(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	settings := apptest.Settings{"DATA_DIR": s.DataDir}
	id := newPlayer(t, s.URL, "ana@example.com").publicVideo(t, s)
	fan := player{}
	for i := range 3 {
		fan = newPlayer(t, s.URL, fmt.Sprintf("fan%d@example.com", i))
		check(t, fan.vote(s.URL, id))
	}
	table := must(run(t, settings, "votes", "suspicious", "--least=3"))(t)
	fields := strings.Fields(strings.Split(table, "\n")[1]) // player, two names, origin
	cluster := []string{"--player=" + fields[0], "--cluster=" + fields[3], "--reason=bought", "--yes"}
	void := func(args ...string) (string, error) {
		return run(t, settings, append([]string{"votes", "void"}, args...)...)
	}

	out := must(void(cluster...))(t)

	contains(t, out, "votes for Ana Ruiz (player 1): 3 void; in the ranking: place 1, votes: 0, before: place 1, votes: 3")
	testserver.Eventually(t, "the ranking follows", func() bool { return votes(t, s.URL) == 0 })
	if err := fan.vote(s.URL, id); err == nil || !strings.Contains(err.Error(), "already voted") {
		t.Errorf("given again: %v", err)
	}
	wantVoidVote(t, s, fan, id, true)
	contains(t, must(run(t, settings, "audit", "--action=votes_voided"))(t), "bought (3 votes from origin "+fields[3]+")")
	if _, err := void(cluster...); err == nil || !strings.Contains(err.Error(), "there are no such votes") {
		t.Errorf("a second time: %v", err)
	}
	for args, says := range map[string]string{
		"--reason=x": "name the votes by --cluster or by --voter", "--reason=x --video=1": "name the votes by --cluster or by --voter",
		"--reason=x --cluster=" + fields[3]: "--cluster needs --video or --player", "--reason=x --voter=nobody@example.com": "nobody has an account",
		"--reason=x --video=-1 --voter=2": "must not be negative", "--reason= --voter=2": "--reason: Is required.",
	} {
		if _, err := void(append(strings.Fields(args), "--yes")...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", args, err, says)
		}
	}
	out = must(run(t, settings, "votes", "restore", "--voter", fan.email, "--reason=a real fan", "--yes"))(t)
	contains(t, out, ": 1 no longer void", "place 1, votes: 1, before: place 1, votes: 0")
	wantVoidVote(t, s, fan, id, false)
}

// wantVoidVote checks whether a voter who presses the button again reads that the vote is void.
func wantVoidVote(t *testing.T, s *apptest.Server, fan player, id int64, void bool) {
	t.Helper()
	b := newReader(t, s)
	b.post("/cuenta/entrar", url.Values{"email": {fan.email}, "password": {password}})
	button := fmt.Sprintf("/v/%d/voto", id)
	answer, page := b.post(button, nil)
	if alone := answer.Request.URL.Path == button; alone != void {
		t.Errorf("a vote without scripts leads to %s", answer.Request.URL)
	}
	_, part := b.do("POST", button, nil, "HX-Request", "true")
	for way, body := range map[string]string{"without scripts": page, "with scripts": part} {
		if got := strings.Contains(body, "La organización anuló tu voto por este video"); got != void || !strings.Contains(body, `id="ballot"`) {
			t.Errorf("%s: that the vote is void is said: %t, want %t in\n%s", way, got, void, body)
		}
	}
}

// Failed sign-ins leave one line in the audit log when they are throttled, not one per attempt.
func TestSlowedSignInsAreNoted(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "RATE_LIMIT": "on", "LIMIT_FAILED_SIGN_INS": "3/1h"})
	check(t, signUp(s.URL, "ana@example.com"))
	for _, email := range []string{"ana@example.com", "nobody@example.com"} {
		for range 8 {
			_, err := call("POST", s.URL+"/api/auth/login", "", "application/json", encode(map[string]string{"email": email, "password": "a-guess-a-guess"}), nil)
			if err == nil {
				t.Fatal("a guess signs in")
			}
		}
	}

	out := must(run(t, apptest.Settings{"DATA_DIR": s.DataDir}, "audit", "--action=sign_in_slowed", "--json"))(t)

	if n := strings.Count(out, "\n"); n != 2 || strings.Count(out, `"player_id":1,`) != 1 || strings.Count(out, "from origin ") != 2 ||
		strings.Contains(out, "example.com") || strings.Contains(out, "127.0.0.1") {
		t.Errorf("got %d lines:\n%s", n, out)
	}
}

// In a fleet, a video that is hidden next to one process disappears from the other's list and media.
func TestAFleetHearsOfAHiddenVideo(t *testing.T) {
	t.Parallel()
	f := newBaseOnItsOwn(t)
	f.serveAll(2)
	one, two := f.web[0].url, f.web[1].url
	ana := newPlayer(t, one, "ana@example.com")
	id := ana.mustUpload(t, one, mediatest.Clip(t, mediatest.Spec{Width: 160, Height: 120}))
	f.markProcessed()
	ana.publish(t, one, id)
	testserver.Eventually(t, "the other has it", func() bool { return len(listed(t, two)) == 1 })
	clip := f.putClip(ana, two, id)
	if status, _, body := page(t, clip); status != http.StatusOK || body != "a clip" {
		t.Fatalf("the clip: got %d %s", status, body)
	}
	heard := f.redis.Client().PSubscribe(t.Context(), "*")
	defer func() { check(t, heard.Close()) }()
	must(heard.Receive(t.Context()))(t)

	testserver.Eventually(t, "Redis answers within the platform's limit", func() bool {
		if !strings.Contains(must(run(t, f.with(nil), "videos", "hide", fmt.Sprint(id), "--reason=not her own", "--yes"))(t), "redis does not answer") {
			return true
		}
		must(run(t, f.with(nil), "videos", "show", fmt.Sprint(id), "--reason=again", "--yes"))(t)
		return false
	})

	topics := map[string]bool{"videos": false, "votes": false}
	for !topics["videos"] || !topics["votes"] {
		message := testserver.Within(t, fmt.Sprintf("the processes are told of everything, so far: %v", topics), heard.Channel())
		for topic := range topics {
			topics[topic] = topics[topic] || strings.Contains(message.Payload, `"`+topic+`"`)
		}
	}
	testserver.Eventually(t, "it is gone from the other's list", func() bool { return len(listed(t, two)) == 0 })
	if status, _, _ := page(t, clip); status != http.StatusNotFound {
		t.Errorf("the clip of a hidden video: got %d", status)
	}
	f.postgres.Stop(syscall.SIGINT)
	if status, _, _ := page(t, clip); status != http.StatusServiceUnavailable {
		t.Errorf("while the database is away: got %d", status)
	}
	f.postgres.Start(t)
}

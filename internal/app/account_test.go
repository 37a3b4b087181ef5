package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// The account's page does the same as the API.
func TestTheSiteChangesAndDeletesAnAccount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	b, phone := newReader(t, s), newReader(t, s)
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	phone.post("/cuenta/entrar", url.Values{"email": {"ana@example.com"}, "password": {"salto-y-canasta"}})
	if _, page := b.do("GET", "/cuenta", nil); !strings.Contains(page, `action="/cuenta/clave"`) || !strings.Contains(page, `action="/cuenta/datos"`) ||
		!strings.Contains(page, `href="/cuenta/borrar"`) {
		t.Errorf("the account's page lacks a form:\n%s", page)
	}
	form := url.Values{"password": {"guess-guess"}, "password1": {"rebote-y-pase"}, "password2": {"rebote-y-pase"}}
	if answer, page := b.post("/cuenta/clave", form); answer.StatusCode != 403 || !strings.Contains(page, `id="password-fault"`) ||
		!strings.Contains(page, "No es la contraseña de esta cuenta.") || strings.Contains(page, "guess-guess") || !strings.Contains(page, `value="Rojas"`) {
		t.Errorf("a wrong password: got %d\n%s", answer.StatusCode, page)
	}
	form.Set("password", "salto-y-canasta")
	if answer, page := b.post("/cuenta/clave", form); answer.Request.URL.Path != "/cuenta" || !strings.Contains(page, "Contraseña cambiada.") {
		t.Errorf("the right one: got %s\n%s", answer.Request.URL, page)
	}
	if answer, _ := phone.do("GET", "/cuenta", nil); answer.Request.URL.Path != "/cuenta/entrar" {
		t.Errorf("the phone is still signed in: %s", answer.Request.URL)
	}
	answer, text := b.post("/cuenta/datos", nil)
	var export struct{ Profile struct{ Email string } }
	if err := json.Unmarshal([]byte(text), &export); err != nil || export.Profile.Email != "ana@example.com" ||
		!strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the data: %v, %v\n%s", err, answer.Header, text)
	}
	if answer, _ := b.do("GET", "/cuenta/borrar", nil); answer.StatusCode != 200 {
		t.Errorf("asking before: got %d", answer.StatusCode)
	}
	if answer, _ := b.post("/cuenta/borrar", url.Values{"password": {"salto-y-canasta"}}); answer.StatusCode != 403 {
		t.Errorf("with the old password: got %d", answer.StatusCode)
	}
	if answer, _ := b.do("POST", "/cuenta/borrar", strings.NewReader("password=rebote-y-pase"), "Origin", "https://evil.example",
		"Sec-Fetch-Site", "cross-site", "Content-Type", "application/x-www-form-urlencoded"); answer.StatusCode != 403 {
		t.Errorf("from another site: got %d", answer.StatusCode)
	}
	const gone = "Tu cuenta y tus datos han sido eliminados."
	for name, somebody := range map[string]*reader{"a member": b, "a visitor": newReader(t, s)} {
		if _, page := somebody.do("GET", "/?adios=1", nil); strings.Contains(page, gone) {
			t.Errorf("%s who follows a link is told that the account is gone", name)
		}
	}
	if answer, page := b.post("/cuenta/borrar", url.Values{"password": {"rebote-y-pase"}}); answer.Request.URL.Path != "/" ||
		!strings.Contains(page, gone) {
		t.Errorf("leaving leads to %s, %d:\n%s", answer.Request.URL, answer.StatusCode, page)
	}
	if _, page := b.do("GET", "/", nil); strings.Contains(page, gone) {
		t.Error("it is told twice")
	}
	if answer, _ := b.do("GET", "/cuenta", nil); answer.Request.URL.Path != "/cuenta/entrar" {
		t.Errorf("afterwards: %s", answer.Request.URL)
	}
	if answer, _ := b.do("GET", "/p/1", nil); answer.StatusCode == http.StatusOK {
		t.Error("the public page is still there")
	}
	b.post("/cuenta/entrar", url.Values{"email": {"ana@example.com"}, "password": {"rebote-y-pase"}})
	if answer, _ := b.do("GET", "/cuenta", nil); answer.Request.URL.Path != "/cuenta/entrar" {
		t.Error("whoever has left can sign in")
	}
}

// After the process is killed during account deletions, each account is complete or deleted, the counts are right,
// and no media of deleted accounts remain.
func TestKilledWhileAccountsAreDeleted(t *testing.T) {
	t.Parallel()
	clip := mediatest.Clip(t, mediatest.Spec{Width: 160, Height: 120})
	dir := t.TempDir()
	settings := apptest.Settings{"DATA_DIR": dir, "WORKERS": "0", "PASSWORD_COST": "4", "RATE_LIMIT": "off"}
	p := serve(t, settings)
	var people []player
	for i := range 8 {
		person := newPlayer(t, p.url, fmt.Sprintf("p%d@example.com", i))
		person.mustUpload(t, p.url, clip)
		people = append(people, person)
	}
	acknowledged := make(chan player, len(people))
	var leaving sync.WaitGroup
	for _, person := range people {
		leaving.Go(func() {
			status, _ := call("POST", p.url+"/api/auth/delete", person.token, "application/json", strings.NewReader(`{"password": "salto-y-canasta"}`), nil)
			if status == http.StatusOK {
				acknowledged <- person
			}
		})
	}
	gone := []player{<-acknowledged}
	p.kill() // while the other deletions run
	leaving.Wait()
	close(acknowledged)
	for person := range acknowledged {
		gone = append(gone, person)
	}

	s := apptest.Start(t, settings)

	left := 0
	for _, person := range people {
		status, _ := call("GET", s.URL+"/api/videos", person.token, "", nil, nil)
		if status == http.StatusOK {
			left++
		} else if status != http.StatusUnauthorized {
			t.Errorf("got %d", status)
		}
	}
	originals := func() int {
		found, err := filepath.Glob(filepath.Join(dir, "media", "videos", "*", "original.*"))
		check(t, err)
		return len(found)
	}
	testserver.Eventually(t, "the media of those who are gone are gone", func() bool { return originals() == left })
	for _, person := range gone {
		if status, _ := call("GET", s.URL+"/api/videos", person.token, "", nil, nil); status != http.StatusUnauthorized {
			t.Errorf("%s was told that the account is gone, and it is there", person.email)
		}
	}
	t.Logf("%d of %d accounts are left; %d were told that theirs is gone", left, len(people), len(gone))
}

// An organizer resets the password of a player on a running server, which ends the player's sessions.
func TestPasswordCommand(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	ana, settings := newPlayer(t, s.URL, "ana@example.com"), apptest.Settings{"DATA_DIR": s.DataDir, "PASSWORD_COST": "4"}

	out, err := run(t, settings, "password", "ANA@example.com")

	check(t, err)
	contains(t, out, "the password of Ana Ruiz, player 1,")
	given, _, _ := strings.Cut(out, "\n")
	if status, _ := call("GET", s.URL+"/api/auth/me", ana.token, "", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("the old token: got %d", status)
	}
	if _, err := signIn(s.URL, "ana@example.com"); err == nil {
		t.Error("the old password signs in")
	}
	status, err := call("POST", s.URL+"/api/auth/login", "", "application/json", encode(map[string]string{"email": "ana@example.com", "password": given}), nil)
	if status != http.StatusOK {
		t.Errorf("the new password: got %v", err)
	}
	page, err := run(t, settings, "audit", "--action=password_changed")
	check(t, err)
	contains(t, page, "organizer")
	if _, err := run(t, settings, "password", "nobody@example.com"); err == nil || !strings.Contains(err.Error(), "nobody has an account") {
		t.Errorf("of nobody: got %v", err)
	}
}

func TestAuditAndVotesCommands(t *testing.T) {
	t.Parallel()
	settings := apptest.Settings{"DATA_DIR": t.TempDir(), "WORKERS": "0", "ORGANIZER_PASSWORD": "0123456789abcdef"}
	s := apptest.Start(t, settings)
	ana := newPlayer(t, s.URL, "ana@example.com")
	id := ana.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{Width: 160, Height: 120}))
	execute(t, s.DataDir, `UPDATE videos SET status = 'processed', run = 'x'`)
	ana.publish(t, s.URL, id)
	for i := range 3 {
		check(t, newPlayer(t, s.URL, fmt.Sprintf("fan%d@example.com", i)).vote(s.URL, id))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/organizers/jobs/api/jobs/retry", strings.NewReader(`{"ids": ["1"]}`))
	check(t, err)
	r.SetBasicAuth("organizer", "0123456789abcdef")
	answer, err := (&http.Client{}).Do(r)
	check(t, err)
	check(t, answer.Body.Close())

	out, err := run(t, settings, "audit", "--json")
	check(t, err)

	type line struct {
		ID       int64
		Actor    string
		Action   string
		PlayerID int64 `json:"player_id"`
		Detail   string
	}
	var lines []line
	for text := range strings.Lines(out) {
		var l line
		check(t, json.Unmarshal([]byte(text), &l))
		lines = append(lines, l)
	}
	want := []line{
		{10, "organizer", "queue_changed", 0, "POST /organizers/jobs/api/jobs/retry"},
		{9, "player", "signed_in", 4, ""}, {8, "player", "signed_up", 4, ""}, {7, "player", "signed_in", 3, ""},
		{6, "player", "signed_up", 3, ""}, {5, "player", "signed_in", 2, ""}, {4, "player", "signed_up", 2, ""},
		{3, "player", "video_published", 1, ""}, {2, "player", "signed_in", 1, ""}, {1, "player", "signed_up", 1, ""},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	page, err := run(t, settings, "audit", "--limit=2")
	check(t, err)
	contains(t, page, "ID", "queue_changed", "The next page: --before=9")
	page, err = run(t, settings, "audit", "--before=9", "--action=signed_in", "--player=2")
	check(t, err)
	if !strings.Contains(page, "signed_in") || strings.Contains(page, "next page") || strings.Contains(page, "ana@") {
		t.Errorf("got\n%s", page)
	}
	page, err = run(t, settings, "audit", "--action=account_deleted")
	check(t, err)
	contains(t, page, "There are no such lines.")
	if _, err = run(t, settings, "audit", "--action=sign_in"); err == nil ||
		!strings.Contains(err.Error(), "--action sign_in is none; the actions are: signed_up, signed_in, sign_in_slowed,") {
		t.Errorf("a word that is no action: got %v", err)
	}
	if _, err = run(t, settings, "audit", "--limit=0"); err == nil {
		t.Error("a limit of 0 is taken")
	}

	page, err = run(t, settings, "votes", "suspicious")
	check(t, err)
	contains(t, page, "Nothing looks suspicious.")
	page, err = run(t, settings, "votes", "suspicious", "--least=3")
	check(t, err)
	contains(t, page, "PLAYER", "YOUNG")
	page, err = run(t, settings, "votes", "suspicious", "--least=3", "--json")
	check(t, err)
	contains(t, page, `"player_id":1`, `"young_votes":3`, `"votes":3`, `"all_votes":3`)
	for _, private := range []string{"127.0.0.1", "@example.com"} {
		if strings.Contains(page, private) {
			t.Errorf("it shows %s: %s", private, page)
		}
	}
	if _, err = run(t, settings, "votes", "suspicious", "--least=0"); err == nil {
		t.Error("none is enough")
	}
}

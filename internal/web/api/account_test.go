package api_test

import (
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
)

func newPassword(old, first, second string) string {
	return text(map[string]string{"password": old, "password1": first, "password2": second})
}

const another = "rebote-y-pase"

// A new password ends all tokens and sessions, except the token in the answer.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	p, other := newPlayer(t, shared(), ""), newPlayer(t, shared(), "")
	second := p
	second.token = signIn(p.client, p.email, password)
	site := p.do("POST", "/cuenta/entrar", "email="+p.email+"&password="+password, "Content-Type", "application/x-www-form-urlencoded")
	cookie, _, _ := strings.Cut(site.header.Get("Set-Cookie"), ";")
	signedIn := func() bool { return visitor(t, shared()).get("/cuenta", "Cookie", cookie).status == http.StatusOK }
	if !signedIn() {
		t.Fatal("the site does not sign in")
	}

	got := p.postJSON("/api/auth/password", newPassword(password, another, another))

	var body struct {
		Token string `json:"access_token"`
	}
	got.decode(200, &body)
	got.is(200, text(map[string]any{"access_token": body.Token, "token_type": "bearer", "expires_in": 3600}))
	if cache := got.header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("got Cache-Control %q", cache)
	}
	for _, old := range []player{p, second} {
		old.get("/api/auth/me").refuses(unauthorized)
		old.post("/api/public/videos/1/vote").refuses(unauthorized)
		old.post("/api/uploads", "Tus-Resumable", "1.0.0", "Upload-Length", "1").refuses(unauthorized)
	}
	if signedIn() {
		t.Error("the session on the site goes on")
	}
	p.token = body.Token
	if got := p.get("/api/auth/me"); got.status != 200 {
		t.Errorf("the new token: got %d: %s", got.status, got.body)
	}
	p.postJSON("/api/auth/login", credentials(p.email, password)).refuses(refusal{401, "Credenciales inválidas.", nil})
	signIn(p.client, p.email, another)
	if got := other.get("/api/auth/me"); got.status != 200 {
		t.Errorf("another player: got %d", got.status)
	}
}

func TestChangePasswordRefuses(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	tests := map[string]struct {
		body string
		want refusal
	}{
		"a wrong password":  {newPassword("guess-guess", another, another), refusal{403, "La contraseña no es la de esta cuenta.", nil}},
		"that differ":       {newPassword(password, another, password), refusal{400, "Las contraseñas no coinciden.", nil}},
		"too short":         {newPassword(password, "corta", "corta"), refusal{422, invalid, []fault{{"body.password1", "Debe tener al menos 8 caracteres."}}}},
		"too many bytes":    {newPassword(password, strings.Repeat("ñ", 37), strings.Repeat("ñ", 37)), refusal{422, invalid, []fault{{"body.password1", "Puede ocupar como máximo 72 bytes."}}}},
		"blank":             {newPassword(password, strings.Repeat(" ", 9), strings.Repeat(" ", 9)), refusal{422, invalid, []fault{{"body.password1", "No puede estar en blanco."}}}},
		"without the old":   {`{"password1": "rebote-y-pase", "password2": "rebote-y-pase"}`, refusal{422, invalid, []fault{{"body.password", "Es obligatorio."}}}},
		"with an empty old": {newPassword("", another, another), refusal{422, invalid, []fault{{"body.password", "Debe tener al menos 1 caracteres."}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.as(t).postJSON("/api/auth/password", test.body).refuses(test.want)
		})
	}
	p.in("en").postJSON("/api/auth/password", newPassword("guess-guess", another, another)).
		refuses(refusal{403, "The password is not this account's.", nil})
	if got := p.get("/api/auth/me"); got.status != 200 {
		t.Errorf("the token is over: %d", got.status)
	}
}

// A stolen token cannot be used to guess the password.
func TestGuessesWithAToken(t *testing.T) {
	t.Parallel()
	s := limited(t, apptest.Settings{"LIMIT_FAILED_SIGN_INS": "4/1h"})
	p := newPlayer(t, s, "")
	var got []int
	for range 2 {
		got = append(got, p.postJSON("/api/auth/password", newPassword("guess-guess", another, another)).status)
		got = append(got, p.postJSON("/api/auth/delete", `{"password": "guess"}`).status)
	}
	got = append(got, p.postJSON("/api/auth/delete", `{"password": "`+password+`"}`).status)
	if diff := cmp.Diff([]int{403, 403, 403, 403, 429}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p, star, fan := newPlayer(t, s, "Cali"), newPlayer(t, s, "Cali"), newPlayer(t, s, "")
	mine, theirs := published(t, s, p, "Triple"), published(t, s, star, "Bandeja")
	unpublished := p.uploaded("Clavada")
	p.post(path("/api/public/videos/{id}/vote", theirs))
	fan.post(path("/api/public/videos/{id}/vote", theirs))
	fan.post(path("/api/public/videos/{id}/vote", mine))
	clipURL := p.detail(mine).Processed
	if got := p.get(clipURL); got.status != 200 {
		t.Fatalf("the clip: got %d", got.status)
	}
	p.postJSON("/api/auth/delete", `{"password": "guess"}`).refuses(refusal{403, "La contraseña no es la de esta cuenta.", nil})

	p.postJSON("/api/auth/delete", text(map[string]string{"password": password})).
		is(200, `{"message": "Tu cuenta y tus datos han sido eliminados."}`)

	p.get("/api/auth/me").refuses(unauthorized)
	p.postJSON("/api/auth/delete", text(map[string]string{"password": password})).refuses(unauthorized)
	p.postJSON("/api/auth/login", credentials(p.email, password)).refuses(refusal{401, "Credenciales inválidas.", nil})
	p.get(clipURL).refuses(noVideo)
	fan.post(path("/api/public/videos/{id}/vote", mine)).refuses(noVideo)
	for _, id := range []int64{mine, unpublished} {
		fan.get(path("/api/videos/{id}", id)).refuses(noVideo)
	}
	fan.get("/api/public/rankings").is(200, text([]any{map[string]any{"position": 1, "username": star.name, "city": "Cali", "votes": 1}}))
	var public []struct {
		ID    int64
		Votes int
	}
	fan.get("/api/public/videos").decode(200, &public)
	if len(public) != 1 || public[0].ID != theirs || public[0].Votes != 1 {
		t.Errorf("public videos: got %+v", public)
	}
	if got := storedOriginals(t, s); len(got) != 1 {
		t.Errorf("in storage are still %v", got)
	}
	if left, _ := filepath.Glob(filepath.Join(s.DataDir, "media", "videos", "*")); len(left) != 1 {
		t.Errorf("in storage are still %v", left)
	}
	// The email is free again. A new account with it has another id and none of the old data.
	again := visitor(t, s).postJSON("/api/auth/signup", signUp(map[string]any{"email": p.email}))
	var profile struct{ ID int64 }
	again.decode(201, &profile)
	if profile.ID <= fan.id {
		t.Errorf("an id was given out again: %d", profile.ID)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p, other := newPlayer(t, s, "Cali"), newPlayer(t, s, "")
	mine, waiting, theirs := published(t, s, p, "Triple"), p.uploaded("Clavada"), published(t, s, other, "Bandeja")
	p.post(path("/api/public/videos/{id}/vote", theirs))
	other.post(path("/api/public/videos/{id}/vote", mine))
	p.do("POST", "/cuenta/entrar", "email="+p.email+"&password="+password, "Content-Type", "application/x-www-form-urlencoded")
	p.post("/api/uploads", "Tus-Resumable", "1.0.0", "Upload-Length", "9", "Upload-Metadata", "title R2FuY2hv,filetype dmlkZW8vbXA0")

	got := p.get("/api/auth/export")

	// The export has the origin of the vote and the age of the account, which is at most ten minutes.
	var kept struct {
		Votes []struct {
			Origin     string
			AccountAge int `json:"account_age"`
		}
	}
	got.decode(200, &kept)
	if len(kept.Votes) != 1 || len(kept.Votes[0].Origin) != 22 || kept.Votes[0].AccountAge > 600 {
		t.Fatalf("votes: got %+v", kept.Votes)
	}

	first, last, _ := strings.Cut(p.name, " ")
	video := func(id int64, title, status string, votes int, more map[string]any) map[string]any {
		v := map[string]any{
			"video_id": id, "title": title, "status": status, "uploaded_at": "TIME", "processed_at": nil, "processed_url": nil,
			"original_url": "signed original.mp4", "poster_url": nil, "votes": votes, "bytes": len(clip(t)), "published_at": nil,
		}
		return with(v, more)
	}
	act := func(action string, video any) map[string]any {
		return map[string]any{"at": "TIME", "by": "player", "action": action, "video_id": video}
	}
	got.is(200, text(map[string]any{
		"profile": map[string]any{
			"id": p.id, "first_name": first, "last_name": last, "email": p.email, "city": "Cali", "country": "Colombia", "created_at": "TIME",
			"generation": 0,
		},
		"videos": []any{
			video(waiting, "Clavada", "uploaded", 0, nil),
			video(mine, "Triple", "public", 1, map[string]any{
				"processed_at": "TIME", "processed_url": "open clip.mp4", "poster_url": "open poster.jpg", "published_at": "TIME",
			}),
		},
		"votes": []any{map[string]any{
			"video_id": theirs, "title": "Bandeja", "voted_at": "TIME", "counts": true, "origin": kept.Votes[0].Origin, "account_age": kept.Votes[0].AccountAge,
		}},
		"sessions": []any{map[string]any{"generation": 0, "expires_at": "TIME"}},
		"uploads":  []any{map[string]any{"title": "Gancho", "media_type": "video/mp4", "bytes": 9, "video_id": nil, "expires_at": "TIME"}},
		"activity": []any{act("data_exported", nil), act("signed_in", nil), act("video_published", mine), act("signed_in", nil), act("signed_up", nil)},
	}))
	if name := got.header.Get("Content-Disposition"); name != `attachment; filename="risingstars.json"` {
		t.Errorf("got Content-Disposition %q", name)
	}
	if cache := got.header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("got Cache-Control %q", cache)
	}
	if strings.Contains(got.body, other.email) {
		t.Error("it has another player's data")
	}
}

// After a change of SECRET_KEY, tokens stay valid while the old key is configured, and no longer.
func TestSecretsAreChanged(t *testing.T) {
	t.Parallel()
	const next = "another secret of 32 characters or more, 0123456789"
	dir := t.TempDir()
	start := func(settings apptest.Settings) *apptest.Server {
		settings["DATA_DIR"], settings["WORKERS"] = dir, "0"
		return apptest.Start(t, settings)
	}
	on := func(p player, s *apptest.Server) player {
		p.url = s.URL
		return p
	}
	first := start(apptest.Settings{"SECRET_KEY": secret})
	p := newPlayer(t, first, "")
	id := p.uploaded("Triple")
	link := strings.TrimPrefix(p.detail(id).Original, first.URL)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := start(apptest.Settings{"SECRET_KEY": next, "SECRET_KEY_OLD": secret})
	old := on(p, second)
	if got := []int{old.get("/api/auth/me").status, old.get(link).status}; !cmp.Equal(got, []int{200, 200}) {
		t.Errorf("with the old secret named: got %v", got)
	}
	fresh := old
	fresh.token = signIn(old.client, p.email, password)
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	third := start(apptest.Settings{"SECRET_KEY": next})
	on(p, third).get("/api/auth/me").refuses(unauthorized)
	on(p, third).get(link).refuses(noVideo)
	if got := on(fresh, third).get("/api/auth/me").status; got != 200 {
		t.Errorf("a token of the new secret: got %d", got)
	}
}

// The origin of a vote is stored as a hash and not shown publicly.
func TestVotesKeepTheirOrigin(t *testing.T) {
	t.Parallel()
	s := limited(t, nil)
	owner := newPlayer(t, s, "")
	id := published(t, s, owner, "Triple")
	vote := path("/api/public/videos/{id}/vote", id)
	addresses := []string{"203.0.113.1", "203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8::2"}
	origins := map[string]string{}
	for i, address := range addresses {
		fan := newPlayer(t, s, "")
		got := fan.from(address, "POST", vote, "")
		got.is(200, text(map[string]any{"message": "Vote successfully registered", "votes": i + 1}))
		origin := look[string](t, s, `SELECT origin FROM votes WHERE voter_id = $1`, fan.id)
		if len(origin) != 22 || strings.Contains(origin, "203") {
			t.Errorf("the origin of %s is %q", address, origin)
		}
		origins[strconv.Itoa(i)] = origin
		if age := look[int](t, s, `SELECT voter_age FROM votes WHERE voter_id = $1`, fan.id); age < 0 || age > 60 {
			t.Errorf("the voter's account is %d seconds old", age)
		}
	}
	if origins["0"] != origins["1"] || origins["0"] == origins["2"] || origins["3"] != origins["4"] {
		t.Errorf("got %v", origins)
	}
	for _, page := range []string{"/api/public/videos", "/api/public/rankings", path("/api/videos/{id}", id), "/api/auth/export", "/metrics", "/v/1", "/ranking"} {
		body := owner.get(page).body
		for i, address := range addresses {
			if strings.Contains(body, origins[strconv.Itoa(i)]) || strings.Contains(body, address) {
				t.Errorf("%s tells where votes come from", page)
			}
		}
	}
}

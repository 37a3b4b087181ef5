package contest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

func form(change func(*contest.SignUp)) contest.SignUp {
	f := contest.SignUp{
		FirstName: "Valentina", LastName: "Ríos", Email: "valentina@example.org",
		Password1: "una clave larga", Password2: "una clave larga", City: "Bogotá", Country: "Colombia",
	}
	change(&f)
	return f
}

func TestSignUpAccepts(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*contest.SignUp){
		"everything given":                   func(*contest.SignUp) {},
		"no city and no country":             func(f *contest.SignUp) { f.City, f.Country = "", "" },
		"blank city":                         func(f *contest.SignUp) { f.City = " \t " },
		"first name of one character":        func(f *contest.SignUp) { f.FirstName = "Ñ" },
		"first name of 100 characters":       func(f *contest.SignUp) { f.FirstName = strings.Repeat("ñ", 100) },
		"last name of 100 characters":        func(f *contest.SignUp) { f.LastName = strings.Repeat("界", 100) },
		"city of 100 characters":             func(f *contest.SignUp) { f.City = strings.Repeat("á", 100) },
		"country of 100 characters":          func(f *contest.SignUp) { f.Country = strings.Repeat("á", 100) },
		"100 characters and blanks around":   func(f *contest.SignUp) { f.LastName = "  " + strings.Repeat("a", 100) + "\n" },
		"password of 8 characters":           func(f *contest.SignUp) { f.Password1, f.Password2 = "12345678", "12345678" },
		"password of 8 multibyte characters": func(f *contest.SignUp) { f.Password1, f.Password2 = "ñandúesü", "ñandúesü" },
		"password of 72 bytes": func(f *contest.SignUp) {
			f.Password1, f.Password2 = strings.Repeat("x", 72), strings.Repeat("x", 72)
		},
		"password of 72 bytes in 36 characters": func(f *contest.SignUp) {
			f.Password1, f.Password2 = strings.Repeat("ñ", 36), strings.Repeat("ñ", 36)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f := form(change)

			got, err := w.players.SignUp(t.Context(), f)
			check(t, err)

			want := contest.Player{
				ID: 1, FirstName: strings.TrimSpace(f.FirstName), LastName: strings.TrimSpace(f.LastName), Email: f.Email,
				City: strings.TrimSpace(f.City), Country: strings.TrimSpace(f.Country), CreatedAt: start,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("player (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignUpNamesEveryBadField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ñ", 101)
	both := func(password string) func(*contest.SignUp) {
		return func(f *contest.SignUp) { f.Password1, f.Password2 = password, password }
	}
	tests := map[string]struct {
		change func(*contest.SignUp)
		want   []contest.Field
	}{
		"first name absent":          {func(f *contest.SignUp) { f.FirstName = "" }, []contest.Field{{"first_name", contest.Missing, 0}}},
		"first name blank":           {func(f *contest.SignUp) { f.FirstName = " \t\u00a0\u2003" }, []contest.Field{{"first_name", contest.Blank, 0}}},
		"first name too long":        {func(f *contest.SignUp) { f.FirstName = long }, []contest.Field{{"first_name", contest.TooLong, 100}}},
		"first name in two lines":    {func(f *contest.SignUp) { f.FirstName = "Ana\nMaría" }, []contest.Field{{"first_name", contest.NotText, 0}}},
		"first name not UTF-8":       {func(f *contest.SignUp) { f.FirstName = "Ana\xff" }, []contest.Field{{"first_name", contest.NotText, 0}}},
		"last name absent":           {func(f *contest.SignUp) { f.LastName = "" }, []contest.Field{{"last_name", contest.Missing, 0}}},
		"last name blank":            {func(f *contest.SignUp) { f.LastName = "  " }, []contest.Field{{"last_name", contest.Blank, 0}}},
		"last name too long":         {func(f *contest.SignUp) { f.LastName = long }, []contest.Field{{"last_name", contest.TooLong, 100}}},
		"last name with NUL":         {func(f *contest.SignUp) { f.LastName = "Rí\x00os" }, []contest.Field{{"last_name", contest.NotText, 0}}},
		"city too long":              {func(f *contest.SignUp) { f.City = long }, []contest.Field{{"city", contest.TooLong, 100}}},
		"city with escape":           {func(f *contest.SignUp) { f.City = "Bogo\x1b[31mtá" }, []contest.Field{{"city", contest.NotText, 0}}},
		"country too long":           {func(f *contest.SignUp) { f.Country = long }, []contest.Field{{"country", contest.TooLong, 100}}},
		"country with DEL":           {func(f *contest.SignUp) { f.Country = "Col\x7fombia" }, []contest.Field{{"country", contest.NotText, 0}}},
		"email absent":               {func(f *contest.SignUp) { f.Email = "" }, []contest.Field{{"email", contest.Missing, 0}}},
		"email wrong":                {func(f *contest.SignUp) { f.Email = "valentina" }, []contest.Field{{"email", contest.NotEmail, 0}}},
		"password absent":            {both(""), []contest.Field{{"password1", contest.Missing, 0}, {"password2", contest.Missing, 0}}},
		"password not repeated":      {func(f *contest.SignUp) { f.Password2 = "" }, []contest.Field{{"password2", contest.Missing, 0}}},
		"password blank":             {both("         "), []contest.Field{{"password1", contest.Blank, 0}}},
		"password of 7 characters":   {both("1234567"), []contest.Field{{"password1", contest.TooShort, 8}}},
		"password of 7 in 14 bytes":  {both(strings.Repeat("ñ", 7)), []contest.Field{{"password1", contest.TooShort, 8}}},
		"password of 73 bytes":       {both(strings.Repeat("x", 73)), []contest.Field{{"password1", contest.TooBig, 72}}},
		"password of 37 in 74 bytes": {both(strings.Repeat("ñ", 37)), []contest.Field{{"password1", contest.TooBig, 72}}},
		"passwords bad and different": {
			func(f *contest.SignUp) { f.Password1, f.Password2 = "short", "other" },
			[]contest.Field{{"password1", contest.TooShort, 8}},
		},
		"all of it": {func(f *contest.SignUp) { *f = contest.SignUp{City: long, Country: "\x00"} }, []contest.Field{
			{"first_name", contest.Missing, 0}, {"last_name", contest.Missing, 0}, {"email", contest.Missing, 0},
			{"city", contest.TooLong, 100}, {"country", contest.NotText, 0}, {"password1", contest.Missing, 0},
			{"password2", contest.Missing, 0},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)

			_, err := w.players.SignUp(t.Context(), form(test.change))

			var invalid *contest.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v, want an *InvalidError", err)
			}
			if diff := cmp.Diff(test.want, invalid.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if n := w.rows(t, "players"); n != 0 {
				t.Errorf("%d players are there", n)
			}
		})
	}
}

func TestSignUpEmails(t *testing.T) {
	t.Parallel()
	domain := strings.Repeat("a.", 93) + "co" // 188 bytes
	tests := []struct {
		email string
		good  bool
	}{
		{"a@b.co", true},
		{"  a@b.co\n", true}, // trimmed
		{"first.last+tag@sub.example.org", true},
		{"o'brien_x-1@example.com", true},
		{"josé@example.com", true},
		{"UPPER@EXAMPLE.COM", true},
		{strings.Repeat("l", 64) + "@b.co", true},
		{strings.Repeat("l", 65) + "@b.co", false},
		{strings.Repeat("l", 64) + "@a" + domain, true}, // 254 bytes
		{strings.Repeat("l", 64) + "@aa" + domain, false},
		{"plain", false},
		{"@b.co", false},
		{"a@", false},
		{"a@b", false},
		{"a@b..co", false},
		{"a@.b.co", false},
		{"a@b.co.", false},
		{"a@-b.co", false},
		{"a@b-.co", false},
		{".a@b.co", false},
		{"a..b@c.co", false},
		{"a b@c.co", false},
		{`"a b"@c.co`, false},
		{"a@b@c.co", false},
		{"a@b c.co", false},
		{"Ana <a@b.co>", false},
		{"<a@b.co>", false},
		{"a@b.co (Ana)", false},
		{"a@b.co, c@d.co", false},
		{"a@[127.0.0.1]", false},
		{"a@b.co\r\nBcc: c@d.co", false},
		{"a\x00@b.co", false},
		{"a\xff@b.co", false},
	}
	for _, test := range tests {
		t.Run(test.email, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)

			p, err := w.players.SignUp(t.Context(), form(func(f *contest.SignUp) { f.Email = test.email }))

			if !test.good {
				want := []contest.Field{{"email", contest.NotEmail, 0}}
				var invalid *contest.InvalidError
				if !errors.As(err, &invalid) || !cmp.Equal(want, invalid.Fields) {
					t.Errorf("got %v, want %v", err, want)
				}
				return
			}
			check(t, err)
			if want := strings.TrimSpace(test.email); p.Email != want {
				t.Errorf("got email %q, want %q", p.Email, want)
			}
		})
	}
}

func TestSignUpRefusesPasswordsThatDiffer(t *testing.T) {
	t.Parallel()
	for _, second := range []string{" ", "Una clave larga", "una clave larga ", "una clave larg"} {
		w := newWorld(t)

		_, err := w.players.SignUp(t.Context(), form(func(f *contest.SignUp) { f.Password2 = second }))

		if !errors.Is(err, contest.ErrPasswordsDiffer) {
			t.Errorf("%q: got %v, want %v", second, err, contest.ErrPasswordsDiffer)
		}
	}
}

func TestSignUpRefusesAnEmailTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.players.SignUp(t.Context(), form(func(*contest.SignUp) {}))
	check(t, err)

	_, err = w.players.SignUp(t.Context(), form(func(f *contest.SignUp) { f.Email = " VALENTINA@example.ORG " }))

	if !errors.Is(err, contest.ErrEmailTaken) {
		t.Errorf("got %v, want %v", err, contest.ErrEmailTaken)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const password = " ñandú con blancos "
	want, err := w.players.SignUp(t.Context(), form(func(f *contest.SignUp) { f.Password1, f.Password2 = password, password }))
	check(t, err)
	tests := map[string]struct {
		email, password string
		err             error
	}{
		"as signed up":          {"valentina@example.org", password, nil},
		"email in other case":   {" Valentina@EXAMPLE.org", password, nil},
		"wrong password":        {"valentina@example.org", "otra clave", contest.ErrBadCredentials},
		"no password":           {"valentina@example.org", "", contest.ErrBadCredentials},
		"password trimmed":      {"valentina@example.org", strings.TrimSpace(password), contest.ErrBadCredentials},
		"password in upper":     {"valentina@example.org", strings.ToUpper(password), contest.ErrBadCredentials},
		"over 72 bytes":         {"valentina@example.org", password + strings.Repeat("x", 72), contest.ErrBadCredentials},
		"unknown email":         {"nadie@example.org", password, contest.ErrBadCredentials},
		"unknown, no password":  {"nadie@example.org", "", contest.ErrBadCredentials},
		"unknown, dummy's text": {"nadie@example.org", "nobody's password", contest.ErrBadCredentials},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := w.players.SignIn(t.Context(), test.email, test.password)
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			if test.err != nil {
				if diff := cmp.Diff(contest.Player{}, got); diff != "" {
					t.Errorf("a refusal gave away (-want +got):\n%s", diff)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("player (-want +got):\n%s", diff)
			}
		})
	}
}

// compared counts how often passwords are compared.
type compared struct {
	contest.Passwords

	times int
}

func (c *compared) Matches(ctx context.Context, hash, password string) (bool, error) {
	c.times++
	return c.Passwords.Matches(ctx, hash, password)
}

// An unknown email is not told from a wrong password by the time: in either case one password is compared.
func TestSignInComparesAPasswordWithoutAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.players.SignUp(t.Context(), form(func(*contest.SignUp) {}))
	check(t, err)
	for _, email := range []string{"valentina@example.org", "nadie@example.org"} {
		passwords := &compared{Passwords: w.players.Passwords}
		players := contest.Players{Store: w.store, Passwords: passwords, Clock: w.clock.now}

		_, err := players.SignIn(t.Context(), email, "otra clave")

		if !errors.Is(err, contest.ErrBadCredentials) || passwords.times != 1 {
			t.Errorf("%s: got %v after %d comparisons, want one", email, err, passwords.times)
		}
	}
}

func TestPlayer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := w.player(t, "ana", "Cali")

	got, err := w.players.PlayerByID(t.Context(), want.ID)
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("player (-want +got):\n%s", diff)
	}
	if _, err := w.players.PlayerByID(t.Context(), want.ID+1); !errors.Is(err, contest.ErrNotSignedIn) {
		t.Errorf("nobody: got %v, want %v", err, contest.ErrNotSignedIn)
	}
	if got.PublicName() != "ana Ríos" {
		t.Errorf("got name %q", got.PublicName())
	}
}

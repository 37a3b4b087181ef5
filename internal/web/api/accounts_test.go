package api_test

import (
	"encoding/base64"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"risingstars/internal/app/apptest"
)

func TestSignUp(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ñ", 100)
	tests := []struct {
		name    string
		changes map[string]any
		want    map[string]any // members of the answer besides id and email
	}{
		{"all fields", nil, map[string]any{"first_name": "Valentina", "last_name": "Ríos", "city": "Bogotá", "country": "Colombia"}},
		{
			"no city, no country", map[string]any{"city": absent, "country": absent},
			map[string]any{"first_name": "Valentina", "last_name": "Ríos", "city": "", "country": ""},
		},
		{
			"city and country are null", map[string]any{"city": nil, "country": nil},
			map[string]any{"first_name": "Valentina", "last_name": "Ríos", "city": "", "country": ""},
		},
		{
			"city and country are empty", map[string]any{"city": "", "country": ""},
			map[string]any{"first_name": "Valentina", "last_name": "Ríos", "city": "", "country": ""},
		},
		{
			"a field that nobody knows", map[string]any{"nickname": "Val", "id": 7},
			map[string]any{"first_name": "Valentina", "last_name": "Ríos", "city": "Bogotá", "country": "Colombia"},
		},
		{
			"the longest names and places",
			map[string]any{"first_name": long, "last_name": long, "city": long, "country": long},
			map[string]any{"first_name": long, "last_name": long, "city": long, "country": long},
		},
		{
			"the shortest names", map[string]any{"first_name": "A", "last_name": "Ñ"},
			map[string]any{"first_name": "A", "last_name": "Ñ", "city": "Bogotá", "country": "Colombia"},
		},
		{
			"the shortest password", map[string]any{"password1": "ñ234567ñ", "password2": "ñ234567ñ"},
			map[string]any{"first_name": "Valentina", "last_name": "Ríos", "city": "Bogotá", "country": "Colombia"},
		},
		{
			"the longest password",
			map[string]any{"password1": strings.Repeat("ñ", 36), "password2": strings.Repeat("ñ", 36)},
			map[string]any{"first_name": "Valentina", "last_name": "Ríos", "city": "Bogotá", "country": "Colombia"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := email()
			body := signUp(with(map[string]any{"email": address}, test.changes))

			got := visitor(t, shared()).postJSON("/api/auth/signup", body)

			var profile struct{ ID int64 }
			got.decode(201, &profile)
			if profile.ID <= 0 {
				t.Errorf("got id %d", profile.ID)
			}
			got.is(201, text(with(map[string]any{"id": profile.ID, "email": address}, test.want)))
		})
	}
}

func TestSignUpWithoutContentType(t *testing.T) {
	t.Parallel()
	if got := visitor(t, shared()).do("POST", "/api/auth/signup", signUp(nil)); got.status != 201 {
		t.Errorf("got %d: %s", got.status, got.body)
	}
}

const (
	invalid   = "Hay datos que faltan o no son válidos."
	invalidEN = "Some fields are missing or invalid."
)

func TestSignUpRefuses(t *testing.T) {
	t.Parallel()
	one := func(location, message string) refusal {
		return refusal{422, invalid, []fault{{location, message}}}
	}
	notJSON := one("body", "Debe ser un objeto JSON válido.")
	taken := newPlayer(t, shared(), "").email
	tests := []struct {
		name string
		body string
		want refusal
	}{
		{"passwords that differ", signUp(map[string]any{"password2": "another one"}), refusal{400, "Las contraseñas no coinciden.", nil}},
		{"a known email", signUp(map[string]any{"email": taken}), refusal{400, "Email ya está registrado.", nil}},
		{"a known email in other case", signUp(map[string]any{"email": strings.ToUpper(taken)}), refusal{400, "Email ya está registrado.", nil}},
		{"a known email with blanks", signUp(map[string]any{"email": " " + taken + " "}), refusal{400, "Email ya está registrado.", nil}},
		{"nothing", "", notJSON},
		{"not JSON", `{"first_name": "Val`, notJSON},
		{"a list", `[]`, notJSON},
		{"a text", `"Valentina"`, notJSON},
		{"null", `null`, notJSON},
		{"no fields", `{}`, refusal{422, invalid, []fault{
			{"body.email", "Es obligatorio."}, {"body.first_name", "Es obligatorio."}, {"body.last_name", "Es obligatorio."},
			{"body.password1", "Es obligatorio."}, {"body.password2", "Es obligatorio."},
		}}},
		{
			"wrong types", `{"first_name": 5, "last_name": null, "email": ["a@b.co"], "password1": {"a": "salto-y-canasta"},` +
				`"password2": true, "city": 1.5, "country": {}}`,
			refusal{422, invalid, []fault{
				{"body.city", "Debe ser un texto."}, {"body.country", "Debe ser un texto."}, {"body.email", "Debe ser un texto."},
				{"body.first_name", "Debe ser un texto."}, {"body.last_name", "Debe ser un texto."},
				{"body.password1", "Debe ser un texto."}, {"body.password2", "Debe ser un texto."},
			}},
		},
		{"an empty name", signUp(map[string]any{"first_name": ""}), one("body.first_name", "Debe tener al menos 1 caracteres.")},
		{"a blank name", signUp(map[string]any{"last_name": " \t "}), one("body.last_name", "No puede estar en blanco.")},
		{"a long first name", signUp(map[string]any{"first_name": strings.Repeat("ñ", 101)}), one("body.first_name", "Puede tener como máximo 100 caracteres.")},
		{"a long last name", signUp(map[string]any{"last_name": strings.Repeat("ñ", 101)}), one("body.last_name", "Puede tener como máximo 100 caracteres.")},
		{"a long city", signUp(map[string]any{"city": strings.Repeat("ñ", 101)}), one("body.city", "Puede tener como máximo 100 caracteres.")},
		{"a long country", signUp(map[string]any{"country": strings.Repeat("ñ", 101)}), one("body.country", "Puede tener como máximo 100 caracteres.")},
		{"a name of control characters", signUp(map[string]any{"first_name": "Va\x00l"}), one("body.first_name", "Debe ser texto sin caracteres de control.")},
		{"no address", signUp(map[string]any{"email": "valentina"}), one("body.email", "Debe ser una dirección de correo válida.")},
		{"an address without a dot", signUp(map[string]any{"email": "valentina@example"}), one("body.email", "Debe ser una dirección de correo válida.")},
		{"an address with a name", signUp(map[string]any{"email": "Val <valentina@example.com>"}), one("body.email", "Debe ser una dirección de correo válida.")},
		{"a short password", signUp(map[string]any{"password1": "ñoñería", "password2": "ñoñería"}), one("body.password1", "Debe tener al menos 8 caracteres.")},
		{"a password of 73 characters", signUp(map[string]any{"password1": strings.Repeat("a", 73), "password2": strings.Repeat("a", 73)}), one("body.password1", "Puede tener como máximo 72 caracteres.")},
		{"a password of 73 bytes", signUp(map[string]any{"password1": "a" + strings.Repeat("ñ", 36), "password2": "a" + strings.Repeat("ñ", 36)}), one("body.password1", "Puede ocupar como máximo 72 bytes.")},
		{"a blank password", signUp(map[string]any{"password1": "         ", "password2": "         "}), one("body.password1", "No puede estar en blanco.")},
		{"several fields", signUp(map[string]any{"first_name": "", "email": "@", "password1": "secreta", "country": 3}), refusal{422, invalid, []fault{
			{"body.country", "Debe ser un texto."}, {"body.email", "Debe ser una dirección de correo válida."},
			{"body.first_name", "Debe tener al menos 1 caracteres."}, {"body.password1", "Debe tener al menos 8 caracteres."},
		}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			got := visitor(t, shared()).postJSON("/api/auth/signup", test.body)

			got.refuses(test.want)
			echoes(t, got)
		})
	}
}

// echoes fails the test if an answer repeats a submitted value.
func echoes(tb testing.TB, a answer) {
	tb.Helper()
	for _, value := range []string{"Valentina", "valentina", "salto-y-canasta", "secreta", "ñoñer", "another one", "example"} {
		if strings.Contains(a.body, value) {
			tb.Errorf("the answer repeats %q: %s", value, a.body)
		}
	}
}

func TestSignUpSpeaksEnglish(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared()).in("en-GB,en;q=0.9,es;q=0.5")
	c.postJSON("/api/auth/signup", signUp(map[string]any{"first_name": absent, "last_name": " ", "email": "x", "password1": "short", "city": 1})).
		refuses(refusal{422, invalidEN, []fault{
			{"body.city", "Must be a text."}, {"body.email", "Must be a valid email address."},
			{"body.first_name", "Is required."}, {"body.last_name", "Must not be blank."},
			{"body.password1", "Must have at least 8 characters."},
		}})
	c.postJSON("/api/auth/signup", "{").refuses(refusal{422, invalidEN, []fault{{"body", "Must be a valid JSON object."}}})
	c.postJSON("/api/auth/signup", signUp(map[string]any{"password2": "another one"})).
		refuses(refusal{400, "Las contraseñas no coinciden.", nil})
	c.postJSON("/api/auth/signup", signUp(map[string]any{"email": newPlayer(t, shared(), "").email})).
		refuses(refusal{400, "Email ya está registrado.", nil})
	c.postJSON("/api/auth/login", credentials(email(), password)).refuses(refusal{401, "Credenciales inválidas.", nil})
}

func TestABodyThatIsTooLarge(t *testing.T) {
	t.Parallel()
	got := visitor(t, shared()).postJSON("/api/auth/signup", signUp(map[string]any{"city": strings.Repeat("a", 2<<20)}))
	got.refuses(refusal{413, "La solicitud es demasiado grande.", nil})
}

func TestABodyOfAnotherType(t *testing.T) {
	t.Parallel()
	got := visitor(t, shared()).do("POST", "/api/auth/login", "email=a&password=b", "Content-Type", "application/x-www-form-urlencoded")
	got.refuses(refusal{415, "El cuerpo de la solicitud debe ser de otro tipo (mira /docs).", nil})
}

// A client that sends half a body and then stalls cannot occupy a connection forever.
func TestABodyThatStalls(t *testing.T) {
	t.Parallel()
	conn := dial(t, shared())
	conn.write("POST /api/auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	conn.answer().refuses(refusal{408, "La solicitud tardó demasiado en llegar.", nil})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	for name, address := range map[string]string{"as it was typed": p.email, "in other case": strings.ToUpper(p.email), "with blanks": " " + p.email + " "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := time.Now()

			got := visitor(t, shared()).postJSON("/api/auth/login", credentials(address, password))

			var body struct {
				Token string `json:"access_token"`
			}
			got.decode(200, &body)
			got.is(200, text(map[string]any{"access_token": body.Token, "token_type": "bearer", "expires_in": 3600}))
			expires, issued := claim(t, body.Token, "exp"), claim(t, body.Token, "iat")
			if expires-issued != 3600 || issued < before.Unix() || issued > time.Now().Unix() {
				t.Errorf("got a token issued at %d that expires at %d, want an hour from now, %d", issued, expires, before.Unix())
			}
			if got := got.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("got Cache-Control %q, want no-store", got)
			}
		})
	}
}

func claim(tb testing.TB, token, name string) int64 {
	tb.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		tb.Fatalf("no token: %s", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		tb.Fatal(err)
	}
	var claims map[string]any
	decode(tb, string(payload), &claims)
	n, err := strconv.ParseInt(text(claims[name]), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestSignInRefuses(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	bad := refusal{401, "Credenciales inválidas.", nil}
	tests := []struct {
		name string
		body string
		want refusal
	}{
		{"an unknown email", credentials(email(), password), bad},
		{"a wrong password", credentials(p.email, "salto-y-fallo"), bad},
		{"the password in other case", credentials(p.email, strings.ToUpper(password)), bad},
		{"an empty password", credentials(p.email, ""), bad},
		{"a password longer than any", credentials(p.email, strings.Repeat("a", 100)), bad},
		{"no fields", `{}`, refusal{422, invalid, []fault{{"body.email", "Es obligatorio."}, {"body.password", "Es obligatorio."}}}},
		{"wrong types", `{"email": 1, "password": null}`, refusal{422, invalid, []fault{
			{"body.email", "Debe ser un texto."}, {"body.password", "Debe ser un texto."},
		}}},
		{"not JSON", `email=a`, refusal{422, invalid, []fault{{"body", "Debe ser un objeto JSON válido."}}}},
		{"nothing", ``, refusal{422, invalid, []fault{{"body", "Debe ser un objeto JSON válido."}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			got := visitor(t, shared()).postJSON("/api/auth/login", test.body)

			got.refuses(test.want)
			echoes(t, got)
		})
	}
}

// BenchmarkSignInRefused compares an unknown email with a wrong password: the time must not reveal which of them it
// was. TestSignInComparesAPasswordWithoutAnAccount checks that both run bcrypt.
func BenchmarkSignInRefused(b *testing.B) {
	s := apptest.Start(b, apptest.Settings{"WORKERS": "0", "PASSWORD_COST": "9", "LOG_LEVEL": "info"})
	p := newPlayer(b, s, "")
	for name, address := range map[string]string{"a wrong password": p.email, "an unknown email": email()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				visitor(b, s).postJSON("/api/auth/login", credentials(address, "a wrong one"))
			}
		})
	}
}

func TestTooManyFailedSignIns(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "RATE_LIMIT": "on", "LIMIT_FAILED_SIGN_INS": "10/1h"})
	victim, other := newPlayer(t, s, ""), newPlayer(t, s, "")
	for range 10 {
		victim.postJSON("/api/auth/login", credentials(victim.email, "guess")).
			refuses(refusal{401, "Credenciales inválidas.", nil})
	}
	for _, body := range []string{credentials(victim.email, "guess"), credentials(strings.ToUpper(victim.email), password)} {
		got := victim.postJSON("/api/auth/login", body)
		got.refuses(refusal{429, "Demasiados intentos. Espera un momento y vuelve a probar.", nil})
		if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 || after > 3600 {
			t.Errorf("got Retry-After %q, want some seconds", got.header.Get("Retry-After"))
		}
	}
	victim.in("en").postJSON("/api/auth/login", credentials(victim.email, "guess")).
		refuses(refusal{429, "Too many attempts. Wait a moment and try again.", nil})
	signIn(visitor(t, s), other.email, password)
}

func TestMe(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "Cali")
	first, last, _ := strings.Cut(p.name, " ")
	p.get("/api/auth/me").is(200, text(map[string]any{
		"id": p.id, "first_name": first, "last_name": last, "email": p.email, "city": "Cali", "country": "Colombia",
	}))
}

func with(changes ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, c := range changes {
		maps.Copy(all, c)
	}
	return all
}

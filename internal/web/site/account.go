package site

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"

	"risingstars/internal/contest"
	"risingstars/internal/web/problem"
)

// Field is one field of a form, as the templates show it.
type Field struct {
	Name, Label, Hint string
	Type, Complete    string // the input's type and autocomplete attributes
	Value, Fault      string
	Rules             string   // checks that the browser makes before it sends the form, as JSON; see rule
	Least             int      // minlength in characters, for a browser without scripts; 0 for none
	List              []string // suggested values
	Optional          bool
	First             bool // the first invalid field, which gets the focus
	Words             *words
}

// Form is what all forms have in common.
type Form struct {
	Fields []Field
	Fault  string   // an error that is not about one field
	Ask    *Contact // shown with Fault
	Back   string   // where to redirect afterwards
	Vote   string   // id of the video to vote for afterwards, "" for none
}

// The pages with forms.
type (
	// SignUpPage is /cuenta/registro.
	SignUpPage struct {
		Layout
		Form
		SignIn string
	}
	// SignInPage is /cuenta/entrar.
	SignInPage struct {
		Layout
		Form
		SignUp string
	}
	// AccountPage is /cuenta: the current user's profile.
	AccountPage struct {
		Layout
		Form
		Password Form
		Email    string
		Saved    bool
		Changed  bool // the password was changed
	}
	// LeavePage is /cuenta/borrar: it asks for the password before the account is deleted.
	LeavePage struct {
		Layout
		Form
	}
)

// field makes a field with the value that was submitted. It never returns passwords to the browser.
func (w *words) field(r *http.Request, name, label, kind, complete string) Field {
	f := Field{Name: name, Label: label, Type: kind, Complete: complete, Words: w}
	f.Rules, f.Least = w.rulesOf(name)
	if kind != "password" {
		f.Value = r.PostFormValue(name)
	}
	return f
}

func (w *words) nameFields(r *http.Request) []Field {
	city := w.field(r, "city", w.LabelCity, "text", "address-level2")
	city.Optional, city.List = true, suggestedCities
	country := w.field(r, "country", w.LabelCountry, "text", "country-name")
	country.Optional, country.List = true, suggestedCountries
	return []Field{
		w.field(r, "first_name", w.LabelFirstName, "text", "given-name"),
		w.field(r, "last_name", w.LabelLastName, "text", "family-name"), city, country,
	}
}

func (w *words) signUpFields(r *http.Request) []Field {
	list := w.nameFields(r)
	password := w.field(r, "password1", w.LabelPassword, "password", "new-password")
	password.Hint = w.HintPassword
	return append(list[:2:2], append([]Field{
		w.field(r, "email", w.LabelEmail, "email", "email"), password,
		w.field(r, "password2", w.LabelPassword2, "password", "new-password"),
	}, list[2:]...)...)
}

func (w *words) signInFields(r *http.Request) []Field {
	return []Field{
		w.field(r, "email", w.LabelEmail, "email", "username"),
		w.field(r, "password", w.LabelPassword, "password", "current-password"),
	}
}

// blame puts err beside the fields that it is about, or above the form. It returns the status of the answer, or 0 for
// an error of the server, which the form cannot show.
func (f *Form) blame(w http.ResponseWriter, r *http.Request, err error) int {
	p := problem.FromError(err, nil, tagOf(r))
	if p.Status >= http.StatusInternalServerError {
		return 0
	}
	if after := p.GetHeaders().Get("Retry-After"); after != "" {
		w.Header().Set("Retry-After", after)
	}
	at := map[error]string{
		contest.ErrPasswordsDiffer: "password2", contest.ErrEmailTaken: "email", contest.ErrWrongPassword: "password",
	}
	for known, name := range at {
		if errors.Is(err, known) {
			p.Errors = []problem.Field{{Location: "body." + name, Message: wordsOf(Language(r)).refusal(known)}}
		}
	}
	for _, fault := range p.Errors {
		for i := range f.Fields {
			if fault.Location == "body."+f.Fields[i].Name {
				f.Fields[i].Fault = fault.Message
			}
		}
	}
	for i := range f.Fields {
		if f.Fields[i].Fault != "" {
			f.Fields[i].First = true
			break
		}
	}
	words := wordsOf(Language(r))
	if len(p.Errors) == 0 {
		f.Fault = cmp.Or(words.sentence(err), p.Detail)
		if errors.Is(err, contest.ErrBadCredentials) {
			f.Fault = words.WrongCredentials
		}
	}
	f.askAgain(words)
	return p.Status
}

// askAgain tells the user to type a new password again, because no page returns it.
func (f *Form) askAgain(w *words) {
	for i := range f.Fields {
		if f.Fields[i].Complete == "new-password" && f.Fields[i].Fault == "" {
			f.Fields[i].Hint = w.PasswordAgain
			return
		}
	}
}

// after reads where to go after the form: from the query of its page, or from its own hidden fields.
func after(r *http.Request) (back, vote string) {
	back = local(r.FormValue("volver"))
	if _, err := strconv.ParseInt(r.FormValue("votar"), 10, 64); err == nil {
		vote = r.FormValue("votar")
	}
	return back, vote
}

func (s *Site) signUpPage(w http.ResponseWriter, r *http.Request) (*SignUpPage, error) {
	layout, err := s.layout(w, r, "account")
	page := &SignUpPage{Layout: layout}
	if err == nil {
		page.Title = layout.Words.SignUpTitle
		page.Fields = layout.Words.signUpFields(r)
		page.Back, page.Vote = after(r)
		page.SignIn = "/cuenta/entrar?" + query("volver", page.Back, "votar", page.Vote)
	}
	return page, err
}

func (s *Site) signUpForm(w http.ResponseWriter, r *http.Request) error {
	page, err := s.signUpPage(w, r)
	if err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, page)
}

func (s *Site) signUp(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return problem.ProblemForStatus(http.StatusBadRequest, "", tagOf(r))
	}
	if err := s.Limits.AllowSignUp(r.Context(), problem.ScopeFromContext(r.Context()).Client); err != nil {
		return err
	}
	f := r.PostForm
	p, err := s.Players.SignUp(r.Context(), contest.SignUp{
		FirstName: f.Get("first_name"), LastName: f.Get("last_name"), Email: f.Get("email"),
		Password1: f.Get("password1"), Password2: f.Get("password2"), City: f.Get("city"), Country: f.Get("country"),
	})
	if err == nil {
		return s.welcome(w, r, p, "/mis-videos")
	}
	page, lost := s.signUpPage(w, r)
	if lost != nil {
		return lost
	}
	if status := page.blame(w, r, err); status != 0 {
		return s.show(w, r, status, page)
	}
	return err
}

// welcome signs the player in, casts the vote for which the user had to sign in, and redirects back. A refused vote
// does not stop the sign-in.
func (s *Site) welcome(w http.ResponseWriter, r *http.Request, p contest.Player, otherwise string) error {
	if err := s.Sessions.BeginSession(w, r, p.ID, p.SessionVersion); err != nil {
		return err
	}
	back, vote := after(r)
	if id, err := strconv.ParseInt(vote, 10, 64); err == nil {
		var refusal *contest.Refusal
		if err := s.castVote(r, p, id, false); err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	if back == "/" {
		back = otherwise
	}
	redirect(w, r, back)
	return nil
}

func (s *Site) signInPage(w http.ResponseWriter, r *http.Request) (*SignInPage, error) {
	layout, err := s.layout(w, r, "account")
	page := &SignInPage{Layout: layout}
	if err == nil {
		page.Title = layout.Words.SignInTitle
		page.Fields = layout.Words.signInFields(r)
		page.Back, page.Vote = after(r)
		page.SignUp = "/cuenta/registro?" + query("volver", page.Back, "votar", page.Vote)
	}
	return page, err
}

func (s *Site) signInForm(w http.ResponseWriter, r *http.Request) error {
	page, err := s.signInPage(w, r)
	if err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, page)
}

func (s *Site) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return problem.ProblemForStatus(http.StatusBadRequest, "", tagOf(r))
	}
	p, err := s.checkPassword(r)
	if err == nil {
		return s.welcome(w, r, p, "/")
	}
	page, lost := s.signInPage(w, r)
	if lost != nil {
		return lost
	}
	if errors.Is(err, contest.ErrAccountSuspended) {
		page.Ask = page.Contact
	}
	if status := page.blame(w, r, err); status != 0 {
		return s.show(w, r, status, page)
	}
	return err
}

func (s *Site) checkPassword(r *http.Request) (p contest.Player, err error) {
	email := r.PostForm.Get("email")
	err = s.Limits.LimitSignIn(r.Context(), email, problem.ScopeFromContext(r.Context()).Client, func() (err error) {
		p, err = s.Players.SignIn(r.Context(), email, r.PostForm.Get("password"))
		return err
	})
	return p, err
}

func (s *Site) signOut(w http.ResponseWriter, r *http.Request) error { return s.goodbye(w, r, "/") }

// goodbye ends the session, clears the browser's cache of the site, and redirects to a public page.
func (s *Site) goodbye(w http.ResponseWriter, r *http.Request, to string) error {
	if err := s.Sessions.EndSession(w, r); err != nil {
		return err
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	redirect(w, r, to)
	return nil
}

func (s *Site) accountPage(w http.ResponseWriter, r *http.Request, p contest.Player) (*AccountPage, error) {
	layout, err := s.layout(w, r, "account")
	page := &AccountPage{Layout: layout, Email: p.Email, Saved: r.URL.Query().Get("guardado") != ""}
	page.Changed = r.URL.Query().Get("clave") != ""
	if err == nil {
		page.Title = layout.Words.AccountTitle
		page.Fields = layout.Words.nameFields(r)
		page.Password.Fields = layout.Words.passwordFields(r)
		if r.Method != http.MethodPost || r.URL.Path != "/cuenta" {
			for i, value := range []string{p.FirstName, p.LastName, p.City, p.Country} {
				page.Fields[i].Value = value
			}
		}
	}
	return page, err
}

func (s *Site) account(w http.ResponseWriter, r *http.Request) error {
	p, ok, err := s.member(w, r)
	if !ok {
		return err
	}
	page, err := s.accountPage(w, r, p)
	if err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, page)
}

func (s *Site) changeAccount(w http.ResponseWriter, r *http.Request) error {
	p, ok, err := s.member(w, r)
	if !ok {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return problem.ProblemForStatus(http.StatusBadRequest, "", tagOf(r))
	}
	f := r.PostForm
	_, err = s.Players.UpdateProfile(r.Context(), p, contest.Profile{
		FirstName: f.Get("first_name"), LastName: f.Get("last_name"), City: f.Get("city"), Country: f.Get("country"),
	})
	if err == nil {
		redirect(w, r, "/cuenta?guardado=1")
		return nil
	}
	page, lost := s.accountPage(w, r, p)
	if lost != nil {
		return lost
	}
	if status := page.blame(w, r, err); status != 0 {
		return s.show(w, r, status, page)
	}
	return err
}

package site

import (
	"net/http"
	"strconv"

	"risingstars/internal/contest"
	"risingstars/internal/web/problem"
)

func (w *words) passwordFields(r *http.Request) []Field {
	password := w.field(r, "password1", w.PasswordNew, "password", "new-password")
	password.Hint = w.HintPassword
	return []Field{
		w.field(r, "password", w.PasswordOld, "password", "current-password"), password,
		w.field(r, "password2", w.LabelPassword2, "password", "new-password"),
	}
}

// changePassword ends all sessions and tokens of the player, and starts a new session for this browser.
func (s *Site) changePassword(w http.ResponseWriter, r *http.Request) error {
	p, ok, err := s.writer(w, r)
	if !ok {
		return err
	}
	var changed contest.Player
	err = s.guarded(r, p, func() (err error) {
		changed, err = s.Accounts.ChangePassword(r.Context(), p, contest.PasswordChange{
			Password: r.PostForm.Get("password"), Password1: r.PostForm.Get("password1"), Password2: r.PostForm.Get("password2"),
		})
		return err
	})
	if err == nil {
		if err := s.Sessions.BeginSession(w, r, changed.ID, changed.SessionVersion); err != nil {
			return err
		}
		redirect(w, r, "/cuenta?clave=1")
		return nil
	}
	page, lost := s.accountPage(w, r, p)
	if lost != nil {
		return lost
	}
	if status := page.Password.blame(w, r, err); status != 0 {
		return s.show(w, r, status, page)
	}
	return err
}

// writer requires a current user, like member, and parses the form.
func (s *Site) writer(w http.ResponseWriter, r *http.Request) (p contest.Player, ok bool, err error) {
	if p, ok, err = s.member(w, r); !ok {
		return p, ok, err
	}
	if err := r.ParseForm(); err != nil {
		return p, false, problem.ProblemForStatus(http.StatusBadRequest, "", tagOf(r))
	}
	return p, true, nil
}

// guarded applies the rate limits of failed sign-ins to check, so that a stolen session cannot be used to guess the
// password.
func (s *Site) guarded(r *http.Request, p contest.Player, check func() error) error {
	return s.Limits.LimitSignIn(r.Context(), p.Email, problem.ScopeFromContext(r.Context()).Client, check)
}

// exportData answers with the export as a file. It is a POST, so that a link on another site cannot request it.
func (s *Site) exportData(w http.ResponseWriter, r *http.Request) error {
	p, ok, err := s.writer(w, r)
	if !ok {
		return err
	}
	text, err := s.Export(r.Context(), p, s.base(r))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="risingstars.json"`)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // a client that has disconnected cannot be told
	return nil
}

func (s *Site) leavePage(w http.ResponseWriter, r *http.Request) (*LeavePage, error) {
	layout, err := s.layout(w, r, "account")
	page := &LeavePage{Layout: layout}
	if err == nil {
		page.Title = layout.Words.LeaveTitle
		page.Fields = []Field{layout.Words.field(r, "password", layout.Words.PasswordOld, "password", "current-password")}
	}
	return page, err
}

func (s *Site) leaveForm(w http.ResponseWriter, r *http.Request) error {
	if _, ok, err := s.member(w, r); !ok {
		return err
	}
	page, err := s.leavePage(w, r)
	if err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, page)
}

// leave deletes the current user's account.
func (s *Site) leave(w http.ResponseWriter, r *http.Request) error {
	p, ok, err := s.writer(w, r)
	if !ok {
		return err
	}
	err = s.guarded(r, p, func() error { return s.Accounts.DeleteAccount(r.Context(), p, r.PostForm.Get("password")) })
	if err == nil {
		s.setLeft(w, 60)
		return s.goodbye(w, r, "/")
	}
	page, lost := s.leavePage(w, r)
	if lost != nil {
		return lost
	}
	if status := page.blame(w, r, err); status != 0 {
		return s.show(w, r, status, page)
	}
	return err
}

// leftCookie is the name of the cookie that tells the next page that the account has just been deleted. A query
// parameter would show that message to every user who follows the link.
func (s *Site) leftCookie() string {
	if s.Sessions.Secure {
		return "__Host-adios"
	}
	return "adios"
}

// setLeft sets the cookie for the given seconds, or deletes it if they are negative.
func (s *Site) setLeft(w http.ResponseWriter, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.leftCookie(), Value: "1", Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: s.Sessions.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// hasLeft reports once whether the account has just been deleted, and deletes the cookie.
func (s *Site) hasLeft(w http.ResponseWriter, r *http.Request) bool {
	if _, err := r.Cookie(s.leftCookie()); err != nil {
		return false
	}
	s.setLeft(w, -1)
	return true
}

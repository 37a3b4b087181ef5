package site

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"risingstars/internal/auth"
	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/limit"
	"risingstars/internal/web/problem"
)

// Live gives the site events of videos, progress, and the cache that all processes share.
type Live interface {
	Watch(ctx context.Context, videoID int64) *live.Watch
	Progress(ctx context.Context, videoID int64) int
	Fetch(ctx context.Context, topic contest.Topic, key string, load func(context.Context) ([]byte, error)) ([]byte, error)
}

// Needs are the dependencies of the site.
type Needs struct {
	Players  *contest.Players
	Accounts *contest.Accounts
	Videos   *contest.Videos
	Votes    *contest.Votes
	Sessions *auth.Sessions
	Links    *auth.SignedLinks
	Origins  *auth.Origins
	// Export encodes all data stored about a player as JSON, with links that start with base.
	Export func(ctx context.Context, p contest.Player, base string) ([]byte, error)
	Live   Live
	Limits *limit.Limits

	MediaPath string          // the path below which objects are served, each under its key
	PublicURL string          // the start of URLs, without a slash at the end; "" for the request's scheme and host
	MaxUpload int64           // bytes of a video file
	Contact   string          // the organizers' email address or URL, shown to players; "" for none
	Stopping  <-chan struct{} // closed when event streams must end
}

// Site has the handlers of the pages.
type Site struct {
	*Templates
	Needs
	csrf *http.CrossOriginProtection
}

// NewSite parses the templates and sets up the check of cross-origin requests.
func NewSite(n Needs) (*Site, error) {
	templates, err := NewTemplates()
	if err != nil {
		return nil, err
	}
	s := &Site{Templates: templates, Needs: n, csrf: http.NewCrossOriginProtection()}
	if n.PublicURL != "" {
		if err := s.csrf.AddTrustedOrigin(n.PublicURL); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Register adds the site's routes to the mux and so lists them. The caller registers "/" itself, because it also
// answers programs.
func (s *Site) Register(mux *http.ServeMux) {
	route := func(pattern string, do func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, s.handler(do))
	}
	mux.Handle("GET /static/", s.Static())
	mux.HandleFunc("GET /sw.js", s.atRoot("sw.js"))
	mux.HandleFunc("GET /favicon.ico", s.atRoot("favicon.ico"))
	mux.HandleFunc("GET /robots.txt", robots)
	route("GET /sin-conexion", s.offline)

	route("GET /v/{id}", s.video)
	route("POST /v/{id}/voto", s.vote)
	route("GET /ranking", s.ranking)
	route("GET /ranking/eventos", s.rankingEvents)
	route("GET /p/{id}", s.player)

	route("GET /cuenta", s.account)
	route("POST /cuenta", s.changeAccount)
	route("GET /cuenta/registro", s.signUpForm)
	route("POST /cuenta/registro", s.signUp)
	route("GET /cuenta/entrar", s.signInForm)
	route("POST /cuenta/entrar", s.signIn)
	route("POST /cuenta/salir", s.signOut)
	route("POST /cuenta/clave", s.changePassword)
	route("POST /cuenta/datos", s.exportData)
	route("GET /cuenta/borrar", s.leaveForm)
	route("POST /cuenta/borrar", s.leave)

	route("GET /mis-videos", s.myVideos)
	route("GET /mis-videos/eventos", s.myEvents)
	route("GET /mis-videos/{id}/publicar", s.confirmPublish)
	route("POST /mis-videos/{id}/publicar", s.publish)
	route("POST /mis-videos/{id}/reintentar", s.retry)
	route("GET /mis-videos/{id}/borrar", s.confirmDelete)
	route("POST /mis-videos/{id}/borrar", s.delete)
}

// formTime is the read deadline of a form.
const formTime = 10 * time.Second

// handler turns a page that returns an error into an http.HandlerFunc. It refuses state-changing requests from other
// sites (CSRF), limits a form to 64 KiB and formTime, and stores the chosen language in a cookie.
func (s *Site) handler(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.csrf.Check(r); err != nil {
			problem.WriteProblem(w, r, problem.CrossOriginRefused(tagOf(r)))
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime))
		}
		rememberLanguage(w, r, s.Sessions.Secure)
		if err := do(w, r); err != nil {
			problem.WriteProblem(w, r, forPeople(r, err))
		}
	}
}

// forPeople turns an error into a problem in the language chosen on the site. It replaces sentences that are part of
// the API's contract with the site's own.
func forPeople(r *http.Request, err error) error {
	p := problem.FromError(err, problem.ScopeFromContext(r.Context()), tagOf(r))
	if text := wordsOf(Language(r)).sentence(err); text != "" {
		p.SetDetail(text)
	}
	return p
}

// Home is the gallery, for the caller to register at "/".
func (s *Site) Home() http.HandlerFunc { return s.handler(s.gallery) }

// reader returns the current user, or the zero player if the request has no valid session.
func (s *Site) reader(w http.ResponseWriter, r *http.Request) (contest.Player, error) {
	p, err := s.Caller(w, r)
	if errors.Is(err, contest.ErrNotSignedIn) {
		return contest.Player{}, nil
	}
	return p, err
}

// Caller returns the player of the request's session cookie, or contest.ErrNotSignedIn. It refuses a state-changing
// request from another site.
func (s *Site) Caller(w http.ResponseWriter, r *http.Request) (contest.Player, error) {
	if err := s.csrf.Check(r); err != nil {
		return contest.Player{}, problem.CrossOriginRefused(tagOf(r))
	}
	id, generation, err := s.Sessions.PlayerOfCookie(w, r)
	if errors.Is(err, auth.ErrInvalidToken) {
		return contest.Player{}, contest.ErrNotSignedIn
	}
	if err != nil {
		return contest.Player{}, err
	}
	return s.Players.PlayerWithSessionVersion(r.Context(), id, generation)
}

// member requires a current user. If there is none, it redirects to the sign-in page, which later redirects back.
// Then ok is false and err is nil.
func (s *Site) member(w http.ResponseWriter, r *http.Request) (p contest.Player, ok bool, err error) {
	p, err = s.reader(w, r)
	if err != nil || p.ID != 0 {
		return p, err == nil, err
	}
	back := "/mis-videos"
	if r.Method == http.MethodGet {
		back = r.URL.RequestURI()
	}
	redirect(w, r, "/cuenta/entrar?"+query("volver", back))
	return p, false, nil
}

// redirect answers with 303 to another page. For a request of htmx it sends HX-Redirect, so that htmx loads the whole
// page.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// local returns path if it is a path of this site, else "/". This prevents open redirects.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// base is the start of the site's absolute URLs: scheme and host.
func (s *Site) base(r *http.Request) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	return cmp.Or(r.URL.Scheme, "http") + "://" + r.Host
}

// partURL is the link to one part of a video, or "" if there is none. It is signed unless the part is public.
func (s *Site) partURL(v contest.Video, part contest.Part, key string) string {
	if key == "" {
		return ""
	}
	link := s.MediaPath + key
	if !v.IsOpenToPublic(part) {
		link += "?" + s.Links.SignKey(key).Encode()
	}
	return link
}

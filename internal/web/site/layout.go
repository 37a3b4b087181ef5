package site

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/problem"
)

// Layout is what layout.html needs. Every page embeds it.
type Layout struct {
	Words   *words
	Other   *words // the other language, for the language switch
	Switch  string // URL of this page in the other language
	Section string // the active entry of the navigation
	Title   string // of the page; "" for the site's title
	Canon   string // canonical URL for search engines, "" for none
	Reader  contest.Player
	Social  *Social
	Contact *Contact
}

// Contact is the organizers' address, if it is configured.
type Contact struct{ Text, Link string }

// Social is the preview of a link to the page (Open Graph). The URLs are absolute.
type Social struct {
	Title, Description, URL string
	Image, Video            string
}

// layout fills the Layout of a page, with the current user.
func (s *Site) layout(w http.ResponseWriter, r *http.Request, section string) (Layout, error) {
	p, err := s.reader(w, r)
	if err != nil {
		return Layout{}, err
	}
	l := s.plainLayout(r)
	l.Reader, l.Section = p, section
	return l, nil
}

// publicLayout is layout for pages that are also shown from the cache while the database is unavailable: then there
// is no current user. The handler must load the page's content with the returned context; showPublic needs its age.
func (s *Site) publicLayout(w http.ResponseWriter, r *http.Request, section string) (context.Context, *live.Age, Layout, error) {
	ctx, age := live.WithAge(r.Context())
	l, err := s.layout(w, r, section)
	if errors.Is(err, contest.ErrUnavailable) {
		l, err = s.plainLayout(r), nil
		l.Section = section
	}
	return ctx, age, l, err
}

// known loads a public page's content through the cache that all users share.
func known[T any](ctx context.Context, s *Site, topic contest.Topic, key string, load func(context.Context) (T, error)) (v T, err error) {
	body, err := s.Live.Fetch(ctx, topic, key, func(ctx context.Context) ([]byte, error) {
		v, err := load(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	})
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(body, &v)
}

// showPublic answers with a page. If the content is stale, it sets the Age header.
func (s *Site) showPublic(w http.ResponseWriter, r *http.Request, age *live.Age, page any) error {
	if text := age.Header(); text != "" {
		w.Header().Set("Age", text)
	}
	return s.show(w, r, http.StatusOK, page)
}

// plainLayout is the layout without a current user.
func (s *Site) plainLayout(r *http.Request) Layout {
	l := Layout{Words: wordsOf(Language(r)), Other: &english, Contact: contact(s.Contact)}
	if l.Words == l.Other {
		l.Other = &spanish
	}
	q := r.URL.Query()
	q.Set("lang", l.Other.Lang)
	l.Switch = (&url.URL{Path: r.URL.Path, RawQuery: q.Encode()}).String()
	return l
}

// contact makes a link from an email address or a URL; nil for "".
func contact(text string) *Contact {
	switch {
	case text == "":
		return nil
	case strings.Contains(text, "://"):
		_, short, _ := strings.Cut(text, "://")
		return &Contact{strings.TrimSuffix(short, "/"), text}
	}
	return &Contact{text, "mailto:" + text}
}

func (s *Site) words(r *http.Request) *words { return wordsOf(Language(r)) }

// query encodes pairs of names and values, and omits empty values.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}

// show answers with a whole page.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, page any) error {
	return s.render(w, r, status, nameOf(page), "", page)
}

// ErrorPage shows a problem.
type ErrorPage struct {
	Layout
	Status    int
	Detail    string
	RequestID string
}

// askTime is how long an error page waits to find the current user.
const askTime = time.Second

// layoutOf is the layout for an error page. It has no current user if finding one fails.
func (s *Site) layoutOf(w http.ResponseWriter, r *http.Request) Layout {
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	l, err := s.layout(w, r.WithContext(ctx), "")
	if err != nil {
		return s.plainLayout(r)
	}
	return l
}

// Problem implements problem.Page. It shows a problem as a page to browsers. For the API, the probes, the metrics and
// the static files it returns false.
func (s *Site) Problem(w http.ResponseWriter, r *http.Request, p *problem.Problem) bool {
	if !wantsPage(r) {
		return false
	}
	page := &ErrorPage{Layout: s.plainLayout(r), Status: p.Status, Detail: p.DetailIn(tagOf(r)), RequestID: p.RequestID}
	if p.Status != http.StatusServiceUnavailable { // else the database cannot find the user
		page.Layout = s.layoutOf(w, r)
	}
	page.Title = page.Words.errorTitle(p.Status)
	if text := page.Words.errorText(p.Status); text != "" {
		page.Detail = text
	}
	for name := range p.GetHeaders() {
		if name != "Www-Authenticate" {
			w.Header().Set(name, p.GetHeaders().Get(name))
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.show(w, r, p.Status, page) == nil
}

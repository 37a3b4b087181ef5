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

// Layout is what layout.html needs of every page; pages embed it.
type Layout struct {
	Words   *words
	Other   *words // the other language, for the switch
	Switch  string // this page in the other language
	Section string // the entry of the navigation that is marked
	Title   string // of the page, "" for the site's
	Canon   string // this page's address for search engines, "" for none
	Reader  contest.Player
	Social  *Social
	Contact *Contact
}

// Contact is where the organizers are reached, if that is said.
type Contact struct{ Text, Link string }

// Social is what a link to the page shows where it is pasted. The addresses are whole.
type Social struct {
	Title, Description, URL string
	Image, Video            string
}

// layout fills what every page has. It finds who reads.
func (s *Site) layout(w http.ResponseWriter, r *http.Request, section string) (Layout, error) {
	p, err := s.reader(w, r)
	if err != nil {
		return Layout{}, err
	}
	l := s.plainLayout(r)
	l.Reader, l.Section = p, section
	return l, nil
}

// publicLayout is for pages that are shown as far as they are known while the database is away: to nobody in particular
// then. The context that it returns is the one to ask for the page's content in; showPublic needs its age.
func (s *Site) publicLayout(w http.ResponseWriter, r *http.Request, section string) (context.Context, *live.Age, Layout, error) {
	ctx, age := live.WithAge(r.Context())
	l, err := s.layout(w, r, section)
	if errors.Is(err, contest.ErrUnavailable) {
		l, err = s.plainLayout(r), nil
		l.Section = section
	}
	return ctx, age, l, err
}

// known is a public page's content, from the answers that all readers share.
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

// showPublic answers with a page, and says how old it is where it is not as it should be.
func (s *Site) showPublic(w http.ResponseWriter, r *http.Request, age *live.Age, page any) error {
	if text := age.Header(); text != "" {
		w.Header().Set("Age", text)
	}
	return s.show(w, r, http.StatusOK, page)
}

// plainLayout is the layout for a reader of whom nothing is known.
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

// contact makes a link of an email address or a URL; nil of nothing.
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

// query encodes pairs of names and values.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}

// show answers with a page.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, page any) error {
	return s.render(w, r, status, nameOf(page), "", page)
}

// ErrorPage is a problem as people see it.
type ErrorPage struct {
	Layout
	Status    int
	Detail    string
	RequestID string
}

// askTime is how long the page of an error waits to know who reads it.
const askTime = time.Second

// layoutOf is the layout for the reader, or for nobody in particular where that cannot be told.
func (s *Site) layoutOf(w http.ResponseWriter, r *http.Request) Layout {
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	l, err := s.layout(w, r.WithContext(ctx), "")
	if err != nil {
		return s.plainLayout(r)
	}
	return l
}

// Problem implements problem.Page: it shows problems to browsers, and leaves those of the API and of the service's
// own addresses to programs.
func (s *Site) Problem(w http.ResponseWriter, r *http.Request, p *problem.Problem) bool {
	if !wantsPage(r) {
		return false
	}
	page := &ErrorPage{Layout: s.plainLayout(r), Status: p.Status, Detail: p.DetailIn(tagOf(r)), RequestID: p.RequestID}
	if p.Status != http.StatusServiceUnavailable { // then nobody can be told apart
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

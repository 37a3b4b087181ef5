package api_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
)

func TestPublicVideos(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	c := visitor(t, s)
	empty := c.get("/api/public/videos")
	empty.is(200, "[]")
	if diff := cmp.Diff("0", empty.header.Get("X-Total-Count")); diff != "" {
		t.Errorf("X-Total-Count (-want +got):\n%s", diff)
	}
	ana, luis := newPlayer(t, s, "Bogotá"), newPlayer(t, s, "")
	change(t, s, `UPDATE players SET first_name = 'Ána', last_name = 'Muñoz' WHERE id = $1`, ana.id)
	first := published(t, s, ana, "Triple desde la ESQUINA")
	second := published(t, s, luis, "100 % bandeja_fácil")
	third := published(t, s, ana, "Tapón")
	ana.uploaded("Nobody has seen it")
	luis.post(path("/api/public/videos/{id}/vote", first)).decode(200, &struct{}{})
	row := func(id int64, title, owner, city string, votes int) map[string]any {
		return map[string]any{
			"id": id, "video_id": id, "title": title, "uploaded_at": "TIME", "processed_url": "open clip.mp4",
			"poster_url": "open poster.jpg", "owner_name": owner, "owner_city": city, "votes": votes,
		}
	}
	one := row(first, "Triple desde la ESQUINA", "Ána Muñoz", "Bogotá", 1)
	two := row(second, "100 % bandeja_fácil", luis.name, "", 0)
	three := row(third, "Tapón", "Ána Muñoz", "Bogotá", 0)
	tests := []struct {
		query string
		want  []any
		total int
	}{
		{"", []any{three, two, one}, 3},
		{"?limit=2", []any{three, two}, 3},
		{"?page=2&limit=2", []any{one}, 3},
		{"?page=3&limit=2", []any{}, 3},
		{"?page=10000000&limit=100", []any{}, 3},
		{"?city=bogota", []any{three, one}, 2},
		{"?city=BOGOT%C3%81&limit=1&page=2", []any{one}, 2},
		{"?city=bogo", []any{}, 0},
		{"?city=%25", []any{}, 0},
		{"?q=esquina", []any{one}, 1},
		{"?q=TAPON", []any{three}, 1},
		{"?q=ana%20munoz", []any{three, one}, 2},
		{"?q=%25", []any{two}, 1},
		{"?q=_", []any{two}, 1},
		{"?q=%5C", []any{}, 0},
		{"?q=nobody", []any{}, 0},
		{"?q=tri&city=bogota", []any{one}, 1},
		{"?q=bandeja&city=bogota", []any{}, 0},
		{"?q=%27%3B%20DROP%20TABLE%20videos", []any{}, 0},
		{"?q=", []any{three, two, one}, 3},
	}
	for _, test := range tests {
		got := c.get("/api/public/videos" + test.query)
		got.is(200, text(test.want))
		if diff := cmp.Diff(strconv.Itoa(test.total), got.header.Get("X-Total-Count")); diff != "" {
			t.Errorf("%s: X-Total-Count (-want +got):\n%s", test.query, diff)
		}
	}
}

// Every page links to its neighbours (RFC 8288), and the links work.
func TestLinksBetweenPages(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "Bogotá")
	published(t, s, p, "Triple & más")
	multiply(t, s, 5)
	tests := []struct {
		query string
		want  map[string]string
	}{
		{"", map[string]string{
			"first": "/api/public/videos?limit=50&page=1", "last": "/api/public/videos?limit=50&page=1",
		}},
		{"?limit=2", map[string]string{
			"first": "/api/public/videos?limit=2&page=1", "next": "/api/public/videos?limit=2&page=2",
			"last": "/api/public/videos?limit=2&page=3",
		}},
		{"?limit=2&page=2", map[string]string{
			"first": "/api/public/videos?limit=2&page=1", "prev": "/api/public/videos?limit=2&page=1",
			"next": "/api/public/videos?limit=2&page=3", "last": "/api/public/videos?limit=2&page=3",
		}},
		{"?limit=2&page=3", map[string]string{
			"first": "/api/public/videos?limit=2&page=1", "prev": "/api/public/videos?limit=2&page=2",
			"last": "/api/public/videos?limit=2&page=3",
		}},
		{"?limit=2&page=9", map[string]string{
			"first": "/api/public/videos?limit=2&page=1", "prev": "/api/public/videos?limit=2&page=3",
			"last": "/api/public/videos?limit=2&page=3",
		}},
		{"?limit=4&city=BOGOTA&q=%26%20m%C3%A1s", map[string]string{
			"first": "/api/public/videos?city=BOGOTA&limit=4&page=1&q=%26+m%C3%A1s",
			"next":  "/api/public/videos?city=BOGOTA&limit=4&page=2&q=%26+m%C3%A1s",
			"last":  "/api/public/videos?city=BOGOTA&limit=4&page=2&q=%26+m%C3%A1s",
		}},
	}
	for _, test := range tests {
		got := p.get("/api/public/videos" + test.query)
		found := map[string]string{}
		for link := range strings.SplitSeq(got.header.Get("Link"), ", ") {
			target, rel, _ := strings.Cut(link, `>; rel="`)
			found[strings.TrimSuffix(rel, `"`)] = strings.TrimPrefix(target, "<")
		}
		if diff := cmp.Diff(test.want, found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.query, diff)
		}
		for rel, link := range found {
			if got := p.get(link); got.status != 200 || !strings.Contains(got.body, "Triple") {
				t.Errorf("%s of %s: got %d %s", rel, test.query, got.status, got.body)
			}
		}
	}
}

// Different queries never share a cached answer.
func TestQuestionsAreToldApart(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "Cali")
	published(t, s, p, "Triple")
	found := p.get("/api/public/videos?city=cali&q=triple%0A").header.Get("X-Total-Count")
	other := p.get("/api/public/videos?city=cali%0Atriple&q=").header.Get("X-Total-Count")
	if diff := cmp.Diff([]string{"1", "0"}, []string{found, other}); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// A list has fifty rows by default, and never more than the limit.
func TestAPageOfTheList(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0"})
	p := newPlayer(t, s, "")
	published(t, s, p, "Triple")
	multiply(t, s, 105)
	for query, want := range map[string]int{"": 50, "?limit=100": 100, "?limit=100&page=2": 5, "?limit=1": 1} {
		var list []struct{ ID int64 }
		p.get("/api/public/videos"+query).decode(200, &list)
		if len(list) != want {
			t.Errorf("%s: got %d rows, want %d", query, len(list), want)
		}
	}
}

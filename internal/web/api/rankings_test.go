package api_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
)

// row is one row of the ranking. Decoding is strict, so a row has exactly these members.
type row struct {
	Position int    `json:"position"`
	Username string `json:"username"`
	City     string `json:"city"`
	Votes    int    `json:"votes"`
}

func (c client) ranking(query string) (rows []row) {
	c.tb.Helper()
	got := c.get("/api/public/rankings" + query)
	got.decode(200, &rows)
	got.is(200, text(rows)) // exactly these members
	return rows
}

func TestRankings(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		c := visitor(t, s)
		c.get("/api/public/rankings").is(200, "[]")
		cities := []string{"Bogotá", "Medellín", "", "BOGOTA", "Cali"}
		stars := make([]player, len(cities))
		ids := make([]int64, len(cities))
		for i, city := range cities {
			stars[i] = newPlayer(t, s, city)
			ids[i] = published(t, s, stars[i], "Triple")
		}
		newPlayer(t, s, "Cali").uploaded("nobody has seen it")
		second := published(t, s, stars[2], "Bandeja")
		fans := []player{newPlayer(t, s, ""), newPlayer(t, s, ""), newPlayer(t, s, "")}
		vote := func(fan int, id int64) {
			t.Helper()
			fans[fan].post(path("/api/public/videos/{id}/vote", id)).decode(200, &struct{}{})
		}
		vote(0, ids[4]) // 4 reaches one vote before 1 does
		vote(0, ids[1])
		vote(0, ids[2]) // 2 has three votes on two videos
		vote(1, ids[2])
		vote(0, second)
		vote(0, ids[3])
		vote(1, ids[3])

		ranked := []row{
			{1, stars[2].name, "", 3}, {2, stars[3].name, "BOGOTA", 2}, {3, stars[4].name, "Cali", 1},
			{4, stars[1].name, "Medellín", 1}, {5, stars[0].name, "Bogotá", 0},
		}
		tests := []struct {
			query string
			want  []row
		}{
			{"", ranked},
			{"?page=1&limit=2", ranked[:2]},
			{"?page=2&limit=2", ranked[2:4]},
			{"?page=3&limit=2", ranked[4:]},
			{"?page=4&limit=2", []row{}},
			{"?page=10000000&limit=100", []row{}},
			{"?limit=100", ranked},
			{"?page=5&limit=1", ranked[4:]},
			{"?city=bogota", []row{{1, stars[3].name, "BOGOTA", 2}, {2, stars[0].name, "Bogotá", 0}}},
			{"?city=BOGOT%C3%81&page=2&limit=1", []row{{2, stars[0].name, "Bogotá", 0}}},
			{"?city=Bogota%CC%81", []row{{1, stars[3].name, "BOGOTA", 2}, {2, stars[0].name, "Bogotá", 0}}},
			{"?city=%20medellin%20", []row{{1, stars[1].name, "Medellín", 1}}},
			{"?city=bog", []row{}},
			{"?city=bog%25", []row{}},
			{"?city=%25", []row{}},
			{"?city=_ali", []row{}},
			{"?city=*", []row{}},
			{"?city=Tunja", []row{}},
			{"?city=", ranked},
			{"?city='%20OR%201=1%20--", []row{}},
		}
		for _, test := range tests {
			if diff := cmp.Diff(test.want, c.ranking(test.query)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.query, diff)
			}
		}
	})
}

// A cast vote and a withdrawn vote show at once, although answers are cached.
func TestAVoteShowsInTheRanking(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		star, fan := newPlayer(t, s, "Cali"), newPlayer(t, s, "")
		id := published(t, s, star, "Triple")
		vote := path("/api/public/videos/{id}/vote", id)
		for range 5 {
			for votes, act := range []func(string) answer{fan.delete, func(to string) answer { return fan.post(to) }} {
				act(vote)
				for _, query := range []string{"", "?city=cali", "?limit=1"} {
					if diff := cmp.Diff([]row{{1, star.name, "Cali", votes}}, fan.ranking(query)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", query, diff)
					}
				}
				var list []struct{ Votes int }
				fan.get("/api/public/videos").decode(200, &list)
				if len(list) != 1 || list[0].Votes != votes {
					t.Errorf("got %v in the list, want %d votes", list, votes)
				}
			}
		}
	})
}

func TestPagesThatAreNone(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	for _, list := range []string{"/api/public/rankings", "/api/public/videos"} {
		tests := []struct{ query, location, es, en string }{
			{"page=0", "query.page", "Debe ser 1 o más.", "Must be 1 or more."},
			{"page=-1", "query.page", "Debe ser 1 o más.", "Must be 1 or more."},
			{"page=10000001", "query.page", "Debe ser 10000000 o menos.", "Must be 10000000 or less."},
			{"page=abc", "query.page", "Debe ser un número entero.", "Must be a whole number."},
			{"page=1.5", "query.page", "Debe ser un número entero.", "Must be a whole number."},
			{"page=99999999999999999999", "query.page", "Debe ser un número entero.", "Must be a whole number."},
			{"limit=0", "query.limit", "Debe ser 1 o más.", "Must be 1 or more."},
			{"limit=-5", "query.limit", "Debe ser 1 o más.", "Must be 1 or more."},
			{"limit=101", "query.limit", "Debe ser 100 o menos.", "Must be 100 or less."},
			{"limit=ten", "query.limit", "Debe ser un número entero.", "Must be a whole number."},
			{fmt.Sprintf("city=%0101d", 0), "query.city", "Puede tener como máximo 100 caracteres.", "Must have at most 100 characters."},
		}
		for _, test := range tests {
			c.get(list + "?" + test.query).refuses(badFields(fault{test.location, test.es}))
			c.in("en").get(list + "?" + test.query).refuses(refusal{422, invalidEN, []fault{{test.location, test.en}}})
		}
		c.get(list + "?page=x&limit=1000").refuses(badFields(
			fault{"query.limit", "Debe ser 100 o menos."}, fault{"query.page", "Debe ser un número entero."}))
		for _, query := range []string{"?page=1&limit=1", "?page=1&limit=100", "?page=&limit=", "?other=1", "?page=10000000"} {
			if got := c.get(list + query); got.status != 200 {
				t.Errorf("%s%s: got %d: %s", list, query, got.status, got.body)
			}
		}
	}
}

// A page of the ranking has ten rows by default.
func TestAPageOfTheRanking(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		star := newPlayer(t, s, "")
		published(t, s, star, "Triple")
		change(t, s, `
			WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < 12)
			INSERT INTO players (first_name, last_name, email, email_key, password_hash, city, city_key, country, created_at)
			SELECT 'Star', 'Number ' || n, CAST(n AS TEXT), CAST(n AS TEXT), password_hash, city, city_key, country, created_at FROM players, numbers`)
		change(t, s, `
			INSERT INTO standings (player_id, city_key, votes, reached_at)
			SELECT id, '', 0, reached_at FROM players, standings WHERE first_name = 'Star'`)
		want := []row{{1, star.name, "", 0}}
		for n := 2; n <= 12; n++ {
			want = append(want, row{n, fmt.Sprintf("Star Number %d", n), "", 0}) // equal times: the id decides
		}
		c := visitor(t, s)
		for query, want := range map[string][]row{"": want[:10], "?page=2": want[10:], "?page=3&limit=5": want[10:]} {
			if diff := cmp.Diff(want, c.ranking(query)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		}
	})
}

package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

func TestPublicVideosAsEverybodySeesThem(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "Ana", "Bogotá")
			for _, status := range statuses {
				w.bring(t, w.upload(t, p, string(status), start), status)
			}
			v := w.public(t, p, "Clavada", at(5))
			_, err := w.AddVote(t.Context(), v.ID, w.player(t, "beto", "").ID, at(900))
			check(t, err)

			got, err := w.PublicVideos(t.Context(), contest.PublicQuery{Page: contest.Page{Number: 1, Limit: 1}})
			check(t, err)

			want := []contest.PublicVideo{{
				ID: v.ID, Title: "Clavada", OwnerID: p.ID, OwnerName: "Ana Ríos", OwnerCity: "Bogotá", Votes: 1, Media: v.Media,
				UploadedAt: at(5),
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("videos (-want +got):\n%s", diff)
			}
			n, err := w.CountPublicVideos(t.Context(), contest.PublicQuery{})
			if n != 2 || err != nil {
				t.Errorf("counted %d, %v, want 2", n, err)
			}
		})
	}
}

func TestPublicVideosPages(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			var ids []int64
			for i := range 11 {
				ids = append(ids, w.public(t, p, fmt.Sprint(i), at(i/3)).ID) // three share each moment
			}
			slices.Reverse(ids) // same moment: the higher id first
			for limit := 1; limit <= 12; limit++ {
				var got []int64
				for page := 1; ; page++ {
					list, err := w.PublicVideos(t.Context(), contest.PublicQuery{Page: contest.Page{Number: page, Limit: limit}})
					check(t, err)
					for _, v := range list {
						got = append(got, v.ID)
					}
					if len(list) < limit {
						break
					}
				}
				if diff := cmp.Diff(ids, got); diff != "" {
					t.Errorf("pages of %d, one after the other (-want +got):\n%s", limit, diff)
				}
			}
			beyond, err := w.PublicVideos(t.Context(), contest.PublicQuery{Page: contest.Page{Number: contest.MaxPage, Limit: contest.MaxLimit}})
			if beyond == nil || len(beyond) > 0 || err != nil {
				t.Errorf("the last page there can be: got %#v, %v, want an empty list", beyond, err)
			}
		})
	}
}

func TestPublicVideosFilters(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			add := func(title, name, city string, second int) {
				w.public(t, w.player(t, name, city), title, at(second))
			}
			add("Tiro de tres", "Ángela", "Bogotá", 9)
			add("Clavada 100%", "beto", "BOGOTA", 8)
			add("Asistencia_1", "caro", "Bogota\u0301", 7) // decomposed
			add(`Pase \ reverso`, "dani", "Bogotá D.C.", 6)
			add("CLAVADA", "eva", "San  José", 5)
			add("Straße", "fer", "Medellín", 4)
			add("Sin ciudad", "gabi", "", 3)
			tests := map[string]struct {
				city, search string
				want         []string
			}{
				"all":                           {"", "", []string{"Tiro de tres", "Clavada 100%", "Asistencia_1", `Pase \ reverso`, "CLAVADA", "Straße", "Sin ciudad"}},
				"city as written":               {"Bogotá", "", []string{"Tiro de tres", "Clavada 100%", "Asistencia_1"}},
				"city without accent or case":   {"bogota", "", []string{"Tiro de tres", "Clavada 100%", "Asistencia_1"}},
				"city decomposed, upper":        {"BOGOTA\u0301", "", []string{"Tiro de tres", "Clavada 100%", "Asistencia_1"}},
				"city in full width":            {"Ｂｏｇｏｔá", "", []string{"Tiro de tres", "Clavada 100%", "Asistencia_1"}},
				"city with blanks":              {" san josé ", "", []string{"CLAVADA"}},
				"beginning of a city":           {"Bogot", "", []string{}},
				"city and more":                 {"Bogotá D", "", []string{}},
				"% is no city":                  {"%", "", []string{}},
				"_ is no letter of a city":      {"Bogot_", "", []string{}},
				"* is no city":                  {"Bogo*", "", []string{}},
				"unknown city":                  {"Lima", "", []string{}},
				"quote":                         {"' OR 1=1 --", "", []string{}},
				"title, other case":             {"", "clavada", []string{"Clavada 100%", "CLAVADA"}},
				"part of a title":               {"", "lava", []string{"Clavada 100%", "CLAVADA"}},
				"name without accent":           {"", "angela", []string{"Tiro de tres"}},
				"family name, other accent":     {"", "rÌOS", []string{"Tiro de tres", "Clavada 100%", "Asistencia_1", `Pase \ reverso`, "CLAVADA", "Straße", "Sin ciudad"}},
				"whole name":                    {"", "eva ríos", []string{"CLAVADA"}},
				"sharp s":                       {"", "STRASSE", []string{"Straße"}},
				"% finds itself only":           {"", "%", []string{"Clavada 100%"}},
				"_ finds itself only":           {"", "_", []string{"Asistencia_1"}},
				`\ finds itself only`:           {"", `\`, []string{`Pase \ reverso`}},
				`\% is not escaped half`:        {"", `\%`, []string{}},
				"full-width % is the ASCII one": {"", "％", []string{"Clavada 100%"}},
				"blanks run together":           {"", "tiro   de", []string{"Tiro de tres"}},
				"nothing such":                  {"", "zzz", []string{}},
				"both":                          {"bogota", "clavada", []string{"Clavada 100%"}},
				"both, of different videos":     {"san jose", "tiro", []string{}},
			}
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					q := contest.PublicQuery{Page: contest.Page{Number: 1, Limit: 100}, City: test.city, Search: test.search}
					list, err := w.PublicVideos(t.Context(), q)
					check(t, err)
					got := []string{}
					for _, v := range list {
						got = append(got, v.Title)
					}
					if diff := cmp.Diff(test.want, got); diff != "" {
						t.Errorf("titles (-want +got):\n%s", diff)
					}
					q.Page = contest.Page{Number: 2, Limit: 1} // the count includes all pages
					n, err := w.CountPublicVideos(t.Context(), q)
					if n != len(test.want) || err != nil {
						t.Errorf("counted %d, %v, want %d", n, err, len(test.want))
					}
				})
			}
		})
	}
}

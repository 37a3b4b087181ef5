package site

import (
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"risingstars/internal/contest"
)

const hostile = `"><script>alert(1)</script>`

// filled sets every field of a page and puts one row into every list, so that all branches of its template that need
// values run.
func filled(page any, words *words) any {
	fill(reflect.ValueOf(page).Elem(), words)
	return page
}

func fill(v reflect.Value, w *words) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*words]() {
			v.Set(reflect.ValueOf(w))
			return
		}
		if v.CanSet() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), w)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), w)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), w)
	case reflect.String:
		v.SetString(hostile)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Bool:
		v.SetBool(true)
	default: // times stay zero
	}
}

func TestEveryPageRendersInBothLanguages(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	for name, sample := range pages() {
		for _, w := range []*words{&spanish, &english} {
			empty := reflect.New(reflect.TypeOf(sample).Elem())
			for _, l := range []string{"Layout"} {
				empty.Elem().FieldByName(l).FieldByName("Words").Set(reflect.ValueOf(w))
				empty.Elem().FieldByName(l).FieldByName("Other").Set(reflect.ValueOf(w))
			}
			if name == "video" {
				empty.Elem().FieldByName("Ballot").FieldByName("Words").Set(reflect.ValueOf(w))
			}
			if name == "delete" || name == "publish" {
				empty.Elem().FieldByName("Video").FieldByName("Words").Set(reflect.ValueOf(w))
			}
			full := filled(reflect.New(reflect.TypeOf(sample).Elem()).Interface(), w)
			for kind, page := range map[string]any{"empty": empty.Interface(), "full": full} {
				r := httptest.NewRequest("GET", "/", nil)
				answer := httptest.NewRecorder()
				if err := templates.render(answer, r, 200, name, "", page); err != nil {
					t.Errorf("%s, %s: %v", name, kind, err)
				}
				body := answer.Body.String()
				for _, not := range []string{"<script>", "style=", "<style", "<no value>", "%!", "ZgotmplZ"} {
					if strings.Contains(body, not) {
						t.Errorf("%s, %s: page has %q", name, kind, not)
					}
				}
				if !strings.Contains(body, `<html lang="`+w.Lang+`">`) {
					t.Errorf("%s, %s: not in %s", name, kind, w.Lang)
				}
			}
		}
	}
}

func TestEveryStateOfAVideoHasItsSentence(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{Templates: templates}
	for status, want := range map[contest.Status]string{
		contest.Uploaded: spanish.StateUploaded, contest.Processing: "Procesando: 40 %",
		contest.Processed: spanish.DoPublish, contest.Public: spanish.DoSee, contest.Failed: spanish.DoRetry,
	} {
		got := s.fragment("myvideos", "item", MyVideo{Words: &spanish, Status: status, Progress: 40})
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q is not in\n%s", status, want, got)
		}
	}
	hidden := s.fragment("myvideos", "item", MyVideo{Words: &spanish, Status: contest.Processed, Hidden: true})
	if !strings.Contains(hidden, spanish.StateHidden) || !strings.Contains(hidden, spanish.HiddenNote) || strings.Contains(hidden, "<form") ||
		strings.Contains(hidden, spanish.DoDelete) {
		t.Errorf("hidden:\n%s", hidden)
	}
}

func TestOnlyPathsOfThisSiteAreComeBackTo(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v/3?x=1": "/v/3?x=1", "": "/", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example": "/", "/a\nb": "/",
	} {
		if got := local(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestMovementIsAgainstTheStartOfTheDay(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{Templates: templates}
	arrows := regexp.MustCompile(`(?s)<td role="cell" class="move">(.*?)</td>`)
	tags := regexp.MustCompile(`<[^>]+>`)
	for name, test := range map[string]struct {
		now, before int
		want        string
	}{
		"up": {2, 5, "▲ sube 3"}, "down": {9, 5, "▼ baja 4"}, "where it was": {5, 5, "igual"}, "new": {5, 0, "igual"},
	} {
		page := &RankingPage{Rows: []Row{{Standing: contest.Standing{Position: test.now, PreviousPosition: test.before}}}}
		page.Words = &spanish
		cell := arrows.FindStringSubmatch(s.fragment("ranking", "table", page))
		if cell == nil {
			t.Fatalf("%s: no cell", name)
		}
		if got := strings.TrimSpace(tags.ReplaceAllString(cell[1], "")); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

package site

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"text/template/parse"

	"github.com/google/go-cmp/cmp"
)

// flatten lists every string of a words value by the path of its field.
func flatten(prefix string, v reflect.Value, into map[string]string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			flatten(prefix+"."+v.Type().Field(i).Name, v.Field(i), into)
		}
	case reflect.Array:
		for i := range v.Len() {
			flatten(fmt.Sprintf("%s[%d]", prefix, i), v.Index(i), into)
		}
	default:
		into[prefix] = v.String()
	}
}

func TestEverySentenceExistsInEveryLanguage(t *testing.T) {
	t.Parallel()
	verbs := regexp.MustCompile(`%[a-z]`)
	es, en := map[string]string{}, map[string]string{}
	flatten("", reflect.ValueOf(spanish), es)
	flatten("", reflect.ValueOf(english), en)
	for key := range es {
		if es[key] == "" || en[key] == "" {
			t.Errorf("%s: got es %q and en %q, want neither empty", key, es[key], en[key])
		}
		if diff := cmp.Diff(verbs.FindAllString(es[key], -1), verbs.FindAllString(en[key], -1)); diff != "" {
			t.Errorf("%s: the languages ask for different values (-es +en):\n%s", key, diff)
		}
	}
}

// A sentence in a template, and not in the catalogue, would be shown untranslated.
func TestTemplatesHoldNoSentences(t *testing.T) {
	t.Parallel()
	templates, err := NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	tags, letters := regexp.MustCompile(`<[^>]*>`), regexp.MustCompile(`\pL+`)
	for page, set := range templates.pages {
		for _, tmpl := range set.Templates() {
			if tmpl.Tree == nil {
				continue
			}
			var text strings.Builder
			eachText(tmpl.Tree.Root, func(piece string) { text.WriteString(piece) })
			if found := letters.FindAllString(tags.ReplaceAllString(text.String(), " "), -1); found != nil {
				t.Errorf("%s/%s: %q are not in the catalogue", page, tmpl.Name(), found)
			}
		}
	}
}

func eachText(node parse.Node, visit func(string)) {
	switch n := node.(type) {
	case *parse.TextNode:
		visit(string(n.Text))
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			eachText(child, visit)
		}
	case *parse.IfNode:
		eachText(n.List, visit)
		eachText(n.ElseList, visit)
	case *parse.RangeNode:
		eachText(n.List, visit)
		eachText(n.ElseList, visit)
	case *parse.WithNode:
		eachText(n.List, visit)
		eachText(n.ElseList, visit)
	}
}

func TestAFileOfUnknownTypeIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	if _, err := loadAssets(fstest.MapFS{"app.exe": {Data: []byte("x")}}); err == nil {
		t.Error("got no error")
	}
}

package contest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

// declaredRefusals are the codes of all refusals in the package's source.
func declaredRefusals(t *testing.T) []string {
	t.Helper()
	codes := []string{}
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) != 2 {
				return true
			}
			if name, ok := lit.Type.(*ast.Ident); !ok || name.Name != "Refusal" {
				return true
			}
			code, err := strconv.Unquote(lit.Elts[0].(*ast.BasicLit).Value)
			check(t, err)
			codes = append(codes, code)
			return true
		})
	}
	return codes
}

func sources(t *testing.T) []*ast.File {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	check(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		check(t, err)
		files = append(files, file)
	}
	return files
}

func TestRefusalsListsEveryRefusal(t *testing.T) {
	t.Parallel()
	got := []string{}
	for _, r := range contest.AllRefusals() {
		got = append(got, r.Code())
	}
	// This one is between the store and the jobs; no client can be refused by it.
	got = append(got, contest.ErrNothingToDo.Code())
	want := declaredRefusals(t)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("codes (-source +list):\n%s", diff)
	}
	if unique := slices.Compact(slices.Clone(got)); len(unique) != len(got) {
		t.Errorf("a code stands for two refusals: %q", got)
	}
}

func TestRefusalsHaveCodeAndText(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, r := range contest.AllRefusals() {
		if !code.MatchString(r.Code()) || r.Error() == "" {
			t.Errorf("code %q, text %q", r.Code(), r.Error())
		}
	}
}

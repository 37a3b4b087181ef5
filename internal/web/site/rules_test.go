package site

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// errTaken is the result of a form that satisfies all rules.
var errTaken = errors.New("the form is taken")

// noPasswords is a hasher that returns errTaken: a form that reaches it has satisfied the rules.
type noPasswords struct{}

func (noPasswords) Hash(context.Context, string) (string, error) { return "", errTaken }

func (noPasswords) Matches(context.Context, string, string) (bool, error) { return false, errTaken }

// saysOf is the contest's message for one field of an otherwise valid form, "" for none.
func saysOf(t *testing.T, field, value string) string {
	t.Helper()
	form := contest.SignUp{
		FirstName: "Ana", LastName: "Rojas", Email: "ana@example.org", Password1: "salto-y-canasta", Password2: "salto-y-canasta",
	}
	switch field {
	case "first_name":
		form.FirstName = value
	case "last_name":
		form.LastName = value
	case "email":
		form.Email = value
	case "city":
		form.City = value
	case "country":
		form.Country = value
	case "password1":
		form.Password1, form.Password2 = value, value
		if value == "" {
			form.Password2 = "x" // so that only the tested field is missing
		}
	case "password2":
		form.Password2 = value
	}
	_, err := (&contest.Players{Passwords: noPasswords{}}).SignUp(t.Context(), form)
	var invalid *contest.InvalidError
	switch {
	case errors.Is(err, errTaken):
		return ""
	case errors.Is(err, contest.ErrPasswordsDiffer):
		return spanish.PasswordsDiffer
	case !errors.As(err, &invalid) || len(invalid.Fields) != 1 || invalid.Fields[0].Name != field:
		t.Errorf("%s %q: got %v", field, value, err)
		return ""
	}
	return problem.FaultText(invalid.Fields[0], lang.Spanish)
}

// breaking returns a value that breaks a rule, and one that just satisfies it.
func breaking(r rule) (bad, good string) {
	switch r.Kind {
	case "missing":
		return "", "salto-y-canasta"
	case "blank":
		return "  ", "salto-y-canasta"
	case "short":
		return strings.Repeat("ñ", r.Limit-1), strings.Repeat("ñ", r.Limit)
	case "long":
		return strings.Repeat("ñ", r.Limit+1), strings.Repeat("ñ", r.Limit)
	case "bytes":
		return strings.Repeat("x", r.Limit+1), strings.Repeat("x", r.Limit)
	case "email":
		return "ana@example", "ana@example.com"
	case "differs":
		return "canasta-y-salto", "salto-y-canasta"
	}
	panic("no value for " + r.Kind)
}

// The browser's checks agree with the contest's rules. If the browser accepted a value that the contest refuses, the
// user would have to type all passwords again. If it refused a value that the contest accepts, the user could not
// submit the form.
func TestTheRulesOfFormsAreTheContests(t *testing.T) {
	t.Parallel()
	fields := []string{"first_name", "last_name", "email", "city", "country", "password1", "password2"}
	rules, values := map[string][]rule{}, []string{}
	for _, field := range fields {
		text, _ := spanish.rulesOf(field)
		var list []rule
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) == 0 {
			t.Fatalf("%s: %v in %s", field, err, text)
		}
		rules[field] = list
		for _, r := range list {
			bad, good := breaking(r)
			values = append(values, bad)
			if got := saysOf(t, field, bad); got != r.Text {
				t.Errorf("%s: of what is %s the contest says %q, the form %q", field, r.Kind, got, r.Text)
			}
			if field == "email" {
				good = "ana@example.com"
			}
			if got := saysOf(t, field, good); got != "" {
				t.Errorf("%s: of what is just not %s the contest says %q", field, r.Kind, got)
			}
		}
	}
	for _, field := range fields {
		var want, got []string
		for _, r := range rules[field] {
			want = append(want, r.Text)
		}
		for _, value := range values {
			if fault := saysOf(t, field, value); fault != "" {
				got = append(got, fault)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("what is said of %s (-form +contest):\n%s", field, diff)
		}
	}
}

package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
)

var languages = []lang.Tag{lang.Spanish, lang.English}

func TestEveryRefusalIsInTheTable(t *testing.T) {
	t.Parallel()
	listed := map[*contest.Refusal]bool{}
	for _, r := range contest.AllRefusals() {
		listed[r] = true
		if _, ok := table[r]; !ok {
			t.Errorf("%s is not in the table", r.Code())
		}
	}
	for r := range table {
		if !listed[r] {
			t.Errorf("%s is in the table, and contest.Refusals does not list it", r.Code())
		}
	}
}

// The statuses and literal messages of the API's contract. "" means that the message is not literal.
func TestContract(t *testing.T) {
	t.Parallel()
	tests := []struct {
		refusal *contest.Refusal
		status  int
		literal string
	}{
		{contest.ErrPasswordsDiffer, 400, "Las contraseñas no coinciden."},
		{contest.ErrEmailTaken, 400, "Email ya está registrado."},
		{contest.ErrBadCredentials, 401, "Credenciales inválidas."},
		{contest.ErrWrongPassword, 403, ""},
		{contest.ErrNotSignedIn, 401, ""},
		{contest.ErrAccountSuspended, 403, ""},
		{contest.ErrAccountNotSuspended, 409, ""},
		{contest.ErrNotAVideo, 400, ""},
		{contest.ErrEmptyFile, 400, ""},
		{contest.ErrTruncated, 400, ""},
		{contest.ErrUnplayable, 400, ""},
		{contest.ErrTooLarge, 413, ""},
		{contest.ErrNoSpace, 507, ""},
		{contest.ErrTooManyPixels, 400, ""},
		{contest.ErrTooLong, 400, ""},
		{contest.ErrBadFrameRate, 400, ""},
		{contest.ErrNoPicture, 400, ""},
		{contest.ErrTooManyStreams, 400, ""},
		{contest.ErrDeclaredTypeMismatch, 400, ""},
		{contest.ErrQuotaExceeded, 413, ""},
		{contest.ErrNoVideo, 404, "Video not found"},
		{contest.ErrNotOwner, 403, "You are not authorized"},
		{contest.ErrNotProcessed, 400, ""},
		{contest.ErrNotFailed, 400, ""},
		{contest.ErrPublic, 400, "Video is public"},
		{contest.ErrHidden, 400, ""},
		{contest.ErrNotPublic, 409, ""},
		{contest.ErrNotHidden, 409, ""},
		{contest.ErrAlreadyVoted, 400, "You have already voted for this video"},
		{contest.ErrNotVoted, 404, ""},
		{contest.ErrOwnVideo, 403, ""},
		{contest.ErrNoPlayer, 404, ""},
	}
	if len(tests) != len(contest.AllRefusals()) {
		t.Errorf("%d refusals are tested, of %d", len(tests), len(contest.AllRefusals()))
	}
	for _, test := range tests {
		t.Run(test.refusal.Code(), func(t *testing.T) {
			t.Parallel()
			for _, tag := range languages {
				wrapped := fmt.Errorf("what was being done: %w", test.refusal)
				got := FromError(wrapped, nil, tag)
				if got.Status != test.status || test.literal != "" && got.Detail != test.literal {
					t.Errorf("%s: got %d %q", tag, got.Status, got.Detail)
				}
			}
			if text := table[test.refusal].detail; (test.literal != "") != (text.ES == text.EN) {
				t.Errorf("the languages: %+v", text)
			}
		})
	}
}

// faults lists all faults of fields, read from the source of package contest.
func faults(t *testing.T) (all []contest.Fault) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../contest/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Fault" {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, contest.Fault(text))
		}
		return true
	})
	return all
}

func TestEveryFaultHasAText(t *testing.T) {
	t.Parallel()
	all := faults(t)
	if len(all) == 0 || len(all) != len(faultTexts) {
		t.Errorf("%d faults, %d texts", len(all), len(faultTexts))
	}
	limited := map[contest.Fault]bool{contest.TooShort: true, contest.TooLong: true, contest.TooBig: true}
	for _, fault := range all {
		text, ok := faultTexts[fault]
		if !ok {
			t.Errorf("%s has no text", fault)
			continue
		}
		for _, tag := range languages {
			if got := strings.Count(text.In(tag), "%d"); (got == 1) != limited[fault] || got > 1 {
				t.Errorf("%s in %s: %q", fault, tag, text.In(tag))
			}
			field := contest.Field{Name: "f", Fault: fault}
			if limited[fault] {
				field.Limit = 72
			}
			got := faultText(field, tag)
			if strings.Contains(got, "%") || limited[fault] != strings.Contains(got, "72") {
				t.Errorf("%s in %s: shown as %q", fault, tag, got)
			}
		}
	}
}

func TestNoTextIsMissingInEitherLanguage(t *testing.T) {
	t.Parallel()
	texts := map[string]lang.Text{
		"invalid": invalidText, "too many": tooManyText, "too large": bodyTooLargeText, "internal": internalText,
		"not organizer": notOrganizerText, "from elsewhere": fromElsewhereText,
	}
	for r, row := range table {
		texts[r.Code()] = row.detail
		if http.StatusText(row.status) == "" || row.status < 400 {
			t.Errorf("%s has status %d", r.Code(), row.status)
		}
	}
	for fault, text := range faultTexts {
		texts[string(fault)] = text
	}
	for status, text := range statusTexts {
		texts[strconv.Itoa(status)] = text
	}
	for name, text := range texts {
		for _, tag := range languages {
			if s := text.In(tag); len(s) < 10 || strings.TrimSpace(s) != s {
				t.Errorf("%s in %s: %q", name, tag, s)
			}
		}
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	ready := NewProblem(http.StatusTeapot, "own words")
	tests := map[string]struct {
		err    error
		want   *Problem
		header http.Header
	}{
		"a problem": {fmt.Errorf("x: %w", ready), ready, http.Header{}},
		"401": {
			contest.ErrNotSignedIn,
			&Problem{Title: "Unauthorized", Status: 401, Detail: "Sign in: a valid token is needed."},
			http.Header{"Www-Authenticate": {"Bearer"}},
		},
		"bad fields": {
			&contest.InvalidError{Fields: []contest.Field{{Name: "title", Fault: contest.TooLong, Limit: 255}, {Name: "email", Fault: contest.NotEmail}}},
			&Problem{Title: "Unprocessable Entity", Status: 422, Detail: "Some fields are missing or invalid.", Errors: []Field{
				{"body.title", "Must have at most 255 characters."}, {"body.email", "Must be a valid email address."},
			}},
			http.Header{},
		},
		"too many": {
			&contest.TooManyError{RetryAfter: 90 * time.Second},
			&Problem{Title: "Too Many Requests", Status: 429, Detail: "Too many attempts. Wait a moment and try again."},
			http.Header{"Retry-After": {"90"}},
		},
		"body too large": {
			fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}),
			&Problem{Title: "Request Entity Too Large", Status: 413, Detail: "The request is too large."},
			http.Header{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := &Scope{ID: "id"}
			got := FromError(test.err, scope, lang.English)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(Problem{})); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.header, got.GetHeaders()); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if scope.Cause != nil {
				t.Errorf("a refusal is logged as an error: %v", scope.Cause)
			}
		})
	}
}

func TestRetryAfterIsNeverZero(t *testing.T) {
	t.Parallel()
	tests := []struct {
		wait time.Duration
		want string
	}{
		{-time.Second, "1"}, {0, "1"}, {1, "1"}, {time.Second, "1"}, {time.Second + 1, "2"}, {59500 * time.Millisecond, "60"}, {time.Hour, "3600"},
	}
	for _, test := range tests {
		p := FromError(&contest.TooManyError{RetryAfter: test.wait}, nil, lang.Spanish)
		if got := p.GetHeaders().Get("Retry-After"); got != test.want {
			t.Errorf("%s: got %s, want %s", test.wait, got, test.want)
		}
	}
}

func TestUnknownErrorsShowNothing(t *testing.T) {
	t.Parallel()
	secret := `add_vote: near "SELEC": syntax error in /srv/data/risingstars.db`
	for name, err := range map[string]error{
		"any error":                   errors.New(secret),
		"wrapped":                     fmt.Errorf("x: %w", errors.New(secret)),
		"a refusal that is no answer": fmt.Errorf("%s: %w", secret, contest.ErrNothingToDo),
		"none at all":                 nil,
	} {
		for _, tag := range languages {
			scope := &Scope{ID: "8e09c3186357cdf8"}
			p := FromError(err, scope, tag)
			body, encode := json.Marshal(p)
			if encode != nil {
				t.Fatal(encode)
			}
			want := fmt.Sprintf(`{"title":"Internal Server Error","status":500,"detail":%q,"request_id":"8e09c3186357cdf8"}`, internalText.In(tag))
			if diff := cmp.Diff(want, string(body)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if !errors.Is(scope.Cause, err) {
				t.Errorf("%s: for the log there is %v", name, scope.Cause)
			}
			if got := FromError(err, nil, tag); got.Status != 500 || got.RequestID != "" {
				t.Errorf("%s, without a scope: got %+v", name, got)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, language string
		err              error
		status           int
		body             string
		header           map[string]string
	}{
		"in Spanish by default": {"GET", "", contest.ErrNotVoted, 404,
			`{"title":"Not Found","status":404,"detail":"No has votado por este video."}`, nil},
		"in English": {"GET", "en", contest.ErrNotVoted, 404,
			`{"title":"Not Found","status":404,"detail":"You have not voted for this video."}`, nil},
		"with headers": {"POST", "en", contest.ErrBadCredentials, 401,
			`{"title":"Unauthorized","status":401,"detail":"Credenciales inválidas."}`, map[string]string{"WWW-Authenticate": "Bearer"}},
		"HEAD": {"HEAD", "", contest.ErrNotVoted, 404, "", nil},
		"405": {"PUT", "en", ProblemForStatus(http.StatusMethodNotAllowed, "GET, HEAD", lang.English), 405,
			`{"title":"Method Not Allowed","status":405,"detail":"This address does not support that method."}`, map[string]string{"Allow": "GET, HEAD"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := httptest.NewRecorder(), httptest.NewRequest(test.method, "/x", nil)
			r.Header.Set("Accept-Language", test.language)
			w.Header().Set("Content-Type", "video/mp4") // the handler had set headers for another answer
			w.Header().Set("Content-Length", "12345")

			WriteProblem(w, r, test.err)

			if diff := cmp.Diff(test.body, strings.TrimSpace(w.Body.String())); w.Code != test.status || diff != "" {
				t.Errorf("got %d (-want +got):\n%s", w.Code, diff)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("got type %s", got)
			}
			if got := w.Header().Get("Content-Length"); test.method != "HEAD" && got != strconv.Itoa(w.Body.Len()) {
				t.Errorf("got length %s of %d bytes", got, w.Body.Len())
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("got Cache-Control %q", got)
			}
			for name, want := range test.header {
				if got := w.Header().Get(name); got != want {
					t.Errorf("got %s %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestForStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 402, 404, 405, 406, 408, 413, 415, 417, 422, 431, 503, 505, 599} {
		for _, tag := range languages {
			if p := ProblemForStatus(status, "", tag); p.Status != status || p.Detail == "" || p.GetHeaders().Get("Allow") != "" {
				t.Errorf("%d: got %+v", status, p)
			}
		}
	}
}

func TestScopeOf(t *testing.T) {
	t.Parallel()
	if got := ScopeFromContext(t.Context()); got != nil {
		t.Errorf("got %v where there is none", got)
	}
	scope := &Scope{ID: "x"}
	if got := ScopeFromContext(WithScope(t.Context(), scope)); got != scope {
		t.Errorf("got %v", got)
	}
}

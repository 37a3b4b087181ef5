package api

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// useProblems makes huma answer with the platform's problems. Huma stores the constructors in global variables, so
// this runs once per process, and the constructors depend on no API value.
var useProblems = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, msg string, _ ...error) huma.StatusError {
		return problem.NewProblem(status, msg) // huma documents this model; errors of requests come with a context
	}
	huma.NewErrorWithContext = newProblem
})

// newProblem turns every error of the API into a problem: errors of handlers, by package problem, and huma's own for
// requests that do not match their declaration.
func newProblem(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
	tag := lang.PreferredLanguage(ctx.Header("Accept-Language"))
	var broken *brokenBodyError
	p := requestProblem(status, errs, tag)
	switch err := errors.Join(errs...); {
	case p != nil:
	case errors.As(err, &broken):
		p = broken.problem(tag)
	default:
		p = problem.FromError(err, problem.ScopeFromContext(ctx.Context()), tag)
	}
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Cache-Control", "no-store")
	return p
}

// requestProblem is the problem of a request that does not match its declaration, or nil for other errors. A body
// that is not JSON gets 422, like one with invalid fields.
func requestProblem(status int, errs []error, tag lang.Tag) *problem.Problem {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
	case http.StatusInternalServerError:
		return nil
	default:
		return problem.ProblemForStatus(status, "", tag)
	}
	p := problem.ProblemForStatus(http.StatusUnprocessableEntity, "", tag)
	p.Errors = []problem.Field{}
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if !errors.As(err, &detail) {
			return nil
		}
		field := fieldProblem(detail, tag)
		known := func(f problem.Field) bool { return f.Location == field.Location }
		if !slices.ContainsFunc(p.Errors, known) { // one error per field: the first
			p.Errors = append(p.Errors, field)
		}
	}
	if len(errs) == 0 { // the body is missing
		p.Errors = append(p.Errors, problem.Field{Location: "body", Message: notJSON.In(tag)})
	}
	return p
}

// fieldProblem translates huma's message about a field into the client's language. It omits the value that was sent.
func fieldProblem(detail *huma.ErrorDetail, tag lang.Tag) problem.Field {
	field := problem.Field{Location: detail.Location, Message: invalidValue.In(tag)}
	if field.Location == "body" {
		field.Message = notJSON.In(tag)
	}
	for _, s := range sentences {
		m := s.huma.FindStringSubmatch(detail.Message)
		if m == nil {
			continue
		}
		if s.name {
			field.Location += "." + m[1]
			field.Message = s.text.In(tag)
			break
		}
		field.Message = s.text.In(tag)
		if len(m) > 1 {
			field.Message = strings.ReplaceAll(field.Message, "{}", digits(m[1]))
		}
		break
	}
	return field
}

// digits formats a number without an exponent. Huma may write it as 1e+07.
func digits(number string) string {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return number
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

type sentence struct {
	huma *regexp.Regexp
	text lang.Text
	name bool // the submatch is the name of the field
}

var (
	notJSON      = lang.Text{ES: "Debe ser un objeto JSON válido.", EN: "Must be a valid JSON object."}
	invalidValue = lang.Text{ES: "No es válido.", EN: "Is not valid."}

	// sentences matches every message that huma can have about the API's declarations.
	sentences = []sentence{
		{regexp.MustCompile(`^expected required property (\S+) to be present$`), lang.Text{ES: "Es obligatorio.", EN: "Is required."}, true},
		{regexp.MustCompile(`^expected length >= (\d+)$`), lang.Text{ES: "Debe tener al menos {} caracteres.", EN: "Must have at least {} characters."}, false},
		{regexp.MustCompile(`^expected length <= (\d+)$`), lang.Text{ES: "Puede tener como máximo {} caracteres.", EN: "Must have at most {} characters."}, false},
		{regexp.MustCompile(`^expected number >= (\S+)$`), lang.Text{ES: "Debe ser {} o más.", EN: "Must be {} or more."}, false},
		{regexp.MustCompile(`^expected number <= (\S+)$`), lang.Text{ES: "Debe ser {} o menos.", EN: "Must be {} or less."}, false},
		{regexp.MustCompile(`^(?:expected integer|invalid integer.*)$`), lang.Text{ES: "Debe ser un número entero.", EN: "Must be a whole number."}, false},
		{regexp.MustCompile(`^expected string$`), lang.Text{ES: "Debe ser un texto.", EN: "Must be a text."}, false},
		{regexp.MustCompile(`^expected object$`), notJSON, false},
		{regexp.MustCompile(`^expected string to be RFC 5322 email`), lang.Text{ES: "Debe ser una dirección de correo válida.", EN: "Must be a valid email address."}, false},
		{regexp.MustCompile(`^expected string to (?:be|match pattern) not blank$`), lang.Text{ES: "No puede estar en blanco.", EN: "Must not be blank."}, false},
	}
)

package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// routes lists all routes of the API.
func (a *API) routes(h huma.API, mux *http.ServeMux) {
	signedIn := a.signedIn(h)

	accounts := group{h, "Accounts", nil}
	register(accounts, a.signUp, "POST", "/api/auth/signup", "Sign up", http.StatusCreated, 400, 429)
	register(accounts, a.signIn, "POST", "/api/auth/login", "Sign in", 0, 401, 403, 429)
	account := group{h, "Accounts", signedIn}
	register(account, a.me, "GET", "/api/auth/me", "Who I am", 0)
	register(account, a.changePassword, "POST", "/api/auth/password", "Change my password, and sign out everywhere else", 0, 400, 403, 422, 429)
	register(account, a.export, "GET", "/api/auth/export", "All that is kept of me", 0)
	register(account, a.deleteAccount, "POST", "/api/auth/delete", "Delete my account and my data", 0, 403, 422, 429)

	videos := group{h, "My videos", signedIn}
	register(videos, a.upload, "POST", UploadPath, "Upload a video", http.StatusCreated, 400, 403, 408, 413, 422, 429, 507)
	register(videos, a.myVideos, "GET", "/api/videos", "List my videos", 0)
	register(videos, a.myVideo, "GET", "/api/videos/{id}", "One of my videos", 0, 403, 404)
	register(videos, a.publish, "POST", "/api/videos/{id}/publish", "Publish a processed video", 0, 400, 403, 404)
	register(videos, a.retry, "POST", "/api/videos/{id}/retry", "Process a failed video again", 0, 400, 403, 404)
	register(videos, a.deleteVideo, "DELETE", "/api/videos/{id}", "Delete a video that is not public", 0, 400, 403, 404)
	register(videos, a.events, "GET", eventsPath, "Follow a video's processing", 0, 403, 404)

	public := group{h, "The public", nil}
	register(public, a.publicVideos, "GET", "/api/public/videos", "List public videos", 0, 422)
	register(public, a.rankings, "GET", "/api/public/rankings", "The ranking of players", 0, 422)
	voters := group{h, "The public", signedIn}
	register(voters, a.vote, "POST", "/api/public/videos/{id}/vote", "Vote for a video", 0, 400, 403, 404, 429)
	register(voters, a.takeBack, "DELETE", "/api/public/videos/{id}/vote", "Take a vote back", 0, 404, 429)

	mux.HandleFunc("GET "+MediaPath+"{key...}", a.media)
	mux.HandleFunc("GET /openapi.json", a.document)
	mux.Handle("GET /docs", docsPage())
	mux.Handle("GET /docs/{file}", docsFiles())
}

// group is what several calls have in common.
type group struct {
	api  huma.API
	tag  string
	auth huma.Middlewares // nil for calls without a token
}

// register declares one call. The handler's types define its parameters and bodies. success is its status, 0 for 200.
// errors are the statuses of its possible problems, besides 503 and, with a token, 401.
func register[I, O any](g group, handler func(context.Context, *I) (*O, error), method, path, summary string, success int, errors ...int) {
	op := huma.Operation{
		OperationID:   operationID(method, path),
		Method:        method,
		Path:          path,
		Summary:       summary,
		Tags:          []string{g.tag},
		DefaultStatus: success,
		Errors:        errors,
		Middlewares:   g.auth,
		// An id that is no number must give 404 and not 422, so huma does not validate these parameters. All other
		// parameters are validated.
		SkipValidateParams: strings.Contains(path, "{id}"),
	}
	op.Errors = append(op.Errors, http.StatusServiceUnavailable)
	if g.auth != nil {
		op.Security = []map[string][]string{{bearer: {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized)
	}
	huma.Register(g.api, op, handler)
}

// operationID makes an id such as get-api-videos-id-events.
func operationID(method, path string) string {
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
}

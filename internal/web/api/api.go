// Package api is the platform's JSON API. A handler decodes the request, calls the contest, and encodes the result.
// The validation of requests and the OpenAPI document come from the same declarations (huma).
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"risingstars/internal/auth"
	"risingstars/internal/contest"
	"risingstars/internal/live"
	"risingstars/internal/web/limit"
)

// Objects opens stored objects. Open returns contest.ErrNoVideo if there is no object under the key.
type Objects interface {
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// PresignedLink is a link with which the client gets the object from the storage itself, valid for at least half
	// an hour; "" if the storage has no such links.
	PresignedLink(ctx context.Context, key, mediaType string) (string, error)
}

// Live is what all processes of the platform share: events, progress and the cache.
type Live interface {
	Watch(ctx context.Context, videoID int64) *live.Watch
	Progress(ctx context.Context, videoID int64) int
	Fetch(ctx context.Context, topic contest.Topic, key string, load func(context.Context) ([]byte, error)) ([]byte, error)
}

// Needs are the dependencies of the API.
type Needs struct {
	Players  *contest.Players
	Accounts *contest.Accounts
	Videos   *contest.Videos
	Votes    *contest.Votes
	Objects  Objects
	Tokens   *auth.Tokens
	Links    *auth.SignedLinks
	Origins  *auth.Origins
	Live     Live
	Limits   *limit.Limits
	Metrics  prometheus.Registerer

	Version   string
	PublicURL string // the start of links, without a slash at the end; "" to use the scheme and host of the request
	// AccelRedirect is nginx's internal location that serves the media, with slashes at both ends; "" to send the
	// media from this process.
	AccelRedirect string
	WorkDir       string // folder of the work files
	MaxUpload     int64  // bytes of a video file
	// Room returns contest.ErrNoSpace if there is no free disk space for another video.
	Room     func() error
	Stopping <-chan struct{} // closed when event streams must end
}

// API has the handlers of the calls.
type API struct {
	Needs
	metrics *metrics
	openapi []byte // the OpenAPI document, encoded once
	open    openMedia
}

// Register adds the API's routes to the mux.
func Register(mux *http.ServeMux, needs Needs) (*API, error) {
	useProblems()
	a := &API{Needs: needs, metrics: newMetrics(needs.Metrics), open: newOpenMedia()}
	h := humago.New(uploadMux{mux, needs.MaxUpload, needs.Limits.MinUploadRate}, humaConfig(needs.Version))
	a.routes(h, mux)
	documentUpload(h.OpenAPI(), needs.MaxUpload)
	documentTexts(h.OpenAPI())
	documentMediaTypes(h.OpenAPI())
	documentEvents(h.OpenAPI())
	documentService(h.OpenAPI())
	documentUploads(h.OpenAPI(), needs.MaxUpload)
	document, err := json.Marshal(h.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("render the OpenAPI document: %w", err)
	}
	a.openapi = document
	return a, nil
}

func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("ANB Rising Stars Showcase", version)
	c.Info.Description = "Players upload clips of their skills, the public votes, and a ranking follows. " +
		"Messages for people are in Spanish, or in English where Accept-Language prefers it. Some are fixed by the contract, each in " +
		"its one language whatever Accept-Language says, so that clients can compare them: Las contraseñas no coinciden. · " +
		"Email ya está registrado. · Credenciales inválidas. · Video subido exitosamente. (the beginning of it) · " +
		"El video ha sido eliminado exitosamente. · Video not found · You are not authorized · Video is public · " +
		"Vote successfully registered · You have already voted for this video. Other texts may change: go by the status."
	c.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The access_token of POST /api/auth/login."},
	}
	for _, name := range []string{"Accounts", "My videos", "The public", "The service"} { // in the order of the docs page
		c.Tags = append(c.Tags, &huma.Tag{Name: name})
	}
	c.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}
	c.CreateHooks = nil // without it, huma would add $schema to answers
	c.DocsPath, c.OpenAPIPath, c.SchemasPath = "", "", ""
	return c
}

// jsonFormat writes bodies that are already encoded unchanged, and encodes all others.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		if ready, ok := v.(encoded); ok {
			_, err := w.Write(ready.encoded())
			return err //nolint:wrapcheck // the connection's own
		}
		return huma.DefaultJSONFormat.Marshal(w, v)
	},
	Unmarshal: huma.DefaultJSONFormat.Unmarshal,
}

// encoded is a body that is already JSON, such as one from the cache.
type encoded interface{ encoded() []byte }

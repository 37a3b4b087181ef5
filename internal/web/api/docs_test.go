package api_test

import (
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/contest"
)

// openAPI is the part of an OpenAPI document that the tests use.
type openAPI struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		Security    []map[string][]string
		RequestBody struct {
			Content map[string]struct {
				Schema struct {
					Required   []string
					Properties map[string]struct{ Format string }
				}
			}
		} `json:"requestBody"`
		Parameters []struct {
			Name, In string
			Schema   struct{ Pattern string }
		}
		Responses map[string]struct {
			Content map[string]struct {
				Schema struct {
					Ref string `json:"$ref"`
				}
			}
			Headers map[string]any
		}
	}
	Components struct {
		SecuritySchemes map[string]struct{ Type, Scheme string } `json:"securitySchemes"`
		Schemas         map[string]struct{ Properties map[string]any }
	}
}

// The document has every call of the contract with every status.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	var d openAPI
	visitor(t, shared()).get("/openapi.json").decode(200, &d)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("got OpenAPI %q", d.OpenAPI)
	}
	calls := map[string]string{
		"post /api/auth/signup": "201 400 415 422 429", "post /api/auth/login": "200 401 403 415 422 429", "get /api/auth/me": "200 401",
		"post /api/auth/password": "200 400 401 403 415 422 429", "get /api/auth/export": "200 401", "post /api/auth/delete": "200 401 403 415 422 429",
		"post /api/videos/upload": "201 400 401 413 422 429", "get /api/videos": "200 401", "get /api/videos/{id}": "200 401 403 404",
		"post /api/videos/{id}/publish": "200 400 401 403 404", "post /api/videos/{id}/retry": "200 400 401 403 404",
		"delete /api/videos/{id}": "200 400 401 403 404", "get /api/videos/{id}/events": "200 204 401 403 404",
		"get /api/public/videos": "200 422", "post /api/public/videos/{id}/vote": "200 400 401 403 404 429",
		"delete /api/public/videos/{id}/vote": "200 401 404 429", "get /api/public/rankings": "200 422",
		"get /": "200", "get /healthz": "200", "get /readyz": "200 503", "get /metrics": "200", "get /openapi.json": "200",
		"get /docs":         "200",
		"post /api/uploads": "201 400 401 412 413 422 429 507", "options /api/uploads": "200 401", "head /api/uploads/{upload}": "200",
		"patch /api/uploads/{upload}": "204 400 401 404 409 412 413 422 423 507", "delete /api/uploads/{upload}": "204 401 404 412 423",
	}
	for call, statuses := range calls {
		method, path, _ := strings.Cut(call, " ")
		op, ok := d.Paths[path][method]
		if !ok {
			t.Errorf("the document lacks %s", call)
			continue
		}
		for status := range strings.FieldsSeq(statuses) {
			answer, ok := op.Responses[status]
			if !ok {
				t.Errorf("%s lacks %s", call, status)
			}
			if problem, ok := answer.Content["application/problem+json"]; status >= "400" && (!ok || problem.Schema.Ref == "") {
				t.Errorf("%s does not say what a %s is", call, status)
			}
		}
		if _, needs := op.Responses["401"]; (len(op.Security) > 0) != (needs && path != "/api/auth/login") {
			t.Errorf("%s: got security %v", call, op.Security)
		}
	}
	for path, operations := range d.Paths {
		for method := range operations {
			if _, known := calls[method+" "+path]; !known {
				t.Errorf("the document has %s %s, which the contract has not", method, path)
			}
		}
	}
	checkDetails(t, d)
}

func checkDetails(t *testing.T, d openAPI) {
	t.Helper()
	form := d.Paths["/api/videos/upload"]["post"].RequestBody.Content["multipart/form-data"].Schema
	if diff := cmp.Diff([]string{"title", "video_file"}, slices.Sorted(slices.Values(form.Required))); diff != "" {
		t.Errorf("the form (-want +got):\n%s", diff)
	}
	if got := form.Properties["video_file"].Format; got != "binary" {
		t.Errorf("got a file of format %q", got)
	}
	if _, ok := d.Paths["/api/videos/{id}/events"]["get"].Responses["200"].Content["text/event-stream"]; !ok {
		t.Error("the events are no stream of events")
	}
	headers := d.Paths["/api/public/videos"]["get"].Responses["200"].Headers
	if headers["Link"] == nil || headers["X-Total-Count"] == nil {
		t.Errorf("got headers of the list %v", slices.Sorted(maps.Keys(headers)))
	}
	var parameters []string
	for _, p := range d.Paths["/api/public/videos"]["get"].Parameters {
		parameters = append(parameters, p.In+" "+p.Name)
	}
	slices.Sort(parameters)
	if diff := cmp.Diff([]string{"query city", "query limit", "query page", "query q"}, parameters); diff != "" {
		t.Errorf("parameters of the list (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"Standing": "city position username votes", "Problem": "detail errors request_id status title", "Field": "location message",
		"Profile": "city country email first_name id last_name", "SignInOutputBody": "access_token expires_in token_type",
		"Video": "hidden processed_at processed_url status title uploaded_at video_id",
		"VideoDetail": "failure_reason hidden original_url poster_url processed_at processed_url progress status title uploaded_at " +
			"video_id votes",
		"PublicVideo": "id owner_city owner_name poster_url processed_url title uploaded_at video_id votes",
	} {
		got := strings.Join(slices.Sorted(maps.Keys(d.Components.Schemas[name].Properties)), " ")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := d.Components.SecuritySchemes["bearer"]; got.Type != "http" || got.Scheme != "bearer" {
		t.Errorf("got security scheme %+v", got)
	}
}

// The documented pattern accepts the metadata that tus clients send, and rejects metadata without a title or with
// invalid base64.
func TestOpenAPIKnowsTheMetadataOfUploads(t *testing.T) {
	t.Parallel()
	var d openAPI
	visitor(t, shared()).get("/openapi.json").decode(200, &d)
	var right *regexp.Regexp
	for _, p := range d.Paths["/api/uploads"]["post"].Parameters {
		if p.Name == "Upload-Metadata" {
			right = regexp.MustCompile(p.Schema.Pattern)
		}
	}
	if right == nil {
		t.Fatal("the document has no Upload-Metadata")
	}
	longest := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("🏀", contest.MaxTitle)))
	for metadata, want := range map[string]bool{
		"title VHJpcGxl": true, "title QW5hcw==": true, "title QW5hw7E=": true, "title " + longest: true,
		"title VHJpcGxl,filename Y2xpcC5tcDQ=,filetype dmlkZW8vbXA0": true, // as the site sends it
		"filetype dmlkZW8vcXVpY2t0aW1l,title VHJpcGxl":               true,
		"title VHJpcGxl,filetype ":                                   true, "title VHJpcGxl,filetype": true,
		"": false, "title": false, "title ": false, "filetype dmlkZW8vbXA0": false, "title VHJpcGx": false, "title Triple!": false,
		"title VHJpcGxl,": false, "subtitle VHJpcGxl": false, "title VHJpcGxl filetype dmlkZW8vbXA0": false,
	} {
		if got := right.MatchString(metadata); got != want {
			t.Errorf("%.60q is right: got %t, want %t", metadata, got, want)
		}
	}
}

func TestOpenAPIForManyAtOnce(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	want := c.get("/openapi.json").body
	var readers sync.WaitGroup
	for range 20 {
		readers.Go(func() {
			if got := c.get("/openapi.json"); got.body != want {
				t.Errorf("got %d bytes, want %d", len(got.body), len(want))
			}
		})
	}
	readers.Wait()
}

var references = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

// The docs page loads nothing from another host, and every file that it loads exists.
func TestDocs(t *testing.T) {
	t.Parallel()
	c := visitor(t, shared())
	page := c.get("/docs")
	if page.status != 200 || page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d %s", page.status, page.header.Get("Content-Type"))
	}
	policy := page.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("got Content-Security-Policy %q, want %s", policy, want)
		}
	}
	if strings.Contains(policy, "http") || strings.Contains(policy, "*") || strings.Contains(policy, "unsafe-eval") {
		t.Errorf("got Content-Security-Policy %q", policy)
	}
	script := c.get("/docs/start.js").body
	for _, text := range []string{page.body, script} {
		if strings.Contains(text, "//cdn") || strings.Contains(text, "https:") || strings.Contains(text, "http:") {
			t.Errorf("names another host: %s", text)
		}
	}
	if !strings.Contains(script, `"/openapi.json"`) || !strings.Contains(script, "validatorUrl: null") {
		t.Errorf("got %s", script)
	}
	types := map[string]string{"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "json": "application/json"}
	found := references.FindAllStringSubmatch(page.body, -1)
	if len(found) < 4 {
		t.Errorf("got references %v", found)
	}
	for _, m := range found {
		if !strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "//") {
			t.Errorf("loads %s", m[1])
			continue
		}
		got := c.get(m[1])
		want := types[m[1][strings.LastIndex(m[1], ".")+1:]]
		if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), want) {
			t.Errorf("%s: got %d %s", m[1], got.status, got.header.Get("Content-Type"))
		}
	}
	css := c.get("/docs/swagger-ui.css").body
	for _, m := range regexp.MustCompile(`url\(["']?([^"')]{0,20})|@import`).FindAllStringSubmatch(css, -1) {
		if !strings.HasPrefix(m[1], "data:") {
			t.Errorf("the style sheet loads %s", m[0])
		}
	}
}

// For each character, the document and the contest agree on whether a title may contain it and whether it makes a
// title non-blank.
func TestDocumentedTitles(t *testing.T) {
	t.Parallel()
	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Properties map[string]struct{ Pattern string }
					}
				}
			} `json:"requestBody"`
		}
	}
	visitor(t, shared()).get("/openapi.json").decode(200, &d)
	form := d.Paths["/api/videos/upload"]["post"].RequestBody.Content["multipart/form-data"].Schema
	ecma := form.Properties["title"].Pattern
	pattern := regexp.MustCompile(regexp.MustCompile(`\\u([0-9A-F]{4})`).ReplaceAllString(ecma, `\x{$1}`))
	for r := range rune(0x11000) {
		if r >= 0xD800 && r < 0xE000 {
			continue // surrogates
		}
		for _, title := range []string{string(r), "x" + string(r) + "x", "x" + string(r)} {
			if _, err := contest.CheckTitle(title); pattern.MatchString(title) != (err == nil) {
				t.Errorf("%q: the contest says %v, the document the contrary", title, err)
			}
		}
	}
}

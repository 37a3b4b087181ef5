package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
	"risingstars/internal/testserver"
)

// span is a span as the collector received it.
type span struct {
	trace, id, parent, name, command string
	kind                             wire.Span_SpanKind
	failed                           bool
	attributes                       map[string]string
}

// receiver is a collector of OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []span
	text  strings.Builder // of all requests
	calls []string        // path, content type and credentials of each request
}

func newReceiver(tb testing.TB) *receiver {
	tb.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	tb.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	user, password, _ := request.BasicAuth()
	r.calls = append(r.calls, fmt.Sprintf("%s %s %s:%s", request.URL.Path, request.Header.Get("Content-Type"), user, password))
	body, err := io.ReadAll(request.Body)
	var sent collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(body, &sent) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.text.WriteString(sent.String())
	for _, resource := range sent.GetResourceSpans() {
		about := texts(resource.GetResource().GetAttributes())
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, span{
					hex.EncodeToString(s.GetTraceId()), hex.EncodeToString(s.GetSpanId()), hex.EncodeToString(s.GetParentSpanId()),
					s.GetName(), about["service.name"] + " " + about["risingstars.command"], s.GetKind(),
					s.GetStatus().GetCode() == wire.Status_STATUS_CODE_ERROR, texts(s.GetAttributes()),
				})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func texts(list []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range list {
		v := a.GetValue()
		switch v.GetValue().(type) {
		case *common.AnyValue_IntValue:
			all[a.GetKey()] = fmt.Sprint(v.GetIntValue())
		case *common.AnyValue_DoubleValue:
			all[a.GetKey()] = fmt.Sprint(v.GetDoubleValue())
		default:
			all[a.GetKey()] = v.GetStringValue()
		}
	}
	return all
}

// all returns the spans so far.
func (r *receiver) all() []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// named waits for the only span of a name.
func (r *receiver) named(tb testing.TB, name string) (found span) {
	tb.Helper()
	testserver.Eventually(tb, "a span "+name, func() bool {
		list := slices.DeleteFunc(r.all(), func(s span) bool { return s.name != name })
		if len(list) == 1 {
			found = list[0]
		}
		return len(list) == 1
	})
	return found
}

// shape describes a span without the values that differ in every run.
func (s span) shape() string {
	return fmt.Sprintf("%s, %s, %s, failed %v, %q", s.name, s.command, s.kind, s.failed, slices.Sorted(maps.Keys(s.attributes)))
}

// followUpload uploads a clip to one process and checks the trace that the collector receives.
func followUpload(t *testing.T, url string, r *receiver, log func() string) {
	t.Helper()
	ana := newPlayer(t, url, "ana@example.com")
	id := ana.mustUpload(t, url, mediatest.Clip(t, mediatest.Spec{Seconds: 2}))
	ana.waitFor(t, url, id, "processed")
	must(call(http.MethodGet, url+"/api/public/videos?q=hunter2", "", "", nil, nil))(t)

	request, job := r.named(t, "POST /api/videos/upload"), r.named(t, "process_video")
	probe, render := r.named(t, "ffprobe"), r.named(t, "ffmpeg")
	r.named(t, "GET /api/public/videos")
	got := map[string][2]string{
		"request": {request.trace, request.parent}, "job": {job.trace, job.parent},
		"ffprobe": {probe.trace, probe.parent}, "ffmpeg": {render.trace, render.parent},
	}
	want := map[string][2]string{
		"request": {request.trace, ""}, "job": {request.trace, request.id},
		"ffprobe": {request.trace, job.id}, "ffmpeg": {request.trace, job.id},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trace and parent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{fmt.Sprint(id), "2"}, []string{render.attributes["video.id"], render.attributes["clip.seconds"]}); diff != "" {
		t.Errorf("video and seconds of the clip (-want +got):\n%s", diff)
	}
	contains(t, log(), "status=201", "trace_id="+request.trace)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range []string{"hunter2", "ana@", "Triple", "Bearer", "127.0.0.1"} {
		if strings.Contains(r.text.String(), secret) {
			t.Errorf("the collector is told %q", secret)
		}
	}
}

func TestATraceFollowsAnUpload(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "TRACES_URL": r.URL})
	followUpload(t, s.URL, r, s.Log)
	var got []string
	for _, name := range []string{"POST /api/videos/upload", "process_video", "fetch the original", "ffprobe", "ffmpeg", "store the results"} {
		got = append(got, r.named(t, name).shape())
	}
	want := []string{
		`POST /api/videos/upload, risingstars serve, SPAN_KIND_SERVER, failed false, ["http.request.method" "http.response.status_code" "http.route" "request.id"]`,
		`process_video, risingstars serve, SPAN_KIND_INTERNAL, failed false, ["job.attempt" "job.id" "video.id"]`,
		`fetch the original, risingstars serve, SPAN_KIND_INTERNAL, failed false, ["video.id"]`,
		`ffprobe, risingstars serve, SPAN_KIND_INTERNAL, failed false, ["video.id"]`,
		`ffmpeg, risingstars serve, SPAN_KIND_INTERNAL, failed false, ["clip.seconds" "video.id"]`,
		`store the results, risingstars serve, SPAN_KIND_INTERNAL, failed false, ["video.id"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	must(call(http.MethodGet, s.URL+"/healthz", "", "", nil, nil))(t)
	check(t, s.Stop())
	for _, s := range r.all() {
		if strings.HasSuffix(s.name, "/healthz") {
			t.Error("a look at the program's health has a trace")
		}
	}
}

// A resumable upload becomes a video in the request that sends its last part.
func TestATraceFollowsAnUploadInPieces(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "TRACES_URL": r.URL})
	b := newReader(t, s)
	b.post("/cuenta/registro", signUpForm("ana@example.com"))
	clip := must(os.ReadFile(mediatest.Clip(t, mediatest.Spec{})))(t)
	made, _ := b.do("POST", "/api/uploads/", nil, "Tus-Resumable", "1.0.0", "Upload-Length", strconv.Itoa(len(clip)),
		"Upload-Metadata", "title "+base64.StdEncoding.EncodeToString([]byte("Bandeja")))
	half := len(clip) / 2
	for from, piece := range [][]byte{clip[:half], clip[half:]} {
		b.do("PATCH", made.Header.Get("Location"), bytes.NewReader(piece), "Tus-Resumable", "1.0.0",
			"Upload-Offset", strconv.Itoa(from*half), "Content-Type", "application/offset+octet-stream")
	}
	job := r.named(t, "process_video")
	var request span
	testserver.Eventually(t, "both requests", func() bool {
		list := slices.DeleteFunc(r.all(), func(s span) bool { return s.name != "PATCH /api/uploads/{id}" })
		if len(list) == 2 {
			request = list[1]
		}
		return len(list) == 2
	})
	if job.trace != request.trace || job.parent != request.id {
		t.Errorf("the job is in the trace %s below %s, the request %s in %s", job.trace, job.parent, request.id, request.trace)
	}
}

// The web process and the worker are two processes; only the job carries the trace context between them.
func TestATraceFollowsAnUploadToAnotherProcess(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	f := newBase(t)
	f.settings["TRACES_URL"] = strings.Replace(r.URL, "http://", "http://stars:pass%2Fword@", 1) + "/of/ours"
	web := f.serve("127.0.0.1:0", nil)
	worker := f.work(nil)
	followUpload(t, web.url, r, web.log.String)
	got := []string{r.named(t, "POST /api/videos/upload").command, r.named(t, "process_video").command}
	if diff := cmp.Diff([]string{"risingstars serve", "risingstars worker"}, got); diff != "" {
		t.Errorf("processes (-want +got):\n%s", diff)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff([]string{"/of/ours application/x-protobuf stars:pass/word"}, slices.Compact(r.calls)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for _, p := range []*program{web, worker} {
		if strings.Contains(p.out.String()+p.log.String(), "pass/word") {
			t.Error("the collector's password is shown")
		}
	}
}

func TestNothingIsTracedByDefault(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	p := serve(t, apptest.Settings{
		"DATA_DIR": t.TempDir(), "OTEL_EXPORTER_OTLP_ENDPOINT": r.URL, "OTEL_TRACES_SAMPLER": "always_on",
	})
	ana := newPlayer(t, p.url, "ana@example.com")
	ana.waitFor(t, p.url, ana.mustUpload(t, p.url, mediatest.Clip(t, mediatest.Spec{})), "processed")
	p.signal(syscall.SIGTERM)
	p.wait()
	if len(r.calls) > 0 || strings.Contains(p.log.String(), "trace_id") {
		t.Errorf("the collector had %d calls", len(r.calls))
	}
}

// With TRACES_PERCENT=0, a program with a collector traces neither a hundred requests nor the processing of their
// uploads.
func TestNoShareIsTraced(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "TRACES_URL": r.URL, "TRACES_PERCENT": "0"})
	ana := newPlayer(t, s.URL, "ana@example.com")
	ana.waitFor(t, s.URL, ana.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{})), "processed")
	check(t, s.Stop())
	if len(r.all()) > 0 || strings.Contains(s.Log(), "trace_id") {
		t.Errorf("the collector has %d spans", len(r.all()))
	}
}

// A collector that is unreachable, or accepts connections and never answers, causes one line in the log.
func TestACollectorThatIsAway(t *testing.T) {
	t.Parallel()
	silent := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer silent.Close()
	for name, addr := range map[string]string{"not there": testserver.FreeAddr(t), "silent": silent.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, apptest.Settings{"WORKERS": "1", "TRACES_URL": "http://stars:hunter2@" + addr})
			ana := newPlayer(t, s.URL, "ana@example.com")
			id := ana.mustUpload(t, s.URL, mediatest.Clip(t, mediatest.Spec{}))
			ana.waitFor(t, s.URL, id, "processed")
			testserver.Eventually(t, "a line in the log", func() bool { return strings.Contains(s.Log(), "traces are lost") })
			for range 500 {
				must(call(http.MethodGet, s.URL+"/api/public/rankings", "", "", nil, nil))(t)
			}
			check(t, s.Stop())
			if n := strings.Count(s.Log(), "traces are lost"); n != 1 || strings.Contains(s.Log(), "hunter2") {
				t.Errorf("got %d lines, or one with a password", n)
			}
		})
	}
}

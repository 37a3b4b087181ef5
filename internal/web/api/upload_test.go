package api_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/app/apptest"
	"risingstars/internal/media/mediatest"
)

func TestUpload(t *testing.T) {
	t.Parallel()
	mov := mediatest.Spec{Width: 160, Height: 120, FPS: "15", Container: "mov", Audio: true}
	tests := []struct {
		name   string
		form   []part
		title  string
		format string
	}{
		{"title first", []part{title("Triple"), video(clip(t))}, "Triple", "mp4"},
		{"file first", []part{video(clip(t)), title("Triple")}, "Triple", "mp4"},
		{"MOV", []part{title("Triple"), {"video_file", "IMG_0001.MOV", "video/quicktime", content(t, mov)}}, "Triple", "mov"},
		{"MOV that is called MP4", []part{title("Triple"), video(content(t, mov))}, "Triple", "mov"},
		{"MP4 that is called MOV", []part{title("Triple"), {"video_file", "clip.mov", "video/quicktime", clip(t)}}, "Triple", "mp4"},
		{"as any bytes", []part{title("Triple"), {"video_file", "clip", "application/octet-stream", clip(t)}}, "Triple", "mp4"},
		{"without a type", []part{title("Triple"), {"video_file", "clip.mp4", "", clip(t)}}, "Triple", "mp4"},
		{"type with a parameter", []part{title("Triple"), {"video_file", "clip.mp4", "Video/MP4; codecs=avc1", clip(t)}}, "Triple", "mp4"},
		{"a strange file name", []part{title("Triple"), {"video_file", "../../../etc/passwd", "video/mp4", clip(t)}}, "Triple", "mp4"},
		{"title with blanks around", []part{title("  Triple \n"), video(clip(t))}, "Triple", "mp4"},
		{"title of 255 characters", []part{title(strings.Repeat("ñ", 255)), video(clip(t))}, strings.Repeat("ñ", 255), "mp4"},
		{"title of markup", []part{title(`<b>"Triple" & 'más'</b>`), video(clip(t))}, `<b>"Triple" & 'más'</b>`, "mp4"},
		{"other fields", []part{{name: "description", content: "x"}, title("Triple"), video(clip(t)), {name: "more", file: "a.txt", content: "y"}}, "Triple", "mp4"},
		{"index at the end", []part{title("Triple"), video(content(t, mediatest.Spec{Width: 160, Height: 120, MoovLast: true}))}, "Triple", "mp4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlayer(t, shared(), "")

			got := p.upload(test.form...)

			var made struct {
				Task string `json:"task_id"`
				ID   int64  `json:"video_id"`
			}
			got.decode(201, &made)
			if _, err := strconv.Atoi(made.Task); err != nil {
				t.Errorf("got task_id %q", made.Task)
			}
			got.is(201, text(map[string]any{
				"message": "Video subido exitosamente. Procesamiento en curso.", "task_id": made.Task, "video_id": made.ID,
			}))
			p.get(path("/api/videos/{id}", made.ID)).is(200, text(map[string]any{
				"video_id": made.ID, "title": test.title, "status": "uploaded", "uploaded_at": "TIME", "processed_at": nil,
				"processed_url": nil, "original_url": "signed original." + test.format, "poster_url": nil, "votes": 0,
				"progress": 0, "failure_reason": nil,
			}))
			checkOriginal(t, p, made.ID, test.form)
		})
	}
}

// checkOriginal compares the stored original with the uploaded file.
func checkOriginal(t *testing.T, p player, id int64, form []part) {
	t.Helper()
	var want string
	for _, part := range form {
		if part.name == "video_file" {
			want = part.content
		}
	}
	var detail struct {
		URL string `json:"original_url"`
	}
	p.get(path("/api/videos/{id}", id)).decode(200, &detail)
	got := visitor(t, shared()).get(detail.URL)
	if got.status != 200 || sha256.Sum256([]byte(got.body)) != sha256.Sum256([]byte(want)) {
		t.Errorf("got %d and %d bytes, want the %d that were sent", got.status, len(got.body), len(want))
	}
}

var (
	notAVideo  = refusal{400, "El archivo no es un video MP4 o MOV.", nil}
	noPicture  = refusal{400, "El archivo no contiene imágenes: le falta la pista de video.", nil}
	truncated  = refusal{400, "El video está incompleto: el archivo termina antes de tiempo. Vuelve a exportarlo o a subirlo.", nil}
	declared   = refusal{400, "El archivo se envió con un tipo que no es de video MP4 o MOV.", nil}
	unplayable = refusal{400, "El video no se puede reproducir. Expórtalo de nuevo como MP4 (H.264 o HEVC).", nil}
	tooLarge   = refusal{413, "El archivo supera el tamaño máximo permitido.", nil}
	brokenForm = refusal{400, "El formulario llegó incompleto o mal formado. Vuelve a enviarlo.", nil}
)

func badFields(faults ...fault) refusal { return refusal{422, invalid, faults} }

// A refused upload leaves nothing behind: no work file, no object, no row.
func TestUploadRefuses(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "MAX_UPLOAD_BYTES": "400000"})
	p := newPlayer(t, s, "")
	for name, test := range refusedForms(t) {
		t.Run(name, func(t *testing.T) {
			got := p.as(t).upload(test.form...)

			got.refuses(test.want)
			echoes(t, got)
			if diff := cmp.Diff([]string(nil), traces(t, s)); diff != "" {
				t.Errorf("left behind (+):\n%s", diff)
			}
		})
	}
	for name, test := range refusedBodies(t) {
		t.Run(name, func(t *testing.T) {
			got := p.as(t).do("POST", "/api/videos/upload", test.body, "Content-Type", test.contentType)

			got.refuses(test.want)
			if diff := cmp.Diff([]string(nil), traces(t, s)); diff != "" {
				t.Errorf("left behind (+):\n%s", diff)
			}
		})
	}
	p.get("/api/videos").is(200, "[]")
}

type refusedForm struct {
	form []part
	want refusal
}

func refusedForms(t *testing.T) map[string]refusedForm {
	t.Helper()
	good := clip(t)
	file := func(name, mediaType, content string) []part {
		return []part{title("Triple"), {"video_file", name, mediaType, content}}
	}
	made := func(spec mediatest.Spec) []part {
		spec.Width, spec.Height = 160, 120
		return []part{title("Triple"), video(content(t, spec))}
	}
	png, err := os.ReadFile(filepath.Join("..", "site", "static", "apple-touch-icon.png"))
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]refusedForm{
		"nothing":             {nil, badFields(fault{"body.title", "Es obligatorio."}, fault{"body.video_file", "Es obligatorio."})},
		"no title":            {[]part{video(good)}, badFields(fault{"body.title", "Es obligatorio."})},
		"no file":             {[]part{title("Triple")}, badFields(fault{"body.video_file", "Es obligatorio."})},
		"empty title":         {[]part{title(""), video(good)}, badFields(fault{"body.title", "Es obligatorio."})},
		"blank title":         {[]part{title(" \t "), video(good)}, badFields(fault{"body.title", "No puede estar en blanco."})},
		"blank title at last": {[]part{video(good), title("\u00a0")}, badFields(fault{"body.title", "No puede estar en blanco."})},
		"title of 256":        {[]part{title(strings.Repeat("ñ", 256)), video(good)}, badFields(fault{"body.title", "Puede tener como máximo 255 caracteres."})},
		"title of a million":  {[]part{video(good), title(strings.Repeat("a", 1_000_000))}, badFields(fault{"body.title", "Puede tener como máximo 255 caracteres."})},
		"title not in UTF-8":  {[]part{title("Tri\xffple"), video(good)}, badFields(fault{"body.title", "Debe ser texto sin caracteres de control."})},
		"title with a NUL":    {[]part{title("Tri\x00ple"), video(good)}, badFields(fault{"body.title", "Debe ser texto sin caracteres de control."})},
		"two titles":          {[]part{title("Triple"), title("Bandeja"), video(good)}, badFields(fault{"body.title", "Solo se puede enviar una vez."})},
		"two files":           {[]part{title("Triple"), video(good), video(good)}, badFields(fault{"body.video_file", "Solo se puede enviar una vez."})},
		"file as a text":      {[]part{title("Triple"), {name: "video_file", content: good}}, badFields(fault{"body.video_file", "Es obligatorio."})},
		"file in other field": {[]part{title("Triple"), {"video", "clip.mp4", "video/mp4", good}}, badFields(fault{"body.video_file", "Es obligatorio."})},

		"empty file":           {file("clip.mp4", "video/mp4", ""), refusal{400, "El archivo está vacío.", nil}},
		"text":                 {file("clip.mp4", "video/mp4", strings.Repeat("Triple desde la esquina. ", 100)), notAVideo},
		"few bytes":            {file("clip.mp4", "video/mp4", "ftyp"), notAVideo},
		"PNG":                  {file("clip.mp4", "video/mp4", string(png)), notAVideo},
		"PNG as what it is":    {file("icon.png", "image/png", string(png)), declared},
		"playlist":             {file("clip.mp4", "video/mp4", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), notAVideo},
		"AVI":                  {made(mediatest.Spec{Container: "avi", Codec: "mpeg4"}), notAVideo},
		"Matroska":             {made(mediatest.Spec{Container: "matroska"}), notAVideo},
		"WebM":                 {made(mediatest.Spec{Container: "webm", Codec: "libvpx"}), notAVideo},
		"MPEG-TS":              {made(mediatest.Spec{Container: "mpegts"}), notAVideo},
		"sound only":           {made(mediatest.Spec{AudioOnly: true}), noPicture},
		"nothing but ftyp":     {file("clip.mp4", "video/mp4", good[:32]), truncated},
		"MP4 as a picture":     {file("clip.mp4", "image/png", good), declared},
		"MP4 as a text":        {file("clip.mp4", "text/plain", good), declared},
		"MP4 as WebM":          {file("clip.mp4", "video/webm", good), declared},
		"over the limit":       {file("clip.mp4", "video/mp4", padded(good, 400_001)), tooLarge},
		"far over the limit":   {file("clip.mp4", "video/mp4", padded(good, 4_000_000)), tooLarge},
		"noise in place of it": {file("clip.mp4", "video/mp4", noisy(good)), unplayable},
	}
	for _, cut := range []int{9, 200, len(good) / 3, len(good) / 2, len(good) * 9 / 10, len(good) - 1} {
		forms["cut at "+strconv.Itoa(cut)] = refusedForm{file("clip.mp4", "video/mp4", good[:cut]), truncated}
	}
	return forms
}

// noisy is a clip with a valid header and corrupt frames.
func noisy(clip string) string {
	at := strings.Index(clip, "mdat") + 4
	return clip[:at] + strings.Repeat("\xa5", len(clip)-at)
}

type refusedBody struct {
	contentType, body string
	want              refusal
}

func refusedBodies(t *testing.T) map[string]refusedBody {
	t.Helper()
	contentType, whole := form(title("Triple"), video(clip(t)))
	both := badFields(fault{"body.title", "Es obligatorio."}, fault{"body.video_file", "Es obligatorio."})
	return map[string]refusedBody{
		"no body":                  {"", "", both},
		"JSON":                     {"application/json", `{"title": "Triple", "video_file": "clip.mp4"}`, both},
		"URL-encoded":              {"application/x-www-form-urlencoded", "title=Triple&video_file=x", both},
		"the file itself":          {"video/mp4", clip(t), both},
		"a form without boundary":  {"multipart/form-data", whole, both},
		"another boundary":         {"multipart/form-data; boundary=other", whole, both},
		"an end within the file":   {contentType, whole[:len(whole)/2], brokenForm},
		"an end within a header":   {contentType, whole[:100], both},
		"an end before the end":    {contentType, whole[:len(whole)-6], brokenForm},
		"a header that is no such": {"multipart/form-data; boundary=b", "--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n", brokenForm},
	}
}

func TestUploadSpeaksEnglish(t *testing.T) {
	t.Parallel()
	p := newPlayer(t, shared(), "")
	p.lang = "en"
	p.upload(video(clip(t))).refuses(refusal{422, invalidEN, []fault{{"body.title", "Is required."}}})
	p.upload(title(" "), video(clip(t))).refuses(refusal{422, invalidEN, []fault{{"body.title", "Must not be blank."}}})
	p.upload(title(strings.Repeat("a", 256))).refuses(refusal{422, invalidEN, []fault{{"body.title", "Must have at most 255 characters."}}})
	p.upload(title("Triple"), video("text")).refuses(refusal{400, "The file is not an MP4 or MOV video.", nil})
	p.upload(title("Triple"), video("")).refuses(refusal{400, "The file is empty.", nil})
	got := p.upload(title("Triple"), video(clip(t)))
	if !strings.Contains(got.body, `"message":"Video subido exitosamente.`) {
		t.Errorf("got %s", got.body)
	}
}

// The limit applies to the file, to the byte, whatever the size of the rest of the form.
func TestUploadAtTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 300_000
	s := apptest.Start(t, apptest.Settings{"WORKERS": "0", "MAX_UPLOAD_BYTES": strconv.Itoa(limit)})
	p := newPlayer(t, s, "")
	exact := padded(clip(t), limit)
	if got := p.upload(title(strings.Repeat("a", 255)), video(exact)); got.status != 201 {
		t.Errorf("%d bytes: got %d: %s", len(exact), got.status, got.body)
	}
	p.upload(title("Triple"), video(padded(clip(t), limit+1))).refuses(tooLarge)
	p.in("en").upload(title("Triple"), video(padded(clip(t), limit+1))).
		refuses(refusal{413, "The file is larger than allowed.", nil})
	if got := look[int](t, s, `SELECT count(*) FROM videos`); got != 1 {
		t.Errorf("got %d rows, want 1", got)
	}
}

// Concurrent uploads become separate videos, each with its own job.
func TestUploadsRace(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *apptest.Server) {
		t.Helper()
		p := newPlayer(t, s, "")
		counts := race(8, func() int { return p.upload(title("Triple"), video(clip(t))).status })
		if diff := cmp.Diff(map[int]int{201: 8}, counts); diff != "" {
			t.Errorf("uploads (-want +got):\n%s", diff)
		}
		pairs := look[int](t, s, `SELECT count(DISTINCT j.id) FROM videos AS v JOIN river_job AS j ON CAST(j.id AS TEXT) = CAST(v.task_id AS TEXT)`)
		if jobs := look[int](t, s, `SELECT count(*) FROM river_job`); pairs != 8 || jobs != 8 {
			t.Errorf("%d videos have one of %d jobs, want 8 of 8", pairs, jobs)
		}
	})
}

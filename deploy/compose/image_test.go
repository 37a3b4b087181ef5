package compose

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

// instruction is one instruction of the Dockerfile, with its lines joined.
type instruction struct{ name, rest string }

func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	check(t, err)
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	var list []instruction
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		list = append(list, instruction{name, strings.TrimSpace(rest)})
	}
	return list
}

// step returns the only RUN that contains the text.
func step(t *testing.T, text string) string {
	t.Helper()
	var found []string
	for _, i := range dockerfile(t) {
		if i.name == "RUN" && strings.Contains(i.rest, text) {
			found = append(found, i.rest)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d steps have %q", len(found), text)
	}
	return found[0]
}

// built returns the path of the program as the Dockerfile builds it from the files that .dockerignore admits.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "risingstars-image-")
	return filepath.Join(dir, "risingstars"), err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program)) // in the system's temporary folder
	}
	os.Exit(code)
}

var build sync.Mutex

// program returns the path of the program. The first test that needs it builds it.
func program(t *testing.T) string {
	t.Helper()
	build.Lock()
	defer build.Unlock()
	path, err := built()
	check(t, err)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	source := t.TempDir()
	for _, part := range sources(t) {
		output(t, nil, "cp", "-R", filepath.Join(root, part), filepath.Join(source, part))
	}
	output(t, nil, "find", source, "-name", "*_test.go", "-delete")
	line := strings.ReplaceAll(step(t, "go build"), "/out/risingstars", path)
	output(t, []string{"VERSION=v1.2.3-image", "GOFLAGS=-mod=readonly"}, "sh", "-ec", `cd "$1" && `+line, "sh", mustAbs(t, source))
	return path
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	check(t, err)
	return absolute
}

// sources returns the files that .dockerignore admits.
func sources(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	check(t, err)
	var list []string
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "!"); found {
			list = append(list, name)
		}
	}
	return list
}

func TestImageBuildsTheProgram(t *testing.T) {
	t.Parallel()
	if got := output(t, nil, program(t), "version"); !strings.Contains(got, "v1.2.3-image") {
		t.Errorf("it says %q", got)
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	var got []instruction
	for _, i := range dockerfile(t) {
		if slices.Contains([]string{"FROM", "USER", "ENTRYPOINT", "STOPSIGNAL"}, i.name) {
			got = append(got, i)
		}
	}
	want := []instruction{
		{"FROM", "golang:" + goVersion(t) + "-bookworm AS build"}, {"FROM", "debian:12.11-slim"},
		{"USER", "10001:10001"}, {"STOPSIGNAL", "SIGTERM"}, {"ENTRYPOINT", `["risingstars"]`},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(instruction{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	check := slices.IndexFunc(dockerfile(t), func(i instruction) bool {
		return i.name == "HEALTHCHECK" && strings.HasSuffix(i.rest, `CMD ["risingstars", "healthcheck"]`)
	})
	if check < 0 {
		t.Error("no health check by the program")
	}
}

// goVersion returns the newest Go version that a go.mod of the project requires.
func goVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "tools/go.mod"))
	check(t, err)
	found := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("no version of Go")
	}
	return string(found[1])
}

func TestImagePackages(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("apt-cache"); err != nil {
		t.Skip("no Debian")
	}
	_, list, found := strings.Cut(step(t, "apt-get install"), "--no-install-recommends ")
	if !found {
		t.Fatal("recommended packages too")
	}
	list, _, _ = strings.Cut(list, "&&")
	packages := strings.Fields(list)
	if diff := cmp.Diff([]string{"ca-certificates", "ffmpeg"}, packages); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	output(t, nil, append([]string{"apt-cache", "show", "--no-all-versions"}, packages...)...)
}

// Every variable is a setting or the file of one, and every command exists in the program.
func TestSettings(t *testing.T) {
	t.Parallel()
	help := output(t, nil, program(t), "--help")
	known := func(name string) bool {
		return strings.Contains(help, "["+name+"]") ||
			regexp.MustCompile(`(?m)^  `+regexp.QuoteMeta(name)+`\b`).MatchString(help)
	}
	if !known("WORKERS") || !known("serve") || known("NO_SETTING") || known("no-command") {
		t.Fatalf("cannot read the help:\n%s", help)
	}
	for _, i := range dockerfile(t) {
		if i.name == "ENV" {
			for given := range strings.FieldsSeq(i.rest) {
				if name, _, _ := strings.Cut(given, "="); !known(name) {
					t.Errorf("Dockerfile: the program has no %s", name)
				}
			}
		}
	}
	for profile := range profiles {
		for name, s := range ours(load(t, profile)) {
			checkSettings(t, name, s, known)
		}
	}
}

func checkSettings(t *testing.T, name string, s types.ServiceConfig, known func(string) bool) {
	t.Helper()
	for variable := range s.Environment {
		if !known(strings.TrimSuffix(variable, "_FILE")) {
			t.Errorf("%s: the program has no %s", name, variable)
		}
	}
	if len(s.Command) == 0 || !known(s.Command[0]) {
		t.Errorf("%s: the program has no command %v", name, s.Command)
	}
	if check := s.HealthCheck.Test; len(check) < 3 || check[1] != "risingstars" || !known(check[2]) {
		t.Errorf("%s: the program cannot be asked %v", name, check)
	}
}

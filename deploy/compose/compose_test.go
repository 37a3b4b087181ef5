// Package compose checks compose.yaml and the Dockerfile as far as possible without Docker.
package compose

import (
	"bytes"
	"crypto/tls"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// profiles are the combinations of profiles in compose.yaml that are tested, with the file of variables for each.
var profiles = map[string]struct {
	profiles []string
	envFile  string
}{
	"plain":         {nil, ""},
	"observability": {[]string{"observability"}, ""},
	"s3":            {[]string{"s3"}, "s3.env"},
	"all":           {[]string{"*"}, ""},
}

func load(t *testing.T, name string) *types.Project {
	t.Helper()
	given := profiles[name]
	options := []cli.ProjectOptionsFn{cli.WithWorkingDirectory(root), cli.WithProfiles(given.profiles)}
	if given.envFile != "" {
		options = append(options, cli.WithEnvFiles(given.envFile), cli.WithDotEnv)
	}
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "compose.yaml")}, options...)
	check(t, err)
	project, err := o.LoadProject(t.Context())
	check(t, err)
	return project
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	plain := []string{"migrate", "nginx", "postgres", "redis", "web-1", "web-2", "worker-1", "worker-2"}
	watchers := []string{"grafana", "nginx-exporter", "node-exporter", "postgres-exporter", "prometheus", "redis-exporter"}
	for name, more := range map[string][]string{
		"plain": nil, "observability": watchers, "s3": {"s3"}, "all": append(slices.Clone(watchers), "s3"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := slices.Sorted(slices.Values(slices.Concat(plain, more)))
			if diff := cmp.Diff(want, load(t, name).ServiceNames()); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryService(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`^[a-z0-9/_-]+:[^:]*[0-9][^:]*$`)
	for name, s := range load(t, "all").Services {
		if s.HealthCheck == nil || s.HealthCheck.Disable || len(s.HealthCheck.Test) < 2 || s.HealthCheck.Interval == nil ||
			s.HealthCheck.Timeout == nil || s.HealthCheck.Retries == nil {
			t.Errorf("%s: no whole health check", name)
		}
		if s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 ||
			s.Deploy.Resources.Limits.NanoCPUs == 0 || s.Deploy.Resources.Limits.Pids == 0 {
			t.Errorf("%s: no limits of memory, processors and processes", name)
		}
		if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.Privileged || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: could do more than it needs to", name)
		}
		if s.Image != "risingstars:local" && !tag.MatchString(s.Image) {
			t.Errorf("%s: the image %s is not pinned", name, s.Image)
		}
		if s.Restart != "unless-stopped" && name != "migrate" {
			t.Errorf("%s: does not come back", name)
		}
	}
}

// The services start in order by themselves: every service that another waits for has a health check or ends.
func TestOrder(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	p := load(t, "plain")
	for name, s := range p.Services {
		for other, needs := range s.DependsOn {
			if _, there := p.Services[other]; there || needs.Required {
				got[name+" "+other] = needs.Condition
			}
		}
	}
	want := map[string]string{
		"nginx web-1": "service_healthy", "nginx web-2": "service_healthy", "migrate postgres": "service_healthy",
	}
	for _, name := range []string{"web-1", "web-2", "worker-1", "worker-2"} {
		want[name+" migrate"], want[name+" redis"] = "service_completed_successfully", "service_healthy"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// ours returns the services that run the program.
func ours(p *types.Project) map[string]types.ServiceConfig {
	list := maps.Clone(p.Services)
	maps.DeleteFunc(list, func(_ string, s types.ServiceConfig) bool { return !strings.HasPrefix(s.Image, "risingstars:") })
	return list
}

func TestOurServices(t *testing.T) {
	t.Parallel()
	for name := range profiles {
		list := ours(load(t, name))
		if len(list) != 5 {
			t.Errorf("%s: %d services run the program", name, len(list))
		}
		for service, s := range list {
			if s.User != "10001:10001" || s.Build == nil || s.StopGracePeriod == nil {
				t.Errorf("%s: runs as %q, build %v, stops within %v", service, s.User, s.Build, s.StopGracePeriod)
			}
			for variable, value := range s.Environment {
				if value == nil {
					t.Errorf("%s: %s is left to the operator", service, variable)
				}
			}
		}
	}
	s := load(t, "s3").Services["web-1"]
	if s.DependsOn["s3"].Condition != "service_healthy" {
		t.Error("with S3 the program does not wait for it")
	}
	web := s.Environment
	if url := *web["STORAGE_URL"]; !strings.HasPrefix(url, "s3://") || *web["ACCEL_REDIRECT"] != "" {
		t.Errorf("with S3 the media are in %s, behind %q", url, *web["ACCEL_REDIRECT"])
	}
}

// The trusted proxy exists, and only it shares a network with the web servers.
func TestProxy(t *testing.T) {
	t.Parallel()
	p := load(t, "all")
	var on []string
	for name, s := range p.Services {
		if _, there := s.Networks["edge"]; there {
			on = append(on, name)
		}
		if _, there := s.Networks["data"]; there == (name == "nginx") {
			t.Errorf("%s: is on the network of the data: %v", name, there)
		}
		if len(s.Ports) > 0 && name != "nginx" && s.Ports[0].HostIP != "127.0.0.1" {
			t.Errorf("%s: can be reached from outside", name)
		}
	}
	if diff := cmp.Diff([]string{"nginx", "web-1", "web-2"}, slices.Sorted(slices.Values(on))); diff != "" {
		t.Errorf("on the network of the proxy (-want +got):\n%s", diff)
	}
	trusted := *p.Services["web-1"].Environment["TRUSTED_PROXIES"]
	if subnet := p.Networks["edge"].Ipam.Config[0].Subnet; subnet != trusted {
		t.Errorf("%s is trusted, the network is %s", trusted, subnet)
	}
}

// nginx gets a value for every name in its templates.
func TestNginx(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(root, "deploy/nginx/templates/*.template"))
	check(t, err)
	if len(paths) == 0 {
		t.Fatal("no templates")
	}
	var asked []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		check(t, err)
		for _, found := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllSubmatch(text, -1) {
			asked = append(asked, string(found[1]))
		}
	}
	slices.Sort(asked)
	given := load(t, "plain").Services["nginx"].Environment
	delete(given, "NGINX_ENVSUBST_OUTPUT_DIR") // set by the image itself
	if diff := cmp.Diff(slices.Compact(asked), slices.Sorted(maps.Keys(given))); diff != "" {
		t.Errorf("(-asked +given):\n%s", diff)
	}
}

// Prometheus reads the rules and a file for each of its jobs, and every target in them exists. Grafana's paths exist
// in its container.
func TestObservability(t *testing.T) {
	t.Parallel()
	p := load(t, "observability")
	mounted := map[string]string{} // host paths by container path
	for _, name := range []string{"prometheus", "grafana"} {
		for _, v := range p.Services[name].Volumes {
			if v.Type != "bind" {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
				t.Errorf("%s: %s: read only %v, %v", name, v.Source, v.ReadOnly, err)
			}
			mounted[v.Target] = v.Source
		}
	}
	config, err := os.ReadFile(mounted["/etc/prometheus/prometheus.yml"])
	check(t, err)
	for _, found := range regexp.MustCompile(`(targets|rules)/\w+\.yml`).FindAll(config, -1) {
		folder, file := filepath.Split(string(found))
		text, err := os.ReadFile(filepath.Join(mounted["/etc/prometheus/"+filepath.Clean(folder)], file))
		check(t, err)
		for _, target := range regexp.MustCompile(`"([\w.-]+):\d+"`).FindAllSubmatch(text, -1) {
			if _, there := p.Services[string(target[1])]; folder == "targets/" && !there && string(target[1]) != "127.0.0.1" {
				t.Errorf("%s: there is no %s", file, target[1])
			}
		}
	}
	grafana := p.Services["grafana"].Environment
	if mounted[*grafana["DASHBOARDS"]] == "" || mounted["/etc/grafana/provisioning"] == "" || *grafana["PROMETHEUS_URL"] != "http://prometheus:9090" {
		t.Errorf("Grafana is given %v", mounted)
	}
	ask := "--nginx.scrape-uri=http://nginx:" + *p.Services["nginx"].Environment["STATUS_LISTEN"] + "/nginx_status"
	if diff := cmp.Diff([]string{ask}, []string(p.Services["nginx-exporter"].Command)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, port := range p.Services["nginx"].Ports {
		if port.Target == 8081 {
			t.Error("the public reaches what is for who measures")
		}
	}
}

// Passwords come from files, and compose.yaml uses every file that the script creates.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := output(t, nil, "./secrets", dir)
	made := map[string]string{}
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		check(t, err)
		made[entry.Name()] = string(text)
	}
	again := output(t, nil, "./secrets", dir)
	if strings.Count(first, "made") != len(made) || again != "" {
		t.Errorf("first %q, then %q", first, again)
	}

	p := load(t, "all")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(p.Secrets))); diff != "" {
		t.Errorf("secrets (-made +used):\n%s", diff)
	}
	for name, secret := range p.Secrets {
		if !strings.HasSuffix(secret.File, "/deploy/compose/.secrets/"+name) {
			t.Errorf("%s is in %s", name, secret.File)
		}
	}
	if _, err := tls.X509KeyPair([]byte(made["tls_certificate"]), []byte(made["tls_key"])); err != nil {
		t.Error(err)
	}
	if made["redis_passwords"] != `{"redis://redis:6379": "`+made["redis_password"]+"\"}\n" {
		t.Errorf("what measures Redis has another password: %q", made["redis_passwords"])
	}
	if len(made["secret_key"]) != 64 || made["redis_conf"] != "requirepass "+made["redis_password"]+"\n" ||
		!strings.Contains(made["redis_url"], ":"+made["redis_password"]+"@") ||
		!strings.Contains(made["database_url"], ":"+made["postgres_password"]+"@") {
		t.Error("the secrets do not fit each other")
	}

	password := regexp.MustCompile(`(?i)(password|secret|access_key|database_url|redis_url)`)
	for service, s := range p.Services {
		for variable, value := range s.Environment {
			if !password.MatchString(variable) {
				continue
			}
			file, found := strings.CutPrefix(*value, "/run/secrets/")
			given := slices.ContainsFunc(s.Secrets, func(c types.ServiceSecretConfig) bool { return c.Source == file })
			if !found || !given || !strings.HasSuffix(variable, "_FILE") {
				t.Errorf("%s: %s is no file of a secret that it is given", service, variable)
			}
		}
	}
}

// output runs a program, which must succeed, and returns its output.
func output(t *testing.T, environment []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, append(os.Environ(), environment...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out.String())
	}
	return out.String()
}

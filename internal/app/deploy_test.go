package app

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"guanxi/internal/base/conf"
)

// The manifests of deploy/ as far as we use their forms: a field that is not here is a slip of the pen.
type (
	meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name   string            `json:"name"`
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	}
	k8sService struct {
		meta
		Spec struct {
			ClusterIP string            `json:"clusterIP"`
			Selector  map[string]string `json:"selector"`
			Ports     []struct {
				Name       string `json:"name"`
				Port       int    `json:"port"`
				TargetPort string `json:"targetPort"`
			} `json:"ports"`
		} `json:"spec"`
	}
	budget struct {
		meta
		Spec struct {
			MinAvailable int      `json:"minAvailable"`
			Selector     selector `json:"selector"`
		} `json:"spec"`
	}
	claimSpec struct {
		AccessModes []string  `json:"accessModes"`
		Resources   resources `json:"resources"`
	}
	claim struct {
		meta
		Spec claimSpec `json:"spec"`
	}
	resources struct {
		Requests map[string]string `json:"requests"`
		Limits   map[string]string `json:"limits"`
	}
	workload struct {
		meta
		Spec struct {
			ServiceName string   `json:"serviceName"`
			Replicas    int      `json:"replicas"`
			Selector    selector `json:"selector"`
			Strategy    struct {
				Type          string `json:"type"`
				RollingUpdate struct {
					MaxUnavailable int `json:"maxUnavailable"`
					MaxSurge       int `json:"maxSurge"`
				} `json:"rollingUpdate"`
			} `json:"strategy"`
			Template struct {
				Metadata struct {
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
				Spec pod `json:"spec"`
			} `json:"template"`
			Claims []struct {
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
				Spec claimSpec `json:"spec"`
			} `json:"volumeClaimTemplates"`
		} `json:"spec"`
	}
	pod struct {
		Grace    int `json:"terminationGracePeriodSeconds"`
		Security struct {
			RunAsNonRoot bool              `json:"runAsNonRoot"`
			RunAsUser    int               `json:"runAsUser"`
			RunAsGroup   int               `json:"runAsGroup"`
			FSGroup      int               `json:"fsGroup"`
			Seccomp      map[string]string `json:"seccompProfile"`
		} `json:"securityContext"`
		Init       []container `json:"initContainers"`
		Containers []container `json:"containers"`
		Volumes    []struct {
			Name     string             `json:"name"`
			EmptyDir *map[string]string `json:"emptyDir"`
			Secret   *struct {
				SecretName string `json:"secretName"`
			} `json:"secret"`
			Claim *struct {
				ClaimName string `json:"claimName"`
			} `json:"persistentVolumeClaim"`
		} `json:"volumes"`
	}
	container struct {
		Name    string   `json:"name"`
		Image   string   `json:"image"`
		Command []string `json:"command"`
		Args    []string `json:"args"`
		Env     []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
			From  *struct {
				Secret struct {
					Name string `json:"name"`
					Key  string `json:"key"`
				} `json:"secretKeyRef"`
			} `json:"valueFrom"`
		} `json:"env"`
		Ports []struct {
			Name          string `json:"name"`
			ContainerPort int    `json:"containerPort"`
		} `json:"ports"`
		Startup   *probe    `json:"startupProbe"`
		Ready     *probe    `json:"readinessProbe"`
		Live      *probe    `json:"livenessProbe"`
		Resources resources `json:"resources"`
		Security  struct {
			Escalation *bool `json:"allowPrivilegeEscalation"`
			ReadOnly   bool  `json:"readOnlyRootFilesystem"`
			Caps       struct {
				Drop []string `json:"drop"`
			} `json:"capabilities"`
		} `json:"securityContext"`
		Mounts []struct {
			Name      string `json:"name"`
			MountPath string `json:"mountPath"`
			ReadOnly  bool   `json:"readOnly"`
		} `json:"volumeMounts"`
	}
	probe struct {
		HTTP *struct {
			Path string `json:"path"`
			Port string `json:"port"`
		} `json:"httpGet"`
		TCP *struct {
			Port string `json:"port"`
		} `json:"tcpSocket"`
		Exec *struct {
			Command []string `json:"command"`
		} `json:"exec"`
		Period   int `json:"periodSeconds"`
		TimeOut  int `json:"timeoutSeconds"`
		Failures int `json:"failureThreshold"`
	}
	tidbPart struct {
		BaseImage string            `json:"baseImage"`
		Replicas  int               `json:"replicas"`
		Requests  map[string]string `json:"requests"`
		Service   map[string]string `json:"service"`
		Config    string            `json:"config"`
	}
	tidbCluster struct {
		meta
		Spec struct {
			Version  string   `json:"version"`
			Timezone string   `json:"timezone"`
			Reclaim  string   `json:"pvReclaimPolicy"`
			PD       tidbPart `json:"pd"`
			TiKV     tidbPart `json:"tikv"`
			TiDB     tidbPart `json:"tidb"`
		} `json:"spec"`
	}
	composeFile struct {
		Name     string                    `json:"name"`
		Services map[string]composeService `json:"services"`
		Networks map[string]any            `json:"networks"`
		Volumes  map[string]map[string]any `json:"volumes"`
	}
	composeService struct {
		Image string `json:"image"`
		Build *struct {
			Context    string `json:"context"`
			Dockerfile string `json:"dockerfile"`
		} `json:"build"`
		Command     []string          `json:"command"`
		Restart     string            `json:"restart"`
		User        string            `json:"user"`
		ReadOnly    bool              `json:"read_only"`
		Tmpfs       []string          `json:"tmpfs"`
		CapDrop     []string          `json:"cap_drop"`
		SecurityOpt []string          `json:"security_opt"`
		StopGrace   string            `json:"stop_grace_period"`
		Environment map[string]string `json:"environment"`
		Ports       []string          `json:"ports"`
		Volumes     []string          `json:"volumes"`
		Networks    []string          `json:"networks"`
		DependsOn   any               `json:"depends_on"`
		Ulimits     map[string]int    `json:"ulimits"`
		Health      *struct {
			Test     []string `json:"test"`
			Interval string   `json:"interval"`
			TimeOut  string   `json:"timeout"`
			Retries  int      `json:"retries"`
		} `json:"healthcheck"`
	}
)

// lint reads the manifests and gathers what is wrong with them.
type lint struct {
	t     *testing.T
	front http.Handler
	found []string
}

func (l *lint) bad(ok bool, format string, args ...any) {
	if !ok {
		l.found = append(l.found, fmt.Sprintf(format, args...))
	}
}

// settings reads what a container is told as the program would, and gives its ports.
func (l *lint) settings(where string, env map[string]string) (ports []string) {
	environ := []string{"GUANXI_DATA=" + l.t.TempDir()}
	for name, value := range env {
		if name != "GUANXI_DATA" {
			environ = append(environ, name+"="+value)
		}
	}
	var c conf.Config
	err := c.Load(environ)
	l.bad(err == nil, "%s: %v", where, err)
	l.bad(len(c.Ignored()) == 0, "%s: no settings: %v", where, c.Ignored())
	for _, at := range []string{c.Listen, c.MetricsListen} {
		if host, port, err := net.SplitHostPort(at); err == nil {
			ports = append(ports, port)
			l.bad(host == "0.0.0.0", "%s: %s is not reached from outside of its container", where, at)
		}
	}
	return ports
}

func (l *lint) image(where, image string) {
	_, tag, ok := strings.Cut(image, ":")
	l.bad(ok && tag != "latest", "%s: image %q without a version", where, image)
}

var secretSample = map[string]string{"GUANXI_DB": "mysql://u:p@h:3306/d", "GUANXI_REDIS": "redis://h:6379/0"}

func (l *lint) container(p pod, c container, volumes []string) {
	l.image(c.Name, c.Image)
	l.bad(c.Security.Escalation != nil && !*c.Security.Escalation && slices.Contains(c.Security.Caps.Drop, "ALL"), "%s: may gain privileges", c.Name)
	l.bad(c.Resources.Limits["memory"] != "", "%s: no limit of memory", c.Name)
	for _, m := range c.Mounts {
		l.bad(slices.Contains(volumes, m.Name), "%s: no volume %s", c.Name, m.Name)
	}
	names := map[string]int{}
	for _, port := range c.Ports {
		names[port.Name] = port.ContainerPort
	}
	for _, pr := range []*probe{c.Startup, c.Ready, c.Live} {
		if pr != nil && pr.TCP != nil {
			l.bad(names[pr.TCP.Port] != 0, "%s: no port %s", c.Name, pr.TCP.Port)
		}
	}
	if !strings.HasPrefix(c.Image, "guanxi:") {
		return
	}
	l.bad(slices.Equal(c.Args, []string{"serve"}), "guanxi: args %v", c.Args)
	l.bad(c.Security.ReadOnly, "guanxi: may write its image")
	l.bad(p.Grace >= 30, "guanxi: %d s to stop in", p.Grace)
	for _, pr := range []*probe{c.Startup, c.Ready, c.Live} {
		if pr == nil || pr.HTTP == nil {
			l.bad(false, "guanxi: a probe is missing")
			continue
		}
		l.bad(names[pr.HTTP.Port] != 0, "guanxi: no port %s", pr.HTTP.Port)
		l.asks(pr.HTTP.Path)
	}
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
		if e.From != nil {
			env[e.Name] = secretSample[e.Name]
			l.bad(e.From.Secret.Name != "" && e.From.Secret.Key != "" && env[e.Name] != "", "guanxi: %s is from no secret", e.Name)
		}
	}
	ports := l.settings("guanxi", env)
	for _, n := range names {
		l.bad(slices.Contains(ports, fmt.Sprint(n)), "guanxi: it does not listen on %d, but on %v", n, ports)
	}
}

// asks sends a request for a path to the real program.
func (l *lint) asks(path string) {
	rec := httptest.NewRecorder()
	l.front.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	l.bad(rec.Code == http.StatusOK && strings.Contains(rec.Body.String(), `"ok"`), "%s answers %d", path, rec.Code)
}

// kubernetes checks one file of objects.
func (l *lint) kubernetes(text string) {
	var services []k8sService
	labels := map[string][]string{} // by app: names of ports
	claims := []string{}
	for _, doc := range strings.Split(text, "\n---\n") {
		var m meta
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			l.bad(false, "%v", err)
			continue
		}
		where := m.Kind + " " + m.Metadata.Name
		read := func(into any) {
			err := yaml.UnmarshalStrict([]byte(doc), into)
			l.bad(err == nil, "%s: %v", where, err)
		}
		switch m.APIVersion + " " + m.Kind {
		case "v1 Service":
			var s k8sService
			read(&s)
			services = append(services, s)
		case "v1 PersistentVolumeClaim":
			var c claim
			read(&c)
			claims = append(claims, c.Metadata.Name)
		case "policy/v1 PodDisruptionBudget":
			read(&budget{})
		case "pingcap.com/v1alpha1 TidbCluster":
			var c tidbCluster
			read(&c)
			l.bad(c.Spec.TiKV.Replicas >= 3 && c.Spec.PD.Replicas >= 3, "%s: too few copies", where)
		case "apps/v1 Deployment", "apps/v1 StatefulSet":
			var w workload
			read(&w)
			labels[w.Spec.Selector.MatchLabels["app"]] = l.workload(where, w, claims)
		default:
			l.bad(false, "%s of %s: unknown", where, m.APIVersion)
		}
	}
	for _, s := range services {
		ports, ok := labels[s.Spec.Selector["app"]]
		l.bad(ok, "service %s leads nowhere", s.Metadata.Name)
		for _, p := range s.Spec.Ports {
			l.bad(slices.Contains(ports, p.TargetPort), "service %s: no port %s there", s.Metadata.Name, p.TargetPort)
		}
	}
}

func (l *lint) workload(where string, w workload, claims []string) (ports []string) {
	p := w.Spec.Template.Spec
	l.bad(maps.Equal(w.Spec.Selector.MatchLabels, w.Spec.Template.Metadata.Labels), "%s: selects other pods than its own", where)
	l.bad(p.Security.RunAsNonRoot && p.Security.RunAsUser > 0, "%s: runs as root", where)
	var volumes []string
	for _, v := range p.Volumes {
		volumes = append(volumes, v.Name)
		l.bad(v.EmptyDir != nil || v.Secret != nil || v.Claim != nil && slices.Contains(claims, v.Claim.ClaimName), "%s: volume %s is of nothing", where, v.Name)
	}
	for _, c := range w.Spec.Claims {
		volumes = append(volumes, c.Metadata.Name)
	}
	for _, c := range slices.Concat(p.Init, p.Containers) {
		l.container(p, c, volumes)
		for _, port := range c.Ports {
			ports = append(ports, port.Name)
		}
	}
	return ports
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)(:-([^}]*)|:\?)\}`)

// compose checks one file of docker compose and the proxy's configuration beside it.
func (l *lint) compose(text, proxy string) {
	text = variable.ReplaceAllString(text, "x$3")
	var f composeFile
	if err := yaml.UnmarshalStrict([]byte(text), &f); err != nil {
		l.bad(false, "%v", err)
		return
	}
	for name, s := range f.Services {
		l.image(name, s.Image)
		for _, n := range s.Networks {
			_, ok := f.Networks[n]
			l.bad(ok, "%s: no network %s", name, n)
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			_, ok := f.Volumes[from]
			l.bad(ok || strings.HasPrefix(from, "./"), "%s: no volume %s", name, from)
		}
		for _, d := range dependencies(s.DependsOn) {
			_, ok := f.Services[d]
			l.bad(ok, "%s depends on %s, which there is not", name, d)
		}
		if !strings.HasPrefix(s.Image, "guanxi:") {
			continue
		}
		l.bad(slices.Equal(s.Command, []string{"serve"}) && s.ReadOnly && s.User == "65532:65532", "%s: not run as the image is meant to", name)
		env := maps.Clone(s.Environment)
		env["GUANXI_LISTEN"] = "0.0.0.0:8080" // the image's
		l.settings(name, env)
		for _, where := range []string{"GUANXI_DB", "GUANXI_REDIS"} {
			if host := hostOf(env[where]); host != "" {
				_, ok := f.Services[host]
				l.bad(ok, "%s: %s names %s, which there is not", name, where, host)
			}
		}
	}
	for _, to := range regexp.MustCompile(`(guanxi[-a-z0-9]*):(\d+)\b`).FindAllStringSubmatch(strings.Join(f.Services["proxy"].Command, " ")+"\n"+proxy, -1) {
		_, ok := f.Services[to[1]]
		l.bad(ok && to[2] == "8080", "the proxy asks %s", to[0])
	}
	if path := regexp.MustCompile(`httpchk GET (\S+)`).FindStringSubmatch(proxy); path != nil {
		l.asks(path[1])
	}
}

func hostOf(url string) string {
	m := regexp.MustCompile(`^\w+://(?:[^@/]*@)?([^:/]+)`).FindStringSubmatch(url)
	if m == nil {
		return ""
	}
	return m[1]
}

func dependencies(v any) (names []string) {
	switch d := v.(type) {
	case []any:
		for _, n := range d {
			names = append(names, fmt.Sprint(n))
		}
	case map[string]any:
		names = slices.Collect(maps.Keys(d))
	}
	return names
}

// dockerfile checks what of the image the manifests build upon.
func (l *lint) dockerfile(text string) {
	last := text[strings.LastIndex(text, "\nFROM "):]
	l.bad(strings.HasPrefix(last, "\nFROM scratch\n"), "the image holds more than the program")
	for _, line := range []string{"USER 65532:65532", "ENV GUANXI_DATA=/data GUANXI_LISTEN=0.0.0.0:8080", "EXPOSE 8080", `ENTRYPOINT ["/guanxi"]`, `CMD ["serve"]`} {
		l.bad(strings.Contains(last, "\n"+line+"\n"), "the image lacks %s", line)
	}
	l.bad(strings.Contains(text, "CGO_ENABLED=0"), "the program is not static")
	for _, from := range regexp.MustCompile(`(?m)^COPY ([^-]\S*)`).FindAllStringSubmatch(text, -1) {
		match, err := filepath.Glob("../../" + from[1])
		l.bad(err == nil && len(match) > 0, "there is no %s to copy", from[1])
	}
}

const deployDir = "../../deploy/"

func (l *lint) file(name, text, proxy string) {
	switch {
	case name == "Dockerfile":
		l.dockerfile(text)
	case strings.HasPrefix(name, "compose/"):
		if !strings.Contains(text, "haproxy.cfg") {
			proxy = ""
		}
		l.compose(text, proxy)
	default:
		l.kubernetes(text)
	}
}

// TestManifestsSayWhatTheProgramTakes reads every file of deploy/ strictly, and asks the program itself for the settings,
// ports and paths they name. Then each plant, a mistake put in on purpose, has to be found.
func TestManifestsSayWhatTheProgramTakes(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Clean(deployDir + name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	proxy := read("compose/haproxy.cfg")
	check := func(name, text, proxy string) []string {
		l := &lint{t: t, front: w.front.Handler()}
		l.file(name, text, proxy)
		return l.found
	}
	for _, name := range []string{"Dockerfile", "compose/one-box.yaml", "compose/mariadb.yaml", "compose/tidb.yaml",
		"kubernetes/one-box.yaml", "kubernetes/mariadb.yaml", "kubernetes/tidb.yaml"} {
		for _, found := range check(name, read(name), proxy) {
			t.Errorf("%s: %s", name, found)
		}
	}
	for _, p := range []struct{ name, old, wrong, want string }{
		{"Dockerfile", "USER 65532:65532\n", "", "lacks USER"},
		{"Dockerfile", "COPY cmd cmd", "COPY cmds cmd", "no cmds"},
		{"compose/one-box.yaml", "GUANXI_PUBLIC_URL", "GUANXI_PUBLICURL", "GUANXI_PUBLICURL"},
		{"compose/one-box.yaml", "restart:", "restarts:", "restarts"},
		{"compose/one-box.yaml", "guanxi:8080", "guanxi:80", "asks guanxi:80"},
		{"compose/one-box.yaml", "  tls: {}\n", "", "no volume tls"},
		{"compose/mariadb.yaml", "@db:3306", "@dbs:3306", "names dbs"},
		{"compose/mariadb.yaml", "redis://redis", "redis:/redis", "redis"},
		{"compose/mariadb.yaml", "mariadb:10.11", "mariadb", "without a version"},
		{"compose/tidb.yaml", "depends_on: [pd]", "depends_on: [pe]", "depends on pe"},
		{"kubernetes/one-box.yaml", "path: /readyz", "path: /ready", "/ready answers"},
		{"kubernetes/one-box.yaml", "containerPort: 8080", "containerPort: 8081", "does not listen on 8081"},
		{"kubernetes/one-box.yaml", "0.0.0.0:8080", "127.0.0.1:8080", "not reached"},
		{"kubernetes/one-box.yaml", "args: [serve]", "args: [server]", "args [server]"},
		{"kubernetes/one-box.yaml", "runAsUser: 65532", "runAsUser: 0", "as root"},
		{"kubernetes/mariadb.yaml", "claimName: guanxi-data", "claimName: data", "of nothing"},
		{"kubernetes/mariadb.yaml", "targetPort: mysql", "targetPort: sql", "no port sql"},
		{"kubernetes/mariadb.yaml", "kind: PodDisruptionBudget", "kind: PodDisruption", "unknown"},
		{"kubernetes/tidb.yaml", "pvReclaimPolicy", "reclaimPolicy", "reclaimPolicy"},
	} {
		text := read(p.name)
		if !strings.Contains(text, p.old) {
			t.Fatalf("%s: nothing to spoil: %s", p.name, p.old)
		}
		if found := check(p.name, strings.ReplaceAll(text, p.old, p.wrong), proxy); !strings.Contains(strings.Join(found, "\n"), p.want) {
			t.Errorf("%s: %s for %s is not found: %q", p.name, p.wrong, p.old, found)
		}
	}
}

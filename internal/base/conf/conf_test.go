package conf

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
)

const dsn = "mysql://guanxi:geheim@db:3306/guanxi"

// load reads a configuration from a fresh data folder with the given file text, variables and flags.
func load(t *testing.T, file string, environ []string, args ...string) (*Config, error) {
	t.Helper()
	data := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(data, FileName), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return loadFrom(data, environ, args...)
}

func loadFrom(data string, environ []string, args ...string) (*Config, error) {
	c := &Config{}
	fs := flag.NewFlagSet("guanxi", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	Flags(fs, c)
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	return c, c.Load(append([]string{"GUANXI_DATA=" + data, "HOME=/root", "odd"}, environ...))
}

func describe(c *Config, key string) Setting {
	for _, s := range c.Describe() {
		if s.Key == key {
			return s
		}
	}
	return Setting{}
}

func TestNothingSetWorks(t *testing.T) {
	t.Parallel()
	var c Config
	if err := c.Load(nil); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Data, c.Listen, c.PublicURL, c.Zone.Name(), c.LogLevel, c.DB.Reveal(), c.MetricsListen, len(c.TrustedProxies))
	if want := fmt.Sprint("data", "127.0.0.1:8080", "", "Asia/Shanghai", slog.LevelInfo, "", "", 0); got != want {
		t.Errorf("defaults %s, want %s", got, want)
	}
	if c.KeysDir != filepath.Join("data", "keys") {
		t.Errorf("keys in %s", c.KeysDir)
	}
	if c.Zone.LocalDay(0) != 19700101 {
		t.Error("the zone does not work")
	}
	for _, s := range c.Describe() {
		if s.Source != FromDefault {
			t.Errorf("%s comes from %q", s.Key, s.Source)
		}
	}
}

func TestHigherSourceWins(t *testing.T) {
	t.Parallel()
	file := `{"listen": "127.0.0.1:1", "public_url": "https://file", "log_level": "debug"}`
	env := []string{"GUANXI_LISTEN=127.0.0.1:2", "GUANXI_PUBLIC_URL=https://env/"}
	c, err := load(t, file, env, "-listen", "127.0.0.1:3")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]string{
		"listen":     {"127.0.0.1:3", FromFlag},
		"public_url": {"https://env", FromEnv},
		"log_level":  {"debug", FromFile},
		"zone":       {"Asia/Shanghai", FromDefault},
	} {
		if s := describe(c, key); s.Value != want[0] || s.Source != want[1] {
			t.Errorf("%s = %q from %s, want %v", key, s.Value, s.Source, want)
		}
	}
	if c.Listen != "127.0.0.1:3" || c.PublicURL != "https://env" || c.LogLevel != slog.LevelDebug {
		t.Errorf("the fields differ: %+v", c)
	}
}

func TestDataFlagDecidesWhereTheFileIs(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, FileName), []byte(`{"zone": "Asia/Urumqi"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := loadFrom(t.TempDir(), nil, "-data", data)
	if err != nil || c.Zone.Name() != "Asia/Urumqi" || c.KeysDir != filepath.Join(data, "keys") {
		t.Errorf("%+v %v", c, err)
	}
}

func TestListsAndEmptyVariables(t *testing.T) {
	t.Parallel()
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("::1/128")}
	for _, file := range []string{
		`{"trusted_proxies": ["10.1.2.3/8", "192.0.2.1", "::1"]}`,
		`{"trusted_proxies": "10.0.0.0/8,192.0.2.1 ::1"}`,
	} {
		c, err := load(t, file, []string{"GUANXI_TRUSTED_PROXIES="})
		if err != nil || !slices.Equal(c.TrustedProxies, want) {
			t.Errorf("%s: %v %v", file, c.TrustedProxies, err)
			continue
		}
		if s := describe(c, "trusted_proxies"); s.Value != "10.0.0.0/8, 192.0.2.1/32, ::1/128" {
			t.Errorf("described as %s", s.Value)
		}
	}
}

func TestUnknownKeysInTheFileAreNamed(t *testing.T) {
	t.Parallel()
	for file, key := range map[string]string{
		`{"listn": "127.0.0.1:1"}`:  "listn",
		`{"Listen": "127.0.0.1:1"}`: "Listen",
		`{"data": "elsewhere"}`:     "data",
		`{"zz": 1, "aa": 2}`:        "aa",
	} {
		_, err := load(t, file, nil)
		if !fault.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "unknown setting "+key) || !strings.Contains(err.Error(), FileName) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestWrongValuesNameKeyAndSourceButNotTheValue(t *testing.T) {
	t.Parallel()
	bad := map[string][]string{
		"listen":          {"8080", "localhost", "host:0", "host:65536", "host:http"},
		"public_url":      {"example.com", "ftp://x", "https://", "https://u:p@x", "https://x?y", "https://x#y"},
		"zone":            {"Local", "Mars/Base", "上海"},
		"log_level":       {"INFO", "trace", "info+1"},
		"db":              {"postgres://u:geheim@h/d", "mysql://", "mysql://h", "geheim@tcp(h)/d"},
		"nats":            {"http://h", "h:4222", "nats://h,h2"},
		"redis":           {"mysql://h", "redis://", "redis:h", "h:6379"},
		"metrics_listen":  {":x", "1"},
		"trusted_proxies": {"10.0.0.0/33", "proxy", "10.0.0.1, x", "fe80::1%eth0"},
	}
	for key, values := range bad {
		for _, value := range values {
			s := find(key)
			_, err := load(t, fmt.Sprintf(`{%q: %q}`, key, value), nil)
			wantWrong(t, err, key, FromFile, value)
			_, err = load(t, "", []string{s.env() + "=" + value})
			wantWrong(t, err, key, FromEnv, value)
			if !s.secret {
				_, err = load(t, "", nil, "-"+s.flag(), value)
				if err == nil || !strings.Contains(err.Error(), "setting "+key) {
					t.Errorf("flag %s %q: %v", key, value, err)
				}
			}
		}
	}
	for _, file := range []string{`{"listen": 8080}`, `{"listen": null}`, `{"listen": ["127.0.0.1:1"]}`, `{"trusted_proxies": [1]}`} {
		if _, err := load(t, file, nil); !fault.Is(err, ErrWrong) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func wantWrong(t *testing.T, err error, key, source, value string) {
	t.Helper()
	if !fault.Is(err, ErrWrong) || !strings.Contains(err.Error(), "setting "+key+" (from "+source+")") ||
		strings.Contains(err.Error(), value) && !strings.Contains(find(key).want, value) {
		t.Errorf("%s %q: %v", key, value, err)
	}
}

func TestWrongValueIsRefusedEvenWhenAHigherSourceCoversIt(t *testing.T) {
	t.Parallel()
	_, err := load(t, `{"listen": "nonsense"}`, []string{"GUANXI_LISTEN=127.0.0.1:2"})
	wantWrong(t, err, "listen", FromFile, "nonsense")
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"{", "[]", `"x"`, `{} {}`} {
		if _, err := load(t, file, nil); !fault.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", file, err)
		}
	}
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := loadFrom(data, nil); !fault.Is(err, ErrUnreadable) {
		t.Errorf("a folder for a file: %v", err)
	}
}

func TestSecretsShowNowhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file string
		env  []string
		from string
	}{
		{`{"db": "` + dsn + `"}`, nil, FromFile},
		{"", []string{"GUANXI_DB=" + dsn}, FromEnv},
	} {
		got, err := load(t, c.file, c.env)
		if err != nil || got.DB.Reveal() != dsn {
			t.Fatalf("%v", err)
		}
		if s := describe(got, "db"); s.Value != "***" || s.Source != c.from || s.Flag != "" {
			t.Errorf("described as %+v", s)
		}
		if text := fmt.Sprintf("%v %+v %#v %v", got, got, *got, got.Describe()); strings.Contains(text, "geheim") {
			t.Error("the password shows: " + text)
		}
	}
	if _, err := load(t, "", nil, "-db", dsn); err == nil {
		t.Error("a secret was taken from a flag")
	}
}

func TestSecretInAReadableFileIsRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	file := filepath.Join(data, FileName)
	for text, refused := range map[string]bool{`{"db": "` + dsn + `"}`: true, `{"db": ""}`: false, `{"zone": "UTC"}`: false} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := loadFrom(data, nil); fault.Is(err, ErrExposed) != refused || !refused && err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestMisspeltVariablesAreReported(t *testing.T) {
	t.Parallel()
	c, err := load(t, "", []string{"GUANXI_LISTN=x", "GUANXI_listen=x", "OTHER_LISTEN=x"})
	if err != nil || !slices.Equal(c.Ignored(), []string{"GUANXI_LISTN", "GUANXI_listen"}) {
		t.Errorf("ignored %v, %v", c.Ignored(), err)
	}
}

func TestReferenceIsComplete(t *testing.T) {
	t.Parallel()
	c, err := load(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	fs := flag.NewFlagSet("guanxi", flag.ContinueOnError)
	Flags(fs, &Config{})
	seen := map[string]bool{}
	for _, s := range c.Describe() {
		if seen[s.Key] || s.Zh == "" || s.En == "" || s.Env != "GUANXI_"+strings.ToUpper(s.Key) || find(s.Key).want == "" {
			t.Errorf("incomplete: %+v", s)
		}
		seen[s.Key] = true
		if s.Flag != "" && fs.Lookup(s.Flag) == nil {
			t.Errorf("no flag %s", s.Flag)
		}
	}
	if len(seen) != 14 {
		t.Errorf("%d settings described", len(seen))
	}
}

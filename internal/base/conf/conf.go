// Package conf holds the settings of one installation (配置). An empty configuration works: embedded database,
// local port, keys made on first use.
//
// A setting comes from, lowest to highest: its default, the file guanxi.json in the data folder, the
// environment (GUANXI_…), a command flag. What is wrong or unknown stops the start and is named. Secrets
// come from the file or the environment only: flags show in the list of processes.
package conf

import (
	"flag"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
)

// The faults of a configuration. They name the key and what belongs there, never the value.
var (
	ErrUnknown = fault.Define("conf.unknown", fault.Invalid,
		"{source} 中有未知的配置项 {key}",
		"{source} has an unknown setting {key}")
	ErrWrong = fault.Define("conf.wrong", fault.Invalid,
		"配置项 {key}（来自 {source}）的值不对，应为：{want}",
		"setting {key} (from {source}) has a wrong value; it takes {want}")
	ErrUnreadable = fault.Define("conf.unreadable", fault.Invalid,
		"配置文件 {file} 无法读取，或不是 JSON 对象",
		"configuration file {file} can't be read or is not a JSON object")
	ErrExposed = fault.Define("conf.exposed", fault.Invalid,
		"配置文件 {file} 含有机密 {key}，但其他用户可以读取；请把权限改为 0600",
		"configuration file {file} holds the secret {key} but can be read by others; change its mode to 0600")
)

// Config is the settings of one installation.
type Config struct {
	Data            string         // folder of everything that must be backed up
	Listen          string         // host:port of the API and the web apps
	PublicURL       string         // how browsers reach it, without a slash at the end; empty: from Listen
	Zone            clock.Zone     // decides natural days
	LogLevel        slog.Level     //
	DB              vault.Secret   // empty: SQLite in Data; else mysql://user:password@host:port/database
	NATS            vault.Secret   // empty: none; else nats://user:password@host:port, several with a comma between
	Redis           vault.Secret   // empty: none; else redis://user:password@host:port/number
	KeysDir         string         // folder of the field keys; keep it apart from Data where possible
	Channels        string         // file of the parties outside
	EmulatorListen  string         // host:port of the emulator
	MetricsListen   string         // host:port of /metrics; empty: not served
	WebhookNetworks []netip.Prefix // inner networks that facts may be sent to
	TrustedProxies  []netip.Prefix // whose X-Forwarded-For is believed

	flags   map[string]string // given on the command line, by key
	sources map[string]string // where each setting came from
	ignored []string          // GUANXI_… variables that are no setting
}

// The sources of a setting, lowest first.
const (
	FromDefault = "default"
	FromFile    = "file"
	FromEnv     = "environment"
	FromFlag    = "flag"
)

// FileName is the configuration file in the data folder.
const FileName = "guanxi.json"

const envPrefix = "GUANXI_"

// layer is what one source says, by key.
type layer struct {
	source string
	values map[string]string
}

// Load fills c from every source. Flags must have been parsed before; environ is as os.Environ gives it.
func (c *Config) Load(environ []string) error {
	env, ignored := fromEnv(environ)
	layers := []layer{fromDefaults(), {FromFile, nil}, {FromEnv, env}, {FromFlag, c.flags}}
	for _, l := range layers { // the data folder first: it says where the file is
		if err := c.take(l, find("data")); err != nil {
			return err
		}
	}
	file, err := fromFile(filepath.Join(c.Data, FileName))
	if err != nil {
		return err
	}
	layers[1].values = file
	c.sources, c.ignored = map[string]string{}, ignored
	for _, l := range layers {
		for _, s := range settings {
			if err := c.take(l, s); err != nil {
				return err
			}
		}
	}
	if c.KeysDir == "" {
		c.KeysDir = filepath.Join(c.Data, "keys")
	}
	if c.Channels == "" {
		c.Channels = filepath.Join(c.Data, "channels.json")
	}
	return nil
}

// take sets one setting when the layer has it.
func (c *Config) take(l layer, s *setting) error {
	text, ok := l.values[s.key]
	if !ok {
		return nil
	}
	if !s.set(c, text) {
		return ErrWrong.With("key", s.key, "source", l.source, "want", s.want)
	}
	if c.sources != nil {
		c.sources[s.key] = l.source
	}
	return nil
}

// Flags declares a flag for every setting that is no secret. What they say counts once Load is called.
func Flags(fs *flag.FlagSet, c *Config) {
	c.flags = map[string]string{}
	for _, s := range settings {
		if s.secret {
			continue
		}
		usage := s.en
		if s.def != "" {
			usage += " (default " + s.def + ")"
		}
		fs.Func(s.flag(), usage, func(text string) error {
			c.flags[s.key] = text
			return (&Config{}).take(layer{FromFlag, c.flags}, s)
		})
	}
}

// Setting is one line of what a configuration consists of.
type Setting struct {
	Key     string
	Env     string
	Flag    string // empty for secrets
	Value   string // masked for secrets
	Default string
	Source  string
	Zh, En  string // what it is for
}

// Describe lists every setting of a loaded configuration, in the order of the reference.
func (c *Config) Describe() []Setting {
	out := make([]Setting, 0, len(settings))
	for _, s := range settings {
		d := Setting{Key: s.key, Env: s.env(), Flag: s.flag(), Value: s.get(c),
			Default: s.def, Source: c.sources[s.key], Zh: s.zh, En: s.en}
		if s.secret {
			d.Flag, d.Value = "", vault.Mask(d.Value)
		}
		out = append(out, d)
	}
	return out
}

// Ignored names the GUANXI_… variables that are no setting: mostly a slip of the pen, worth a warning.
func (c *Config) Ignored() []string { return c.ignored }

func fromDefaults() layer {
	l := layer{FromDefault, map[string]string{}}
	for _, s := range settings {
		l.values[s.key] = s.def
	}
	return l
}

// fromEnv takes an empty variable as not given, which is how compose files leave one out.
func fromEnv(environ []string) (values map[string]string, ignored []string) {
	values = map[string]string{}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		switch s := find(strings.ToLower(rest)); {
		case !ours:
		case s == nil || s.env() != name:
			ignored = append(ignored, name)
		case text != "":
			values[s.key] = text
		}
	}
	return values, ignored
}

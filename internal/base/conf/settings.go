package conf

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/shared"
	"guanxi/internal/base/vault"
)

// setting ties one key to its field: how it is read, shown and explained.
type setting struct {
	key, def string
	want     string // the form of the value, the same in every language
	secret   bool
	noFile   bool
	list     bool
	zh, en   string
	set      func(*Config, string) bool // false: the value is wrong
	get      func(*Config) string
}

func (s *setting) env() string  { return envPrefix + strings.ToUpper(s.key) }
func (s *setting) flag() string { return strings.ReplaceAll(s.key, "_", "-") }

// settings is the reference: every setting there is, once.
var settings = []*setting{
	{key: "data", def: "data", want: "folder", noFile: true,
		zh: "数据目录", en: "folder of the data",
		set: func(c *Config, s string) bool { c.Data = s; return s != "" },
		get: func(c *Config) string { return c.Data }},
	{key: "listen", def: "127.0.0.1:8080", want: "host:port",
		zh: "服务监听地址", en: "address of the API and the web apps",
		set: func(c *Config, s string) bool { c.Listen = s; return isAddress(s) },
		get: func(c *Config) string { return c.Listen }},
	{key: "public_url", want: "https://host",
		zh: "对外访问地址", en: "how browsers reach the service",
		set: func(c *Config, s string) bool { c.PublicURL = strings.TrimRight(s, "/"); return s == "" || isOrigin(s) },
		get: func(c *Config) string { return c.PublicURL }},
	{key: "zone", def: "Asia/Shanghai", want: "Asia/Shanghai, …",
		zh: "时区，决定自然日", en: "time zone of natural days",
		set: setZone,
		get: func(c *Config) string { return c.Zone.Name() }},
	{key: "log_level", def: "info", want: "debug | info | warn | error",
		zh: "日志级别", en: "least level that is logged",
		set: setLogLevel,
		get: func(c *Config) string { return strings.ToLower(c.LogLevel.String()) }},
	{key: "db", want: "mysql://user:password@host:port/database", secret: true,
		zh: "数据库地址，空则用数据目录中的 SQLite", en: "database; empty: SQLite in the data folder",
		set: func(c *Config, s string) bool { c.DB = vault.Hide(s); return s == "" || isMySQL(s) },
		get: func(c *Config) string { return c.DB.Reveal() }},
	{key: "nats", want: "nats://host:4222, tls://host", secret: true,
		zh: "接收全部事件的 NATS JetStream，空则不用", en: "NATS JetStream that gets every fact; empty: none",
		set: func(c *Config, s string) bool { c.NATS = vault.Hide(s); return isNATS(s) },
		get: func(c *Config) string { return c.NATS.Reveal() }},
	{key: "redis", want: "redis://user:password@host:port/0", secret: true,
		zh: "多个进程共用的 Redis，空则不用", en: "Redis that several processes share; empty: none",
		set: func(c *Config, s string) bool { c.Redis = vault.Hide(s); return shared.Check(s) == nil },
		get: func(c *Config) string { return c.Redis.Reveal() }},
	{key: "keys_dir", want: "folder",
		zh: "密钥目录，空则为数据目录下的 keys", en: "folder of the keys; empty: keys in the data folder",
		set: func(c *Config, s string) bool { c.KeysDir = s; return true },
		get: func(c *Config) string { return c.KeysDir }},
	{key: "channels", want: "file",
		zh: "渠道配置文件，空则为数据目录下的 channels.json", en: "file of the channels (WeChat and so on); empty: channels.json in the data folder",
		set: func(c *Config, s string) bool { c.Channels = s; return true },
		get: func(c *Config) string { return c.Channels }},
	{key: "emulator_listen", def: "127.0.0.1:8090", want: "host:port",
		zh: "模拟器监听地址（演示与 guanxi emulator 用）", en: "address of the emulator, with --demo and guanxi emulator",
		set: func(c *Config, s string) bool { c.EmulatorListen = s; return isAddress(s) },
		get: func(c *Config) string { return c.EmulatorListen }},
	{key: "metrics_listen", want: "host:port",
		zh: "监控指标监听地址，空则不提供", en: "address of /metrics; empty: not served",
		set: func(c *Config, s string) bool { c.MetricsListen = s; return s == "" || isAddress(s) },
		get: func(c *Config) string { return c.MetricsListen }},
	{key: "trusted_proxies", want: "10.0.0.0/8, 192.0.2.1", list: true,
		zh: "可信反向代理的网段", en: "networks of trusted reverse proxies",
		set: func(c *Config, s string) bool { return setNetworks(&c.TrustedProxies, s) },
		get: func(c *Config) string { return showNetworks(c.TrustedProxies) }},
	{key: "webhook_networks", want: "10.0.0.0/8, 192.0.2.1", list: true,
		zh: "允许推送事件的内部网段", en: "inner networks that facts may be sent to",
		set: func(c *Config, s string) bool { return setNetworks(&c.WebhookNetworks, s) },
		get: func(c *Config) string { return showNetworks(c.WebhookNetworks) }},
}

// find gives the setting of a key, nil when there is none.
func find(key string) *setting {
	for _, s := range settings {
		if s.key == key {
			return s
		}
	}
	return nil
}

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && n > 0
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func isMySQL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "mysql" && u.Hostname() != "" && len(u.Path) > 1
}

func isNATS(s string) bool {
	for one := range strings.SplitSeq(s, ",") {
		if s != "" && !strings.HasPrefix(one, "nats://") && !strings.HasPrefix(one, "tls://") {
			return false
		}
	}
	return true
}

// setZone refuses "" and "Local", which time knows but which would depend on the machine.
func setZone(c *Config, s string) bool {
	z, err := clock.LoadZone(s)
	c.Zone = z
	return err == nil && s != "" && s != "Local"
}

func setLogLevel(c *Config, s string) bool {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[s]
	c.LogLevel = level
	return ok
}

func setNetworks(to *[]netip.Prefix, s string) bool {
	*to = nil
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(part)
		if err != nil {
			a, err := netip.ParseAddr(part)
			if err != nil || a.Zone() != "" {
				return false
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		*to = append(*to, p.Masked())
	}
	return true
}

func showNetworks(networks []netip.Prefix) string {
	parts := make([]string, len(networks))
	for i, p := range networks {
		parts[i] = p.String()
	}
	return strings.Join(parts, ", ")
}

// Command guanxi is the membership and loyalty platform in one binary.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"guanxi/internal/app"
	"guanxi/internal/base/conf"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/obs"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat/pay"
)

// version and commit are set by the build.
var version, commit = "dev", ""

// command is one subcommand; run gives the object of the last line with --json and whether all is well.
type command struct {
	name string
	zh   string
	en   string
	run  func(ctx context.Context, c *cli) (any, error)
}

// cli is what every command has: the installation, the flags, where to print.
type cli struct {
	cfg   conf.Config
	flags *flag.FlagSet
	args  []string
	json  bool
	lang  string
	out   io.Writer
	note  io.Writer // progress and words for people
	log   *slog.Logger
	met   *obs.Metrics

	channels  *channels.Config // of the emulator beside a demonstration
	merchants []pay.Account    // its merchant at WeChat Pay
	emulator  string           // where that is
}

var commands = []command{
	{"serve", "启动服务", "start the service", serve},
	{"import", "导入订单文件：import orders FILE.csv", "take an order file in: import orders FILE.csv", importFile},
	{"emulator", "单独启动模拟器：微信、短信、邮件", "start the emulator alone: WeChat, SMS, mail", emulate},
	{"verify", "从第一笔流水起核对全部账务与操作日志", "recompute every balance and chain from the first entry", verify},
	{"copy", "搬到另一个数据库：copy --to mysql://…", "move to another database: copy --to mysql://…", copyAll},
	{"backup", "备份（服务可继续运行）：backup --to 目录", "back up, beside a running server: backup --to FOLDER", backup},
	{"restore", "恢复到空的数据目录：restore --from 目录", "restore into an empty data folder: restore --from FOLDER", restore},
	{"doctor", "检查配置、磁盘、时钟与数据", "check settings, disk, clock and data", doctor},
	{"sim", "按种子模拟一座城镇：sim --seed N", "run a simulated town from a seed: sim --seed N", simulate},
	{"bench", "测速：与裸数据库和朴素写法同场比较", "measure speed beside the raw database and the naive form", bench},
	{"setup-token", "在还没有操作员时生成一次性初始化口令", "make a one-time set-up token while there is no operator", setupToken},
	{"version", "显示版本", "print the version", printVersion},
}

// errNotWell ends a command with status 1 after its report was printed.
var errNotWell = errors.New("not all is well")

// collectAt keeps the program small: what is allocated for a request is dead when it is answered, so a collection at three
// quarters of growth costs little and saves 30 MB. GOGC in the environment says otherwise.
const collectAt = 75

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, note io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(note)
		return 2
	}
	for _, cmd := range commands {
		if cmd.name == args[0] {
			return cmd.start(args[1:], out, note)
		}
	}
	_, _ = fmt.Fprintf(note, "guanxi: unknown command %q\n\n", args[0])
	usage(note)
	return 2
}

func usage(w io.Writer) {
	_, _ = fmt.Fprint(w, "guanxi — 关系，会员与忠诚度平台 · membership and loyalty\n\n")
	for _, c := range commands {
		_, _ = fmt.Fprintf(w, "  %-12s %s · %s\n", c.name, c.zh, c.en)
	}
	_, _ = fmt.Fprint(w, "\n每个命令都可用 --data DIR 与 --json，--help 列出其余选项。\nEvery command takes --data DIR and --json; --help lists the rest.\n")
}

func (cmd command) start(args []string, out, note io.Writer) int {
	c := &cli{flags: flag.NewFlagSet("guanxi "+cmd.name, flag.ContinueOnError), out: out, note: note, lang: language()}
	c.flags.SetOutput(note)
	conf.Flags(c.flags, &c.cfg)
	c.flags.BoolVar(&c.json, "json", false, "print one JSON object with the counts as the last line")
	c.args = args
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := cmd.run(ctx, c)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if c.json {
		c.printJSON(result, err)
	} else if err != nil && !errors.Is(err, errNotWell) {
		_, _ = fmt.Fprintln(note, "guanxi:", c.text(err))
	}
	if err != nil {
		return 1
	}
	return 0
}

// parse reads the flags (which may stand before or after the arguments) and the rest of the configuration.
func (c *cli) parse() ([]string, error) {
	var rest []string
	args := c.args
	for {
		if err := c.flags.Parse(args); err != nil {
			return nil, err
		}
		args = c.flags.Args()
		if len(args) == 0 {
			break
		}
		rest = append(rest, args[0])
		args = args[1:]
	}
	if err := c.cfg.Load(os.Environ()); err != nil {
		return nil, err
	}
	c.log = obs.NewLogger(c.note, c.cfg.LogLevel)
	c.met = obs.NewMetrics(version, commit)
	return rest, nil
}

// payFile is the file of the merchants at WeChat Pay; it stands beside that of the channels.
const payFile = "wechat-pay.json"

func (c *cli) open(ctx context.Context, readOnly bool) (*app.App, error) {
	parties, err := channels.Load(c.cfg.Channels)
	if err != nil {
		return nil, err
	}
	merchants := c.merchants
	if c.channels != nil {
		parties = *c.channels
	} else if merchants, err = pay.Load(filepath.Join(filepath.Dir(c.cfg.Channels), payFile)); err != nil {
		return nil, err
	}
	return app.Open(ctx, app.Options{Data: c.cfg.Data, URL: c.cfg.DB.Reveal(), Redis: c.cfg.Redis.Reveal(), Keys: c.cfg.KeysDir, Zone: c.cfg.Zone, Log: c.log, Metrics: c.met, ReadOnly: readOnly,
		Channels: parties, Pay: merchants, Webhooks: c.cfg.WebhookNetworks, NATS: c.cfg.NATS.Reveal(), PublicURL: c.productURL(), Framer: c.emulator})
}

// language is that of the caller's shell; Chinese unless it says otherwise.
func language() string {
	for _, k := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(k); len(v) >= 2 && v != "C" && v != "POSIX" {
			if v[:2] == "en" {
				return "en"
			}
			return "zh"
		}
	}
	return "zh"
}

func (c *cli) text(err error) string {
	if e := fault.As(err); e != nil {
		s := e.Text(c.lang) + " [" + e.Kind.Code + "]"
		if e.Field != "" {
			s += " (" + e.Field + ")"
		}
		return s
	}
	return err.Error()
}

// say prints a sentence for people in their language.
func (c *cli) say(zh, en string, args ...any) {
	text := zh
	if c.lang == "en" {
		text = en
	}
	w := c.out
	if c.json {
		w = c.note
	}
	_, _ = fmt.Fprintf(w, text+"\n", args...)
}

func (c *cli) printJSON(result any, err error) {
	doc := map[string]any{"ok": err == nil}
	if result != nil {
		if b, merr := json.Marshal(result); merr == nil {
			_ = json.Unmarshal(b, &doc)
		}
		doc["ok"] = err == nil
	}
	if err != nil && !errors.Is(err, errNotWell) {
		doc["code"], doc["error"] = fault.CodeOf(err), c.text(err)
	}
	b, merr := json.Marshal(doc)
	if merr == nil {
		_, _ = fmt.Fprintln(c.out, string(b))
	}
}

func printVersion(_ context.Context, c *cli) (any, error) {
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	if !c.json {
		c.say("guanxi %s %s", "guanxi %s %s", version, commit)
	}
	return map[string]string{"version": version, "commit": commit}, nil
}

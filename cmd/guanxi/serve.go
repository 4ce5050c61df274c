package main

import (
	"context"
	"os"
	"path/filepath"

	"guanxi/internal/app"
	"guanxi/internal/app/demo"
	"guanxi/internal/app/importer"
	"guanxi/internal/base/db"
	"guanxi/internal/edge/orderfile"
	"guanxi/internal/loyalty/member"
)

// serve runs the product until it is told to stop.
func serve(ctx context.Context, c *cli) (any, error) {
	withDemo := c.flags.Bool("demo", false, "take the sample data in at the first start")
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	if *withDemo {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		if err := c.beside(ctx); err != nil {
			return nil, err
		}
	}
	a, err := c.open(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	if *withDemo {
		if err := c.loadDemo(ctx, a); err != nil {
			return nil, err
		}
		if err := a.Showcase(ctx); err != nil {
			return nil, err
		}
		if err := a.ShowTasks(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.where(ctx, a); err != nil {
		return nil, err
	}
	return nil, a.Serve(ctx, c.cfg)
}

// beside runs the emulator next to the demonstration, which speaks with it instead of with the real platforms. An
// installation that has channels of its own keeps them.
func (c *cli) beside(ctx context.Context) error {
	if _, err := os.Stat(c.cfg.Channels); err == nil {
		return nil
	}
	p, err := c.playground(ctx)
	if err != nil {
		return err
	}
	c.channels, c.emulator, c.merchants = &p.Channels, p.URL, p.Pay
	go func() {
		if err := p.Serve(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("the emulator ended", "err", err)
		}
	}()
	return nil
}

// loadDemo takes the sample in, once: an installation that has members is left alone.
func (c *cli) loadDemo(ctx context.Context, a *app.App) error {
	var members int64
	if err := a.DB.View(ctx, func(v *db.View) error { members = member.Count(v); return nil }); err != nil || members > 0 {
		return err
	}
	dir, err := os.MkdirTemp("", "guanxi-demo")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "online-retail.csv.gz")
	if err := os.WriteFile(path, demo.OnlineRetail, 0o600); err != nil {
		return err
	}
	c.say("首次启动：导入示例数据 UCI Online Retail（CC BY 4.0）……", "First start: taking in the sample UCI Online Retail (CC BY 4.0) …")
	report, err := a.Importer.Run(ctx, path, orderfile.Options{RefundPrefix: "C", Zone: a.Zone, Encoding: orderfile.Auto},
		importer.Options{Source: "online-retail", Channel: "online", OnProgress: c.progress(path)})
	if err != nil {
		return err
	}
	c.tell(report)
	return nil
}

// where tells where to look.
func (c *cli) where(ctx context.Context, a *app.App) error {
	url := c.productURL()
	setup, err := a.SetupLink(ctx, url)
	if err != nil {
		return err
	}
	c.say("", "")
	if setup != "" {
		c.say("第一步　创建管理员（链接只用一次）：%s", "First, make the administrator (this link works once): %s", setup)
	}
	c.say("总览　　%s/", "Overview       %s/", url)
	c.say("接口文档　%s/docs/api", "API reference  %s/docs/api", url)
	if c.emulator != "" {
		c.say("手机模拟　%s/", "Phone          %s/", c.emulator)
	}
	c.say("指标　　%s/metrics", "Metrics        %s/metrics", url)
	c.say("按 Ctrl-C 停止。", "Stop with Ctrl-C.")
	return nil
}

// setupToken makes a new one-time link, for an installation whose first one was lost.
func setupToken(ctx context.Context, c *cli) (any, error) {
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	a, err := c.open(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	link, err := a.SetupLink(ctx, c.productURL())
	if err != nil {
		return nil, err
	}
	if link == "" {
		c.say("已有操作员，无需初始化。", "There is an operator already: nothing to set up.")
		return map[string]bool{"needed": false}, nil
	}
	c.say("%s", "%s", link)
	return map[string]any{"needed": true, "link": link}, nil
}

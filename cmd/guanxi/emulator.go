package main

import (
	"context"
	"path/filepath"

	"guanxi/internal/app/playground"
)

// productURL is how the installation is reached.
func (c *cli) productURL() string {
	if c.cfg.PublicURL != "" {
		return c.cfg.PublicURL
	}
	return "http://" + playground.Reachable(c.cfg.Listen)
}

// playground makes the emulator that belongs to this data folder.
func (c *cli) playground(ctx context.Context) (*playground.Playground, error) {
	seed, err := playground.SeedOf(c.cfg.Data)
	if err != nil {
		return nil, err
	}
	return playground.New(ctx, playground.Options{Listen: c.cfg.EmulatorListen, Product: c.productURL(), Seed: seed, Dir: filepath.Join(c.cfg.Data, "emulator")})
}

// emulate runs the emulator alone, for an installation that runs elsewhere.
func emulate(ctx context.Context, c *cli) (any, error) {
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	p, err := c.playground(ctx)
	if err != nil {
		return nil, err
	}
	c.say("模拟器　%s/　对应的服务：%s", "Emulator  %s/  for the service at %s", p.URL, c.productURL())
	c.say("按 Ctrl-C 停止。", "Stop with Ctrl-C.")
	return nil, p.Serve(ctx)
}

package main

import (
	"context"
	"path/filepath"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/checkup"
	"guanxi/internal/edge/wechat/pay"
)

// examineChannels asks each party outside whether it knows us, and whether its pushes would reach us.
func (c *cli) examineChannels(ctx context.Context, x *examined) {
	cfg, err := channels.Load(c.cfg.Channels)
	if err != nil {
		x.add("channels", false, "%s", c.text(err))
		return
	}
	merchants, err := pay.Load(filepath.Join(filepath.Dir(c.cfg.Channels), payFile))
	if err != nil {
		x.add("wechat pay", false, "%s", c.text(err))
	}
	ctx, stop := context.WithTimeout(ctx, clock.Duration(2*clock.Minute))
	defer stop()
	clinic := checkup.Clinic{Config: cfg, Merchants: merchants, HTTP: channels.NewClient(), Clock: clock.System, Public: c.productURL()}
	for _, k := range clinic.Kinds() {
		found, err := clinic.Check(ctx, k.Key)
		if err != nil {
			x.add(k.Key, false, "%s", c.text(err))
		}
		for _, f := range found {
			name := k.Key
			if f.Account != "" {
				name += " " + f.Account
			}
			detail := f.Name.In(c.lang) + ": " + f.Detail.In(c.lang)
			if !f.OK {
				detail += " → " + f.Advice.In(c.lang)
			}
			x.add(name, f.OK, "%s", detail)
		}
	}
}

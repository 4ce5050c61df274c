package main

import (
	"context"
	"path/filepath"
	"time"

	"guanxi/internal/edge/wechat/pay"
)

// examinePay asks WeChat Pay something harmless in the name of each merchant.
func (c *cli) examinePay(ctx context.Context, x *examined) {
	accounts, err := pay.Load(filepath.Join(filepath.Dir(c.cfg.Channels), payFile))
	if err != nil {
		x.add("wechat pay", false, "%v", err)
	}
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for _, a := range accounts {
		client := pay.New(a, pay.Options{})
		err := client.Check(ctx)
		x.add("wechat pay "+a.MchID, err == nil, "%s%s", client.Host, because(err))
	}
}

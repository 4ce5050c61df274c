package app

import (
	"context"

	"guanxi/internal/edge/wechat/oa"
)

// Showcase sets up the accounts of a demonstration as an operator would: the menu of each 服务号 and a code for the counter of a store.
func (a *App) Showcase(ctx context.Context) error {
	for _, app := range a.Channels.OA {
		c, err := a.Entry.OA(app.AppID)
		if err != nil {
			return err
		}
		if err := c.SetMenu(ctx, a.usualMenu(app.AppID)); err != nil {
			return err
		}
		for _, scene := range []string{"s=S001&c=7", "s=S001&c=12", "s=S002"} {
			if _, err := c.QR(ctx, scene, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// usualMenu leads to the member centre, the mini program and the rules.
func (a *App) usualMenu(app string) []oa.Button {
	centre := a.public + "/hooks/wechat/oa/" + app + "/login?next=%2Fm%2F"
	menu := []oa.Button{{Name: "会员中心", Type: "view", URL: centre}}
	if len(a.Channels.MP) > 0 {
		menu = append(menu, oa.Button{Name: "小程序", Type: "miniprogram", AppID: a.Channels.MP[0].AppID, PagePath: "pages/home/home", URL: centre})
	}
	return append(menu, oa.Button{Name: "更多", Sub: []oa.Button{
		{Name: "扫一扫", Type: "scancode_push", Key: "SCAN"}, {Name: "在线客服", Type: "click", Key: "HELP"},
	}})
}

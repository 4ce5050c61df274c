package app

import (
	"net/http"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/webhook"
	"guanxi/internal/loyalty/staff"
)

// webhookRoutes keep the outside consumers of facts.
func (a *App) webhookRoutes(s *web.Server) {
	s.Tag("webhook", "事件推送", "Webhooks")
	staff.Route(s, staff.Get("/webhooks", "webhook.list", "view.partners", "事件推送的订阅与进度", "Endpoints and how far they have got"), a.webhooks)
	// The secret is shown here and never again, so this answer is not kept under an idempotency key.
	staff.Route(s, staff.Created(staff.Dangerous(staff.Ask("/webhooks", "webhook.add", "edit.partners", "新建订阅（密钥只显示一次）", "Add an endpoint; its secret is shown once", webhook.ErrURL, webhook.ErrMany))), a.addWebhook)
	staff.Route(s, staff.Change(http.MethodPut, "/webhooks/{id}/status", "webhook.status", "edit.partners", "启用或停用订阅", "Switch an endpoint on or off", webhook.ErrNone, webhook.ErrStatus), a.setWebhook)
	staff.Route(s, staff.Change(http.MethodPost, "/webhooks/{id}/replay", "webhook.replay", "edit.partners", "从某一时刻起重新推送", "Send everything since an instant again", webhook.ErrNone), a.replayWebhook)
	staff.Route(s, staff.Change(http.MethodDelete, "/webhooks/{id}", "webhook.remove", "edit.partners", "删除订阅", "Remove an endpoint", webhook.ErrNone), a.removeWebhook)
}

type webhookOut struct {
	ID        web.ID   `json:"id" doc:"订阅|the endpoint"`
	URL       string   `json:"url" doc:"地址|its address"`
	Kinds     []string `json:"kinds" doc:"事件种类，空为全部|kinds of facts, none is all"`
	Status    string   `json:"status" doc:"on 或 off|on or off"`
	Position  web.ID   `json:"position" doc:"已送达的最后一个事件|the last fact it has got"`
	Fails     int      `json:"fails" doc:"连续失败次数|failures in a row"`
	LastError string   `json:"last_error" doc:"最后的错误|last error"`
	SentAt    int64    `json:"sent_at" doc:"最近送达，0 为从未|when it got something last, 0 never"`
	CreatedAt int64    `json:"created_at" doc:"建立时间|when it was made"`
}

func webhookOf(e webhook.Endpoint) webhookOut {
	return webhookOut{web.ID(e.ID), e.URL, strings.Fields(e.Kinds), e.Status, web.ID(e.Position), e.Fails, e.LastError, e.SentAt, e.CreatedAt}
}

type webhooksOut struct {
	Data []webhookOut `json:"data" doc:"订阅，最多 20 个|endpoints, at most 20"`
}

func (a *App) webhooks(c *web.Ctx, _ *struct{}) (*webhooksOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*webhooksOut, error) {
		out := &webhooksOut{Data: []webhookOut{}}
		for _, e := range a.Webhooks.List(v) {
			out.Data = append(out.Data, webhookOf(e))
		}
		return out, nil
	})
}

type newWebhookOut struct {
	webhookOut
	Secret string `json:"secret" doc:"签名密钥 whsec_…，只显示这一次|the signing secret whsec_…, shown this once"`
}

func (a *App) addWebhook(c *web.Ctx, in *struct {
	Body struct {
		URL   string   `json:"url" maxLength:"500" doc:"地址|its address"`
		Kinds []string `json:"kinds,omitempty" maxItems:"50" doc:"事件种类，空为全部|kinds of facts, none is all"`
	}
}) (*newWebhookOut, error) {
	var out newWebhookOut
	err := a.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		e, secret, err := a.Webhooks.Add(tx, in.Body.URL, in.Body.Kinds)
		if err != nil {
			return err
		}
		out = newWebhookOut{webhookOf(e), secret.Reveal()}
		return a.Staff.Log(tx, staff.WhoOf(c), staff.Act{What: "webhook.add", Targets: []int64{e.ID}, New: webhookOf(e)})
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (a *App) setWebhook(c *web.Ctx, in *struct {
	ID   web.ID `path:"id"`
	Body struct {
		Status string `json:"status" enum:"on,off" doc:"on 或 off|on or off"`
	}
}) (*webhookOut, error) {
	return a.changeWebhook(c, "webhook.status", func(tx *db.Tx) (webhook.Endpoint, error) {
		return a.Webhooks.SetStatus(tx, int64(in.ID), in.Body.Status)
	})
}

func (a *App) replayWebhook(c *web.Ctx, in *struct {
	ID   web.ID `path:"id"`
	Body struct {
		Since int64 `json:"since" minimum:"0" doc:"起始时刻，UTC 毫秒|since when, milliseconds UTC"`
	}
}) (*webhookOut, error) {
	return a.changeWebhook(c, "webhook.replay", func(tx *db.Tx) (webhook.Endpoint, error) {
		return a.Webhooks.Replay(tx, int64(in.ID), in.Body.Since)
	})
}

func (a *App) changeWebhook(c *web.Ctx, what string, f func(*db.Tx) (webhook.Endpoint, error)) (*webhookOut, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*webhookOut, staff.Act, error) {
		e, err := f(tx)
		out := webhookOf(e)
		return &out, staff.Act{What: what, Targets: []int64{e.ID}, New: out}, err
	})
}

func (a *App) removeWebhook(c *web.Ctx, in *struct {
	ID web.ID `path:"id"`
}) (*web.None, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*web.None, staff.Act, error) {
		return &web.None{}, staff.Act{What: "webhook.remove", Targets: []int64{int64(in.ID)}}, a.Webhooks.Remove(tx, int64(in.ID))
	})
}

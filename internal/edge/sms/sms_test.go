package sms

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/emulator"
	"guanxi/internal/emulator/texts"
	"guanxi/internal/emulator/world"
)

// The examples of the vendors' own documents.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	got := SignAliyun("YourAccessKeyId", "YourAccessKeySecret", "POST", "/", "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai", map[string]string{
		"host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-date": "2023-10-26T10:22:32Z", "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
		"x-acs-version": "2014-05-26", "x-acs-content-sha256": hexSHA(nil)})
	if !strings.HasSuffix(got, "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0") {
		t.Error(got)
	}
	body := `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	if h := hexSHA([]byte(body)); h != "35e9c5b0e3ae67532d3c9f17ead6c90222632e5b1ff7f6e89887f1398934f064" {
		t.Error(h)
	}
	got = SignTencent("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm", "cvm.tencentcloudapi.com", "/", "application/json; charset=utf-8", 1551113065, []byte(body))
	if !strings.HasSuffix(got, "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168") ||
		!strings.Contains(got, "Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host,") {
		t.Error(got)
	}
}

func start(t *testing.T, vendor string) (*Client, *world.World) {
	t.Helper()
	w := world.New("seed", clock.NewFake(1_790_000_000_000))
	e := emulator.New(w)
	v := &texts.Vendor{W: w, KeyID: "kid", Secret: "ksecret", Sign: "关系生活馆", AppID: "1400", Templates: map[string]string{"SMS_1": "验证码${code}，5分钟内有效。"}}
	e.Mount("/aliyun/", v.Aliyun())
	e.Mount("/tencent/", v.Tencent())
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	emulator.Demo(w, "http://127.0.0.1:1", "127.0.0.1:1")
	cfg := channels.Config{Hosts: channels.Hosts{Aliyun: srv.URL + "/aliyun", Tencent: srv.URL + "/tencent"}, SMS: &channels.SMS{Vendor: vendor, KeyID: "kid",
		KeySecret: channels.Hide("ksecret"), AppID: "1400", Sign: "关系生活馆", Templates: map[string]string{"code": "SMS_1", "gone": "SMS_2"}}}
	return New(cfg, srv.Client(), w.Clock), w
}

func TestBothVendors(t *testing.T) {
	t.Parallel()
	for _, vendor := range []string{"aliyun", "tencent"} {
		c, w := start(t, vendor)
		ctx := context.Background()
		phone, err := vault.Phone("13800138001")
		if err != nil {
			t.Fatal(err)
		}
		code := map[string]string{"code": "012345"}
		want := func(what string, err, target error) {
			t.Helper()
			if !errors.Is(err, target) || err != nil && (strings.Contains(err.Error(), "138") || strings.Contains(err.Error(), "ksecret")) {
				t.Errorf("%s, %s: %v", vendor, what, err)
			}
		}
		want("sent", c.Send(ctx, phone, "code", code), nil)
		if got := w.Bubbles("lin", 0); len(got) != 1 || got[0].Text != "【关系生活馆】验证码012345，5分钟内有效。" {
			t.Errorf("%s: %+v", vendor, got)
		}
		want("again within the minute", c.Send(ctx, phone, "code", code), ErrLimit)
		want("no such purpose", c.Send(ctx, phone, "birthday", nil), ErrTemplate)
		want("no such template", c.Send(ctx, phone, "gone", nil), ErrSetup)
		want("a number abroad", c.Send(ctx, vault.Hide("+1202555"), "code", code), ErrNumber)
		w.Travel(clock.Hour)
		for name, f := range map[string]world.Fault{"500": {Status: 500}, "broken": {Broken: true}, "dropped": {Drop: true}} {
			w.Faults.Add(f)
			want(name, c.Send(ctx, phone, "code", code), ErrBusy)
		}
		w.Faults.Clear()
		c.Account.Sign = "别家"
		want("a foreign signature", c.Send(ctx, phone, "code", code), ErrSetup)
		c.Account.KeySecret = channels.Hide("wrong")
		want("a wrong secret", c.Send(ctx, phone, "code", code), ErrSetup)
		c.Clock = clock.NewFake(w.Clock.Now() - clock.Day)
		c.Account.KeySecret = channels.Hide("ksecret")
		want("a wrong clock", c.Send(ctx, phone, "code", code), ErrSetup)
	}
}

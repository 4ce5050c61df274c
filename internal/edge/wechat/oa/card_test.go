package oa

import (
	"context"
	"testing"

	"guanxi/internal/edge/wechat"
	"guanxi/internal/emulator/world"
)

func TestTheCardOf2016OnTheWire(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	id := b.p.OfferCard(b.app.ID, "会员卡")
	code, ok := b.p.TakeCard(b.app, "lin", id, "shop=1")
	if !ok || b.p.FillCard(b.app, code) {
		t.Fatal("no card, or a form that nobody has set")
	}
	if seen, err := b.WalletCard(ctx, id, code); err != nil || !seen.Lives() || seen.OpenID != b.openid("lin") {
		t.Fatalf("%+v %v", seen, err)
	}
	if err := b.SetCardForm(ctx, id, "会员协议", "https://brand.example/terms"); err != nil {
		t.Fatal(err)
	}
	if !b.p.FillCard(b.app, code) {
		t.Fatal("the form can't be sent")
	}
	lin, _ := b.w.Person("lin")
	seen, err := b.WalletCard(ctx, id, code)
	if phone, filled := seen.Phone(); err != nil || !filled || phone != lin.Phone {
		t.Fatalf("%+v %v", seen, err)
	}
	h := CardHolder{Card: id, Code: code, Number: "7", Points: 120, Level: "银卡"}
	want(t, "told before it is open", b.UpdateCard(ctx, h, "x"), wechat.Permanent, 40078)
	if err := b.ActivateCard(ctx, h); err != nil {
		t.Fatal(err)
	}
	h.Points, h.Level = 0, "金卡"
	for range 2 { // sent twice, it counts once
		if err := b.UpdateCard(ctx, h, "积分与等级更新"); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.p.CardShown(code); s.Points != 0 || s.Level != "金卡" || s.Number != "7" || !s.Active {
		t.Errorf("%+v", s)
	}
	b.p.DropCard(b.app, code)
	if seen, err := b.WalletCard(ctx, id, code); err != nil || seen.Lives() {
		t.Errorf("%+v %v", seen, err)
	}
	err = b.UpdateCard(ctx, h, "x")
	if want(t, "thrown away", err, wechat.Permanent, 40078); !CardLost(err) {
		t.Error("it is not said to be lost")
	}
	if again, _ := b.p.TakeCard(b.app, "lin", id, ""); again != code {
		t.Errorf("taken out of the bin it has the code %s, not %s", again, code)
	}
}

func TestTheCardOf2016IsRefused(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	id := b.p.OfferCard(b.app.ID, "会员卡")
	code, _ := b.p.TakeCard(b.app, "lin", id, "")
	at := CardHolder{Card: id, Code: code, Number: "7"}
	want(t, "no such card", b.SetCardForm(ctx, "p0", "a", "https://x.example"), wechat.Permanent, 40078)
	want(t, "terms without a place", b.SetCardForm(ctx, id, "a", ""), wechat.Permanent, 47001)
	want(t, "no number", b.ActivateCard(ctx, CardHolder{Card: id, Code: code}), wechat.Permanent, 47001)
	want(t, "no such code", b.ActivateCard(ctx, CardHolder{Card: id, Code: "0", Number: "7"}), wechat.Permanent, 40056)
	_, err := b.WalletCard(ctx, id, "0")
	want(t, "a card nobody has", err, wechat.Permanent, 40056)
	if err := b.ActivateCard(ctx, at); err != nil {
		t.Fatal(err)
	}
	want(t, "a reason that is too long", b.UpdateCard(ctx, at, "一二三四五六七八九十一二三四五"), wechat.Permanent, 45021)
	want(t, "points added and set", b.api.Ask(ctx, "/card/membercard/updateuser", map[string]any{"card_id": id, "code": code, "bonus": 1, "add_bonus": 1}, nil), wechat.Permanent, 47001)
	want(t, "an unknown field", b.api.Ask(ctx, "/card/membercard/activate", map[string]any{"card_id": id, "code": code, "membership_number": "1", "points": 1}, nil), wechat.Permanent, 47001)
	b.w.Faults.Add(world.Fault{Path: "/card/membercard/updateuser", ErrCode: -1, Times: 9})
	want(t, "busy", b.UpdateCard(ctx, at, "x"), wechat.Busy, -1)
	b.w.Faults.Clear()
	b.w.Faults.Add(world.Fault{Path: "/card/membercard/updateuser", ErrCode: 48001})
	want(t, "no permission", b.UpdateCard(ctx, at, "x"), wechat.Setup, 48001)
	b.w.Faults.Add(world.Fault{Path: "/card/membercard/updateuser", ErrCode: 45009})
	want(t, "the day's quota", b.UpdateCard(ctx, at, "x"), wechat.Quota, 45009)
}

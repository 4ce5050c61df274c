package pay_test

import (
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/pay"
)

func TestBrandCard(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ctx := t.Context()
	form := pay.CardForm{RequestNo: "card-1", AppID: appID, Type: "NORMAL", Title: "关系会员", Color: "#AA3322", CodeMode: "SYSTEM_ALLOCATE", CodeType: "BAR_CODE",
		NotifyURL: notify, ShowLevel: true, InitLevel: "银卡", Valid: &pay.CardValid{Type: "PERMANENT"}, UserForm: &pay.CardUserForm{Common: []string{"USER_FORM_FLAG_BIRTHDAY"}}}
	card, err := s.client.CreateCard(ctx, form)
	if err != nil || card.CardID == "" || card.State != "CARD_EFFECTIVE" {
		t.Fatalf("%+v, %v", card, err)
	}
	if again, err := s.client.CreateCard(ctx, form); err != nil || again.CardID != card.CardID {
		t.Fatalf("%+v, %v", again, err)
	}
	anna := s.world.OpenID(appID, "anna")
	if k, err := s.client.PreAuthToken(ctx, card.CardID, anna); err != nil || len(k.Token) != 32 {
		t.Fatalf("%+v, %v", k, err)
	}
	if k, err := s.client.PayViewToken(ctx, card.CardID, anna); err != nil || pay.ParseTime(k.Expire) != start+10*clock.Minute {
		t.Fatalf("%+v, %v", k, err)
	}
	code, err := s.platform.TakeCard(card.CardID, "anna", "store=SH01")
	if err != nil {
		t.Fatal(err)
	}
	s.world.Settle()
	n, err := s.client.Open(ctx, s.got[0].Header, s.bodies[0])
	var told pay.CardNotice
	if err == nil {
		err = n.Into(&told)
	}
	if err != nil || n.Event != pay.EventCardJoined || told.Code != code || told.OpenID != anna || told.Phone != "13800000001" || told.BrandID != brand {
		t.Fatalf("%+v, %v", told, err)
	}
	sync := pay.PointSync{RequestNo: "sync-1", CardID: card.CardID, OpenID: anna, Code: code, Balance: 120}
	refused(t, "points before the card is open", s.client.SyncPoints(ctx, sync), pay.Permanent, "PARAM_ERROR", "")
	if err := s.client.ConfirmCard(ctx, code, pay.CardConfirm{CardID: card.CardID, OpenID: anna, State: pay.CardOpened, Level: "银卡"}, vault.Hide("13800000001")); err != nil {
		t.Fatal(err)
	}
	if err := s.client.SyncPoints(ctx, sync); err != nil {
		t.Fatal(err)
	}
	s.travel(2_000)
	sync.RequestNo, sync.Balance = "sync-2", 80
	for range 2 {
		if err := s.client.SyncPoints(ctx, sync); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.client.UpdateUserCard(ctx, code, pay.UserCardChange{CardID: card.CardID, OpenID: anna, Level: "金卡"}); err != nil {
		t.Fatal(err)
	}
	u, err := s.client.GetUserCard(ctx, code, card.CardID, anna)
	if err != nil || u.Points != 80 || u.Level != "金卡" || u.State != "EFFECTIVE" {
		t.Fatalf("%+v, %v", u, err)
	}
	s.restOfCards(card.CardID, code, anna)
}

func (s *stage) restOfCards(card, code, anna string) {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	bob := s.world.OpenID(appID, "bob")
	if err := s.client.ImportCard(ctx, pay.CardImport{RequestNo: "imp-1", CardID: card, OpenID: bob, Code: "888800001111"}); err != nil {
		t.Fatal(err)
	}
	if list, err := s.client.UserCards(ctx, bob, "", 0, 20); err != nil || len(list) != 1 || list[0].Code != "888800001111" {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := s.client.SendFeed(ctx, pay.Feed{RequestNo: "feed-1", CardID: card, OpenID: anna, Code: code, Cell: "1_120"}); err != nil {
		t.Fatal(err)
	}
	refused(t, "a cell of no template", s.client.SendFeed(ctx, pay.Feed{RequestNo: "feed-2", CardID: card, OpenID: anna, Code: code, Cell: "x"}), pay.Permanent, "PARAM_ERROR", "")
	record := s.platform.Exchange(code, 50)
	answer := pay.CouponAnswer{RecordID: record, Template: "t1", CardID: card, OpenID: anna, Code: code, State: pay.CouponRefused, Reason: "积分不足"}
	if err := s.client.AnswerCoupon(ctx, answer); err != nil || s.platform.ExchangeState(record) != pay.CouponRefused {
		t.Fatal(err)
	}
	answer.State, answer.Coupon = pay.CouponGiven, "C1"
	refused(t, "another answer", s.client.AnswerCoupon(ctx, answer), pay.Permanent, "INVALID_REQUEST", "")
	act, err := s.client.CreateActivity(ctx, pay.Activity{RequestNo: "act-1", CardID: card, Channel: "MECHANT_APP_COMPONENT", Title: "入会有礼",
		Begin: pay.Time(start), End: pay.Time(start + clock.Day), Coupons: []pay.ActivityStock{{Coupon: "p", Stock: "s"}}})
	if err != nil || act.ID == "" {
		t.Fatal(err)
	}
	if err := s.client.TerminateActivity(ctx, act.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := s.client.GetActivity(ctx, act.ID); err != nil || got.State != "TERMINATED" {
		t.Fatalf("%+v, %v", got, err)
	}
	if list, err := s.client.Activities(ctx, 0, 20); err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := s.client.UpdateCard(ctx, card, pay.CardChange{RequestNo: "card-2", Benefits: "生日双倍积分"}); err != nil {
		t.Fatal(err)
	}
	if err := s.client.InvalidateUserCard(ctx, "888800001111", card, bob, "退会"); err != nil {
		t.Fatal(err)
	}
	if err := s.client.InvalidateCard(ctx, card); err != nil {
		t.Fatal(err)
	}
	if c, err := s.client.GetCard(ctx, card); err != nil || c.State != "CARD_INVALID" || c.Benefits != "生日双倍积分" {
		t.Fatalf("%+v, %v", c, err)
	}
	if list, total, err := s.client.Cards(ctx, "CARD_INVALID", 0, 20); err != nil || total != 1 || list[0].CardID != card {
		t.Fatalf("%+v, %v", list, err)
	}
	s.travel(1_000)
	var busy int
	for range 7 {
		if _, err := s.client.GetCard(ctx, card); pay.ClassOf(err) == pay.Busy && err != nil {
			busy++
		}
	}
	if busy == 0 {
		t.Error("more than five requests in a second")
	}
}

func TestAttachKeepsToItsRoom(t *testing.T) {
	t.Parallel()
	if got := pay.Attach("abcde", "1_20", "c1", "u1"); got != "abcdecell=1_20&card_id=c1&user_card_code=u1" {
		t.Error(got)
	}
	if got := pay.Attach(strings.Repeat("x", 100), "1_20", "c1", "u1"); got != strings.Repeat("x", 100) {
		t.Error(got)
	}
}

package delivery

import "testing"

func TestValuesFitTheFieldsOfATemplate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, value, want string }{
		{"number2", "+120", "120"}, {"number2", "-68", "-68"}, {"number2", "", "0"}, {"amount1", "68.50", "68.50"},
		{"phrase1", "银卡会员", "银卡会员"}, {"phrase1", "Gold 金卡", "金卡"}, {"phrase1", "尊享黑金会员", "尊享黑金会"}, {"phrase1", "VIP", "通知"},
		{"thing1", "消费或\n活动获得", "消费或 活动获得"}, {"thing1", "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"},
		{"thing1", "一二三四五六七八九十一二三四五六七八九十一", "一二三四五六七八九十一二三四五六七八九…"}, {"thing1", " \n", "-"},
		{"character_string3", "订单A-1", "A-1"}, {"character_string3", "", "-"}, {"letter4", "ab-1", "ab"}, {"time4", "2026-09-21 21:33", "2026-09-21 21:33"},
	} {
		if got := Fit(c.field, c.value); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.field, c.value, got, c.want)
		}
	}
}

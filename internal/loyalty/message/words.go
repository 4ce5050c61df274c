package message

import (
	"encoding/json"
	"strconv"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/tier"
)

// whyWords say why points changed, by the kind of entry.
var whyWords = map[string][2]string{
	"earn": {"消费或活动获得", "Earned"}, "grant": {"获赠积分", "Given to you"}, "spend": {"使用积分", "Used"}, "expire": {"积分到期", "Expired"},
	"clawback": {"订单退款扣回", "Taken back for a refund"}, "restore": {"订单退款退回", "Given back for a refund"}, "adjust": {"人工调整", "Adjusted by our staff"},
	"reversal": {"冲正", "Reversed"}, "transfer": {"积分转赠", "Transferred"}, "seize": {"违规没收", "Confiscated"}, "mature": {"积分生效", "Can be used now"},
}

// spoken gives the values of a message in a language: a value such as "tier.2" or "why.spend" is a name that each language has its own word for.
func spoken(r db.Reader, stored string, at int64, lang string) map[string]string {
	values := map[string]string{}
	_ = json.Unmarshal([]byte(stored), &values) // written by Tell
	for k, v := range values {
		if n, ok := strings.CutPrefix(v, "tier."); ok && k == "tier" {
			rank, _ := strconv.Atoi(n)
			values[k] = tier.Policy.At(r, at).Value.Level(rank).Name(lang)
		}
		if kind, ok := strings.CutPrefix(v, "why."); ok && k == "why" {
			values[k] = pick(lang, whyWords[kind][0], whyWords[kind][1])
		}
	}
	return values
}

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

// wordsOf finds the version of the words that a message was told with.
func wordsOf(r db.Reader, version int64) Words {
	for _, v := range Templates.History(r) {
		if v.ID == version {
			return v.Value
		}
	}
	return Templates.At(r, 0).Value // version 0 is what came with the program
}

// text writes a message in a language.
func text(r db.Reader, occasion string, version int64, stored string, at int64, lang string) (title, body string) {
	t, _ := wordsOf(r, version).of(occasion)
	values := spoken(r, stored, at, lang)
	return write(pick(lang, t.TitleZh, t.TitleEn), values), write(pick(lang, t.BodyZh, t.BodyEn), values)
}

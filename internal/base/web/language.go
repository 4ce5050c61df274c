package web

import (
	"strconv"
	"strings"
)

// language picks the language of sentences: asked for in the query, else the best of Accept-Language, else Chinese.
func language(asked, accept string) string {
	if asked == "zh" || asked == "en" {
		return asked
	}
	best, weight := "zh", 0.0
	for part := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if q := quality(params); q > weight && (primary == "zh" || primary == "en") {
			best, weight = primary, q
		}
	}
	return best
}

func quality(params string) float64 {
	text, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return q
}

// cutLang takes the lang parameter out of a raw query: it chooses the words of an answer, not what is asked.
func cutLang(query string) (rest, lang string) {
	if !strings.Contains(query, "lang=") {
		return query, ""
	}
	kept := make([]string, 0, 4)
	for pair := range strings.SplitSeq(query, "&") {
		if v, ok := strings.CutPrefix(pair, "lang="); ok {
			lang = v
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&"), lang
}

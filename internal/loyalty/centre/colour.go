package centre

import "strconv"

// Contrasts are counted in hundredths, by the formula of the accessibility guidelines; no colour is money, but no float is needed either.
const (
	minContrast = 450 // of small writing
	minLarge    = 200 // of the light end of a gradient, where only large writing stands
)

// colour reads #rrggbb.
func colour(s string) (rgb [3]int, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return rgb, false
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return rgb, false
	}
	return [3]int{int(n >> 16 & 255), int(n >> 8 & 255), int(n & 255)}, true
}

// linear are the light of a channel's 256 steps, in millionths: ((c/255+0.055)/1.055)^2.4, sampled at each sixteenth step.
var linear = [17]int{0, 5182, 14444, 29557, 51269, 80220, 116971, 162029, 215861, 278894, 351533, 434154, 527115, 630757, 745404, 871367, 1000000}

// luminance is how light a colour is, in millionths. Between the samples it goes straight, which is off by a tenth of a percent at most.
func luminance(rgb [3]int) int {
	sum := 0
	for i, weight := range []int{2126, 7152, 722} {
		at, rest := rgb[i]/16, rgb[i]%16
		hi := linear[at+1]
		width := 16
		if at == 15 {
			width = 15 // 255 is the end
		}
		sum += weight * (linear[at] + (hi-linear[at])*rest/width)
	}
	return sum / 10_000
}

// contrast is how well two colours are told apart, in hundredths: 2100 is black on white.
func contrast(a, b [3]int) int {
	la, lb := luminance(a), luminance(b)
	if la < lb {
		la, lb = lb, la
	}
	return (la + 50_000) * 100 / (lb + 50_000)
}

package town

import "time"

var shanghai = func() *time.Location {
	l, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return l
}()

const (
	second int64 = 1000
	minute       = 60 * second
	hour         = 60 * minute
	allDay       = 24 * hour
	never  int64 = 1 << 53
)

func wall(at int64) time.Time { return time.UnixMilli(at).In(shanghai) }

// dateOf is the natural day of an instant, as 20280229.
func dateOf(at int64) int {
	y, m, d := wall(at).Date()
	return y*10000 + int(m)*100 + d
}

// midnight is the first instant of the day that lies n days after an instant's day.
func midnight(at int64, n int) int64 {
	y, m, d := wall(at).Date()
	return time.Date(y, m, d+n, 0, 0, 0, 0, shanghai).UnixMilli()
}

// months is the end of the day that lies n months after an instant's day; a month too short ends on its last day.
func months(at int64, n int) int64 {
	if n == 0 {
		return never
	}
	y, m, d := wall(at).Date()
	for time.Date(y, m+time.Month(n), d, 12, 0, 0, 0, shanghai).Month() != time.Date(y, m+time.Month(n), 1, 12, 0, 0, 0, shanghai).Month() {
		d--
	}
	return time.Date(y, m+time.Month(n), d+1, 0, 0, 0, 0, shanghai).UnixMilli()
}

func instant(year, month, day, h int) int64 {
	return time.Date(year, time.Month(month), day, h, 0, 0, 0, shanghai).UnixMilli()
}

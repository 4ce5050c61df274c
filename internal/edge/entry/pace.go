package entry

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/web"
)

// pace is how often one address may knock at the public doors.
type pace struct {
	code    *web.Limiter // phone codes
	session *web.Limiter // logins
	page    *web.Limiter // signatures for pages
}

const addresses = 100_000

func newPace(c clock.Clock) *pace {
	return &pace{
		code:    web.NewLimiter(c, 60, clock.Hour, 20, addresses),
		session: web.NewLimiter(c, 60, clock.Minute, 60, addresses),
		page:    web.NewLimiter(c, 60, clock.Minute, 60, addresses),
	}
}

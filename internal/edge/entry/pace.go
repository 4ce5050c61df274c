package entry

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/web"
)

// pace is how often one address may knock at the public doors.
type pace struct {
	code    *web.Limiter // phone codes
	mail    *web.Limiter // codes by mail
	session *web.Limiter // logins
	page    *web.Limiter // signatures for pages
	link    *web.Limiter // visits by entry links that are counted
}

const addresses = 100_000

func newPace(c clock.Clock) *pace {
	return &pace{
		code:    web.NewLimiter(c, 60, clock.Hour, 20, addresses).Guarding("entry.code"),
		mail:    web.NewLimiter(c, 60, clock.Hour, 20, addresses).Guarding("entry.mail"),
		session: web.NewLimiter(c, 60, clock.Minute, 60, addresses).Guarding("entry.session"),
		page:    web.NewLimiter(c, 60, clock.Minute, 60, addresses).Named("entry.page"),
		link:    web.NewLimiter(c, 600, clock.Minute, 600, addresses), // a whole town may share one address of its carrier
	}
}

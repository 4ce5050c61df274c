package track

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

// Failures a caller can see.
var (
	ErrNoLink = fault.Define("track.no_link", fault.NotFound, "没有这个入口链接", "There is no such entry link")
	ErrLink   = fault.Define("track.link", fault.Invalid,
		"短码须为 2 到 24 位小写字母、数字或连字符，以字母或数字开头", "A code has 2 to 24 lower-case letters, digits or hyphens and begins with no hyphen")
	ErrLinkSays  = fault.Define("track.link_says", fault.Invalid, "名称不能为空，落地页须在列表中", "A name is needed, and a page of the list")
	ErrLinkTaken = fault.Define("track.link_taken", fault.Conflict, "这个短码已被使用，短码不能复用", "This code is taken; codes are not used again")
)

// Link is a stable address outside, and where whoever comes by it is from. Its code is never given to another: posters outlive campaigns.
type Link struct {
	Code    string
	ID      int64
	Name    string
	Page    string // of Landings
	Opens   string
	From    Origin
	State   string
	Created int64
	Actor   string
	Mini    string // the platform's address of the mini program, "" before there is one
	Until   int64  // when that ends
	Visits  int64
	Joins   int64
	Events  int64 // of members who came by it and agree to tracking
}

// Origin is where somebody came from, as campaigns are told apart.
type Origin struct{ Channel, Store, Source, Medium, Campaign string }

// What a link opens.
const (
	OpensH5   = "h5"
	OpensMini = "mini"
)

// States of a link.
const (
	LinkOn      = "on"
	LinkStopped = "stopped"
)

// Landing is a page of the member centre to which a link may lead, with its address in the app.
type Landing struct{ Page, Path string }

// Landings are all of them.
var Landings = []Landing{
	{"home", "pages/home/home"}, {"join", "pages/welcome/welcome"}, {"statement", "pages/points/points"}, {"tiers", "pages/tiers/tiers"}, {"code", "pages/code/code"},
	{"me", "pages/me/me"}, {"checkin", "more/checkin/checkin"}, {"profile", "more/profile/profile"}, {"orders", "more/orders/orders"},
	{"messages", "more/inbox/inbox"}, {"help", "more/rules/rules"},
}

// Path is the address of the page in the app.
func (l Link) Path() string {
	for _, x := range Landings {
		if x.Page == l.Page {
			return x.Path
		}
	}
	return Landings[0].Path
}

// MemberSource is what is noted as the source of a member who joined by a link. Which campaign that was, the link says.
func (l Link) MemberSource() string { return "link:" + l.Code }

var linkCode = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,23}$`)

// LinkOf finds a link, also one that was stopped.
func LinkOf(r db.Reader, code string) (Link, bool) {
	if !linkCode.MatchString(code) {
		return Link{}, false
	}
	return links.Get(r, code)
}

// AddLink puts a link up. Without a code it gets one.
func (s *Service) AddLink(tx *db.Tx, l Link) (Link, error) {
	l.ID, l.State, l.Created, l.Actor = tx.ID(), LinkOn, tx.Now(), tx.Actor()
	if l.Code == "" {
		l.Code = strconv.FormatInt(l.ID, 36)
	}
	if err := l.check(); err != nil {
		return l, err
	}
	if _, ok := links.Get(tx, l.Code); ok {
		return l, ErrLinkTaken.New().At("code")
	}
	return l, links.Insert(tx, l)
}

// SetLink changes what a link says and whether it works; its code and what came of it stay.
func (s *Service) SetLink(tx *db.Tx, code string, to Link) (was, now Link, err error) {
	was, ok := LinkOf(tx, code)
	if !ok {
		return was, now, ErrNoLink.New()
	}
	now = was
	now.Name, now.Page, now.Opens, now.From, now.State = to.Name, to.Page, to.Opens, to.From, to.State
	if now.Page != was.Page {
		now.Mini, now.Until = "", 0
	}
	if err := now.check(); err != nil {
		return was, now, err
	}
	links.Put(tx, now)
	return was, now, nil
}

func (l Link) check() error {
	switch {
	case !linkCode.MatchString(l.Code):
		return ErrLink.New().At("code")
	case strings.TrimSpace(l.Name) == "":
		return ErrLinkSays.New().At("name")
	case !slices.ContainsFunc(Landings, func(x Landing) bool { return x.Page == l.Page }):
		return ErrLinkSays.New().At("page")
	}
	return nil
}

// Visited counts somebody who came by a link.
func (s *Service) Visited(tx *db.Tx, code string) { tally(tx, code, func(l *Link) { l.Visits++ }) }

// JoinedBy counts somebody who came by a link and became a member.
func (s *Service) JoinedBy(tx *db.Tx, code string) { tally(tx, code, func(l *Link) { l.Joins++ }) }

// SetMini notes the platform's address of the page in the mini program.
func (s *Service) SetMini(tx *db.Tx, code, address string, until int64) {
	tally(tx, code, func(l *Link) { l.Mini, l.Until = address, until })
}

// tally changes a link that there is.
func tally(tx *db.Tx, code string, change func(*Link)) {
	if l, ok := LinkOf(tx, code); ok {
		change(&l)
		links.Put(tx, l)
	}
}

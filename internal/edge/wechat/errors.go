// Package wechat is what the clients of 服务号, 小程序 and 企业微信 share: the token and its single flight, the envelope of answers, the
// classes of errors, retries and quotas. The clients themselves are thin: one method an endpoint.
package wechat

import (
	"errors"
	"fmt"
	"strings"

	"guanxi/internal/edge/channels"
)

// Class says what to do about an error.
type Class int

// The classes.
const (
	Permanent  Class = iota + 1 // wrong for good: a bug, or a thing that is no more
	Busy                        // the platform or the way to it: again later, with the same key
	Token                       // the token is over; the caller sees it only when a fresh one is refused, too
	Setup                       // credentials, IP list, permissions: an operator must act
	Quota                       // of the day or minute: not before the pause is over
	BadCode                     // a login or phone code that is expired, unknown
	UsedCode                    // a code that was used before
	Risky                       // the platform thinks the person a risk
	NotFollow                   // must follow the account first
	NoCredit                    // no subscription left for this template
	OutOfTime                   // outside the window in which one may answer, or its count is used up
	Refused                     // the person turned messages off
	BadContent                  // the content was judged
	NoTemplate                  // the template is no longer usable
)

// Error is a refusal by the platform.
type Error struct {
	API   string // the path, without its query
	Code  int
	Msg   string // with the platform's rid; holds nothing of ours
	Class Class
	Until int64 // of a quota: when it begins anew
	Lost  bool  // no answer that could be read: nobody knows whether it took effect
}

// Lost says whether nobody knows what became of a call.
func Lost(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err != nil && (ok && e.Lost || !ok && !channels.Unreached(err))
}

// Trouble says that a person must look: credentials, permissions, templates, quotas.
func Trouble(err error) bool {
	switch ClassOf(err) { //nolint:exhaustive // every other class is of one call or one person
	case Token, Setup, Quota, NoTemplate:
		return true
	case Permanent:
		return CodeOf(err) == 47003 // a template's fields are not as they are set up here
	}
	return false
}

func (e *Error) Error() string { return fmt.Sprintf("wechat: %s: %d %s", e.API, e.Code, e.Msg) }

// ClassOf gives the class of an error; what did not come from the platform is Busy: nobody knows what became of it.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	if err == nil {
		return 0
	}
	return Busy
}

// CodeOf gives the platform's number, 0 when it did not come from the platform.
func CodeOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return 0
}

// Until tells when a quota begins anew, 0 when that is not what is wrong.
func Until(err error) int64 {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Until
	}
	return 0
}

// classes of the numbers that mean something to us; every other is Permanent.
var classes = map[int]Class{
	-1:    Busy,
	40001: Token, 40014: Token, 42001: Token, 41001: Token,
	40013: Setup, 40091: Setup, 40125: Setup, 40164: Setup, 40243: Setup, 41004: Setup, 48001: Setup, 48004: Setup, 50002: Setup, 50004: Setup, 50007: Setup,
	60011: Setup, 60020: Setup, 61007: Setup, 61009: Setup, 89503: Setup, 89506: Setup, 89507: Setup, 48002: Refused,
	45009: Quota, 45011: Quota, 44990: Quota, 45033: Quota, 45035: Quota,
	40029: BadCode, 40163: UsedCode, 40226: Risky,
	43004: NotFollow, 43101: NoCredit, 43107: NoCredit, 43108: NoCredit,
	45015: OutOfTime, 45047: OutOfTime, 87014: BadContent, 40037: NoTemplate, 43116: NoTemplate,
}

// classOf takes away what only one API means by a number: to the stable token, 40001 is a wrong secret.
func classOf(api string, code int) Class {
	if code == 40001 && (strings.HasSuffix(api, "/stable_token") || strings.HasSuffix(api, "/gettoken")) {
		return Setup
	}
	if c, ok := classes[code]; ok {
		return c
	}
	return Permanent
}

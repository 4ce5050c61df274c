package pay

import (
	"errors"
	"fmt"
	"strings"
)

// Class says what to do about a failure.
type Class int

// The classes of failures, by what helps.
const (
	Permanent Class = iota // the request is wrong: sending it again changes nothing
	Config                 // keys, permissions or bindings are wrong: people must look
	Business               // the platform says no for a reason of business; later it may say yes
	Missing                // there is no such order or refund
	Pending                // the payer is at it: ask again
	Busy                   // too many requests: wait
	Unknown                // nobody knows whether it took effect: again with the same numbers, then query
)

// String names the class in logs.
func (c Class) String() string {
	return [...]string{"permanent", "config", "business", "missing", "pending", "busy", "unknown"}[c]
}

// Error is a refusal of the platform, or what kept it from answering. It holds no personal data.
type Error struct {
	Class     Class
	HTTP      int    // 0 when there was no answer
	Code      string // such as ORDER_NOT_EXIST
	Message   string // the platform's own words
	RequestID string // to be quoted to its support
	cause     error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("wechat pay: %s (%s)", orElse(e.Code, "no answer"), e.Class)
	if e.HTTP != 0 {
		s += fmt.Sprintf(" http %d", e.HTTP)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.RequestID != "" {
		s += " [" + e.RequestID + "]"
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.cause }

// Numeric is the platform's number of the failure: the last part of the request id.
func (e *Error) Numeric() string {
	if i := strings.LastIndexByte(e.RequestID, '-'); i >= 0 {
		return e.RequestID[i+1:]
	}
	return ""
}

// ClassOf tells the class of a failure; what is no answer of the platform is Unknown.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Unknown
}

// IsCode says whether the platform refused with one of some codes.
func IsCode(err error, codes ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// classes are the codes that mean the same whatever the HTTP status is.
var classes = map[string]Class{
	"PARAM_ERROR": Permanent, "INVALID_REQUEST": Permanent, "MCH_NOT_EXISTS": Config, "APPID_MCHID_NOT_MATCH": Config,
	"ORDER_CLOSED": Permanent, "ORDERPAID": Permanent, "OUT_TRADE_NO_USED": Permanent, "SIGN_ERROR": Config, "NO_AUTH": Config,
	"ACCOUNT_ERROR": Business, "TRADE_ERROR": Business, "NOT_ENOUGH": Business, "RULE_LIMIT": Business, "USER_ACCOUNT_ABNORMAL": Business,
	"ORDER_NOT_EXIST": Missing, "RESOURCE_NOT_EXISTS": Missing, "USERPAYING": Pending, "FREQUENCY_LIMITED": Busy, "RATELIMIT_EXCEEDED": Busy,
	"SYSTEM_ERROR": Unknown, "BANK_ERROR": Unknown,
}

// classify tells what to do by code, and by status where the code is new to us.
func classify(status int, code string) Class {
	if c, ok := classes[code]; ok {
		return c
	}
	switch {
	case status == 401 || status == 403:
		return Config
	case status == 404:
		return Missing
	case status == 429:
		return Busy
	case status >= 500 || status == 0:
		return Unknown
	case status == 202:
		return Pending
	}
	return Permanent
}

// again says whether the client itself sends a request once more.
func (c Class) again() bool { return c == Busy || c == Unknown }

// CodeOf gives the platform's word for a failure, "" when it gave none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

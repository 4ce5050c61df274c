package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"guanxi/internal/base/fault"
)

// Problem is how every failure is answered (RFC 9457).
type Problem struct {
	Type     string         `json:"type" doc:"错误说明的地址|where the failure is explained" example:"/docs/api#points.insufficient"`
	Title    string         `json:"title" doc:"给人看的一句话|a sentence for people"`
	Status   int            `json:"status" doc:"HTTP 状态|the HTTP status"`
	Code     string         `json:"code" doc:"稳定的错误码|the stable code of the failure"`
	Detail   string         `json:"detail,omitempty" doc:"补充说明|what more there is to say"`
	Instance string         `json:"instance" doc:"请求编号|the id of the request"`
	Errors   []FieldProblem `json:"errors,omitempty" doc:"有误的字段|the fields that are wrong"`
}

// FieldProblem says what is wrong with one field; it never repeats the value.
type FieldProblem struct {
	Field   string `json:"field" doc:"字段路径|path of the field" example:"items[0].quantity"`
	Code    string `json:"code" doc:"稳定的错误码|the stable code of the failure"`
	Message string `json:"message" doc:"给人看的一句话|a sentence for people"`
}

// Error makes a Problem an error, as huma wants its errors to be.
func (p *Problem) Error() string { return p.Code }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type of problems.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// problemOf words a failure in a language.
func problemOf(f *fault.Error, lang, request string) *Problem {
	p := &Problem{Type: "/docs/api#" + f.Kind.Code, Title: f.Text(lang), Status: Status(f.Kind), Code: f.Kind.Code, Instance: request}
	if f.Field != "" && len(f.Fields) == 0 {
		p.Errors = []FieldProblem{{f.Field, f.Kind.Code, p.Title}}
	}
	details := make([]string, 0, len(f.Fields))
	for _, e := range f.Fields {
		message, join := e.Zh, "："
		if lang == "en" {
			message, join = e.En, " "
		}
		p.Errors = append(p.Errors, FieldProblem{e.Field, e.Code, message})
		details = append(details, e.Field+join+message)
	}
	p.Detail = strings.Join(details, map[string]string{"zh": "；", "en": "; "}[lang])
	return p
}

// statusGone is what the log shows for a caller who did not wait for the answer.
const statusGone = 499

// refuse answers with a problem. What is not a fault is for operators only: it is logged and said as "internal".
func (x *exchange) refuse(err error) {
	if x.tap.status != 0 {
		x.logFailure("a failure after the answer had begun", err)
		return
	}
	f := fault.As(err)
	if f == nil && errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
		x.tap.WriteHeader(statusGone)
		return
	}
	if f == nil || f.Kind.Class == fault.Internal || f.Unwrap() != nil {
		x.logFailure("request failed", err)
	}
	if f == nil {
		f = ErrInternal.New()
	}
	x.retryAfter(f)
	lang := x.lang()
	x.tap.Header().Set("Content-Language", lang)
	x.send(Status(f.Kind), problemType, problemOf(f, lang, x.id))
}

// retryAfter tells when to come again, and how to prove who one is.
func (x *exchange) retryAfter(f *fault.Error) {
	switch Status(f.Kind) {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds := "1"
		if s, ok := f.Params["seconds"]; ok {
			seconds = fmt.Sprint(s)
		}
		x.tap.Header().Set("Retry-After", seconds)
	case http.StatusUnauthorized:
		if x.route != nil && x.route.door.Scheme != "" {
			x.tap.Header().Set("WWW-Authenticate", x.route.door.Scheme)
		}
	}
}

func (x *exchange) logFailure(what string, err error) {
	cause := err
	if f := fault.As(err); f != nil && f.Unwrap() != nil {
		cause = fmt.Errorf("%w: %w", f, f.Unwrap())
	}
	x.s.opt.Log.LogAttrs(x.r.Context(), slog.LevelError, what,
		slog.String("request", x.id), slog.String("route", x.label()), slog.Any("err", cause))
}

package web

import (
	"net/http"

	"guanxi/internal/base/fault"
)

// What a caller may meet before a route's own rules are asked.
var (
	ErrInternal   = fault.Define("internal", fault.Internal, "服务器出错了，请凭请求编号联系我们", "Something failed on our side; quote the request id when you ask us")
	ErrNoRoute    = fault.Define("route.not_found", fault.NotFound, "没有这个地址", "There is nothing at this address")
	ErrMethod     = fault.Define("route.method", fault.Malformed, "这个地址不支持该方法", "This address does not take that method")
	ErrNoLogin    = fault.Define("login.required", fault.NoLogin, "请先登录或签名", "Log in or sign the request first")
	ErrStale      = fault.Define("login.stale", fault.Denied, "请再次验证身份", "Please prove once more who you are")
	ErrDenied     = fault.Define("permission.denied", fault.Denied, "没有权限：{perm}", "Permission denied: {perm}")
	ErrOrigin     = fault.Define("origin.refused", fault.Denied, "拒绝来自其他网站的请求", "Requests from other sites are refused")
	ErrLimited    = fault.Define("rate.limited", fault.TooMany, "请求过于频繁，请 {seconds} 秒后重试", "Too many requests, retry in {seconds} s")
	ErrTooLarge   = fault.Define("request.too_large", fault.TooLarge, "请求体超过 {limit} 字节", "The body is larger than {limit} bytes")
	ErrMedia      = fault.Define("request.media_type", fault.Malformed, "请求体类型应为 {want}", "The body's content type must be {want}")
	ErrMalformed  = fault.Define("request.malformed", fault.Malformed, "请求体不是合法的 JSON（第 {offset} 字节附近）", "The body is not valid JSON (near byte {offset})")
	ErrUnread     = fault.Define("request.unread", fault.Malformed, "请求体没有收全", "The body did not arrive whole")
	ErrInput      = fault.Define("input.invalid", fault.Invalid, "输入有误", "Some input is wrong")
	ErrKeyMissing = fault.Define("idempotency.missing", fault.Malformed,
		"需要 Idempotency-Key 请求头：1 到 255 个可见 ASCII 字符", "The Idempotency-Key header is needed: 1 to 255 printable ASCII characters")
	ErrKeyMismatch = fault.Define("idempotency.mismatch", fault.Conflict,
		"这个幂等键已用于另一个请求", "This idempotency key was used for another request")
	ErrCursor = fault.Define("cursor.malformed", fault.Invalid, "翻页标记无效，请从第一页重新开始", "The cursor is not valid, start again from the first page")
)

// What may be wrong with one field.
var (
	ErrFieldRequired  = fault.Define("field.required", fault.Invalid, "必填", "is required")
	ErrFieldUnknown   = fault.Define("field.unknown", fault.Invalid, "没有这个字段", "is not a known field")
	ErrFieldType      = fault.Define("field.wrong_type", fault.Invalid, "类型不对，应为 {want}", "has the wrong type, expected {want}")
	ErrFieldRange     = fault.Define("field.out_of_range", fault.Invalid, "取值应 {want}", "must be {want}")
	ErrFieldLength    = fault.Define("field.length", fault.Invalid, "长度应 {want}", "must have a length {want}")
	ErrFieldOption    = fault.Define("field.not_allowed", fault.Invalid, "只能是 {want}", "must be one of {want}")
	ErrFieldMalformed = fault.Define("field.malformed", fault.Invalid, "格式不对", "is malformed")
	ErrFieldTwice     = fault.Define("field.duplicate", fault.Invalid, "有重复项", "has an item twice")
	ErrFieldInvalid   = fault.Define("field.invalid", fault.Invalid, "不符合要求", "is not acceptable")
)

var statusOfClass = map[fault.Class]int{
	fault.Invalid:   http.StatusUnprocessableEntity,
	fault.Denied:    http.StatusForbidden,
	fault.NoLogin:   http.StatusUnauthorized,
	fault.NotFound:  http.StatusNotFound,
	fault.Conflict:  http.StatusConflict,
	fault.TooMany:   http.StatusTooManyRequests,
	fault.TooLarge:  http.StatusRequestEntityTooLarge,
	fault.Unknown:   http.StatusServiceUnavailable,
	fault.Down:      http.StatusInsufficientStorage,
	fault.Internal:  http.StatusInternalServerError,
	fault.Malformed: http.StatusBadRequest,
}

// Status is the HTTP status a failure is answered with.
func Status(k *fault.Kind) int {
	switch k {
	case ErrMethod:
		return http.StatusMethodNotAllowed
	case ErrMedia:
		return http.StatusUnsupportedMediaType
	}
	if s := statusOfClass[k.Class]; s != 0 {
		return s
	}
	return http.StatusInternalServerError
}

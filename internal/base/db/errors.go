package db

import (
	"errors"
	"fmt"

	"guanxi/internal/base/fault"
)

// What a caller of Write may meet besides the function's own refusal.
var (
	ErrUnknown = fault.Define("outcome.unknown", fault.Unknown,
		"结果未知：请用同一个幂等键重试", "The outcome is unknown: retry with the same idempotency key")
	ErrBusy = fault.Define("busy", fault.TooMany,
		"系统繁忙，请稍后重试", "Too busy now, please retry shortly")
	ErrFull = fault.Define("storage.full", fault.Down,
		"存储空间已满：没有任何改动，腾出空间后重试", "The disk is full: nothing was changed; free space and retry")
	ErrStorage = fault.Define("storage.failed", fault.Down,
		"存储暂不可用：没有任何改动，请稍后重试", "Storage can't take this now: nothing was changed; retry later")
	ErrDuplicate = fault.Define("duplicate", fault.Conflict,
		"该记录已存在", "This record exists already")
	ErrClosed = fault.Define("stopping", fault.TooMany,
		"服务正在停止，请稍后重试", "The service is stopping, please retry shortly")
	ErrLocked = fault.Define("storage.locked", fault.Down,
		"数据目录正被另一个 guanxi 进程使用：{path}", "Another guanxi process uses this data folder: {path}")
)

// abort carries a storage error out of a function; only lanes and views recover it.
type abort struct{ err error }

func fail(err error) { panic(abort{err}) }

// PanicError turns a recovered panic of a rule or reaction into an error. A storage abort is none of the
// rule's business and goes on to the lane.
func PanicError(recovered any) error {
	if _, storage := recovered.(abort); storage {
		panic(recovered)
	}
	return fmt.Errorf("panic: %v", recovered)
}

// outward turns a storage error into what the caller sees; the detail stays inside for operators.
func outward(err error) error {
	var e *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return err
	case IsDuplicate(err):
		return ErrDuplicate.New().Because(err)
	case troubleOf(err) == conflict:
		return ErrBusy.New().Because(err)
	case isFull(err):
		return ErrFull.New().Because(err)
	}
	return ErrStorage.New().Because(err)
}

package shop

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
)

// MaxBatch is how many items a partner may send at once.
const MaxBatch = 100

// Outcome is how one item of a batch fared: each stands for itself.
type Outcome[T any] struct {
	Key    string `json:"key" doc:"该项的编号，同请求|the item's own key, as sent"`
	Code   string `json:"code" doc:"ok，或稳定的错误码|ok, or the stable code of the failure"`
	Title  string `json:"title,omitempty" doc:"失败原因，给人看的一句话|why it failed, a sentence for people"`
	Field  string `json:"field,omitempty" doc:"有误的字段|the field that is wrong"`
	Result *T     `json:"result,omitempty" doc:"成功时的结果|the result of a success"`
}

// Batch is the reply to a batch, in the order of its items.
type Batch[T any] struct {
	Data    []Outcome[T] `json:"data" doc:"各项结果，顺序同请求|the outcomes, in the order of the request"`
	Applied int          `json:"applied" doc:"成功项数|how many succeeded"`
}

// Add runs one item. Its refusal undoes only itself; a failure of ours is given back and refuses the whole batch.
func (b *Batch[T]) Add(tx *db.Tx, c *web.Ctx, key string, f func(*db.Tx) (*T, error)) error {
	var out *T
	err := tx.Try(func(tx *db.Tx) (err error) {
		out, err = f(tx)
		return err
	})
	if err == nil {
		b.Applied++
		b.Data = append(b.Data, Outcome[T]{Key: key, Code: "ok", Result: out})
		return nil
	}
	refused := fault.As(err)
	if refused == nil || refused.Kind.Class == fault.Internal {
		return err
	}
	b.Data = append(b.Data, Outcome[T]{Key: key, Code: refused.Kind.Code, Title: refused.Text(c.Lang()), Field: refused.Field})
	return nil
}

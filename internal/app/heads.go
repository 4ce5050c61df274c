package app

import (
	"context"
	"encoding/base64"

	"guanxi/internal/app/heads"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/staff"
)

const signHeads job.Kind[job.Slot] = "ledger.sign"

// keepHeads signs and keeps the heads of both chains.
func (a *App) keepHeads(ctx context.Context, run *job.Run, _ job.Slot) error {
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		if err := heads.Keep(tx, a.Vault, headsOf(tx)); err != nil {
			return err
		}
		return run.Finish(tx)
	})
}

func headsOf(r db.Reader) map[string]staff.LogHead {
	seq, hash := ledger.Head(r)
	return map[string]staff.LogHead{heads.ChainLedger: {Seq: seq, Hash: hash}, heads.ChainOplog: staff.Head(r)}
}

// Heads is what an auditor keeps where nobody who runs the programme can reach it.
type Heads struct {
	PublicKey string         `json:"public_key" doc:"Ed25519 公钥，base64|the Ed25519 public key, in base64"`
	Heads     []heads.Signed `json:"heads" doc:"已签名的链头|signed heads"`
}

// HeadsNow signs the heads as they are; nothing is written.
func (a *App) HeadsNow(v *db.View) Heads {
	out := Heads{PublicKey: base64.StdEncoding.EncodeToString(a.Vault.PublicKey())}
	now := headsOf(v)
	for _, chain := range []string{heads.ChainLedger, heads.ChainOplog} {
		out.Heads = append(out.Heads, heads.Sign(a.Vault, chain, now[chain].Seq, now[chain].Hash, v.Now()))
	}
	return out
}

// CheckHeads holds both chains to the heads that were kept, and to those that were exported.
func (a *App) CheckHeads(v *db.View, exported []heads.Signed) (checked int, wrong []heads.Fault) {
	all := append(heads.Kept(v), exported...)
	return len(all), heads.Check(a.Vault.PublicKey(), all, func(chain string, seq int64) (string, bool) {
		switch {
		case seq == 0:
			return "", true // before the first link
		case chain == heads.ChainLedger:
			return ledger.SealHash(v, seq)
		}
		return staff.LogHashAt(v, seq)
	})
}

// headRoutes let an auditor take the heads away.
func (a *App) headRoutes(s *web.Server) {
	staff.Route(s, staff.Get("/ledger/heads", "ledger.heads", "verify.log", "导出账务与操作日志的签名链头", "The signed heads of the ledger and of the operation log, to keep elsewhere"),
		func(c *web.Ctx, _ *struct{}) (*Heads, error) {
			return staff.Read(c, a.desk(), func(v *db.View) (*Heads, error) {
				out := a.HeadsNow(v)
				return &out, nil
			})
		})
}

// Package heads keeps what the chains of the ledger and of the operation log had come to, signed with a key that is not in
// the database.
package heads

import (
	"crypto/ed25519"
	"embed"
	"encoding/base64"
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/staff"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of signed heads.
var Schema = db.Schema{Feature: "heads", Files: files}

// The chains whose heads are signed.
const (
	ChainLedger = "ledger"
	ChainOplog  = "oplog"
)

// Signed is the head a chain had at an instant, signed with a key that is not in the database: who rewrites a chain whole
// can't rewrite what was signed of it.
type Signed struct {
	Chain     string `json:"chain" enum:"ledger,oplog" doc:"哪条链：账务或操作日志|which chain: of the ledger or the operation log"`
	Seq       int64  `json:"seq" doc:"链上第几环|number of the link"`
	Hash      string `json:"hash" doc:"该环的哈希|its hash"`
	At        int64  `json:"at" doc:"签名时刻，UTC 毫秒|when it was signed, milliseconds UTC"`
	Signature string `json:"signature" doc:"Ed25519 签名，base64|the Ed25519 signature, in base64"`
}

func (h *Signed) text() []byte {
	return fmt.Appendf(nil, "guanxi-head-1\n%s\n%d\n%s\n%d", h.Chain, h.Seq, h.Hash, h.At)
}

// Sign signs a head.
func Sign(v *vault.Vault, chain string, seq int64, hash string, at int64) Signed {
	h := Signed{Chain: chain, Seq: seq, Hash: hash, At: at}
	h.Signature = base64.StdEncoding.EncodeToString(v.Sign(h.text()))
	return h
}

type signedKey struct {
	Chain string
	Seq   int64
}

var signedHeads = db.NewTable(db.Spec[Signed, signedKey]{
	Name: "signed_head", Keys: 2, Cols: []string{"chain", "seq", "hash", "at", "signature"},
	Row:  func(r *Signed, p []any) []any { return append(p, &r.Chain, &r.Seq, &r.Hash, &r.At, &r.Signature) },
	Key:  func(r *Signed) signedKey { return signedKey{r.Chain, r.Seq} },
	Args: func(k signedKey, a []any) []any { return append(a, k.Chain, k.Seq) },
})

// Keep signs heads and keeps them; one that has not moved since it was signed is kept once.
func Keep(tx *db.Tx, v *vault.Vault, heads map[string]staff.LogHead) error {
	for _, chain := range []string{ChainLedger, ChainOplog} {
		h := heads[chain]
		if _, ok := signedHeads.Get(tx, signedKey{chain, h.Seq}); ok || h.Seq == 0 {
			continue
		}
		if err := signedHeads.Insert(tx, Sign(v, chain, h.Seq, h.Hash, tx.Now())); err != nil {
			return err
		}
	}
	return nil
}

// Kept lists the heads that were signed and kept, by chain and number.
func Kept(v *db.View) []Signed {
	return signedHeads.Select(v, db.Query[Signed]{Order: "chain, seq"})
}

// Fault is a signed head that a chain does not bear out.
type Fault struct {
	Signed
	What string `json:"what" doc:"问题|what is wrong"`
}

// Check holds the chains to heads that were signed; at gives the hash of a link of a chain.
func Check(key ed25519.PublicKey, heads []Signed, at func(chain string, seq int64) (string, bool)) (wrong []Fault) {
	for _, h := range heads {
		signature, err := base64.StdEncoding.DecodeString(h.Signature)
		hash, ok := at(h.Chain, h.Seq)
		switch {
		case err != nil || !ed25519.Verify(key, h.text(), signature):
			wrong = append(wrong, Fault{h, "the signature is not ours"})
		case !ok:
			wrong = append(wrong, Fault{h, "the chain has no such link any more"})
		case hash != h.Hash:
			wrong = append(wrong, Fault{h, "the chain was rewritten since it was signed"})
		}
	}
	return wrong
}

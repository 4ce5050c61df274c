package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"guanxi/internal/base/fault"
)

var phoneAt = Place{"member", 42, "phone"}

func newVault(t *testing.T) (*Vault, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	return mustLoad(t, dir), dir
}

func mustLoad(t *testing.T, dir string) *Vault {
	t.Helper()
	v, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustSeal(t *testing.T, s Sealer, at Place, text string) string {
	t.Helper()
	sealed, err := s.Seal(at, Hide(text))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func wantOpen(t *testing.T, s Sealer, at Place, sealed, want string) {
	t.Helper()
	got, err := s.Open(at, sealed)
	if err != nil || got.Reveal() != want {
		t.Fatalf("opened %q, %v; want %q", got.Reveal(), err, want)
	}
}

func wantRefused(t *testing.T, s Sealer, at Place, sealed string) {
	t.Helper()
	got, err := s.Open(at, sealed)
	if !fault.Is(err, ErrRefused) || !got.IsEmpty() {
		t.Fatalf("opened %q at %v: %q, %v; want a refusal", sealed, at, got.Reveal(), err)
	}
}

// sealers gives the two kinds of sealer, which must behave alike.
func sealers(t *testing.T) map[string]Sealer {
	v, _ := newVault(t)
	at := Place{"member", 42, "data_key"}
	wrapped, err := v.NewDataKey(at)
	if err != nil {
		t.Fatal(err)
	}
	own, err := v.WithDataKey(at, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Sealer{"master": v, "member": own}
}

func TestSealedTextOpensOnlyAtItsPlace(t *testing.T) {
	t.Parallel()
	for name, s := range sealers(t) {
		sealed := mustSeal(t, s, phoneAt, "+8613812345678")
		wantOpen(t, s, phoneAt, sealed, "+8613812345678")
		for _, at := range []Place{{"member", 43, "phone"}, {"member", 42, "name"}, {"staff", 42, "phone"}} {
			wantRefused(t, s, at, sealed)
		}
		if again := mustSeal(t, s, phoneAt, "+8613812345678"); again == sealed {
			t.Errorf("%s: sealing twice gives the same text", name)
		}
	}
}

func TestEveryChangedCharacterIsRefused(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_\n"
	for _, s := range sealers(t) {
		sealed := mustSeal(t, s, phoneAt, "张三丰ab") // of a length that leaves unused bits in the last character
		if len(sealed)%4 == 0 {
			t.Fatal("no unused bits")
		}
		for i := range sealed {
			for _, c := range alphabet {
				if changed := sealed[:i] + string(c) + sealed[i+1:]; changed != sealed {
					wantRefused(t, s, phoneAt, changed)
				}
			}
		}
		for _, bad := range []string{sealed[:len(sealed)-4], sealed + "AAAA", sealed + "\n", "AQ", "A", "明文", sealed + "="} {
			wantRefused(t, s, phoneAt, bad)
		}
	}
}

func TestSealersDoNotOpenEachOthersTexts(t *testing.T) {
	t.Parallel()
	s := sealers(t)
	wantRefused(t, s["member"], phoneAt, mustSeal(t, s["master"], phoneAt, "x"))
	wantRefused(t, s["master"], phoneAt, mustSeal(t, s["member"], phoneAt, "x"))
}

func TestEmptyStaysEmpty(t *testing.T) {
	t.Parallel()
	for name, s := range sealers(t) {
		if sealed := mustSeal(t, s, phoneAt, ""); sealed != "" {
			t.Errorf("%s: sealed nothing as %q", name, sealed)
		}
		wantOpen(t, s, phoneAt, "", "")
	}
}

func TestPlaceMustBeUnambiguous(t *testing.T) {
	t.Parallel()
	for _, s := range sealers(t) {
		for _, at := range []Place{{"", 1, "c"}, {"t", 0, "c"}, {"t", -1, "c"}, {"t", 1, ""}, {"a|1", 1, "c"}, {"t", 1, "b|c"}} {
			if sealed, err := s.Seal(at, Hide("x")); err == nil {
				t.Errorf("sealed at %v: %q", at, sealed)
			}
			if _, err := s.Open(at, "AAAA"); err == nil || fault.Is(err, ErrRefused) {
				t.Errorf("opened at %v: %v", at, err)
			}
		}
	}
}

func TestSealedTextHoldsNoPlaintext(t *testing.T) {
	t.Parallel()
	for _, s := range sealers(t) {
		rapid.Check(t, func(t *rapid.T) {
			plain := rapid.StringN(8, 60, -1).Draw(t, "plain")
			sealed, err := s.Seal(phoneAt, Hide(plain))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := encoding.DecodeString(sealed)
			if err != nil || bytes.Contains(raw, []byte(plain)) || strings.Contains(sealed, plain) {
				t.Fatalf("%q shows in %q (%v)", plain, sealed, err)
			}
			if got, err := s.Open(phoneAt, sealed); err != nil || got.Reveal() != plain {
				t.Fatalf("opened %q, %v; want %q", got.Reveal(), err, plain)
			}
		})
	}
}

func TestRotationKeepsOldTextsAndMovesThemBySweep(t *testing.T) {
	t.Parallel()
	v, dir := newVault(t)
	old := mustSeal(t, v, phoneAt, "老数据")
	first := v.Keys()[0].ID
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	keys := v.Keys()
	if len(keys) != 2 || keys[0] != (Key{first, false}) || !keys[1].Primary {
		t.Fatalf("keys after rotation: %v", keys)
	}
	wantOpen(t, v, phoneAt, old, "老数据")
	wantOpen(t, mustLoad(t, dir), phoneAt, old, "老数据")

	fresh, moved, err := v.Reseal(phoneAt, old)
	if err != nil || !moved {
		t.Fatalf("reseal: %v %v", moved, err)
	}
	wantKeyID(t, old, first)
	wantKeyID(t, fresh, keys[1].ID)
	if same, moved, err := v.Reseal(phoneAt, fresh); same != fresh || moved || err != nil {
		t.Fatalf("reseal of a fresh text: %v %v", moved, err)
	}
	if _, _, err := v.Reseal(Place{"member", 43, "phone"}, old); !fault.Is(err, ErrRefused) {
		t.Fatalf("reseal elsewhere: %v", err)
	}

	if err := v.Destroy(first); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, v, phoneAt, fresh, "老数据")
	wantRefused(t, v, phoneAt, old)
}

func wantKeyID(t *testing.T, sealed string, want uint32) {
	t.Helper()
	if got, err := KeyID(sealed); got != want || err != nil {
		t.Fatalf("key id %d, %v; want %d", got, err, want)
	}
}

func TestPrimaryKeyIsNotDestroyed(t *testing.T) {
	t.Parallel()
	v, _ := newVault(t)
	sealed := mustSeal(t, v, phoneAt, "x")
	for _, id := range []uint32{v.Keys()[0].ID, 7} {
		if err := v.Destroy(id); !fault.Is(err, ErrKeyInUse) {
			t.Errorf("destroy %d: %v", id, err)
		}
	}
	wantOpen(t, v, phoneAt, sealed, "x")
	if err := v.Rotate(); err != nil {
		t.Errorf("a refused change leaves its lock behind: %v", err)
	}
}

func TestRotationByAnotherProcessIsNoticed(t *testing.T) {
	t.Parallel()
	server, dir := newVault(t)
	command := mustLoad(t, dir)
	if err := command.Rotate(); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, server, phoneAt, mustSeal(t, command, phoneAt, "x"), "x")
	if err := server.Rotate(); err != nil {
		t.Fatal(err)
	}
	if n := len(mustLoad(t, dir).Keys()); n != 3 {
		t.Errorf("%d keys after two rotations by two processes, want 3", n)
	}
}

func TestRotationUnderTraffic(t *testing.T) {
	t.Parallel()
	v, _ := newVault(t)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 200 {
				at := Place{"member", int64(n*1000 + i + 1), "phone"}
				sealed, err := v.Seal(at, Hide("x"))
				if err != nil {
					t.Error(err)
				}
				if got, err := v.Open(at, sealed); err != nil || got.Reveal() != "x" {
					t.Errorf("open while rotating: %v", err)
				}
			}
		})
	}
	for range 5 {
		if err := v.Rotate(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if len(v.Keys()) != 6 {
		t.Errorf("keys: %v", v.Keys())
	}
}

func TestErasureIsOneDeletedKey(t *testing.T) {
	t.Parallel()
	v, _ := newVault(t)
	mine, yours := Place{"member_key", 1, "wrapped"}, Place{"member_key", 2, "wrapped"}
	wrapped, err := v.NewDataKey(mine)
	if err != nil {
		t.Fatal(err)
	}
	own, err := v.WithDataKey(mine, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, own, phoneAt, "x")
	wantKeyID(t, sealed, 0)
	wantKeyID(t, wrapped, v.Keys()[0].ID)

	if _, err := v.WithDataKey(yours, wrapped); !fault.Is(err, ErrRefused) {
		t.Errorf("a wrapped key at another member's place: %v", err)
	}
	fresh, err := v.NewDataKey(mine)
	if err != nil {
		t.Fatal(err)
	}
	other, err := v.WithDataKey(mine, fresh)
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, other, phoneAt, sealed)
	for _, noKey := range []string{"", mustSeal(t, v, mine, "short")} {
		if _, err := v.WithDataKey(mine, noKey); !fault.Is(err, ErrRefused) {
			t.Errorf("no key in %q: %v", noKey, err)
		}
	}
}

func TestDataKeySurvivesRotation(t *testing.T) {
	t.Parallel()
	v, _ := newVault(t)
	at := Place{"member_key", 1, "wrapped"}
	wrapped, err := v.NewDataKey(at)
	if err != nil {
		t.Fatal(err)
	}
	own, err := v.WithDataKey(at, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, own, phoneAt, "x")
	old := v.Keys()[0].ID
	rewrapped := rotateAndReseal(t, v, at, wrapped)
	if err := v.Destroy(old); err != nil {
		t.Fatal(err)
	}
	own, err = v.WithDataKey(at, rewrapped)
	if err != nil {
		t.Fatal(err)
	}
	wantOpen(t, own, phoneAt, sealed, "x")
}

func rotateAndReseal(t *testing.T, v *Vault, at Place, sealed string) string {
	t.Helper()
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh, moved, err := v.Reseal(at, sealed)
	if err != nil || !moved {
		t.Fatalf("reseal: %v %v", moved, err)
	}
	return fresh
}

func TestKeyFileIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	v, dir := newVault(t)
	sealed := mustSeal(t, v, phoneAt, "x")
	for range 2 {
		info, err := os.Stat(keyPath(dir))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("key file: %v %v", info.Mode(), err)
		}
		if err := v.Rotate(); err != nil { // a rewritten file is as private
			t.Fatal(err)
		}
	}
	wantOpen(t, mustLoad(t, dir), phoneAt, sealed, "x")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the key directory: %v %v", entries, err)
	}
}

func TestReadableKeyFileStopsTheStart(t *testing.T) {
	t.Parallel()
	_, dir := newVault(t)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o644, 0o601} {
		if err := os.Chmod(keyPath(dir), mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(dir)
		if !fault.Is(err, ErrKeysExposed) || !strings.Contains(err.Error(), fmt.Sprintf("%04o", mode)) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(keyPath(dir), 0o400); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, dir)
}

func TestDamagedKeyFileStopsTheStart(t *testing.T) {
	t.Parallel()
	_, dir := newVault(t)
	good, err := os.ReadFile(keyPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	var k keyFile
	if err := json.Unmarshal(good, &k); err != nil {
		t.Fatal(err)
	}
	noIndex, _ := json.Marshal(keyFile{Fields: k.Fields})
	noFields, _ := json.Marshal(keyFile{Fields: json.RawMessage(`{}`), Index: k.Index})
	for _, text := range [][]byte{nil, good[:len(good)/2], []byte("{}"), noIndex, noFields} {
		if err := os.WriteFile(keyPath(dir), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); !fault.Is(err, ErrKeysBroken) {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}

func TestOnlyOneProcessChangesTheKeys(t *testing.T) {
	t.Parallel()
	v, dir := newVault(t)
	lock := keyPath(dir) + ".next"
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.Rotate(); !fault.Is(err, ErrKeysBusy) {
		t.Fatalf("rotation beside another: %v", err)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Fatalf("the other's lock is gone: %v", err)
	}
	mustLoad(t, dir) // a broken-off rotation does not stop a start
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
}

func TestFirstStartsAtOnceShareOneKey(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	prints := make([]string, 8)
	var wg sync.WaitGroup
	for i := range prints {
		wg.Go(func() {
			v, err := Load(dir)
			for fault.Is(err, ErrKeysBusy) {
				v, err = Load(dir)
			}
			if err != nil {
				t.Error(err)
				return
			}
			prints[i] = v.Fingerprint()
		})
	}
	wg.Wait()
	for _, p := range prints {
		if p != prints[0] || p == "" {
			t.Fatalf("starts with different keys: %q", prints)
		}
	}
}

func TestKeyFaultsTellNoSecret(t *testing.T) {
	t.Parallel()
	v, dir := newVault(t)
	if err := os.WriteFile(keyPath(dir), []byte(`{"index":"Z2VoZWlt`), 0o600); err != nil {
		t.Fatal(err)
	}
	err := v.Rotate()
	if !fault.Is(err, ErrKeysBroken) || strings.Contains(err.Error(), "Z2Vo") {
		t.Errorf("%v", err)
	}
	if errors.Unwrap(fault.As(err)) == nil {
		t.Error("operators get no cause")
	}
}

func TestIndexIsStableAndKeptApart(t *testing.T) {
	t.Parallel()
	v, dir := newVault(t)
	phone := Hide("+8613812345678")
	got := v.Index(PhoneIndex, phone)
	if len(got) != 22 {
		t.Fatalf("index %q has %d characters", got, len(got))
	}
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	if again := mustLoad(t, dir).Index(PhoneIndex, phone.AsName()); again != got {
		t.Errorf("the index changed: %q, %q", got, again)
	}
	stranger, _ := newVault(t)
	others := map[string]string{
		"other domain":  v.Index(OpenIDIndex, phone),
		"other version": v.Index("phone:v2", phone),
		"other value":   v.Index(PhoneIndex, Hide("+8613812345679")),
		"other keys":    stranger.Index(PhoneIndex, phone),
	}
	for what, other := range others {
		if other == got {
			t.Errorf("%s: the same index", what)
		}
	}
	if v.Fingerprint() == stranger.Fingerprint() {
		t.Error("two sets of keys with one fingerprint")
	}
}

func TestIndexIsTheDocumentedHMAC(t *testing.T) {
	t.Parallel()
	v := &Vault{index: bytes.Repeat([]byte{0x0b}, 20)}
	// HMAC-SHA256(0b × 20, "phone:v1|+8613812345678"), first 16 bytes, computed with openssl.
	if got := v.Index(PhoneIndex, Hide("+8613812345678")); got != "8yZdCaExw4hSdWUe7oyiBg" {
		t.Errorf("index %q", got)
	}
}

func TestIndexDomainWithBarPanics(t *testing.T) {
	t.Parallel()
	v, _ := newVault(t)
	for _, d := range []Domain{"", "a|b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("domain %q taken", d)
				}
			}()
			v.Index(d, Hide("x"))
		}()
	}
}

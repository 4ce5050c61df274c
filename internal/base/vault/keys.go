package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"guanxi/internal/base/fault"
)

// The faults of the key file; each stops the start.
var (
	ErrKeysExposed = fault.Define("vault.keys_exposed", fault.Internal,
		"密钥文件 {file} 的权限是 {mode}，其他用户可以读取；请改为 0600",
		"key file {file} has mode {mode} and can be read by others; change it to 0600")
	ErrKeysBroken = fault.Define("vault.keys_broken", fault.Internal,
		"密钥文件 {file} 无法读取或已损坏；请从备份恢复，切勿删除",
		"key file {file} can't be read or is damaged; restore it from a backup, never delete it")
	ErrKeysBusy = fault.Define("vault.keys_busy", fault.Conflict,
		"密钥正在被另一个进程更换（{file} 存在）；若没有其他进程，请删除该文件后重试",
		"another process is changing the keys ({file} exists); if none is, remove that file and try again")
	ErrKeyInUse = fault.Define("vault.key_in_use", fault.Conflict,
		"密钥 {key} 是当前主密钥或不存在，不能销毁",
		"key {key} is the primary key or does not exist and can't be destroyed")
)

const indexKeyLen = 32

// keyFile is what stands on disk: the keys that seal, and the one key of the blind indexes.
type keyFile struct {
	Fields json.RawMessage `json:"fields"` // a Tink keyset
	Index  []byte          `json:"index"`
}

// ring is the sealing keys made ready for use.
type ring struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	primary uint32
}

func (r *ring) has(id uint32) bool {
	return slices.ContainsFunc(r.keys(), func(k Key) bool { return k.ID == id })
}

func (r *ring) keys() []Key {
	info := r.handle.KeysetInfo()
	out := make([]Key, 0, len(info.GetKeyInfo()))
	for _, k := range info.GetKeyInfo() {
		out = append(out, Key{ID: k.GetKeyId(), Primary: k.GetKeyId() == r.primary})
	}
	return out
}

// Key is one sealing key, without its secret.
type Key struct {
	ID      uint32
	Primary bool // the one that seals; the others only open
}

// Keys lists the sealing keys, oldest first.
func (v *Vault) Keys() []Key { return v.ring.Load().keys() }

// Rotate adds a new key and seals with it from now on. What was sealed before stays readable.
func (v *Vault) Rotate() error {
	return v.change(func(m *keyset.Manager) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
}

// Destroy removes an old key for good. Call it only when no text under it is left: those become unreadable.
func (v *Vault) Destroy(id uint32) error {
	return v.change(func(m *keyset.Manager) error {
		if err := m.Delete(id); err != nil {
			return ErrKeyInUse.With("key", id).Because(err)
		}
		return nil
	})
}

// change edits the keys as they stand on disk, since another process may have changed them meanwhile.
func (v *Vault) change(edit func(*keyset.Manager) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, err := replace(v.file, func() (*keyFile, error) {
		k, err := read(v.file)
		if err != nil {
			return nil, err
		}
		return k, k.edit(edit)
	})
	if err != nil {
		return err
	}
	return v.use(k)
}

func (v *Vault) use(k *keyFile) error {
	r, err := k.ring()
	if err != nil {
		return ErrKeysBroken.With("file", v.file).Because(err)
	}
	v.ring.Store(r)
	return nil
}

// ringWith gives the keys that hold id. A key made by another process is found by reading the file again,
// so that a rotation from the command line costs the running server no failed read.
func (v *Vault) ringWith(id uint32) (*ring, error) {
	if r := v.ring.Load(); id == 0 || r.has(id) {
		return r, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	k, err := read(v.file)
	if err != nil {
		return nil, err
	}
	if err := v.use(k); err != nil {
		return nil, err
	}
	return v.ring.Load(), nil
}

func (k *keyFile) ring() (*ring, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(k.Fields)))
	if err != nil {
		return nil, err
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, err
	}
	return &ring{handle: h, aead: a, primary: h.KeysetInfo().GetPrimaryKeyId()}, nil
}

func (k *keyFile) edit(edit func(*keyset.Manager) error) error {
	r, err := k.ring()
	if err != nil {
		return err
	}
	m := keyset.NewManagerFromHandle(r.handle)
	if err := edit(m); err != nil {
		return err
	}
	h, err := m.Handle()
	if err != nil {
		return err
	}
	return k.setFields(h)
}

func (k *keyFile) setFields(h *keyset.Handle) error {
	var b bytes.Buffer
	err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b))
	k.Fields = b.Bytes()
	return err
}

func makeKeys() (*keyFile, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	k := &keyFile{Index: randomBytes(indexKeyLen)}
	return k, k.setFields(h)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}

func keyPath(dir string) string { return filepath.Join(dir, "fields.json") }

func readOrMake(file string) (*keyFile, error) {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return read(file)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("vault: key directory: %w", err)
	}
	return replace(file, func() (*keyFile, error) {
		if _, err := os.Stat(file); err == nil { // another process was first
			return read(file)
		}
		return makeKeys()
	})
}

func read(file string) (*keyFile, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, ErrKeysBroken.With("file", file).Because(err)
	}
	// Windows has no such bits: there every file says 0666.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, ErrKeysExposed.With("file", file, "mode", fmt.Sprintf("%04o", mode))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, ErrKeysBroken.With("file", file).Because(err)
	}
	var k keyFile
	if err := json.Unmarshal(text, &k); err != nil || len(k.Index) != indexKeyLen {
		return nil, ErrKeysBroken.With("file", file).Because(err)
	}
	return &k, nil
}

// replace writes the key file whole or not at all. Its draft is also the lock between processes:
// only one can make it, and the rename gives it up.
func replace(file string, build func() (*keyFile, error)) (*keyFile, error) {
	draft := file + ".next"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrKeysBusy.With("file", draft)
	}
	if err != nil {
		return nil, fmt.Errorf("vault: key file: %w", err)
	}
	k, err := build()
	if err == nil {
		err = writeSynced(f, k)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(draft, file)
	}
	if err != nil {
		_ = os.Remove(draft)
		return nil, fmt.Errorf("vault: key file: %w", err)
	}
	return k, syncDir(filepath.Dir(file))
}

func writeSynced(f *os.File, k *keyFile) error {
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if _, err := f.Write(append(text, '\n')); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes the rename itself durable; Windows can't and needn't.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

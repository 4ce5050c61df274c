package pay

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"guanxi/internal/base/id"
	"guanxi/internal/emulator/world"
)

// Keys are the platform's: one pair, known under the number of the public key and under that of a certificate.
type Keys struct {
	Key         *rsa.PrivateKey
	PublicID    string // PUB_KEY_ID_…
	Certificate []byte // PEM
	Serial      string
}

// MakeKeys makes the platform's keys; their certificate is valid for five years from an instant (ms).
func MakeKeys(at int64) (Keys, error) {
	key, err := rsa.GenerateKey(id.Random(), 2048)
	if err != nil {
		return Keys{}, err
	}
	return keysOf(key, at)
}

func keysOf(key *rsa.PrivateKey, at int64) (Keys, error) {
	text, serial, err := certify(key, "Tenpay.com Root CA (emulated)", at)
	return Keys{Key: key, PublicID: "PUB_KEY_ID_0114" + serial[:24], Certificate: text, Serial: serial}, err
}

// certify makes a certificate of a key that the key itself has signed.
func certify(key *rsa.PrivateKey, name string, at int64) (text []byte, serial string, err error) {
	number := new(big.Int).Rsh(key.N, uint(key.N.BitLen()-158)) // a property of the key: the same key has the same number
	from := time.UnixMilli(at).Add(-24 * time.Hour)
	t := &x509.Certificate{SerialNumber: number, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: from.AddDate(5, 0, 0)}
	der, err := x509.CreateCertificate(id.Random(), t, t, &key.PublicKey, key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), fmt.Sprintf("%X", number), err
}

func privatePEM(key *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

func publicPEM(key *rsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// Set is one merchant's account with everything both sides need, for tests and demonstrations.
type Set struct {
	Merchant Merchant
	Key      []byte // the merchant's private key, PEM
	Brand    []byte // the brand's private key, PEM
	Platform []byte // the platform's public key, PEM
	PublicID string
}

// MakeSet makes keys for a new merchant of the platform.
func (k *Keys) MakeSet(mchID, brandID, apiv3 string, appIDs ...string) (s Set, err error) {
	mine, err := rsa.GenerateKey(id.Random(), 2048)
	if err != nil {
		return s, err
	}
	brands, err := rsa.GenerateKey(id.Random(), 2048)
	if err != nil {
		return s, err
	}
	return k.setOf(mchID, brandID, apiv3, appIDs, mine, brands)
}

func (k *Keys) setOf(mchID, brandID, apiv3 string, appIDs []string, mine, brands *rsa.PrivateKey) (s Set, err error) {
	_, serial, err := certify(mine, mchID, 0)
	if err != nil {
		return s, err
	}
	_, brandSerial, err := certify(brands, brandID, 0)
	if err != nil {
		return s, err
	}
	if s.Key, err = privatePEM(mine); err != nil {
		return s, err
	}
	if s.Brand, err = privatePEM(brands); err != nil {
		return s, err
	}
	s.Platform, err = publicPEM(&k.Key.PublicKey)
	s.PublicID = k.PublicID
	s.Merchant = Merchant{MchID: mchID, Serial: serial, Key: &mine.PublicKey, APIv3: apiv3, AppIDs: appIDs,
		Brand: &Brand{ID: brandID, Serial: brandSerial, Key: &brands.PublicKey, AppIDs: appIDs}}
	return s, err
}

// Demo is how a demonstration's merchant is set up.
type Demo struct {
	MchID, BrandID, APIv3 string
	AppIDs                []string
	Host                  string // of the emulator, as the product reaches it
	NotifyBase            string // of the product, as the emulator reaches it
}

// DemoFile is the name of the file of accounts in the folder of a demonstration.
const DemoFile = "wechat-pay.json"

// OpenDemo makes the keys of a demonstration in a folder, or reads those it made before, writes the product's file of accounts
// beside them, and opens the merchant's account. It gives the path of that file.
func OpenDemo(w *world.World, dir string, d Demo) (p *Pay, file string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	var made [3]*rsa.PrivateKey
	for i, name := range []string{"platform.pem", "merchant.pem", "brand.pem"} {
		if made[i], err = keepKey(filepath.Join(dir, name)); err != nil {
			return nil, "", err
		}
	}
	k, err := keysOf(made[0], w.Clock.Now())
	if err != nil {
		return nil, "", err
	}
	s, err := k.setOf(d.MchID, d.BrandID, d.APIv3, d.AppIDs, made[1], made[2])
	if err != nil {
		return nil, "", err
	}
	p = New(w, k)
	p.AddMerchant(s.Merchant)
	file = filepath.Join(dir, DemoFile)
	return p, file, writeDemo(dir, d, s)
}

func keepKey(path string) (*rsa.PrivateKey, error) {
	if text, err := os.ReadFile(path); err == nil {
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("%s holds no key", path)
		}
		k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if key, ok := k.(*rsa.PrivateKey); ok && err == nil {
			return key, nil
		}
		return nil, fmt.Errorf("%s holds no RSA key", path)
	}
	key, err := rsa.GenerateKey(id.Random(), 2048)
	if err != nil {
		return nil, err
	}
	text, err := privatePEM(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, text, 0o600)
}

func writeDemo(dir string, d Demo, s Set) error {
	for name, text := range map[string][]byte{"platform.pub.pem": s.Platform, "apiv3.txt": []byte(d.APIv3)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	account := map[string]any{
		"mch_id": d.MchID, "serial": s.Merchant.Serial, "key_file": "merchant.pem", "apiv3_file": "apiv3.txt", "app_ids": d.AppIDs,
		"platform_id": s.PublicID, "platform_file": "platform.pub.pem", "host": d.Host, "notify_base": d.NotifyBase, "join": true,
		"card": map[string]any{"brand_id": d.BrandID, "serial": s.Merchant.Brand.Serial, "key_file": "brand.pem", "card_id": "", "title": "关系会员", "app_id": d.AppIDs[0]},
	}
	text, err := json.MarshalIndent(map[string]any{"accounts": []any{account}}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, DemoFile), append(text, '\n'), 0o600)
}

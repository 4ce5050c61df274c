// Package pay speaks with WeChat Pay, version 3 (微信支付): orders, refunds, bills, notifications and the brand's member card.
//
// It holds no rules of ours and no tables. What it is told is checked: every answer and every notification by its signature
// before anybody looks inside. Every call may be sent again, for each carries a number of ours; the client does so itself, a
// few times, where the platform says that it helps.
package pay

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/crypt"
)

// Hosts of the platform unless an account says otherwise.
const (
	DefaultHost   = "https://api.mch.weixin.qq.com"
	DefaultBackup = "https://api2.mch.weixin.qq.com"
)

// Account is one merchant at WeChat Pay, as the file of accounts tells it. Keys stand in files beside it.
type Account struct {
	MchID        string   `json:"mch_id"`
	Serial       string   `json:"serial"`                  // of the merchant's API certificate
	KeyFile      string   `json:"key_file"`                // its private key, PEM
	APIv3File    string   `json:"apiv3_file"`              // the APIv3 key: 32 characters
	AppIDs       []string `json:"app_ids"`                 // bound to the merchant: the OA first, mini programs after
	PlatformID   string   `json:"platform_id,omitempty"`   // PUB_KEY_ID_…; empty: platform certificates
	PlatformFile string   `json:"platform_file,omitempty"` // the platform's public key, PEM
	Host         string   `json:"host,omitempty"`
	Backup       string   `json:"backup,omitempty"`      // tried when the host can't be reached; "-" for none
	NotifyBase   string   `json:"notify_base,omitempty"` // where notifications reach us: https://host; empty: the public address
	// Join makes whoever pays a member (支付即会员). Foreign takes payments that were not asked for here: of tills and shops
	// whose notifications point here.
	Join    bool  `json:"join,omitempty"`
	Foreign bool  `json:"foreign,omitempty"`
	Card    *Card `json:"card,omitempty"`

	key   *rsa.PrivateKey
	apiv3 vault.Secret
	known []crypt.PayKey
	brand *rsa.PrivateKey
}

// Card is the brand's member card (商家名片会员).
type Card struct {
	BrandID string `json:"brand_id"`
	Serial  string `json:"serial"`   // of the brand's API certificate
	KeyFile string `json:"key_file"` // its private key, PEM
	CardID  string `json:"card_id"`  // empty: the card is made, under the title
	Title   string `json:"title"`
	AppID   string `json:"app_id"` // whose openids hold the card
}

// File is the file of accounts.
type File struct {
	Accounts []Account `json:"accounts"`
}

var (
	mchID = regexp.MustCompile(`^[0-9]{6,32}$`)
	appID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,32}$`)
)

// Load reads the file of accounts (none is an installation without a merchant) and the keys it names, which stand in its folder unless a path is given. Unknown fields
// are refused: a slip of the pen in the settings of money should not pass unseen.
func Load(path string) ([]Account, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var f File
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	apps := map[string]bool{}
	for i := range f.Accounts {
		a := &f.Accounts[i]
		if err := a.load(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("%s: account %d: %w", path, i+1, err)
		}
		for _, id := range a.AppIDs {
			if apps[id] {
				return nil, fmt.Errorf("%s: %s is bound twice", path, id)
			}
			apps[id] = true
		}
	}
	return f.Accounts, nil
}

func (a *Account) load(dir string) (err error) {
	read := func(name string) []byte {
		if err != nil {
			return nil
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if info, serr := os.Stat(name); serr == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s can be read by others; change its mode to 0600", name)
			return nil
		}
		var b []byte
		b, err = os.ReadFile(name)
		return b
	}
	key, apiv3 := read(a.KeyFile), strings.TrimSpace(string(read(a.APIv3File)))
	var platform, brand []byte
	if a.PlatformID != "" {
		platform = read(a.PlatformFile)
	}
	if a.Card != nil {
		brand = read(a.Card.KeyFile)
	}
	if err != nil {
		return err
	}
	return a.Use(key, apiv3, platform, brand)
}

// Use gives the account its keys: the merchant's private key, the APIv3 key, the platform's public key (nil with
// certificates) and the brand's private key (nil without a card).
func (a *Account) Use(key []byte, apiv3 string, platform, brand []byte) (err error) {
	if err := a.check(apiv3); err != nil {
		return err
	}
	if a.key, err = crypt.ParsePayPrivateKey(key); err != nil {
		return fmt.Errorf("key_file: %w", err)
	}
	a.apiv3 = vault.Hide(apiv3)
	if a.PlatformID != "" {
		k, err := crypt.ParsePayKey(a.PlatformID, platform)
		if err != nil {
			return fmt.Errorf("platform_file: %w", err)
		}
		a.known = []crypt.PayKey{k}
	}
	if a.Card != nil {
		if a.brand, err = crypt.ParsePayPrivateKey(brand); err != nil {
			return fmt.Errorf("card.key_file: %w", err)
		}
	}
	return nil
}

func (a *Account) check(apiv3 string) error {
	switch {
	case !mchID.MatchString(a.MchID):
		return errors.New("mch_id must be a number")
	case a.Serial == "":
		return errors.New("serial is missing")
	case len(apiv3) != crypt.PayAPIKeyLen:
		return errors.New("the APIv3 key must have 32 characters")
	case len(a.AppIDs) == 0 || slices.ContainsFunc(a.AppIDs, func(s string) bool { return !appID.MatchString(s) }):
		return errors.New("app_ids must name at least one app")
	case a.PlatformID != "" && !strings.HasPrefix(a.PlatformID, "PUB_KEY_ID_"):
		return errors.New("platform_id must begin with PUB_KEY_ID_")
	case a.Card != nil && (a.Card.BrandID == "" || a.Card.Serial == "" || !slices.Contains(a.AppIDs, a.Card.AppID)):
		return errors.New("card needs brand_id, serial and an app_id of the account")
	}
	if a.Host == "" {
		a.Host, a.Backup = DefaultHost, orElse(a.Backup, DefaultBackup)
	}
	if a.Backup == "-" {
		a.Backup = ""
	}
	for _, h := range []string{a.Host, a.Backup, a.NotifyBase} {
		if u, err := url.Parse(h); err != nil || h != "" && (u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" && u.Path != "/") {
			return fmt.Errorf("%s is no address such as https://host", h)
		}
	}
	a.Host, a.Backup, a.NotifyBase = strings.TrimRight(a.Host, "/"), strings.TrimRight(a.Backup, "/"), strings.TrimRight(a.NotifyBase, "/")
	return nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
